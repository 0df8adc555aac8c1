"""A browser's part, played by aiortc: signalling, a peer connection, the channels of the robot."""

import asyncio
import json

import websockets
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

PATIENCE_S = 10.0


def run(coroutine, patience_s=60):
    """Runs a test's coroutine to its end, bounded."""
    async def bounded():
        return await asyncio.wait_for(coroutine, patience_s)
    return asyncio.run(bounded())


class Gone(Exception):
    """The channel has closed."""


class Channel:
    """A data channel with its messages in a queue."""

    def __init__(self, channel):
        self.channel = channel
        self.label = channel.label
        self.inbox = asyncio.Queue()
        self.closed = asyncio.Event()
        self.chunks = {}
        self.chunked = 0
        channel.on("message", self._on_message)
        channel.on("close", self._on_close)
        # What a browser shows as closed channels: the DTLS session was closed by the other side.
        transport = channel.transport.transport

        @transport.on("statechange")
        def on_state():
            if transport.state == "closed":
                self._on_close()

    def _on_message(self, text):
        if isinstance(text, bytes) or len(text.encode()) > 64 * 1024:
            raise AssertionError("binary, or longer than a browser takes")
        message = json.loads(text)
        if message.get("type") != "message_chunk":
            return self.inbox.put_nowait((message, text))
        self.chunked += 1
        parts = self.chunks.setdefault(message["id"], [])
        assert message["index"] == len(parts)
        parts.append(message["data"])
        if len(parts) == message["count"]:
            whole = "".join(self.chunks.pop(message["id"]))
            self.inbox.put_nowait((json.loads(whole), whole))
        return None

    def _on_close(self):
        if not self.closed.is_set():
            self.closed.set()
            self.inbox.put_nowait((None, None))

    def send(self, message):
        """A text as it is, bytes as a binary message, anything else as JSON."""
        plain = isinstance(message, (str, bytes))
        self.channel.send(message if plain else json.dumps(message))

    async def receive_text(self, patience_s=PATIENCE_S):
        message, text = await asyncio.wait_for(self.inbox.get(), patience_s)
        if message is None:
            raise Gone()
        return message, text

    async def receive(self, patience_s=PATIENCE_S):
        return (await self.receive_text(patience_s))[0]

    async def expect(self, wanted, patience_s=PATIENCE_S):
        """The next message that `wanted` is true for; a text means: of this type."""
        if isinstance(wanted, str):
            type_word = wanted
            wanted = lambda message: message.get("type") == type_word  # noqa: E731

        async def look():
            while True:
                message = await self.receive(patience_s)
                if wanted(message):
                    return message
        return await asyncio.wait_for(look(), patience_s)

    async def ask(self, message, key=None, patience_s=PATIENCE_S):
        """Sends a command and returns the answer that has this key, or its name, or an error."""
        self.send(message)
        type_word = message.get("type")
        return await self.expect(
            lambda m: (key in m if key else m.get("command") == type_word) or
            ("error" in m and "type" not in m), patience_s)

    async def wait_closed(self, patience_s=PATIENCE_S):
        await asyncio.wait_for(self.closed.wait(), patience_s)


