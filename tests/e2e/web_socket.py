"""A WebSocket client (RFC 6455) without an event loop, and without manners when a test needs none:
it can send any frame and any handshake."""

import base64
import json
import os
import socket
import struct
import time

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Refused(Exception):
    """The handshake was answered with something else than 101."""

    def __init__(self, status, head, body):
        super().__init__(f"{status} {body!r}")
        self.status = status
        self.head = head
        self.body = body


class Closed(Exception):
    """The connection has ended; code 1006 when no close frame came."""

    def __init__(self, code, reason):
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Silence(Exception):
    """No message came in time."""


def encode(opcode, payload, fin=True, masked=True, reserved=0):
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    length = len(payload)
    if length < 126:
        head += bytes([mask_bit | length])
    elif length < 65536:
        head += bytes([mask_bit | 126]) + struct.pack(">H", length)
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", length)
    if not masked:
        return head + payload
    # A mask of zeros is as good as any other, and costs nothing.
    return head + bytes(4) + payload


class WebSocket:
    def __init__(self, port, path="/ws/sdk", host="127.0.0.1", host_header=None, headers=(),
                 patience_s=5.0, receive_buffer=None):
        self.buffer = bytearray()
        self.parts = []
        self.closed = None
        self.patience_s = patience_s
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(patience_s)
        try:
            self.socket.connect((host, port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._handshake(path, host_header or f"localhost:{port}", headers)
        except BaseException:
            self.socket.close()
            raise

    def _handshake(self, path, host, headers):
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        received = b""
        while b"\r\n\r\n" not in received:
            part = self.socket.recv(65536)
            if not part:
                raise Refused(0, received.decode(errors="replace"), b"")
            received += part
        head, _, rest = received.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status == 101:
            self.buffer += rest
            return
        try:
            while part := self.socket.recv(65536):
                rest += part
        except OSError:
            pass
        raise Refused(status, head.decode(), rest)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- sending

    def send(self, message):
        """A text as it is; bytes as a binary message; anything else as JSON."""
        if isinstance(message, bytes):
            return self.send_frame(BINARY, message)
        text = message if isinstance(message, str) else json.dumps(message)
        return self.send_frame(TEXT, text.encode())

    def send_frame(self, opcode, payload, **options):
        self.send_bytes(encode(opcode, payload, **options))

    def send_bytes(self, data):
        self.socket.sendall(data)

    # --- receiving

    def _frame(self):
        """One frame out of the buffer: (fin, opcode, payload), or None."""
        data = self.buffer
        if len(data) < 2:
            return None
        length, at = data[1] & 0x7F, 2
        if length == 126:
            if len(data) < 4:
                return None
            length, at = struct.unpack(">H", data[2:4])[0], 4
        elif length == 127:
            if len(data) < 10:
                return None
            length, at = struct.unpack(">Q", data[2:10])[0], 10
        if len(data) < at + length:
            return None
        frame = (bool(data[0] & 0x80), data[0] & 0x0F, bytes(data[at:at + length]))
        del data[:at + length]
        return frame

    def _take(self, frame):
        """A whole message out of one more frame, or None."""
        fin, opcode, payload = frame
        if opcode == PING:
            self.send_frame(PONG, payload)
        elif opcode == CLOSE:
            code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
            self._end(code, payload[2:].decode())
            try:
                self.send_frame(CLOSE, payload[:2])
            except OSError:
                pass
            self.socket.close()
            raise self.closed
        elif opcode in (TEXT, BINARY, CONTINUATION):
            self.parts.append((opcode, payload))
            if fin:
                whole = b"".join(part for _, part in self.parts)
                text = self.parts[0][0] == TEXT
                self.parts = []
                return whole.decode() if text else whole
        return None

    def _end(self, code, reason=""):
        if self.closed is None:
            self.closed = Closed(code, reason)

    def receive(self, patience_s=None):
        """The next message: str or bytes. Raises Closed or Silence."""
        deadline = time.monotonic() + (self.patience_s if patience_s is None else patience_s)
        while True:
            while frame := self._frame():
                message = self._take(frame)
                if message is not None:
                    return message
            if self.closed:
                raise self.closed
            left = deadline - time.monotonic()
            if left <= 0:
                raise Silence()
            self.socket.settimeout(left)
            try:
                part = self.socket.recv(1 << 18)
            except socket.timeout:
                raise Silence() from None
            except OSError:
                part = b""
            if not part:
                self._end(1006)
            self.buffer += part

    def receive_json(self, patience_s=None):
        return json.loads(self.receive(patience_s))

    def expect(self, wanted, patience_s=None):
        """The next message, as JSON, that `wanted` is true for; a text means: of this type."""
        if isinstance(wanted, str):
            type_word = wanted
            wanted = lambda message: message.get("type") == type_word  # noqa: E731
        deadline = time.monotonic() + (self.patience_s if patience_s is None else patience_s)
        while True:
            message = self.receive_json(max(0.0, deadline - time.monotonic()))
            if wanted(message):
                return message

    def drain(self, seconds):
        """All messages, as JSON, that come within so many seconds."""
        deadline = time.monotonic() + seconds
        messages = []
        while (left := deadline - time.monotonic()) > 0:
            try:
                messages.append(self.receive_json(left))
            except Silence:
                break
        return messages

    def wait_closed(self, patience_s=None):
        """Reads until the connection ends; returns how: Closed with code and reason."""
        deadline = time.monotonic() + (self.patience_s if patience_s is None else patience_s)
        while True:
            try:
                self.receive(max(0.0, deadline - time.monotonic()))
            except Closed as closed:
                return closed

    def ask(self, message, wanted=None, patience_s=None):
        """Sends a command that is answered and returns the answer."""
        self.send(message)
        command = message.get("type") if isinstance(message, dict) else None
        return self.expect(wanted or (lambda m: m.get("command") == command), patience_s)

    # --- ending

    def close(self):
        """Politely: close frame, then the socket."""
        if self.closed is None:
            try:
                self.send_frame(CLOSE, struct.pack(">H", 1000))
            except OSError:
                pass
            self._end(1000)
        self.socket.close()

    def vanish(self):
        """As a machine that lost its network: a reset and no word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
        self._end(1006)
