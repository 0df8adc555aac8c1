"""What is broken in files, folders and ports: the doors open, health says what and where, and a
restart cures it once it was mended."""

import socket
import subprocess
import time

import pytest

import hardware_config
from harness import free_ports, until


@pytest.fixture
def table(tmp_path):
    """The motor table's file, and a function that writes it."""
    path = tmp_path / "hardware.yaml"
    path.write_text(hardware_config.text())
    return path


def test_a_whole_motor_table_is_accepted(make_daemon, table):
    daemon = make_daemon("--hardware-config-filepath", str(table)).start()
    assert daemon.health()["causes"] == []


@pytest.mark.parametrize("old, new, says", [
    ("id: 12", "id: eleven", "id"),
    ("id: 12", "id: 11", "id"),
    ("lower_limit: 1502", "lower_limit: 99999", "lower_limit"),
    ("  - stewart_5:", "  - stewart_9:", "stewart_9"),
    ("  baudrate: 1000000", "  baudrate: [", "YAML"),
])
def test_a_broken_motor_table_is_a_cause_with_file_and_line(make_daemon, table, old, new, says):
    text, line = hardware_config.broken(old, new)
    table.write_text(text)
    daemon = make_daemon("--hardware-config-filepath", str(table)).start(state="error")
    status = daemon.status()
    cause = daemon.causes()["config_invalid"]
    assert str(table) in cause["detail"] and says in cause["detail"], cause
    if says != "YAML":  # a parser may notice a missing bracket later than where it is missing
        assert f"{table}:{line}:" in cause["detail"], cause
    assert cause["verdict"] == status["health"]["verdict"] == "unhealthy"
    assert cause["hint"] and cause["cure"]["scope"] == "backend"
    assert status["error"] == cause["detail"] and status["backend_status"] is None
    # The door is open, and says so too.
    with daemon.ws() as ws:
        assert ws.ask({"type": "get_daemon_status"})["state"] == "error"
    # Mended, a restart cures it.
    table.write_text(hardware_config.text())
    receipt = daemon.restart_and_wait(scope="auto")
    assert receipt["scope"] == "backend" and receipt["cured"] is True
    assert [c.split()[0] for c in receipt["causes_before"]] == ["config_invalid"]
    assert receipt["causes_after"] == []
    assert daemon.status()["state"] == "running" and daemon.health()["verdict"] == "healthy"


def test_a_table_that_breaks_later_fails_the_restart_and_never_the_door(make_daemon, table):
    daemon = make_daemon("--hardware-config-filepath", str(table)).start()
    table.unlink()
    with daemon.ws() as ws:
        ws.ask({"type": "restart_daemon", "scope": "backend", "id": "breaks"})
        failed = ws.expect(lambda m: m.get("phase") in ("done", "failed"))
        assert failed["phase"] == "failed" and str(table) in failed["error"]
        status = ws.ask({"type": "get_daemon_status"})
        assert status["state"] == "error"
        receipt = daemon.receipt("breaks")
        assert receipt["outcome"] == "failed" and str(table) in receipt["error"]
        for attempt in range(4):
            again = daemon.ended(daemon.restart(scope="backend")["id"])
            assert again["outcome"] == "failed", (attempt, again)
        table.write_text(hardware_config.text())
        daemon.restart_and_wait(scope="backend")
        ws.expect("joint_positions")
    assert daemon.health()["verdict"] == "healthy"


def test_a_broken_settings_file_is_a_cause_and_restart_reads_it_again(make_daemon, tmp_path):
    path = tmp_path / "daruma.toml"
    path.write_text('robot_name = "from the file"\n\nlog_level = "LOUD"\nrobot_nam = "x"\n')
    http_port, signalling_port = free_ports(2)
    daemon = make_daemon("--config", str(path), http_port=http_port,
                         signalling_port=signalling_port).start(state="error")
    before = daemon.status()
    # What was understood holds.
    assert before["robot_name"] == "from the file"
    cause = daemon.causes()["config_invalid"]
    assert cause["part"] == str(path) and cause["cure"]["scope"] == "process"
    assert f"{path}:3" in cause["detail"] and f"{path}:4" in cause["detail"], cause
    # Still broken: the restart says so, and the door is open again.
    ack = daemon.restart(scope="backend")
    assert ack["scope"] == "process"
    failed = daemon.ended(ack["id"])
    assert failed["outcome"] == "failed" and failed["error"]
    daemon.wait_state("error")
    # Mended: widened to the process, since settings are read when one begins.
    path.write_text('robot_name = "mended"\n')
    pid = daemon.pid
    ack = daemon.restart()
    assert ack["scope"] == "process"
    assert daemon.ended(ack["id"])["outcome"] == "done"
    after = daemon.wait_state("running")
    assert after["robot_name"] == "mended" and after["health"]["verdict"] == "healthy"
    assert after["boot_id"] != before["boot_id"] and daemon.pid == pid


