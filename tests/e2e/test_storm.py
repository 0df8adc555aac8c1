"""A flood of restarts: everybody gets an answer, the robot restarts a few times, and status stays
quick."""

import json
import re
import threading
import time

from harness import Footprint, until
from web_socket import Closed, Silence

PEERS = 50
REQUESTS = 20


class StatusWatch(threading.Thread):
    """Asks for the status over and over and notes the longest answer."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.daemon_under_test = daemon
        self.worst_s = 0.0
        self.answers = 0
        self.stopping = threading.Event()
        self.start()

    def run(self):
        while not self.stopping.is_set():
            began = time.monotonic()
            self.daemon_under_test.status()
            self.worst_s = max(self.worst_s, time.monotonic() - began)
            self.answers += 1

    def stop(self):
        self.stopping.set()
        self.join(5)
        return self.worst_s


def storm(daemon, scope, name):
    """Sends PEERS x REQUESTS restarts at once; returns the acks, how many sockets closed before
    they had all of theirs, and the slowest status of that time."""
    sockets = [daemon.ws() for _ in range(PEERS)]
    for peer, ws in enumerate(sockets):
        ws.burst = "".join(json.dumps({"type": "restart_daemon", "scope": scope,
                                       "id": f"{name}-{peer}-{n}"}) + "\n"
                           for n in range(REQUESTS)).splitlines()
    watch = StatusWatch(daemon)
    for ws in sockets:
        for text in ws.burst:
            try:
                ws.send(text)
            except OSError:
                break  # closed by the restart that somebody else asked for
    acks, closed = [], 0
    for ws in sockets:
        got = 0
        try:
            while got < REQUESTS:
                message = ws.receive_json(10)
                if message.get("command") == "restart_daemon":
                    acks.append(message)
                    got += 1
        except Closed:
            closed += 1
        except Silence:
            pass
    until("quiet again", lambda: daemon.status()["state"] == "running"
          and all(r["outcome"] for r in daemon.receipts(256)))
    worst_s = watch.stop()
    print(f"{scope}: {len(acks)} acks, {closed} sockets closed, generation "
          f"{daemon.status()['generation']}, slowest of {watch.answers} statuses "
          f"{worst_s * 1000:.0f} ms")
    for ws in sockets:
        ws.close()
    return acks, closed, worst_s


def test_a_storm_of_scope_backend_is_answered_whole(daemon):
    acks, closed, worst_s = storm(daemon, "backend", "b")
    assert closed == 0
    assert len(acks) == PEERS * REQUESTS
    assert all(ack["status"] == "ok" for ack in acks)
    restarts = daemon.status()["generation"] - 1
    assert 1 <= restarts <= 20, f"{restarts} restarts"
    assert worst_s < 0.1, f"a status took {worst_s * 1000:.0f} ms"


def test_a_storm_of_scope_daemon_leaves_nothing_behind(daemon):
    storm(daemon, "daemon", "warms-up")
    before = Footprint(daemon)
    generation = daemon.status()["generation"]
    acks, closed, worst_s = storm(daemon, "daemon", "d")
    # What came too late for the closing sockets was not taken; what was taken was answered.
    taken = re.findall(r"restart (?:accepted|merged|waits): .* id=d-\d+-\d+ ", daemon.log())
    assert len(acks) == len(taken) and (closed or len(acks) == PEERS * REQUESTS)
    assert 1 <= daemon.status()["generation"] - generation <= 20
    assert worst_s < 0.1, f"a status took {worst_s * 1000:.0f} ms"
    before.assert_back(rss_kb=8192)


def test_peers_that_vanish_in_mid_restart_disturb_nobody(daemon):
    with daemon.ws() as steady:
        for round_number in range(20):
            peers = [daemon.ws() for _ in range(5)]
            for number, ws in enumerate(peers):
                ws.send({"type": "restart_daemon", "scope": "backend",
                         "id": f"gone-{round_number}-{number}"})
                ws.vanish()
        until("quiet", lambda: all(r["outcome"] for r in daemon.receipts(256)))
        steady.drain(0.05)
        steady.expect("joint_positions")
    assert {r["outcome"] for r in daemon.receipts(256)} == {"done"}
    daemon.restart_and_wait()
