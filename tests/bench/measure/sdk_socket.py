"""The client's side of `/ws/sdk`, no more than a benchmark needs: frames are made beforehand."""

import base64
import os
import select
import socket
import struct

TEXT = 0x81


def masked_frame(text):
    """One masked text frame of at most 65,535 bytes."""
    payload = text.encode()
    mask = os.urandom(4)
    length = (bytes([0x80 | len(payload)]) if len(payload) < 126
              else b"\xfe" + struct.pack(">H", len(payload)))
    return bytes([TEXT]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


class SdkSocket:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws/sdk HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            .encode())
        self.pending = b""
        while b"\r\n\r\n" not in self.pending:
            self.pending += self._received()
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise RuntimeError(f"/ws/sdk: {head[:100]}")

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()

    def _received(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise RuntimeError("darumad closed /ws/sdk")
        return data

    def send(self, text):
        self.socket.sendall(masked_frame(text))

    def discard(self):
        """Throws away what is there."""
        self._received()

    def next_text(self):
        """The next text message; the daemon sends every message in one frame, unmasked."""
        while True:
            frame = self._take_frame()
            if frame is None:
                self.pending += self._received()
            elif frame[0] == TEXT:
                return frame[1].decode()
            elif frame[0] == 0x88:
                raise RuntimeError(f"darumad closed /ws/sdk: {frame[1]!r}")

    def _take_frame(self):
        if len(self.pending) < 4:
            return None
        length, begin = self.pending[1], 2
        if length == 126:
            length, begin = struct.unpack_from(">H", self.pending, 2)[0], 4
        end = begin + length
        if len(self.pending) < end:
            return None
        frame = self.pending[0], self.pending[begin:end]
        self.pending = self.pending[end:]
        return frame

    def send_while_reading(self, data):
        """Sends everything; what comes in meanwhile is kept for next_text()."""
        self.socket.setblocking(False)
        data = memoryview(data)
        while data:
            readable, writable, _ = select.select([self], [self], [], 10)
            if not readable and not writable:
                raise RuntimeError("darumad takes nothing for 10 s")
            if readable:
                self.pending += self._received()
            if writable:
                data = data[self.socket.send(data):]
        self.socket.settimeout(10)
