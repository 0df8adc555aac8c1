"""Messages and frames that make no sense, at every door that takes messages: the contract's answer,
and nobody else notices."""

import json
import struct

import pytest

from abuse import daemon, nobody_is_disturbed  # noqa: F401
from rtc_client import Browser, run
from web_socket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, encode

NESTED = '{"type":"append_record","record":' + '{"a":' * 1000 + "1" + "}" * 1000 + "}"
# What cannot be understood: (name, text).
UNREADABLE = [
    ("not JSON", "restart_daemon"), ("empty", " "), ("half", '{"type":"get_state"'),
    ("two", '{"type":"get_state"}{"type":"get_state"}'), ("a list", '[{"type":"get_state"}]'),
    ("a number", "5"), ("null", "null"), ("a string", '"get_state"'), ("no type", "{}"),
    ("type of the wrong type", '{"type":7}'), ("unknown type", '{"type":"self_destruct"}'),
    ("unknown long type", json.dumps({"type": "x" * 5000})), ("upper case", '{"type":"GET_STATE"}'),
    ("1,000 levels", NESTED), ("1,000 lists", "[" * 1000 + "]" * 1000),
    ("NaN", '{"type":"set_body_yaw","body_yaw":NaN}'),
    ("infinity", '{"type":"set_body_yaw","body_yaw":-Infinity}'),
    ("1e400", '{"type":"set_body_yaw","body_yaw":1e400}'),
    ("missing field", '{"type":"set_body_yaw"}'),
    ("null for a field", '{"type":"set_body_yaw","body_yaw":null}'),
    ("wrong type of a field", '{"type":"set_antennas","antennas":{"a":1}}'),
    ("too short", '{"type":"set_antennas","antennas":[1]}'),
    ("too long", json.dumps({"type": "set_antennas", "antennas": [0] * 5000})),
    ("out of range", '{"type":"get_restart_receipts","limit":257}'),
    ("last of repeated keys", '{"type":"get_state","type":"self_destruct"}'),
    ("lone surrogate", '{"type":"\\ud800"}'), ("NUL", '{"type":"get\\u0000state"}'),
]


@pytest.mark.parametrize("text", [text for _, text in UNREADABLE],
                         ids=[name for name, _ in UNREADABLE])
def test_ws_drops_what_it_cannot_read_and_stays_open(daemon, text):
    with daemon.ws() as ws:
        ws.send(text)
        assert ws.ask({"type": "get_health"})["verdict"] == "healthy"


