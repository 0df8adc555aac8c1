"""The Host/Origin guard (contract changes-1.13 section 2 and 11a), each row at every door."""

import pytest

from harness import Daemon
from web_socket import Refused, WebSocket

TRUSTED_HOSTS = ["127.0.0.1", "127.0.0.1:{port}", "[::1]:{port}", "[::1]", "8.8.8.8",
                 "[2001:db8::1]:80", "192.168.1.7", "localhost", "localhost:{port}", "LocalHost",
                 "localhost.", "tauri.localhost", "reachy-mini.local", "reachy-mini.local.",
                 "REACHY-MINI.LOCAL:{port}", "user@localhost"]
UNTRUSTED_HOSTS = ["", "reachy-mini", "robot.lan", "127.1", "evil.example",
                   "localhost.evil.example", "local", ".local", "reachy-mini.local.evil.example",
                   "localhost..", "[::1", "robot.ts.net"]
TRUSTED_ORIGINS = ["http://localhost", "https://localhost:3000", "http://tauri.localhost",
                   "https://tauri.localhost", "http://reachy-mini.local:8000",
                   "https://foo.local", "http://foo.local.", "http://localhost/path",
                   "http://127.0.0.1:5173", "http://[::1]:80", "http://192.168.1.5",
                   "http://10.1.2.3:9", "http://172.16.0.1", "http://169.254.1.1",
                   "http://[fe80::1]", "http://[fd12::1]", "tauri://localhost",
                   "capacitor://localhost", "HTTP://LOCALHOST"]
UNTRUSTED_ORIGINS = ["null", "", "https://evil.example", "http://localhost.evil.example",
                     "http://reachy-mini", "ionic://localhost", "chrome-extension://abcdef",
                     "file://", "tauri://evil.example", "capacitor://robot.local", "http://8.8.8.8",
                     "http://100.64.0.1", "http://172.32.0.1", "http://[2001:db8::1]", "localhost"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    one = Daemon(tmp_path_factory.mktemp("guarded")).start()
    yield one
    one.close()


def request(daemon, method="GET", path="/api/daemon/status", version="1.1", headers=(), port=None):
    """A request with exactly these headers; returns status, head and body."""
    lines = [f"{method} {path} HTTP/{version}", *(f"{n}: {v}" for n, v in headers),
             "Connection: close", "Content-Length: 0"]
    answer = daemon.raw(("\r\n".join(lines) + "\r\n\r\n").encode(), port=port)
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), head.decode().lower(), body.decode()


def doors(daemon):
    """The two ports that take WebSocket handshakes."""
    return [(daemon.http_port, "/ws/sdk"), (daemon.signalling_port, "/")]


def handshake(port, path, host, headers=()):
    """None when it was accepted, else what it was refused with."""
    try:
        WebSocket(port, path, host_header=host, headers=headers).close()
        return None
    except Refused as refused:
        return refused


@pytest.mark.parametrize("host", TRUSTED_HOSTS)
def test_trusted_host(daemon, host):
    host = host.format(port=daemon.http_port)
    assert request(daemon, headers=[("Host", host)])[0] == 200
    for port, path in doors(daemon):
        assert handshake(port, path, host) is None