def test_a_state_folder_that_cannot_be_written_is_a_degraded_cause(make_daemon, tmp_path):
    (tmp_path / "file").write_text("in the way")
    daemon = make_daemon(state=tmp_path / "file" / "state").start()
    cause = daemon.causes()["state_folder_unwritable"]
    assert cause["verdict"] == "degraded" == daemon.health()["verdict"]
    assert str(tmp_path / "file") in cause["detail"] and "--state-dir" in cause["hint"]
    # Everything works all the same, receipts as long as the process lives.
    daemon.restart_and_wait(id="in-memory")
    assert daemon.receipt("in-memory")["outcome"] == "done"
    # Once it can be written, the next receipt is, with those before it.
    (tmp_path / "file").unlink()
    daemon.state_dir.mkdir(parents=True)
    daemon.restart_and_wait(id="on-disk")
    assert daemon.causes() == {}
    daemon.kill()
    daemon.start()
    assert [r["id"] for r in daemon.receipts()] == ["on-disk", "in-memory"]


@pytest.mark.parametrize("arguments", [
    ["--no-such-flag"], ["--fastapi-port", "x"], ["--fastapi-port", "70000"],
    ["--kinematics-engine", "Magic"], ["--log-level", "LOUD"], ["stray"],
    ["--startup-app", "radio"],
])
def test_a_wrong_command_line_ends_with_2_and_a_sentence(make_daemon, arguments):
    daemon = make_daemon(*arguments).launch()
    assert daemon.process.wait(5) == 2
    assert "darumad" in daemon.log() and "--help" in daemon.log()


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_end_with_0(make_daemon, flag):
    daemon = make_daemon()
    said = subprocess.run([daemon.command()[0], flag], capture_output=True, text=True, timeout=5,
                          check=True, env=daemon.environment())
    assert said.stdout and not said.stderr


def test_an_http_port_in_use_is_said_and_ends_the_process(make_daemon):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        daemon = make_daemon(http_port=port).launch()
        assert daemon.process.wait(5) not in (0, 2)
        assert str(port) in daemon.log()


def test_a_signalling_port_in_use_is_a_cause_and_opens_by_itself(make_daemon):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        daemon = make_daemon(signalling_port=port).start()
        cause = daemon.causes()["port_in_use"]
        assert cause["part"] == "signalling" and str(port) in cause["detail"] and cause["hint"]
        assert daemon.health()["verdict"] == "degraded"
        with daemon.ws() as ws:
            ws.expect("joint_positions")
        daemon.restart_and_wait()
        assert "port_in_use" in daemon.causes()
        assert len([line for line in daemon.log().splitlines() if "port_in_use" in line]) <= 2
    until("signalling opens", lambda: "port_in_use" not in daemon.causes())
    assert daemon.status()["signalling_port"] == port
    with daemon.signalling() as ws:
        assert ws.receive_json()["type"] == "welcome"


def test_the_dead_man_timer_ends_a_process_that_nobody_feeds(make_daemon):
    daemon = make_daemon("--timeout-health-check", "0.6").start()
    began = time.monotonic()
    while time.monotonic() - began < 1.5:
        assert daemon.http("POST", "/health-check").json() == {"status": "ok"}
        time.sleep(0.1)
    assert daemon.process.wait(5) == 0


def test_a_flag_of_the_robot_that_cannot_be_had_is_a_failed_start(make_daemon):
    daemon = make_daemon("--check-collision").start(state="error")
    cause = daemon.causes()["start_failed"]
    assert "Collision checking is only available with Placo Kinematics" in cause["detail"]
    with daemon.ws() as ws:
        assert ws.ask({"type": "get_health"})["verdict"] == "unhealthy"


def test_a_name_is_kept_where_the_reference_keeps_it(make_daemon):
    daemon = make_daemon("--robot-name", "flag").start()
    assert daemon.get("/api/daemon/robot-name") == {"name": "flag"}
    assert daemon.post("/api/daemon/robot-name", {"name": "  Otto  "}).json() == {"name": "Otto"}
    assert daemon.status()["robot_name"] == "Otto"
    stored = daemon.home / ".config/reachy_mini/robot_name.json"
    assert '"Otto"' in stored.read_text()
    daemon.restart_and_wait()
    assert daemon.status()["robot_name"] == "Otto"
    daemon.kill()
    stored.write_text('{"name": "Anna"}')
    daemon.start()
    assert daemon.status()["robot_name"] == "Anna"
    daemon.kill()
    stored.write_text('{"name": ')
    daemon.start()
    assert daemon.status()["robot_name"] == "flag"
