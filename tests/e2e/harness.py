"""A real darumad in a folder of its own, and what the tests need to look at it from outside."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from web_socket import WebSocket

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("DARUMA_BIN_DIR", ROOT / "build/release/bin"))
# What anything may take here that takes milliseconds as a rule: the machine may be busy.
PATIENCE_S = 10.0


class NotInTime(AssertionError):
    """Something that had to happen did not."""


def until(what, probe, patience_s=PATIENCE_S, pause_s=0.01):
    """Asks again until `probe` gives something truthy, and returns that."""
    deadline = time.monotonic() + patience_s
    while True:
        last = probe()
        if last:
            return last
        if time.monotonic() > deadline:
            raise NotInTime(f"{what}: not within {patience_s} s; last: {last!r}")
        time.sleep(pause_s)


def free_ports(count):
    """Ports that nobody holds now, for daemons that must come back on the same ones."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Answer:
    """An HTTP answer, whole."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Daemon:
    """Started, watched, killed, started again in the same folder; always ended by close()."""

    def __init__(self, folder, *arguments, http_port=0, signalling_port=0, state=None,
                 binary=BIN / "darumad"):
        self.folder = Path(folder)
        self.binary = binary
        self.home = self.folder / "home"
        self.state_dir = Path(state) if state else self.folder / "state"
        self.arguments = list(arguments)
        self.ports = (http_port, signalling_port)
        self.log_path = self.folder / "darumad.log"
        self.process = None
        self.home.mkdir(parents=True, exist_ok=True)

    # --- its life

    def command(self):
        return [str(self.binary), "--mockup-sim", "--no-wake-up-on-start",
                "--no-goto-sleep-on-stop", "--fastapi-port", str(self.ports[0]),
                "--signalling-port", str(self.ports[1]), "--state-dir", str(self.state_dir),
                *self.arguments]

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8",
                # GStreamer's list of plugins: made anew it would cost each process half a second.
                "GST_REGISTRY": str(self.folder.parent / "gstreamer-registry.bin")}

    def launch(self):
        """Begins the process and waits for nothing."""
        assert self.binary.exists(), f"{self.binary} is missing: build it first"
        assert self.process is None or self.process.poll() is not None, "it runs already"
        self.mark = len(self.log())
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment())
        return self

    def start(self, state="running"):
        """Begins the process; returns once it is in `state` (None: once its doors are open)."""
        self.launch()
        self.wait_open()
        if state:
            self.wait_state(state)
        return self

    def wait_open(self):
        """Waits until the process that runs now answers over HTTP."""
        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"darumad ended with {self.process.returncode}:\n{self.log()}")
            if self.http_port is None:
                return None
            try:
                return self.status()
            except (OSError, http.client.HTTPException):
                return None
        return until("darumad answers", answers)

    @property
    def http_port(self):
        found = re.findall(r"Uvicorn running on http://\S+:(\d+) ", self.log()[self.mark:])
        return int(found[-1]) if found else None

    @property
    def signalling_port(self):
        return until("signalling is open", lambda: self.status()["signalling_port"])

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """As a power cut would."""
        self.signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def terminate(self, patience_s=PATIENCE_S):
        """As a service manager would; returns the exit code and how long it took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        return self.process.wait(patience_s), time.monotonic() - began

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)

    # --- HTTP

    def http(self, method, path, body=None, headers=None, patience_s=5.0):
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=patience_s)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path):
        answer = self.http("GET", path)
        assert answer.status == 200, f"GET {path}: {answer}"
        return answer.json()

    def post(self, path, body=None):
        headers = {"content-type": "application/json"} if body is not None else {}
        text = json.dumps(body) if body is not None else None
        return self.http("POST", path, text, headers)

    def raw(self, data, port=None, host="127.0.0.1", patience_s=5.0):
        """Sends bytes and returns all that comes back until the other side closes, or nothing
        more comes for half a second after something did."""
        with socket.create_connection((host, port or self.http_port), patience_s) as s:
            received = b""
            try:
                s.sendall(data)
            except OSError:
                pass  # it has read enough, and may have answered
            try:
                while True:
                    s.settimeout(0.5 if received else patience_s)
                    part = s.recv(65536)
                    if not part:
                        break
                    received += part
            except (socket.timeout, ConnectionResetError):
                pass
            return received

    def status(self):
        return self.get("/api/daemon/status")

    def health(self):
        return self.get("/api/daemon/health")

    def causes(self):
        return {cause["code"]: cause for cause in self.health()["causes"]}

    def wait_state(self, state, patience_s=PATIENCE_S):
        def reached():
            now = self.status()
            return now if now["state"] == state else None
        return until(f"state {state}", reached, patience_s)

    def wait_cause(self, code, patience_s=PATIENCE_S):
        return until(f"cause {code}", lambda: self.causes().get(code), patience_s)

    # --- restarts

    def restart(self, expect=200, **parameters):
        """POST /api/daemon/restart with these parameters; returns the answer's body."""
        query = "&".join(f"{key}={value}" for key, value in parameters.items())
        answer = self.post(f"/api/daemon/restart{'?' if query else ''}{query}")
        assert answer.status == expect, answer
        return answer.json()

    def receipts(self, limit=20):
        return self.get(f"/api/daemon/restarts?limit={limit}")

    def receipt(self, receipt_id):
        answer = self.http("GET", f"/api/daemon/restarts/{receipt_id}")
        return answer.json() if answer.status == 200 else None

    def ended(self, receipt_id, patience_s=PATIENCE_S):
        """The receipt, once it has an outcome; over the death of the process too."""
        def look():
            try:
                receipt = self.receipt(receipt_id)
            except (OSError, http.client.HTTPException):
                return None
            return receipt if receipt and receipt["outcome"] else None
        return until(f"receipt {receipt_id} ends", look, patience_s)

    def restart_and_wait(self, **parameters):
        receipt = self.ended(self.restart(**parameters)["id"])
        assert receipt["outcome"] == "done", receipt
        return receipt

    # --- sockets

    def ws(self, path="/ws/sdk", **options):
        return WebSocket(self.http_port, path, **options)

    def signalling(self, **options):
        return WebSocket(self.signalling_port, "/", **options)

    # --- what it costs

    def rss_kb(self):
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1))

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_s(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # --- the log

    def log(self):
        try:
            return self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, count=1):
        return until(f"the log says {pattern}",
                     lambda: len(re.findall(pattern, self.log())) >= count)


class Footprint:
    """RSS, threads and descriptors at one moment, to compare with a later one."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.rss_kb = daemon.rss_kb()
        self.threads = daemon.threads()
        self.descriptors = daemon.descriptors()

    def assert_back(self, rss_kb, patience_s=PATIENCE_S):
        """Threads and descriptors go back to what they were, and RSS has not grown beyond it."""
        now = {}

        def back():
            now.update(threads=self.daemon.threads(), descriptors=self.daemon.descriptors())
            return now["threads"] <= self.threads and now["descriptors"] <= self.descriptors
        try:
            until("threads and descriptors are back", back, patience_s)
        except NotInTime as late:
            raise NotInTime(f"{late}; were {self.threads} threads and {self.descriptors} "
                            f"descriptors, are {now}") from None
        grown = self.daemon.rss_kb() - self.rss_kb
        assert grown <= rss_kb, f"RSS has grown by {grown} kB, allowed are {rss_kb} kB"