@pytest.mark.parametrize("host", UNTRUSTED_HOSTS)
def test_untrusted_host(daemon, host):
    for method, path in (("GET", "/api/daemon/status"), ("POST", "/api/daemon/restart"),
                         ("GET", "/"), ("POST", "/health-check"), ("GET", "/nowhere")):
        status, _, body = request(daemon, method, path, headers=[("Host", host)])
        assert (status, body) == (400, '{"detail":"Untrusted Host header"}')
    for port, path in doors(daemon):
        lines = (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        head, _, body = daemon.raw(lines.encode(), port=port).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 403 ") and body == b""
    status, _, body = request(daemon, headers=[("Host", host)], port=daemon.signalling_port)
    assert status == 400
    assert daemon.status()["generation"] == 1


@pytest.mark.parametrize("origin", TRUSTED_ORIGINS)
def test_trusted_origin(daemon, origin):
    headers = [("Host", "localhost"), ("Origin", origin)]
    assert request(daemon, "POST", "/health-check", headers=headers)[0] == 200
    for port, path in doors(daemon):
        assert handshake(port, path, "localhost", [("Origin", origin)]) is None


@pytest.mark.parametrize("origin", UNTRUSTED_ORIGINS)
def test_untrusted_origin(daemon, origin):
    headers = [("Host", "localhost"), ("Origin", origin)]
    for method, path in (("POST", "/api/daemon/restart"), ("POST", "/health-check"),
                         ("PUT", "/api/daemon/status"), ("DELETE", "/nowhere"),
                         ("PATCH", "/api/daemon/robot-name")):
        status, _, body = request(daemon, method, path, headers=headers)
        assert (status, body) == (403, '{"detail":"Cross-origin request rejected"}'), method
    # Reading is not refused, only not shared.
    for method in ("GET", "OPTIONS"):
        status, head, _ = request(daemon, method, headers=headers)
        assert status in (200, 405) and "access-control-allow-origin" not in head
    for port, path in doors(daemon):
        refused = handshake(port, path, "localhost", [("Origin", origin)])
        assert refused.status == 403 and refused.body == b""
        assert "connection: close" in refused.head.lower()
    assert daemon.status()["generation"] == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("twice", [[("Host", "localhost"), ("Host", "localhost")],
                                   [("Host", "localhost"), ("Origin", "http://localhost"),
                                    ("Origin", "http://localhost")]])
def test_duplicate_headers(daemon, method, twice):
    status, _, body = request(daemon, method, "/health-check", headers=twice)
    assert (status, body) == (400, '{"detail":"Duplicate Host or Origin header"}')


def test_duplicate_headers_of_a_handshake(daemon):
    for port, path in doors(daemon):
        assert handshake(port, path, "localhost", [("Host", "localhost")]).status in (400, 403)
        two = [("Origin", "http://localhost")] * 2
        refused = handshake(port, path, "localhost", two)
        assert refused.status == 400 and b"Origin" in refused.body


def test_no_host(daemon):
    for version in ("1.0", "1.1"):
        status, _, _ = request(daemon, version=version)
        assert status == 400
    assert request(daemon, version="1.0", headers=[("Host", "localhost")])[0] == 200


def test_absolute_targets_do_not_get_around_the_host_header(daemon):
    status, _, body = request(daemon, path="http://localhost/api/daemon/status",
                              headers=[("Host", "evil.example")])
    assert status == 400 and "Untrusted Host" in body


def test_cors_headers(daemon):
    allowed = [("Host", "localhost"), ("Origin", "http://localhost:3000")]
    status, head, _ = request(daemon, headers=allowed)
    assert status == 200 and "access-control-allow-origin: http://localhost:3000" in head
    # CORS is the outermost layer: refusals of the guard to allowed origins can be read.
    refused = [("Host", "evil.example"), ("Origin", "http://localhost:3000")]
    status, head, _ = request(daemon, headers=refused)
    assert status == 400 and "access-control-allow-origin: http://localhost:3000" in head
    # Narrower than the guard: foo.local may post, and may not read the answer.
    local = [("Host", "localhost"), ("Origin", "http://foo.local")]
    status, head, _ = request(daemon, "POST", "/health-check", headers=local)
    assert status == 200 and "access-control-allow-origin" not in head
    status, head, _ = request(daemon, headers=[("Host", "localhost")])
    assert "vary: origin" in head


def test_preflights_are_answered_before_the_guard(daemon):
    asks = [("Origin", "http://localhost"), ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type")]
    for host in ("localhost", "evil.example"):
        status, head, body = request(daemon, "OPTIONS", headers=[("Host", host), *asks])
        assert (status, body) == (200, "OK")
        assert "access-control-allow-origin: http://localhost\r\n" in head + "\r\n"
        assert "access-control-allow-headers: content-type" in head
        assert "access-control-max-age: 600" in head
    status, head, body = request(daemon, "OPTIONS", headers=[
        ("Host", "localhost"), ("Origin", "https://evil.example"), asks[1]])
    assert (status, body) == (400, "Disallowed CORS origin")
    assert "access-control-allow-origin" not in head


def test_more_names_can_be_allowed(make_daemon):
    daemon = make_daemon("--allow-host", "robot.lan", "--allow-host", "Desk.").start()
    for name in ("robot.lan", "ROBOT.lan:1", "desk", "desk."):
        headers = [("Host", name), ("Origin", f"http://{name}")]
        assert request(daemon, "POST", "/health-check", headers=headers)[0] == 200
        for port, path in doors(daemon):
            assert handshake(port, path, name, [("Origin", f"https://{name}")]) is None
    for name in ("other.lan", "a.robot.lan", "robot.lan.evil.example"):
        assert request(daemon, headers=[("Host", name)])[0] == 400
        for port, path in doors(daemon):
            assert handshake(port, path, "localhost", [("Origin", f"http://{name}")]).status == 403