def test_channel_data_answers_what_it_cannot_read(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            for name, text in UNREADABLE:
                data.send(text)
                answer = await data.expect(lambda m: "error" in m and "type" not in m)
                assert answer["error"].startswith("Invalid command: "), (name, answer)
                assert len(answer["error"]) < 500, name
                assert answer.keys() <= {"error", "command"}, name
            assert await data.ask({"type": "get_version"}, "version")
    run(scenario())


def test_repeated_keys_the_last_one_counts(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            data.send('{"type":"restart_daemon","type":"get_version","id":"a","id":"b"}')
            assert (await data.receive())["version"] == "1.13.0"
            # Lax conversions of the reference.
            for text in ('{"type":"get_restart_receipts","limit":"3"}',
                         '{"type":"get_restart_receipts","limit":3.0,"extra":[1]}',
                         '{"type":"set_torque","on":"yes"}', '{"type":"set_torque","on":1}'):
                data.send(text)
                assert "error" not in await data.receive(), text
    run(scenario())


@pytest.mark.parametrize("text", [NESTED, "[" * 100_000, '"' + "x" * 200_000 + '"',
                                  json.dumps({"type": "startSession", "peerId": "x" * 200_000}),
                                  json.dumps({"type": "setPeerStatus", "roles": ["listener"],
                                              "meta": {"m": "x" * 200_000}})],
                         ids=["nested", "open lists", "long string", "long id", "long meta"])
def test_signalling_survives_any_text(daemon, text):
    with daemon.signalling() as ws:
        ws.expect("welcome")
        ws.send(text)
        assert ws.ask({"type": "list"}, lambda m: m["type"] == "list")["producers"]
        assert len(ws.drain(0.05)) <= 1


def test_200_kb_of_text(daemon):
    text = json.dumps({"type": "set_robot_name", "name": "x" * 200_000})
    with daemon.ws() as ws:
        ws.send(text)
        ws.send(json.dumps({"type": "nothing of ours", "x": "y" * 200_000}))
        assert ws.ask({"type": "get_health"})["verdict"] == "healthy"
    answer = daemon.post("/api/daemon/robot-name", {"name": "x" * 200_000})
    assert answer.status == 422
    assert answer.json()["detail"][0]["type"] == "string_too_long"
    assert daemon.status()["robot_name"] == "reachy_mini"


@pytest.mark.parametrize("door", ["ws", "signalling"])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_frame_of_2_mb_closes_the_connection_with_1009(daemon, door, opcode):
    ws = getattr(daemon, door)()
    try:
        ws.send_frame(opcode, b"x" * (2 * 1024 * 1024))
    except OSError:
        pass  # it has heard enough
    assert ws.wait_closed().code in (1009, 1006)
    # What is too long is refused as soon as its length is known.
    ws = getattr(daemon, door)()
    ws.send_bytes(encode(opcode, b"x" * (2 * 1024 * 1024))[:64])
    assert ws.wait_closed().code == 1009


@pytest.mark.parametrize("door", ["ws", "signalling"])
def test_a_message_of_2_mb_in_pieces_is_refused_too(daemon, door):
    ws = getattr(daemon, door)()
    try:
        ws.send_frame(TEXT, b"x" * 60_000, fin=False)
        for _ in range(40):
            ws.send_frame(CONTINUATION, b"x" * 60_000, fin=False)
    except OSError:
        pass
    assert ws.wait_closed().code in (1009, 1006)


@pytest.mark.parametrize("door", ["ws", "signalling"])
def test_binary_and_empty_messages_are_ignored(daemon, door):
    with getattr(daemon, door)() as ws:
        for payload in (b"\x00\xff\xfe", b"", b'{"type":"restart_daemon"}', b"x" * 100_000):
            ws.send_frame(BINARY, payload)
        ws.send_frame(TEXT, b"")
        ws.send_frame(PING, b"are you there")
        ws.send({"type": "list" if door == "signalling" else "get_health"})
        ws.expect(lambda m: m["type"] == "list" if door == "signalling" else "verdict" in m)


def test_binary_and_empty_messages_on_channel_data(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            for payload in (b"", b"\x00\xff", b'{"type":"restart_daemon"}', b"x" * 60_000, b""):
                data.send(payload)
            assert await data.ask({"type": "get_version"}, "version")
            data.send("")
            assert await data.ask({"type": "get_version"}, "version")
    run(scenario())


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"\xed\xa0\x80", b'{"type":"\xc3"}',
                                     b'{"type":"get_health","x":"\xf5\x80\x80\x80"}'])
def test_invalid_utf8(daemon, payload):
    # RFC 6455 8.1: a text that is no UTF-8 fails the connection.
    for door in (daemon.ws, daemon.signalling):
        ws = door()
        ws.send_frame(TEXT, payload)
        assert ws.wait_closed().code == 1007
    answer = daemon.http("POST", "/api/daemon/robot-name", payload,
                         {"content-type": "application/json"})
    assert answer.status == 400
    assert answer.json() == {"detail": "There was an error parsing the body"}


def test_invalid_utf8_on_channel_data(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            sctp = data.channel.transport
            for payload in (b"\xff\xfe", b'{"type":"\xed\xa0\x80"}', b'{"type":"get_state\x00"}'):
                await sctp._send(data.channel.id, 51, payload)
            assert await data.ask({"type": "get_version"}, "version")
    run(scenario())


@pytest.mark.parametrize("data, codes", [
    (encode(TEXT, b"{}", masked=False), (1002,)),
    (encode(TEXT, b"{}", reserved=7), (1002,)),
    (encode(3, b"{}"), (1002,)),
    (encode(11, b""), (1002,)),
    (encode(PING, b"x" * 126), (1002,)),
    (encode(PING, b"x", fin=False), (1002,)),
    (encode(CONTINUATION, b"x"), (1002,)),
    (encode(TEXT, b"x", fin=False) + encode(TEXT, b"x"), (1002,)),
    (encode(CLOSE, b"\x03"), (1002,)),
    (encode(CLOSE, struct.pack(">H", 999)), (1002,)),
    (encode(CLOSE, struct.pack(">H", 1000) + b"\xff"), (1007, 1002)),
    (encode(CLOSE, struct.pack(">H", 1000) + b"bye"), (1000,)),
    (encode(CLOSE, b""), (1005, 1000)),
    (b"\x81\xff" + struct.pack(">Q", 1 << 63) + bytes(4), (1002, 1009)),
    (b"GET / HTTP/1.1\r\n\r\n", (1002,)),
], ids=["unmasked", "reserved bits", "opcode 3", "opcode 11", "long ping", "ping in pieces",
        "stray continuation", "interleaved", "one-byte close", "code 999", "close not UTF-8",
        "close", "empty close", "2^63", "HTTP"])
def test_broken_frames_close_the_connection_with_the_right_code(daemon, data, codes):
    for door in (daemon.ws, daemon.signalling):
        ws = door()
        ws.send_bytes(data)
        assert ws.wait_closed().code in (*codes, 1006)


def test_messages_in_pieces_with_pings_between(daemon):
    with daemon.ws() as ws:
        ws.send_frame(TEXT, b'{"type":', fin=False)
        ws.send_frame(PING, b"x")
        ws.send_frame(PONG, b"nobody asked")
        for byte in b'"get_health"':
            ws.send_frame(CONTINUATION, bytes([byte]), fin=False)
        ws.send_frame(CONTINUATION, b"}")
        assert ws.expect(lambda m: "verdict" in m)
