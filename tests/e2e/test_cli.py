"""`daruma`, the command-line client, against a real daemon."""

import json
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

import hardware_config
from harness import BIN, free_ports, until


class Cli:
    """Runs `daruma` against one address."""

    def __init__(self, address):
        self.address = address

    def command(self, *arguments):
        return [str(BIN / "daruma"), "--host", self.address, *arguments]

    def __call__(self, *arguments, exit_code=0):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=30,
                              env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}, check=False)
        assert done.returncode == exit_code, (
            f"daruma {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *arguments, exit_code=0):
        return json.loads(self("--json", *arguments, exit_code=exit_code).stdout)


@pytest.fixture
def cli(daemon):
    return Cli(f"127.0.0.1:{daemon.http_port}")


@pytest.fixture
def broken(make_daemon, tmp_path):
    """A daemon whose motor table is broken, its client, and the table's file."""
    path = tmp_path / "hardware.yaml"
    text, line = hardware_config.broken("id: 12", "id: eleven")
    path.write_text(text)
    daemon = make_daemon("--hardware-config-filepath", str(path)).start(state="error")
    return daemon, Cli(f"127.0.0.1:{daemon.http_port}"), path, line


def test_status(daemon, cli):
    said = cli("status").stdout
    for word in ("running", "healthy", "reachy_mini", f"127.0.0.1:{daemon.http_port}", "1.13.0"):
        assert word in said, said
    assert "\033" not in said  # no colours into a pipe
    assert cli.json("status")["boot_id"] == daemon.status()["boot_id"]
    assert Cli(f"[::1]:{daemon.http_port}").json("status")["state"] == "running"


def test_health(broken, daemon, cli):
    assert cli("health").stdout.startswith("healthy")
    assert cli.json("health")["verdict"] == "healthy"
    _, ill, path, line = broken
    said = ill("health", exit_code=1).stdout
    assert "unhealthy" in said and "config_invalid" in said and f"{path}:{line}" in said
    assert ill.json("health", exit_code=1)["causes"][0]["code"] == "config_invalid"


def test_a_restart_shows_its_phases_and_ends_with_one_line(daemon, cli):
    said = cli("restart").stdout.splitlines()
    phases = [line.split()[0] for line in said[:-1]]
    assert phases[-3:] == ["stopping", "starting", "checking"], said
    assert re.match(r"Restarted daemon in .*(ms|s); the robot is healthy\.$", said[-1]), said
    assert daemon.status()["generation"] == 2


@pytest.mark.parametrize("scope", ["backend", "daemon", "auto"])
def test_restart_scopes(daemon, cli, scope):
    receipt = cli.json("restart", "--scope", scope)
    assert receipt["outcome"] == "done"
    assert receipt["scope"] == ("backend" if scope == "auto" else scope)
    assert daemon.status()["generation"] == 2


def test_restart_of_the_process_is_waited_for(make_daemon):
    http_port, signalling_port = free_ports(2)
    daemon = make_daemon(http_port=http_port, signalling_port=signalling_port).start()
    boot_id = daemon.status()["boot_id"]
    said = Cli(f"127.0.0.1:{http_port}")("restart", "--scope", "process").stdout
    assert "Restarted process in" in said
    assert daemon.status()["boot_id"] != boot_id


def test_restart_of_one_motor(daemon, cli):
    assert "stewart_3" in cli("restart", "--scope", "motor", "--motor", "stewart_3").stdout
    refused = cli("restart", "--scope", "motor", "--motor", "elbow", exit_code=1)
    assert "elbow" in refused.stderr
    assert daemon.status()["generation"] == 1


def test_restart_flags_reach_the_daemon(daemon, cli):
    ack = cli.json("restart", "--sleep", "--wake", "--id", "both", "--no-wait")
    assert ack["id"] == "both"
    assert daemon.receipt("both")["flags"] == {"goto_sleep_on_stop": True,
                                               "wake_up_on_start": True}
    assert daemon.receipt("both")["outcome"] is None
    # Who waits too shortly is told how to look later, and that is no success.
    late = cli("restart", "--id", "both", "--timeout", "1", exit_code=1)
    assert "daruma receipts both" in late.stdout + late.stderr


def test_restart_that_wakes_up_waits_for_it(daemon, cli):
    said = cli("restart", "--wake").stdout
    assert "Restarted daemon" in said
    assert daemon.status()["state"] == "running"


def test_restart_no_wait(daemon, cli):
    said = cli("restart", "--no-wait", "--id", "later").stdout
    assert "daruma receipts later" in said
    daemon.ended("later")


def test_restart_dry_run(daemon, cli):
    said = cli("restart", "--dry-run", "--scope", "backend").stdout
    assert "Nothing was done" in said and "backend" in said
    assert cli.json("restart", "--dry-run")["dry_run"] is True
    assert daemon.status()["generation"] == 1


def test_a_repeated_id_is_acted_on_once(daemon, cli):
    first = cli.json("restart", "--id", "once")
    assert cli.json("restart", "--id", "once") == first
    assert daemon.status()["generation"] == 2


def test_a_restart_that_does_not_help_says_why_and_ends_with_1(broken):
    daemon, cli, path, line = broken
    failed = cli("restart", exit_code=1)
    assert f"{path}:{line}" in failed.stdout, failed
    assert cli.json("restart", exit_code=1)["outcome"] == "failed"
    path.write_text(hardware_config.text())
    said = cli("restart", "--scope", "auto").stdout.splitlines()[-1]
    assert "that helped: the robot is healthy." in said
    assert daemon.status()["state"] == "running"


def test_receipts(daemon, cli):
    assert "No restart is on record" in cli("receipts").stdout
    for name in ("a", "b", "c"):
        daemon.restart_and_wait(id=name, scope="backend")
    said = cli("receipts").stdout.splitlines()
    assert said[0].split()[:4] == ["WHEN", "ID", "WHAT", "SCOPE"]
    assert [line.split()[2] for line in said[1:]] == ["c", "b", "a"]
    assert len(cli("receipts", "-n", "2").stdout.splitlines()) == 3
    assert [r["id"] for r in cli.json("receipts")] == ["c", "b", "a"]
    one = cli("receipts", "b").stdout
    assert one.splitlines()[0] == "b" and "done" in one and "stopping" in one
    assert cli.json("receipts", "b")["id"] == "b"
    assert "404" in cli("receipts", "nobody", exit_code=1).stderr


def test_logs(daemon, cli):
    daemon.restart_and_wait(id="to-be-seen")
    said = cli("logs").stdout
    assert "id=to-be-seen" in said and "Uvicorn running" in said
    assert len(cli("logs", "-n", "3").stdout.splitlines()) == 3
    lines = [json.loads(line) for line in cli("--json", "logs").stdout.splitlines()]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))


