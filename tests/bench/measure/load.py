"""Rows that need no browser."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

from . import daemon as darumad
from .figures import Row, spread, spread_text
from .sdk_socket import SdkSocket, masked_frame

# As clients send them; the last pair of antennas tells that the last command was really obeyed.
TARGETS = ['{"type":"set_full_target","antennas":[0.1,-0.1],"body_yaw":0.1}',
           '{"type":"set_antennas","antennas":[0.1,-0.1]}']
LAST_TARGET = '{"type":"set_antennas","antennas":[0.3,-0.2]}'


def start_latency(folder, runs):
    """exec until `GET /api/daemon/status` is answered."""
    port = darumad.free_port()
    arguments = darumad.command(folder, port)
    environment = darumad.environment(folder)
    request = f"GET /api/daemon/status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    times_ms = []
    for _ in range(runs):
        began = time.perf_counter()
        pid = os.posix_spawn(arguments[0], arguments, environment,
                             file_actions=[(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0)
                                           for fd in range(3)])
        try:
            answer = first_answer(port, request, began + darumad.DEADLINE_S)
            times_ms.append((time.perf_counter() - began) * 1000)
        finally:
            os.kill(pid, signal.SIGTERM)
            _, ended = os.waitpid(pid, 0)
        if not answer.startswith(b"HTTP/1.1 200") or ended != 0:
            raise RuntimeError(f"answer {answer[:60]}, exit status {ended}")
    figures = spread(times_ms)
    return Row("exec until GET /api/daemon/status answers", "p50 <= 30 ms",
               spread_text(figures, "ms", 1), figures["p50"] <= 30, figures)


def first_answer(port, request, deadline):
    """Connects again and again, without a pause, until somebody answers."""
    while time.perf_counter() < deadline:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                connection.settimeout(darumad.DEADLINE_S)
                connection.sendall(request)
                return connection.recv(1 << 16)
    raise RuntimeError("darumad does not answer")


def share_of_a_core(daemon, duration_s, meanwhile):
    before, began = daemon.processor_s(), time.monotonic()
    meanwhile(began + duration_s)
    return (daemon.processor_s() - before) / (time.monotonic() - began) * 100


def idle_processor(folder, duration_s):
    def sleep(until):
        time.sleep(max(0, until - time.monotonic()))

    with darumad.running(folder) as daemon:
        time.sleep(1)  # what a start leaves to do
        alone = share_of_a_core(daemon, duration_s, sleep)
        client = SdkSocket(daemon.port)
        messages = 0

        def read(until):
            nonlocal messages
            while time.monotonic() < until:
                client.next_text()
                messages += 1

        one = share_of_a_core(daemon, duration_s, read)
        client.close()
    if messages < 90 * duration_s:
        raise RuntimeError(f"the client got {messages} messages in {duration_s} s, 101 a second are due")
    return [Row("processor at 50 Hz, no client", "<= 0.4 % of a core", f"{alone:.2f} %",
                alone <= 0.4, {"percent": alone}),
            Row("processor at 50 Hz, one /ws/sdk client", "<= 0.8 % of a core", f"{one:.2f} %",
                one <= 0.8, {"percent": one, "messages": messages})]


def command_rate(folder, commands):
    """First byte sent until a command behind all of them is answered."""
    block = b"".join(masked_frame(TARGETS[i % 2]) for i in range(1000))
    with darumad.running(folder) as daemon:
        client = SdkSocket(daemon.port)
        client.send('{"type":"set_motor_mode","mode":"enabled"}')
        answered(client)
        rates = []
        for _ in range(5):
            data = block * (commands // 5000) + masked_frame(LAST_TARGET)
            began = time.perf_counter()
            client.send_while_reading(data + masked_frame('{"type":"get_health"}'))
            read_until(client, lambda m: m.get("command") == "get_health")
            rates.append((commands // 5000 * 1000 + 1) / (time.perf_counter() - began))
            read_until(client, obeyed)
        client.close()
    figures = spread(rates)
    return Row("/ws/sdk commands a second, one socket", ">= 250,000",
               f"p50 {figures['p50']:,.0f}, least {min(rates):,.0f}", figures["p50"] >= 250_000,
               {**figures, "min": min(rates)})


def read_until(client, match):
    deadline = time.monotonic() + darumad.DEADLINE_S
    while not match(json.loads(client.next_text())):
        if time.monotonic() > deadline:
            raise RuntimeError("the expected message does not come")


def answered(client):
    client.send('{"type":"get_health"}')
    read_until(client, lambda m: m.get("command") == "get_health")


def obeyed(message):
    """True for joints that stand where the last command wants them."""
    if message.get("type") != "joint_positions":
        return False
    right, left = message["antennas_joint_positions"]
    return abs(right - 0.3) < 0.02 and abs(left + 0.2) < 0.02


def status_rate(folder, duration_s):
    with darumad.running(folder) as daemon:
        url = f"http://127.0.0.1:{daemon.port}/api/daemon/status"
        said = subprocess.run(["wrk", "-t2", "-c8", f"-d{duration_s}", "--latency", url],
                              capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
    p50, p99 = (milliseconds(re.search(rf"^\s+{p}%\s+(\S+)", said, re.M).group(1)) for p in (50, 99))
    clean = "Non-2xx" not in said and "Socket errors" not in said
    return Row("GET /api/daemon/status, 8 keep-alive connections (wrk)",
               ">= 25,000 a second, p99 <= 2 ms",
               f"{rate:,.0f} a second, p50 {p50:.2f}, p99 {p99:.2f} ms" + ("" if clean else "; errors"),
               clean and rate >= 25_000 and p99 <= 2,
               {"rate": rate, "p50_ms": p50, "p99_ms": p99, "clean": clean})


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


class Flood:
    """Peers that send as fast as they can and read what they get."""

    def __init__(self, port, peers):
        self.sockets = [SdkSocket(port) for _ in range(peers)]
        self.block = memoryview(b"".join(masked_frame(TARGETS[i % 2]) for i in range(1000)))
        self.sent = 0
        self.error = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        import select
        poll = select.epoll()
        peers = {s.fileno(): s for s in self.sockets}
        left = {fd: self.block for fd in peers}
        for fd, peer in peers.items():
            peer.socket.setblocking(False)
            poll.register(fd, select.EPOLLIN | select.EPOLLOUT)
        try:
            while not self.stopping.is_set():
                for fd, events in poll.poll(1):
                    if events & ~select.EPOLLOUT:
                        peers[fd].discard()
                    if events & select.EPOLLOUT:
                        count = peers[fd].socket.send(left[fd])
                        self.sent += count
                        left[fd] = left[fd][count:] or self.block
        except (OSError, RuntimeError) as error:
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        for peer in self.sockets:
            peer.close()

    def commands(self):
        return self.sent / (len(self.block) / 1000)


def flooded_control(folder, duration_s):
    """The daemon's own figure; its statistics begin with the flood, by a restart of the backend."""
    with darumad.running(folder) as daemon, Flood(daemon.port, 50) as flood:
        before = daemon.status()["generation"]
        daemon.ask("POST", "/api/daemon/restart?scope=backend")
        deadline = time.monotonic() + darumad.DEADLINE_S
        while (status := daemon.status())["generation"] == before or status["state"] != "running":
            if time.monotonic() > deadline:
                raise RuntimeError(f"the restart in the flood does not end: {status}")
            time.sleep(0.05)
        sent, began = flood.commands(), time.monotonic()
        answers_ms = []
        while time.monotonic() < began + duration_s and flood.error is None:
            time.sleep(0.5)
            asked = time.perf_counter()
            loop = daemon.status()["backend_status"]["control_loop_stats"]
            answers_ms.append((time.perf_counter() - asked) * 1000)
        rate = (flood.commands() - sent) / (time.monotonic() - began)
        if flood.error is not None:
            raise RuntimeError(f"a flooding peer was lost: {flood.error}")
    p99_ms = loop["period_error_p99"] * 1000
    return Row("control period error while 50 peers flood", "p99 <= 1 ms",
               f"p99 {p99_ms:.2f} ms ({rate:,.0f} commands a second, {loop['skipped']} cycles skipped)",
               p99_ms <= 1, {"p99_ms": p99_ms, "skipped": loop["skipped"], "commands_a_second": rate,
                             "status_ms": spread(answers_ms)})
