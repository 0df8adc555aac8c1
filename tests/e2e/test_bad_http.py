"""HTTP requests that make no sense: refused in the contract's words, and nobody else notices."""

import re
import socket
import time

import pytest

from abuse import daemon, nobody_is_disturbed  # noqa: F401
from harness import until
from web_socket import Refused

def raw_status(daemon, data):
    answer = daemon.raw(data)
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else answer


HEAD = b"Host: localhost\r\nConnection: close\r\n"


@pytest.mark.parametrize("request_line, status", [
    (b"BREW /api/daemon/status HTTP/1.1", 400), (b"get /api/daemon/status HTTP/1.1", 400),
    (b"PUT /api/daemon/status HTTP/1.1", 405), (b"DELETE /api/daemon/restart HTTP/1.1", 405),
    (b"HEAD /api/daemon/status HTTP/1.1", 405), (b"OPTIONS /api/daemon/status HTTP/1.1", 405),
    (b"GET /api/daemon/nothing HTTP/1.1", 404), (b"GET /api/daemon/status/ HTTP/1.1", 307),
    (b"GET /api/daemon/restart HTTP/1.1", 405), (b"GET /../../../../etc/passwd HTTP/1.1", 404),
    (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1", 404), (b"GET /%00 HTTP/1.1", 404),
    (b"GET /%ff%fe HTTP/1.1", 404), (b"GET /%zz HTTP/1.1", 404),
    (b"GET //etc/passwd HTTP/1.1", 404),
    (b"GET /api/daemon/restarts/%ff HTTP/1.1", (404, 422)), (b"GET  HTTP/1.1", 400),
    (b"GET /api/daemon/status", 400), (b"GET /api/daemon/status HTTP/9.9", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400), (b"HELO robot", 400),
    (b"GET /api/daemon/restarts?limit=1&limit=x HTTP/1.1", 422),
    (b"GET /api/daemon/restarts?limit=%ff HTTP/1.1", 422),
    (b"POST /api/daemon/restart?scope=%00 HTTP/1.1", 422),
])
def test_bad_requests(daemon, request_line, status):
    got = raw_status(daemon, request_line + b"\r\n" + HEAD + b"\r\n")
    assert got in (status if isinstance(status, tuple) else (status,))


def test_the_allow_header_of_405_and_the_location_of_307(daemon):
    answer = daemon.http("PUT", "/api/daemon/status")
    assert answer.json() == {"detail": "Method Not Allowed"} and answer.headers["allow"] == "GET"
    answer = daemon.http("GET", "/api/daemon/status/?a=b")
    assert answer.headers["location"].endswith("/api/daemon/status?a=b") and answer.body == b""


@pytest.mark.parametrize("head, body, status", [
    (b"Content-Length: 2000000\r\n", b"", 413),
    (b"Content-Length: -1\r\n", b"", 400),
    (b"Content-Length: 99999999999999999999999\r\n", b"", (400, 413)),
    (b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}", 400),
    (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n", (400, 422)),
    (b"Transfer-Encoding: chunked\r\n", b"zz\r\n", 400),
    (b"Transfer-Encoding: chunked\r\n", b"fffffffffffffffff\r\n", 400),
    (b"X: " + b"x" * 20_000 + b"\r\n", b"", 431),
    (b"".join(b"X-%d: y\r\n" % n for n in range(10_000)), b"", 431),
    (b"No colon here\r\n", b"", 400),
    (b" folded: yes\r\n", b"", (400, 422)),
    (b"Bad\x00Name: x\r\n", b"", 400),
], ids=["2 MB announced", "negative length", "endless length", "two lengths", "length and chunks",
        "no chunk", "endless chunk", "long header", "many headers", "no colon", "folded",
        "NUL in a name"])
def test_bad_headers_and_bodies(daemon, head, body, status):
    got = raw_status(daemon, b"POST /api/daemon/robot-name HTTP/1.1\r\n" + HEAD +
                     b"Content-Type: application/json\r\n" + head + b"\r\n" + body)
    assert got in (status if isinstance(status, tuple) else (status,))


def test_a_body_that_grows_beyond_the_limit_is_refused(daemon):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", daemon.http_port), 5) as s:
        try:
            s.sendall(b"POST /api/daemon/robot-name HTTP/1.1\r\nHost: localhost\r\n"
                      b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(24):
                s.sendall(chunk)
        except OSError:
            pass
        assert s.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("body, kind", [
    (b"", "missing"), (b"{", "json_invalid"), (b"[]", "model_attributes_type"),
    (b"{}", "missing"), (b'{"name":7}', "string_type"), (b'{"name":null}', "string_type"),
    (b'{"name":""}', "string_too_short"), (b'{"name":"' + b"x" * 65 + b'"}', "string_too_long"),
    (b'{"name":NaN}', "json_invalid"), (b"[" * 1000 + b"]" * 1000, "json_invalid"),
    (b'{"name":"a"} x', "json_invalid"),
])
def test_bodies_that_do_not_fit_are_422(daemon, body, kind):
    answer = daemon.http("POST", "/api/daemon/robot-name", body,
                         {"content-type": "application/json"})
    assert answer.status == 422, answer
    assert answer.json()["detail"][0]["type"] == kind
    assert answer.json()["detail"][0]["loc"][0] == "body"


def test_a_blank_name_is_refused(daemon):
    assert daemon.post("/api/daemon/robot-name", {"name": "   "}).json() == {
        "detail": "Invalid robot name"}


def test_requests_in_a_row_on_one_connection_are_answered_in_order(daemon):
    one = b"GET /api/daemon/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
    two = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /api/daemon/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = daemon.raw((one + two) * 50 + last)
    codes = re.findall(rb"HTTP/1\.1 (\d+) ", answer)
    assert codes == [b"200", b"404"] * 50 + [b"200"]


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/sdk/", "/api/daemon/status", "/ws/sdk%2f"])
def test_handshakes_elsewhere_are_403(daemon, path):
    with pytest.raises(Refused) as refused:
        daemon.ws(path)
    assert refused.value.status == 403 and refused.value.body == b""


@pytest.mark.parametrize("header", [b"Sec-WebSocket-Version: 12\r\n", b""])
def test_handshakes_that_are_none(daemon, header):
    answer = daemon.raw(b"GET /ws/sdk HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                        b"Connection: Upgrade\r\n" + header + b"\r\n")
    assert not answer.startswith(b"HTTP/1.1 101") and not answer.startswith(b"HTTP/1.1 5")


@pytest.mark.slow
def test_slow_headers_and_bodies_end_in_time(daemon):
    """Both at once, because each takes as long as the limit: 10 s for a header."""
    header = socket.create_connection(("127.0.0.1", daemon.http_port), 5)
    idle = socket.create_connection(("127.0.0.1", daemon.http_port), 5)
    began = time.monotonic()
    request = iter(b"GET /api/daemon/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 1000)
    ended = {}

    def step():
        if header not in ended:
            try:
                header.sendall(bytes([next(request)]))
            except OSError:
                ended[header] = time.monotonic() - began
        for s in (header, idle):
            if s in ended:
                continue
            s.settimeout(0.01)
            try:
                if not s.recv(4096):
                    ended[s] = time.monotonic() - began
            except socket.timeout:
                pass
            except OSError:
                ended[s] = time.monotonic() - began
        return len(ended) == 2
    until("both are closed", step, patience_s=15, pause_s=0.05)
    assert all(8 < took_s < 13 for took_s in ended.values()), ended
    header.close()
    idle.close()