def test_logs_can_be_followed_over_restarts(make_daemon):
    http_port, signalling_port = free_ports(2)
    daemon = make_daemon(http_port=http_port, signalling_port=signalling_port).start()
    follower = subprocess.Popen(Cli(f"127.0.0.1:{http_port}").command("logs", "-f"), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(follower.stdout.readline, "")), daemon=True)
    reader.start()
    try:
        def seen(text):
            until(f"the follower shows {text}", lambda: any(text in line for line in list(lines)))
        seen("Uvicorn running")
        daemon.restart_and_wait(id="first")
        seen("id=first")
        daemon.kill()
        time.sleep(0.6)  # long enough for the follower to notice
        daemon.start()
        daemon.restart_and_wait(id="second")
        seen("id=second")
        daemon.ended(daemon.restart(scope="process", id="third")["id"])
        daemon.wait_state("running")
        daemon.restart_and_wait(id="fourth")
        seen("id=fourth")
        assert follower.poll() is None
        shown = [line for line in lines if "restart done" in line]
        assert len(shown) == len(set(shown)), "a line came twice"
    finally:
        follower.send_signal(signal.SIGINT)
        follower.wait(5)
        reader.join(5)
        follower.stdout.close()


@pytest.mark.parametrize("arguments", [
    [], ["fly"], ["restart", "--scope", "galaxy"], ["restart", "--motor", "stewart_3"],
    ["restart", "--scope", "motor"], ["restart", "--id", "x" * 65], ["receipts", "-n", "0"],
    ["--host", "a:b:c:", "status"], ["--host", "", "status"], ["status", "extra"],
])
def test_wrong_usage_ends_with_2(arguments):
    done = subprocess.run([str(BIN / "daruma"), *arguments], capture_output=True, text=True,
                          timeout=5, check=False)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_unreachable_ends_with_2_and_says_which_kind():
    (port,) = free_ports(1)
    for arguments in (["status"], ["health"], ["restart"], ["receipts"], ["logs"]):
        done = Cli(f"127.0.0.1:{port}")(*arguments, exit_code=2)
        assert f"Nothing listens at 127.0.0.1:{port}" in done.stderr
    assert "not found" in Cli("no-such-host.invalid")("status", exit_code=2).stderr
    error = Cli(f"127.0.0.1:{port}").json("status", exit_code=2)
    assert "Nothing listens" in error["error"]


def test_something_else_at_the_port_is_recognised():
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                                   b"Content-Type: text/html\r\n\r\nhello")
        thread = threading.Thread(target=answer)
        thread.start()
        done = Cli(f"127.0.0.1:{server.getsockname()[1]}")("status", exit_code=2)
        assert "not a Reachy Mini daemon" in done.stderr
        thread.join(5)


def test_the_host_can_come_from_the_environment(daemon):
    done = subprocess.run([str(BIN / "daruma"), "--json", "status"], capture_output=True, text=True,
                          timeout=5, check=True,
                          env={"DARUMA_HOST": f"127.0.0.1:{daemon.http_port}"})
    assert json.loads(done.stdout)["state"] == "running"


def test_a_refusal_is_told_with_its_reason(make_daemon):
    daemon = make_daemon("--restart-from", "lan").start()
    done = Cli(f"127.0.0.1:{daemon.http_port}")("restart", exit_code=1)
    assert "refused (403)" in done.stderr
