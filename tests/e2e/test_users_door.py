"""What owners of the robot reported about the door (public threads about the reference, `#N`), and
what happens here instead. Each test is named after its thread."""

import asyncio
import selectors
import socket
import statistics
import subprocess
import time

import pytest

import hardware_config
from harness import BIN, Footprint, free_ports, until
from rtc_client import Browser, run
from web_socket import Closed, Refused

RESTARTS = 300


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "hardware.yaml"
    path.write_text(hardware_config.text())
    return path


def test_1131_944_a_dead_robot_is_restarted_from_the_page(make_daemon, table):
    """Motors dead, status says enabled; only SSH or a LAN call recovers."""
    table.write_text(hardware_config.broken("id: 12", "id: 11")[0])
    daemon = make_daemon("--hardware-config-filepath", str(table)).start(state="error")

    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            # The truth, in every place where a client may look.
            status = await data.ask({"type": "get_daemon_status"})
            assert status["state"] == "error" and status["backend_status"] is None
            assert str(table) in status["error"]
            assert (await data.ask({"type": "get_health"}))["verdict"] == "unhealthy"
            for command in ("get_state", "get_motor_mode"):
                refused = await data.ask({"type": command})
                assert "error" in refused and refused["command"] == command
            # The bare command of the seed cures it once the reason has gone.
            table.write_text(hardware_config.text())
            ack = await data.ask({"type": "restart_daemon"})
            assert ack == {"status": "ok", "command": "restart_daemon", "scheduled": True}
            await data.wait_closed()
            await page.wait_ended()
            data = await page.dial()
            assert "state" in await data.ask({"type": "get_state"}, "state")
            assert (await data.ask({"type": "get_health"}))["verdict"] == "healthy"
    run(scenario())
    assert daemon.receipts()[0]["cured"] is True


def test_599_what_is_broken_is_a_cause_and_never_a_reason_not_to_start(make_daemon, table):
    """Power lost while installing: an endless restart loop, the dashboard gone, SSH only."""
    table.write_text("motors: [")
    daemon = make_daemon("--hardware-config-filepath", str(table))
    # A service manager that starts it over and over finds it alive every time.
    for _ in range(5):
        daemon.start(state="error")
        assert daemon.process.poll() is None
        daemon.kill()
    daemon.start(state="error")
    causes = daemon.causes()
    assert set(causes) <= {"config_invalid", "crash_loop"} and causes
    assert daemon.get("/api/daemon/logs")["lines"]
    with daemon.signalling() as ws:
        assert ws.receive_json()["type"] == "welcome"
    # Mended, one button cures it; the crash loop is over as well.
    table.write_text(hardware_config.text())
    daemon.restart_and_wait(scope="auto")
    assert daemon.status()["state"] == "running" and daemon.causes() == {}


def test_1405_signalling_belongs_to_the_house(daemon):
    """A login on a stopped daemon talks for ever to a dead local signalling server."""
    async def scenario():
        async with Browser(daemon) as page, Browser(daemon) as other:
            robot = await page.robot_id()
            daemon.post("/api/daemon/stop?goto_sleep=false")
            daemon.wait_state("stopped")
            # The sockets of before, and a session with a stopped robot.
            assert await other.robot_id() == robot
            data = await page.dial()
            assert (await data.ask({"type": "get_daemon_status"}))["state"] == "stopped"
            assert (await data.ask({"type": "start_daemon", "wake_up": False}))["status"] == "ok"
            await data.expect(lambda m: m.get("state") == "running")
            assert "state" in await data.ask({"type": "get_state"}, "state")
            for _ in range(3):
                await data.ask({"type": "restart_daemon"})
                await data.wait_closed()
                data = await page.dial()
                assert await other.robot_id() == robot
    run(scenario())


def test_733_1115_flat_memory(daemon):
    """Memory creeps until the machine starves."""
    def restart(count):
        for _ in range(count):
            ws = daemon.ws()
            ws.send({"type": "restart_daemon"})
            assert ws.wait_closed().code == 1012
            generation = daemon.status()["generation"]
            until("it runs again", lambda: daemon.status()["state"] == "running")
            assert generation
    restart(60)  # until the receipts of 1,000 lines and the log ring have found their size
    before = Footprint(daemon)
    restart(RESTARTS)
    before.assert_back(rss_kb=1024 + RESTARTS * 8)
    assert daemon.status()["generation"] >= RESTARTS


