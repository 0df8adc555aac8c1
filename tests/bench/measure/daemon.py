"""A darumad of our own, and what the kernel says of it."""

import http.client
import json
import os
import re
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("DARUMA_BIN_DIR", ROOT / "build/release/bin")) / "darumad"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
DEADLINE_S = 10


def command(folder, http_port=0):
    return [str(BINARY), "--mockup-sim", "--no-wake-up-on-start", "--no-goto-sleep-on-stop",
            "--fastapi-port", str(http_port), "--signalling-port", "0",
            "--state-dir", str(folder / "state"), "--web-root", str(ROOT / "web/dashboard/dist")]


def environment(folder):
    (folder / "home").mkdir(exist_ok=True)
    # GStreamer's list of plugins is read once for the whole run, as on any machine in use.
    return {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "LANG": "C.UTF-8",
            "GST_REGISTRY": str(folder / "gstreamer-registry.bin")}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Daemon:
    def __init__(self, process, log):
        self.process = process
        self.pid = process.pid
        self.log = log
        self.port = self._wait_for_port()
        self._wait_until_running()

    def _wait_for_port(self):
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            found = re.search(r"Uvicorn running on http://127\.0\.0\.1:(\d+)", self.log.read_text())
            if found:
                return int(found.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError(f"darumad did not start:\n{self.log.read_text()[-2000:]}")

    def _wait_until_running(self):
        deadline = time.monotonic() + DEADLINE_S
        while self.status()["state"] != "running":
            if time.monotonic() > deadline:
                raise RuntimeError(f"the robot is not running: {self.status()}")
            time.sleep(0.02)

    def ask(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]}")
        return json.loads(text)

    def status(self):
        return self.ask("GET", "/api/daemon/status")

    def processor_s(self):
        """User and system time of all threads so far."""
        try:
            # In nanoseconds; stat counts the same in ticks of 10 ms.
            tasks = Path(f"/proc/{self.pid}/task").iterdir()
            return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks) / 1e9
        except FileNotFoundError:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def rss_mb(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def stop(self):
        self.process.terminate()
        try:
            code = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError("darumad did not end after SIGTERM") from None
        if code != 0:
            raise RuntimeError(f"darumad ended with {code}:\n{self.log.read_text()[-2000:]}")


@contextmanager
def running(folder):
    """A daemon whose robot runs."""
    log = folder / "darumad.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(command(folder), env=environment(folder), cwd=folder,
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        daemon = Daemon(process, log)
        yield daemon
        daemon.stop()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
