"""Too much of everything: messages, sockets, peers that never read or vanish. Nobody else notices,
and nothing stays."""

import asyncio
import json
import socket
import struct

import pytest

from abuse import daemon, nobody_is_disturbed  # noqa: F401
from harness import Footprint, until
from rtc_client import Browser, run
from web_socket import TEXT, Refused, Silence, encode


def test_10_000_messages_in_a_burst(daemon):
    texts = [json.dumps({"type": "set_body_yaw", "body_yaw": n / 1e5}) for n in range(10_000)]
    burst = b"".join(encode(TEXT, text.encode()) for text in texts)
    junk = encode(TEXT, b"junk") * 10_000
    with daemon.ws() as ws:
        before = Footprint(daemon)
        ws.send_bytes(burst)
        ws.send_bytes(junk)
        ws.send({"type": "get_health"})
        assert ws.expect(lambda m: "verdict" in m, 10)
        ws.send({"type": "set_body_yaw", "body_yaw": 0})
        before.assert_back(rss_kb=4096)
    junk_lines = [line for line in daemon.log().splitlines() if "WS invalid command" in line]
    assert len(junk_lines) < 300, "a client fills the log"
    with daemon.signalling() as ws:
        ws.expect("welcome")
        ws.send_bytes(encode(TEXT, b'{"type":"nothing"}') * 10_000)
        assert ws.ask({"type": "list"}, lambda m: m["type"] == "list", 10)


def test_10_000_messages_in_a_burst_on_channel_data(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            for start in range(0, 10_000, 500):
                for number in range(start, start + 500):
                    data.send({"type": "unsubscribe_logs", "n": number})
                while data.channel.bufferedAmount > 50_000:
                    await asyncio.sleep(0.002)
            assert await data.ask({"type": "get_version"}, "version", patience_s=20)
    run(scenario())


def test_who_never_reads_loses_its_own_messages_only(daemon):
    deaf = [daemon.ws(receive_buffer=4096) for _ in range(8)]
    for ws in deaf:
        for _ in range(2000):  # 2 MB of answers each that nobody takes
            ws.send({"type": "get_daemon_status"})
    with daemon.ws() as good:
        good.expect("joint_positions")
        before = Footprint(daemon)
        messages = good.drain(1.5)
        joints = [m for m in messages if m["type"] == "joint_positions"]
        assert len(joints) >= 67, f"{len(joints)} of 75"
        before.assert_back(rss_kb=4096)
    for ws in deaf:
        ws.vanish()


def test_a_signalling_peer_that_never_reads_is_let_go(daemon):
    before = Footprint(daemon)
    deaf = daemon.signalling(receive_buffer=4096)
    burst = encode(TEXT, b'{"type":"list"}') * 1000
    for _ in range(100):
        deaf.send_bytes(burst)

    def cut_off():
        try:
            deaf.send_bytes(burst[:12])
        except OSError:
            return True
        return False
    until("it is cut off", cut_off)
    before.assert_back(rss_kb=4096)


def test_a_client_that_never_reads_its_answers_is_not_read_on(daemon):
    with socket.create_connection(("127.0.0.1", daemon.http_port), 5) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        rss_kb = daemon.rss_kb()
        deaf.settimeout(0.5)
        with pytest.raises(OSError):
            while True:
                deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
        assert daemon.rss_kb() - rss_kb < 2048
        assert daemon.status()["state"] == "running"


def test_half_open_sockets_keep_nobody_out(daemon):
    before = Footprint(daemon)
    sockets = []
    try:
        for number in range(1200):
            s = socket.create_connection(("127.0.0.1", daemon.http_port), 5)
            if number % 3 == 0:
                s.sendall(b"GET /api/daemon/status HTTP/1.1\r\nHost: local")
            sockets.append(s)
        for _ in range(5):
            assert daemon.status()["state"] == "running"
        with daemon.ws() as ws:
            ws.expect("joint_positions")
        assert daemon.descriptors() < before.descriptors + 700
    finally:
        for s in sockets:
            s.close()
    before.assert_back(rss_kb=16384)


def test_no_more_than_256_sdk_clients(daemon):
    sockets = []
    try:
        with pytest.raises(Refused) as refused:
            for _ in range(300):
                sockets.append(daemon.ws())
        assert refused.value.status == 503
        assert 250 <= len(sockets) <= 256
        assert daemon.status()["state"] == "running"
    finally:
        for ws in sockets:
            ws.close()
    until("there is room again", lambda: can_connect(daemon))


def can_connect(daemon):
    try:
        daemon.ws().close()
        return True
    except Refused:
        return False


def test_sockets_that_vanish_are_let_go(daemon):
    until("earlier clients are gone", lambda: daemon.descriptors() < 60)
    before = Footprint(daemon)
    for round_number in range(20):
        for door in (daemon.ws, daemon.signalling):
            ws = door()
            ws.send('{"type":"half')
            ws.vanish()
        s = socket.create_connection(("127.0.0.1", daemon.http_port), 5)
        s.sendall(b"POST /api/daemon/robot-name HTTP/1.1\r\nHost: localhost\r\n"
                  b"Content-Length: 100\r\n\r\n{" + b" " * round_number)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    before.assert_back(rss_kb=1024)


def test_after_all_this_nothing_has_stayed(daemon):
    until("only this test's client is here", lambda: daemon.descriptors() < 60)
    assert daemon.rss_kb() < 80 * 1024
    assert daemon.threads() < 20
    with daemon.ws() as ws, pytest.raises(Silence):
        ws.expect(lambda m: "error" in m and m["type"] != "daemon_status", 0.2)
    log = daemon.log()
    assert "internal_error" not in log and "was not answered" not in log
    assert " - ERROR - " not in log and " - CRITICAL - " not in log
    assert len(log.splitlines()) < 3000
