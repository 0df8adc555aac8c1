"""The process: signals, scope `process`, sudden death, and what the next process makes of it."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

import hardware_config
from harness import BIN, free_ports, until


def test_sighup_restarts_scope_daemon(daemon):
    ws = daemon.ws()
    daemon.signal(signal.SIGHUP)
    assert ws.wait_closed().code == 1012
    until("generation 2", lambda: daemon.status()["generation"] == 2)
    receipt = daemon.ended(daemon.receipts()[0]["id"])
    assert receipt["requested"]["by"] == "signal" and receipt["scope"] == "daemon"
    assert daemon.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_process_cleanly(daemon, number):
    sockets = [daemon.ws() for _ in range(5)]
    deaf = daemon.ws(receive_buffer=4096)  # never reads, never answers a close
    began = time.monotonic()
    daemon.signal(number)
    for ws in sockets:
        assert ws.wait_closed().code == 1012
    assert daemon.process.wait(3) == 0
    assert time.monotonic() - began < 3
    with pytest.raises(OSError):
        daemon.status()
    assert deaf.closed is None


@pytest.mark.parametrize("flags", [{"goto_sleep_on_stop": "true"}, {"wake_up_on_start": "true"}])
def test_sigterm_in_mid_restart_ends_within_bounds(daemon, flags):
    daemon.restart(**flags)
    phase = "sleeping" if "goto_sleep_on_stop" in flags else "starting"
    until(phase, lambda: phase in [p["phase"] for p in daemon.receipts()[0]["phases"]])
    code, took_s = daemon.terminate()
    assert code == 0
    assert took_s < 3, f"SIGTERM took {took_s:.1f} s in phase {phase}"


def test_scope_process_replaces_the_program_and_keeps_pid_and_ports(make_daemon):
    http_port, signalling_port = free_ports(2)
    daemon = make_daemon(http_port=http_port, signalling_port=signalling_port).start()
    daemon.restart_and_wait(scope="backend")
    pid = daemon.pid
    before = daemon.status()
    for _ in range(3):
        ws = daemon.ws()
        ack = daemon.restart(scope="process")
        assert ack["scope"] == "process"
        assert ws.wait_closed().code == 1012
        receipt = daemon.ended(ack["id"])
        after = daemon.wait_state("running")
        assert receipt["outcome"] == "done" and receipt["boot_id"] == before["boot_id"]
        assert receipt["generation"]["before"] == before["generation"]
        assert after["generation"] == receipt["generation"]["after"] == before["generation"] + 1
        assert after["boot_id"] != before["boot_id"] and after["uptime_s"] < 10
        assert daemon.pid == pid and daemon.process.poll() is None
        assert after["signalling_port"] == signalling_port
        assert daemon.http_port == http_port
        before = after
    with daemon.ws() as ws:
        ws.expect("joint_positions")
    assert daemon.terminate()[0] == 0


def test_what_was_launched_is_what_restarts(make_daemon, tmp_path):
    table = tmp_path / "hardware.yaml"
    table.write_text(hardware_config.text())
    http_port, signalling_port = free_ports(2)
    daemon = make_daemon("--control-rate", "100", "--robot-name", "launched", "--allow-host",
                         "robot.lan", "--hardware-config-filepath", str(table),
                         http_port=http_port, signalling_port=signalling_port).start()
    command_line = (f"/proc/{daemon.pid}/cmdline", f"/proc/{daemon.pid}/comm")
    launched = [open(path, "rb").read() for path in command_line]
    for scope in ("backend", "daemon", "process", "daemon"):
        daemon.ended(daemon.restart(scope=scope)["id"])
        assert daemon.wait_state("running")["robot_name"] == "launched"
        with daemon.ws(host_header="robot.lan") as ws:
            ws.expect("joint_positions")
            began = time.monotonic()
            for _ in range(50):
                ws.expect("joint_positions")
            assert 0.4 < time.monotonic() - began < 0.8, "not at 100 Hz"
    assert [open(path, "rb").read() for path in command_line] == launched
    # The file is read again too: it is what the path names that was launched.
    table.write_text("broken: [")
    assert daemon.ended(daemon.restart(scope="process")["id"])["outcome"] == "failed"
    assert str(table) in daemon.wait_cause("config_invalid")["detail"]


def test_scope_process_keeps_the_flags_of_the_request(daemon):
    receipt = daemon.ended(daemon.restart(scope="process", wake_up_on_start="true")["id"])
    assert receipt["outcome"] == "done" and receipt["error"] is None
    with daemon.ws() as ws:
        antennas = ws.expect("joint_positions")["antennas_joint_positions"]
        assert antennas == pytest.approx([-0.1745, 0.1745], abs=0.01)
    # They were this request's: the next process moves nothing.
    daemon.ended(daemon.restart(scope="process")["id"])
    daemon.wait_state("running")
    with daemon.ws() as ws:
        antennas = ws.expect("joint_positions")["antennas_joint_positions"]
        assert antennas == pytest.approx([-3.05, 3.05], abs=0.01)  # simulated servos are new ones


@pytest.fixture
def installed(make_daemon, tmp_path):
    """A daemon whose program file is its own, to be exchanged."""
    binary = tmp_path / "darumad"
    shutil.copy(BIN / "darumad", binary)
    return make_daemon(binary=binary).start(), binary


def test_scope_process_runs_what_an_update_has_put_in_place(installed, tmp_path):
    daemon, binary = installed
    fresh = tmp_path / "darumad.new"
    shutil.copy(BIN / "darumad", fresh)
    inode = fresh.stat().st_ino
    fresh.rename(binary)
    assert daemon.ended(daemon.restart(scope="process")["id"])["outcome"] == "done"
    assert (Path("/proc") / str(daemon.pid) / "exe").stat().st_ino == inode


@pytest.mark.parametrize("broken", ["missing", "not executable"])
def test_a_broken_update_leaves_the_old_program_running(installed, broken):
    daemon, binary = installed
    boot_id = daemon.status()["boot_id"]
    binary.unlink()
    if broken == "not executable":
        binary.write_bytes(b"not a program")
        binary.chmod(0o755)
    receipt = daemon.ended(daemon.restart(scope="process", id="update")["id"])
    status = daemon.wait_state("running")
    assert status["boot_id"] == boot_id and daemon.process.poll() is None
    # It restarted what it could, and says what it could not.
    assert any("cannot re-execute" in note for note in receipt["notes"]), receipt
    with daemon.ws() as ws:
        ws.expect("joint_positions")


def test_scope_process_leaks_nothing_into_its_successor(daemon):
    counts = []
    for _ in range(6):
        daemon.ended(daemon.restart(scope="process")["id"])
        daemon.wait_state("running")
        counts.append(daemon.descriptors())
    assert max(counts) <= counts[0] + 1, counts


def ask_and_wait(daemon, message, phase):
    """Sends a restart and waits until its receipt is in that phase ('' = not acted on yet)."""
    ws = daemon.ws()
    ws.ask(message)

    def reached():
        receipt = daemon.receipt(message["id"])
        words = [p["phase"] for p in receipt["phases"]]
        return receipt["outcome"] is None and (words[-1:] == [phase] if phase else not words)
    until(f"phase {phase}", reached)
    return ws


@pytest.mark.parametrize("phase, fields", [
    ("", {"confirm": True}),
    ("sleeping", {"goto_sleep_on_stop": True}),
    ("starting", {"wake_up_on_start": True}),
])
def test_kill_9_in_mid_restart_leaves_an_interrupted_receipt(daemon, phase, fields):
    message = {"type": "restart_daemon", "id": "cut-short", **fields}
    ask_and_wait(daemon, message, phase)
    if phase:
        other = daemon.ws()
        joined = other.ask({"type": "restart_daemon", "id": "joined"})
        assert joined["merged"] is True
    daemon.kill()
    # What was being written when the power went is torn.
    with open(daemon.state_dir / "receipts.jsonl", "a", encoding="utf-8") as file:
        file.write('{"id":"torn","merged_into":nul')
    daemon.start()
    for name in ("cut-short", "joined") if phase else ("cut-short",):
        receipt = daemon.receipt(name)
        assert receipt["outcome"] == "interrupted" and receipt["error"], receipt
    assert daemon.receipt("torn") is None
    daemon.restart_and_wait()


def test_kill_9_in_a_stop_leaves_an_interrupted_receipt(daemon):
    job = daemon.post("/api/daemon/stop?goto_sleep=true").json()["job_id"]
    until("sleeping", lambda: daemon.receipt(job)["phases"])
    daemon.kill()
    daemon.start()
    assert daemon.receipt(job)["outcome"] == "interrupted"


def test_an_ended_receipt_survives_kill_9(daemon):
    receipt = daemon.restart_and_wait(id="kept")
    daemon.kill()
    daemon.start()
    assert daemon.receipt("kept") == receipt


def test_three_failed_starts_are_a_crash_loop_across_processes(make_daemon, tmp_path):
    table = tmp_path / "hardware.yaml"
    table.write_text("motors: [")
    daemon = make_daemon("--hardware-config-filepath", str(table))
    for _ in range(3):
        daemon.start(state="error")
        assert "crash_loop" not in daemon.causes()
        daemon.kill()
    table.write_text(hardware_config.text())
    daemon.start(state="error")
    # It would start now, and is left alone.
    status = daemon.status()
    assert status["health"]["verdict"] == "unhealthy" and status["backend_status"] is None
    cause = daemon.causes()["crash_loop"]
    assert cause["cure"]["scope"] and cause["hint"] and cause["detail"] == status["error"]
    # The doors are open: log, receipts, signalling.
    assert daemon.get("/api/daemon/logs")["lines"]
    with daemon.signalling() as ws:
        assert ws.receive_json()["type"] == "welcome"
    # An explicit restart tries again.
    receipt = daemon.restart_and_wait(scope="auto")
    assert receipt["cured"] is True and daemon.causes() == {}
    assert daemon.status()["state"] == "running"


def test_sudden_deaths_of_a_running_robot_are_no_crash_loop(daemon):
    for _ in range(5):
        daemon.kill()
        daemon.start()
    assert daemon.causes() == {}


@pytest.mark.parametrize("age_s, loops", [(5, True), (70, False)])
def test_failed_starts_count_for_a_minute(make_daemon, age_s, loops):
    daemon = make_daemon()
    daemon.state_dir.mkdir(parents=True)
    at_ms = int((time.time() - age_s) * 1000)
    with open(daemon.state_dir / "receipts.jsonl", "w", encoding="utf-8") as file:
        for number in range(3):
            file.write(json.dumps({"start": {"boot_id": f"boot-{number}", "at_ms": at_ms,
                                             "succeeded": False}}) + "\n")
    daemon.start(state="error" if loops else "running")
    assert ("crash_loop" in daemon.causes()) is loops
