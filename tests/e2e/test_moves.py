"""Moves from outside: gotos, the SDK's tasks, recordings, uploads, and restarts in their middle."""

import base64
import gzip
import json
import time

from harness import until
from rtc_client import Browser, run

UPRIGHT = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
OUT_OF_REACH = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0.5, 0, 0, 0, 1]


def task(uuid, **request):
    form = {"head": None, "antennas": None, "duration": 0.3, "method": "minjerk", "body_yaw": None}
    return {"type": "task", "uuid": uuid, "timestamp": "2026-01-01T00:00:00",
            "req": {**form, **request}}


def end_of(socket, uuid):
    return socket.expect(lambda m: m.get("type") == "task_progress" and m["uuid"] == uuid)


def move(seconds, antenna):
    """A recorded move that takes both antennas from 0 there."""
    rows = [UPRIGHT[i:i + 4] for i in range(0, 16, 4)]
    frames = [{"head": rows, "antennas": [antenna * i / 10] * 2, "body_yaw": 0.0}
              for i in range(11)]
    return json.dumps({"description": "", "time": [seconds * i / 10 for i in range(11)],
                       "set_target_data": frames})


def upload(data, upload_id, text):
    packed = base64.b64encode(gzip.compress(text.encode())).decode()
    parts = [packed[i:i + 100] for i in range(0, len(packed), 100)]
    data.send({"type": "upload_move_start", "upload_id": upload_id, "total_chunks": len(parts),
               "encoding": "gzip+base64"})
    for index, part in enumerate(parts):
        data.send({"type": "upload_move_chunk", "upload_id": upload_id, "chunk_index": index,
                   "chunk": part})
    data.send({"type": "upload_move_finish", "upload_id": upload_id})


def test_a_task_takes_its_time_and_all_sdk_clients_hear_of_its_end(daemon):
    with daemon.ws() as one, daemon.ws() as other:
        began = time.monotonic()
        one.send(task("t1", head=UPRIGHT, antennas=[0.2, -0.2], duration=0.5))
        for socket in (one, other):
            end = end_of(socket, "t1")
            assert end["finished"] is True and end["error"] is None
        assert 0.45 < time.monotonic() - began < 1.5
        one.drain(0.1)
        joints = one.expect("joint_positions")
        assert abs(joints["antennas_joint_positions"][0] - 0.2) < 1e-6


def test_a_task_says_why_it_failed(daemon):
    with daemon.ws() as socket:
        for uuid, wrong, word in (("short", {"head": [1, 2]}, "head"),
                                  ("far", {"head": OUT_OF_REACH}, "out of reach"),
                                  ("how", {"method": "jump"}, "method")):
            socket.send(task(uuid, **wrong))
            assert word in end_of(socket, uuid)["error"]
        socket.send(task("long", antennas=[1, 1], duration=30))
        socket.send(task("second", antennas=[0, 0]))
        assert end_of(socket, "second")["error"] == "another move is running"
        socket.send({"type": "stop_move"})
        assert end_of(socket, "long")["error"] == "interrupted"


def test_a_restart_tells_the_moves_caller_and_hands_the_recording_over(daemon):
    with daemon.ws() as socket:
        socket.send({"type": "start_recording"})
        socket.send({"type": "append_record", "record": {"time": 1.5, "antennas": [0, 0]}})
        socket.send(task("long", antennas=[1, 1], duration=30))
        until("the move runs", lambda: "antennas_joint_positions" in socket.expect(
            lambda m: m.get("type") == "joint_positions"
            and m["antennas_joint_positions"][0] > -3))
        socket.send({"type": "restart_daemon"})
        recorded = socket.expect("recorded_data")
        assert recorded["data"] == [{"time": 1.5, "antennas": [0, 0]}]
        assert end_of(socket, "long")["error"] == "restarting"
        assert socket.wait_closed().code == 1012
    daemon.wait_state("running")


def test_a_browsers_goto_is_answered_when_a_restart_ends_it(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            assert await data.ask({"type": "goto_target", "head": UPRIGHT, "duration": 0.2}) == {
                "status": "ok", "command": "goto_target", "completed": True}
            data.send({"type": "goto_target", "antennas": [1, 1], "duration": 30})
            data.send({"type": "restart_daemon"})
            assert await data.expect(lambda m: m.get("command") == "goto_target") == {
                "error": "restarting", "command": "goto_target"}
            await data.wait_closed()
    run(scenario())


def test_an_uploaded_move_is_played_and_cancelled(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            upload(data, "../../up", move(0.4, 0.5))
            data.send({"type": "play_uploaded_move", "upload_id": "../../up"})
            told = await data.expect(lambda m: m.get("type") == "play_uploaded_move")
            assert told == {"type": "play_uploaded_move", "upload_id": "../../up",
                            "started": True, "duration_s": 0.4, "has_audio": False}
            told = await data.expect(lambda m: m.get("type") == "play_uploaded_move")
            assert told["finished"] is True
            state = (await data.ask({"type": "get_state"}, "state"))["state"]
            assert abs(state["antennas"][0] - 0.5) < 0.05
            upload(data, "long", move(30, 0.5))
            data.send({"type": "play_uploaded_move", "upload_id": "long"})
            assert (await data.expect(lambda m: m.get("type") == "play_uploaded_move"))["started"]
            data.send({"type": "cancel_move", "upload_id": "long"})
            told = await data.expect(lambda m: m.get("type") == "play_uploaded_move")
            assert told["cancelled"] is True
    run(scenario())