def test_1229_each_door_answers_from_outside(make_daemon):
    """After an update HTTP answers and the control channel never does."""
    http_port, signalling_port = free_ports(2)
    daemon = make_daemon(http_port=http_port, signalling_port=signalling_port).start()

    async def doors():
        assert daemon.status()["state"] == "running"
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, http_port), 5) as s:
                s.sendall(b"GET /api/daemon/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
                assert s.recv(64).startswith(b"HTTP/1.1 200")
        with daemon.ws() as ws:
            ws.expect("joint_positions")
        async with Browser(signalling_port) as page:
            data = await page.dial()
            assert "state" in await data.ask({"type": "get_state"}, "state")
    for scope in ("backend", "daemon", "process"):
        run(doors())
        daemon.ended(daemon.restart(scope=scope)["id"])
        daemon.wait_state("running")
    run(doors())


def test_667_a_second_client_right_after_the_first(daemon):
    """A second client right after the first never gets media."""
    async def scenario():
        async with Browser(daemon) as one, Browser(daemon) as two:
            for _ in range(50):
                for page in (one, two):
                    data = await page.dial(5)
                    assert await data.ask({"type": "get_version"}, "version", 5)
                    await page.hang_up()
            # And while the first is still there.
            first, second = await one.dial(), await two.dial()
            assert await first.ask({"type": "get_version"}, "version")
            await one.hang_up()
            assert await second.ask({"type": "get_version"}, "version")
    run(scenario(), patience_s=120)


def test_724_651_clients_say_what_is_the_matter(make_daemon, table):
    """`Timeout` when the robot is simply off."""
    def say(host):
        done = subprocess.run([str(BIN / "daruma"), "--host", host, "health"], timeout=10,
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr
    (port,) = free_ports(1)
    code, text = say("no-such-robot.invalid")
    assert code == 2 and "was not found" in text
    code, text = say(f"127.0.0.1:{port}")
    assert code == 2 and "Nothing listens" in text and "is the daemon running?" in text
    with socket.create_server(("127.0.0.1", 0)) as mute:
        code, text = say(f"127.0.0.1:{mute.getsockname()[1]}")
        assert code == 2 and "in time" in text
    table.write_text(hardware_config.broken("id: 12", "id: 11")[0])
    daemon = make_daemon("--hardware-config-filepath", str(table)).start(state="error")
    code, text = say(f"127.0.0.1:{daemon.http_port}")
    assert code == 1 and "unhealthy" in text and "config_invalid" in text and "hint" in text
    table.write_text(hardware_config.text())
    daemon.restart_and_wait()
    assert say(f"127.0.0.1:{daemon.http_port}")[0] == 0


def read_for(sockets, seconds):
    """Reads from all sockets at once, as cheaply as Python can; returns bytes by socket."""
    selector = selectors.DefaultSelector()
    amounts = {ws: 0 for ws in sockets}
    texts = {ws: bytearray() for ws in sockets}
    for ws in sockets:
        ws.socket.setblocking(False)
        selector.register(ws.socket, selectors.EVENT_READ, ws)
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            texts[key.data] += key.data.socket.recv(1 << 18)
        time.sleep(0.005)  # several frames at a time: the reader is not what is measured
    selector.close()
    for ws in sockets:
        ws.socket.setblocking(True)
        amounts[ws] = texts[ws].count(b'"type":"joint_positions"')
    return amounts


def test_go_reachy_146_thirty_two_clients_at_50_hz(daemon):
    """State at 30 Hz: time-outs, the robot unresponsive, a hard reboot."""
    def period_error_s():
        stats = daemon.status()["backend_status"]["control_loop_stats"]
        return stats and (stats["period_error_p99"], stats["mean_control_loop_frequency"])
    until("statistics", period_error_s)
    sockets = [daemon.ws() for _ in range(32)]
    read_for(sockets, 0.5)
    seconds = 4.0
    cpu_s = daemon.cpu_s()
    amounts = read_for(sockets, seconds)
    share = (daemon.cpu_s() - cpu_s) / seconds
    error_s, frequency = period_error_s()
    print(f"32 clients: {share:.1%} of a core, {min(amounts.values())} to "
          f"{max(amounts.values())} of {seconds * 50:.0f} frames, period error p99 "
          f"{error_s * 1000:.2f} ms, {frequency:.2f} Hz")
    # All get the same; a loop that is kept waiting for longer than a period skips to the newest.
    assert max(amounts.values()) - min(amounts.values()) <= 2
    assert min(amounts.values()) >= seconds * 50 * 0.85
    assert 49 < frequency < 51
    assert share <= 0.06, f"{share:.1%} of a core"
    for ws in sockets:
        ws.close()


def test_173_a_start_takes_no_time(make_daemon):
    """A start takes half a minute on a small computer."""
    took_ms = []
    for _ in range(7):
        port = free_ports(1)[0]
        daemon = make_daemon(http_port=port)
        began = time.monotonic()
        daemon.launch()
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as s:
                    s.sendall(b"GET /api/daemon/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    if s.recv(64).startswith(b"HTTP/1.1 200"):
                        break
            except OSError:
                time.sleep(0.001)
        took_ms.append((time.monotonic() - began) * 1000)
        daemon.close()
    print("exec to HTTP, ms:", [round(ms) for ms in took_ms])
    # The goal is 30 ms here (tests/bench measures it); a busy machine takes longer.
    assert statistics.median(took_ms) <= 150


def test_605_606_607_strangers_do_not_move_the_robot(make_daemon):
    """Strangers on the network can move the robot or start an update."""
    daemon = make_daemon("--restart-from", "lan").start()
    evil = [("Origin", "https://evil.example")]
    for path in ("restart", "stop?goto_sleep=false", "start?wake_up=false"):
        answer = daemon.http("POST", f"/api/daemon/{path}", headers=dict(evil))
        assert answer.status == 403
    for door in (daemon.ws, daemon.signalling):
        with pytest.raises(Refused) as refused:
            door(headers=evil)
        assert refused.value.status == 403
        with pytest.raises(Refused):
            door(host_header="rebound.evil.example")
    # From where restarts are not to come from they are refused on every way in.
    assert daemon.restart(expect=403)["reason"] == "denied"

    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            denied = await data.ask({"type": "restart_daemon"})
            assert denied["reason"] == "denied" and "error" in denied
    run(scenario())
    assert daemon.status()["generation"] == 1


def test_a_robot_that_cannot_be_started_has_open_doors(make_daemon):
    """The daemon exits when the robot cannot be started."""
    daemon = make_daemon("--check-collision").start(state="error")
    for _ in range(3):
        assert daemon.ended(daemon.restart()["id"])["outcome"] == "failed"
    with daemon.ws() as ws:
        assert ws.ask({"type": "get_health"})["causes"][0]["code"] == "start_failed"


def test_623_sigterm_ends_it_whatever_its_clients_do(daemon):
    """Ctrl-C ignored, the process must be killed."""
    deaf = [daemon.ws(receive_buffer=4096) for _ in range(3)]
    half = socket.create_connection(("127.0.0.1", daemon.http_port), 5)
    half.sendall(b"POST /api/daemon/restart HTTP/1.1\r\nHost:")
    peers = [daemon.signalling() for _ in range(3)]
    for ws in peers:
        ws.expect("welcome")
        robot = ws.ask({"type": "list"}, lambda m: m["type"] == "list")["producers"][0]["id"]
        ws.send({"type": "startSession", "peerId": robot})
        ws.expect("peer")

    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            await data.ask({"type": "subscribe_pose"})
            loop = asyncio.get_running_loop()
            code, took_s = await loop.run_in_executor(None, daemon.terminate)
            assert code == 0 and took_s < 3, (code, took_s)
            await data.wait_closed()
    run(scenario())
    for ws in peers:
        with pytest.raises(Closed):
            while True:
                ws.receive()
    for ws in deaf:
        ws.close()
    half.close()


def test_1163_a_cause_is_two_lines_of_the_log_however_long_it_lasts(make_daemon, table):
    """The same error line 0.87 times a second for 11 hours."""
    table.write_text(hardware_config.broken("id: 12", "id: 11")[0])
    daemon = make_daemon("--hardware-config-filepath", str(table)).start(state="error")
    time.sleep(2.5)  # a duration that is the test's subject: nothing may be said in it
    came = [line for line in daemon.log().splitlines() if "config_invalid" in line]
    assert len(came) == 1 and "came" in came[0]
    assert daemon.causes()["config_invalid"]["since_s"] >= 2
    table.write_text(hardware_config.text())
    daemon.restart_and_wait()
    lines = [line for line in daemon.log().splitlines() if "config_invalid" in line]
    assert len(lines) == 2 and "went" in lines[1] or "gone" in lines[1], lines


def test_health_since_is_never_before_the_boot(daemon):
    status = daemon.status()
    assert status["health"]["since_s"] <= status["uptime_s"] + 1