class Browser:
    """One page: a signalling socket that it keeps, and sessions over it, one at a time."""

    def __init__(self, daemon, host="127.0.0.1", trickle=False):
        self.daemon = daemon
        self.host = host
        self.trickle = trickle
        self.socket = None
        self.peer = None
        self.data = None
        self.pose = None
        self.session = None
        self.ended = None
        self.labels = []
        self.reader = None

    async def __aenter__(self):
        await self.connect()
        return self

    async def __aexit__(self, *_):
        await self.hang_up()
        await self.socket.close()

    async def connect(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = self.daemon if isinstance(self.daemon, int) else self.daemon.signalling_port
        self.socket = await websockets.connect(f"ws://{host}:{port}", max_size=2**20)
        self.id = (await self._message("welcome"))["peerId"]

    async def _message(self, type_word):
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE_S))
            if message["type"] == type_word:
                return message

    async def _say(self, type_word, **fields):
        await self.socket.send(json.dumps({"type": type_word, **fields}))

    async def robot_id(self):
        await self._say("list")
        producers = (await self._message("list"))["producers"]
        return next(p["id"] for p in producers if p["meta"] == {"name": "reachymini"})

    async def dial(self, patience_s=PATIENCE_S):
        """A fresh session with the robot; returns its open data channel."""
        return await asyncio.wait_for(self._dial(), patience_s)

    async def _dial(self):
        await self.hang_up()
        loop = asyncio.get_running_loop()
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.ended = asyncio.Event()
        self.labels = []
        opened, posed = loop.create_future(), loop.create_future()
        self.pose = posed

        @self.peer.on("datachannel")
        def on_channel(channel):
            self.labels.append(channel.label)
            where = {"data": opened, "pose": posed}.get(channel.label)
            if where and not where.done():
                where.set_result(Channel(channel))

        await self._say("startSession", peerId=await self.robot_id())
        started = await self._message("sessionStarted")
        self.session = started["sessionId"]
        offer = (await self._message("peer"))["sdp"]
        assert offer["type"] == "offer" and "m=application" in offer["sdp"], offer
        self.reader = asyncio.ensure_future(self._read(self.peer))
        await self.peer.setRemoteDescription(RTCSessionDescription(**offer))
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        await self._answer(self.peer.localDescription.sdp)
        ended = asyncio.ensure_future(self.ended.wait())
        await asyncio.wait({opened, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        assert opened.done(), "the robot ended the session before its channel was open"
        self.data = opened.result()
        return self.data

    async def _answer(self, sdp):
        lines = sdp.splitlines(keepends=True)
        candidates = [line for line in lines if line.startswith("a=candidate:")]
        if self.trickle:
            sdp = "".join(line for line in lines if line not in candidates
                          and not line.startswith("a=end-of-candidates"))
        await self._say("peer", sessionId=self.session, sdp={"type": "answer", "sdp": sdp})
        if not self.trickle:
            return
        for line in candidates:
            await self._say("peer", sessionId=self.session,
                            ice={"candidate": line.strip()[2:], "sdpMLineIndex": 0,
                                 "sdpMid": "0", "usernameFragment": None})
        await self._say("peer", sessionId=self.session,
                        ice={"candidate": "", "sdpMLineIndex": 0})

    async def _read(self, peer):
        """Takes candidates and the end of the session until told to stop."""
        try:
            async for text in self.socket:
                message = json.loads(text)
                if message["type"] == "peer" and message.get("ice", {}).get("candidate"):
                    candidate = candidate_from_sdp(
                        message["ice"]["candidate"].removeprefix("candidate:"))
                    candidate.sdpMLineIndex = message["ice"]["sdpMLineIndex"]
                    candidate.sdpMid = peer.sctp.mid if peer.sctp else None
                    await peer.addIceCandidate(candidate)
                if message["type"] in ("endSession", "endSessionV1_1"):
                    assert message["sessionId"] == self.session
                    self.ended.set()
                    return
        except websockets.ConnectionClosed:
            self.ended.set()

    async def wait_ended(self, patience_s=PATIENCE_S):
        """Waits for `endSession`."""
        await asyncio.wait_for(self.ended.wait(), patience_s)

    async def hang_up(self):
        """Closes the session as a page does: the peer connection, then a word over signalling."""
        if self.peer is None:
            return
        if self.reader is not None:
            self.reader.cancel()
            try:
                await self.reader
            except asyncio.CancelledError:
                pass
            self.reader = None
        await self.peer.close()
        if self.ended is not None and not self.ended.is_set() and self.session:
            try:
                await self._say("endSession", sessionId=self.session)
            except websockets.ConnectionClosed:
                pass
        self.peer = self.session = None
