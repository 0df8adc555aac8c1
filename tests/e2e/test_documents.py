"""What HTTP serves to people: the page, the description of the interface, and nothing beside."""

import os

import pytest

from harness import until


@pytest.fixture
def site(make_daemon, tmp_path):
    """A daemon with a page of our own, and the page's folder."""
    folder = tmp_path / "site"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>a page</title>")
    (folder / "app.js").write_text("export {};")
    (folder / "assets" / "app.css").write_text("body{}")
    (folder / ".hidden").write_text("secret")
    (tmp_path / "beside.txt").write_text("secret")
    (tmp_path / "site2").mkdir()
    (tmp_path / "site2" / "near.txt").write_text("secret")
    os.symlink(tmp_path / "beside.txt", folder / "link.txt")
    os.symlink("/etc/passwd", folder / "passwd")
    os.mkfifo(folder / "pipe")
    return make_daemon("--web-root", str(folder)).start(), folder


@pytest.mark.parametrize("path, kind", [("/", "text/html; charset=utf-8"),
                                        ("/index.html", "text/html; charset=utf-8"),
                                        ("/app.js", "text/javascript; charset=utf-8"),
                                        ("/assets/app.css", "text/css; charset=utf-8")])
def test_the_page_is_served(site, path, kind):
    daemon, folder = site
    file = folder / ("index.html" if path == "/" else path[1:])
    for method in ("GET", "HEAD"):
        answer = daemon.http(method, path)
        assert answer.status == 200 and answer.headers["content-type"] == kind
        assert answer.headers["content-length"] == str(file.stat().st_size)
        assert answer.body == (file.read_bytes() if method == "GET" else b"")
    tag = answer.headers["etag"]
    assert daemon.http("GET", path, headers={"If-None-Match": tag}).status == 304


def test_a_changed_page_is_served_anew(site):
    daemon, folder = site
    before = daemon.http("GET", "/")
    (folder / "index.html").write_text("<!doctype html><title>another</title>")
    after = until("the new page", lambda: (
        lambda a: a if a.body != before.body else None)(daemon.http("GET", "/")))
    assert b"another" in after.body and after.headers["etag"] != before.headers["etag"]


@pytest.mark.parametrize("path", [
    "/.hidden", "/link.txt", "/passwd", "/pipe", "/assets", "/assets/", "/../beside.txt",
    "/assets/../../beside.txt", "/%2e%2e/beside.txt", "/..%2fbeside.txt", "/../site2/near.txt",
    "//etc/passwd", "/%2fetc%2fpasswd", "/app.js%00.html", "/..\\beside.txt", "/nothing.js",
    "/index.html/", "/assets/.%2e/.hidden",
])
def test_nothing_else_is_served(site, path):
    daemon, _ = site
    answer = daemon.http("GET", path)
    assert answer.status == 404 and b"secret" not in answer.body and b"root:" not in answer.body


def test_without_a_page_the_daemon_says_how_to_get_it(make_daemon, tmp_path):
    daemon = make_daemon("--web-root", str(tmp_path / "nowhere")).start()
    answer = daemon.http("GET", "/")
    assert answer.headers["content-type"].startswith("text/html")
    assert b"--web-root" in answer.body and b"/docs" in answer.body


def test_the_document_describes_what_is_served(daemon):
    document = daemon.get("/openapi.json")
    assert document["openapi"] == "3.1.0"
    for path, operations in document["paths"].items():
        for method in operations:
            url = path.replace("{id}", "nobody")
            answer = daemon.http(method.upper(), url + "?limit=wrong&scope=wrong")
            assert answer.status not in (405, 500), (method, path, answer)
            assert answer.status != 404 or "{id}" in path, (method, path, answer)
    for path in ("/api/daemon/status", "/api/daemon/start", "/api/daemon/stop", "/health-check",
                 "/api/daemon/restart", "/api/daemon/health", "/api/daemon/restarts",
                 "/api/daemon/restarts/{id}", "/api/daemon/robot-name"):
        assert path in document["paths"], path
    assert daemon.status()["generation"] == 1


def test_the_document_names_every_key_of_the_status(daemon):
    schemas = daemon.get("/openapi.json")["components"]["schemas"]
    assert daemon.status().keys() <= schemas["DaemonStatus"]["properties"].keys()
    assert daemon.health().keys() <= schemas["Health"]["properties"].keys()


def test_the_interface_can_be_read(daemon):
    for method in ("GET", "HEAD"):
        answer = daemon.http(method, "/docs")
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/html")
        assert daemon.http(method, "/openapi.json").status == 200
    # Nothing from elsewhere: robots may have no way to the internet.
    assert b"http://" not in daemon.http("GET", "/docs").body.replace(b"http://localhost", b"")
    assert b"/api/daemon/restart" in daemon.http("GET", "/docs").body


def test_the_log_over_http(daemon):
    daemon.restart_and_wait(id="seen")
    first = daemon.get("/api/daemon/logs?limit=2")
    assert len(first["lines"]) == 2 and first["newest"] == first["lines"][-1]["sequence"]
    daemon.restart_and_wait(id="later")
    fresh = daemon.get(f"/api/daemon/logs?after={first['newest']}")
    assert [line["sequence"] for line in fresh["lines"]] == list(
        range(first["newest"] + 1, fresh["newest"] + 1))
    assert any("id=later" in line["line"] for line in fresh["lines"])
    assert daemon.get(f"/api/daemon/logs?after={fresh['newest']}")["lines"] == []
    for query in ("after=-1", "limit=0", "limit=2001", "after=x", "limit=1e400"):
        assert daemon.http("GET", f"/api/daemon/logs?{query}").status == 422, query
