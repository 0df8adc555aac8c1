"""Sessions of a second WebRTC stack (aiortc): channels, answers, restarts, chunks."""

import asyncio
import json
import time

import pytest

from harness import Footprint, free_ports, until
from rtc_client import Browser, Gone, run

BARE_ACK = {"status": "ok", "command": "restart_daemon", "scheduled": True}
# A session has 12 threads; without one there are fewer in all.
SESSION_THREADS = 20
STATE_KEYS = ["head_pose", "antennas", "head_joint_positions", "body_yaw", "motor_mode",
              "is_recording", "is_move_running", "face_target", "doa", "imu"]


def test_a_session_answers(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            assert page.labels == ["data"]
            assert data.channel.ordered and data.channel.maxRetransmits is None
            state = (await data.ask({"type": "get_state"}, "state"))["state"]
            assert list(state) == STATE_KEYS
            assert len(state["head_joint_positions"]) == 7 and len(state["antennas"]) == 2
            assert [len(row) for row in state["head_pose"]] == [4, 4, 4, 4]
            assert state["motor_mode"] == "enabled" and state["imu"] is None
            assert await data.ask({"type": "get_version"}, "version") == {"version": "1.13.0"}
            assert await data.ask({"type": "get_hardware_id"}, "hardware_id") == {
                "hardware_id": None}
            assert await data.ask({"type": "get_motor_mode"}, "motor_mode") == {
                "motor_mode": "enabled"}
            assert await data.ask({"type": "set_motor_mode", "mode": "disabled"}, "motor_mode") == {
                "motor_mode": "disabled", "status": "ok"}
            assert await data.ask({"type": "set_motor_mode", "mode": "foo"}) == {
                "error": "'foo' is not a valid MotorControlMode", "command": "set_motor_mode"}
            assert await data.ask({"type": "set_antennas", "antennas": [0.1, 0.1]}) == {
                "status": "ok", "command": "set_antennas"}
            assert await data.ask({"type": "get_imu"}) == {
                "error": "get_imu is not available on this daemon", "command": "get_imu"}
            health = await data.ask({"type": "get_health"})
            assert health["verdict"] == "healthy" and health["boot_id"]
    run(scenario())


def test_the_bare_ack_is_the_seeds_word_for_word(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            data.send('{"type":"restart_daemon"}')
            while True:
                message, text = await data.receive_text()
                if message.get("command") == "restart_daemon":
                    break
            assert message == BARE_ACK and list(message) == list(BARE_ACK)
            assert text.replace(" ", "") == (
                '{"status":"ok","command":"restart_daemon","scheduled":true}')
            await data.wait_closed()
            await page.wait_ended()
    run(scenario())


@pytest.mark.parametrize("fields", [{"wake_up_on_start": "maybe"}, {"goto_sleep_on_stop": 2},
                                    {"scope": "galaxy"}, {"id": ""}, {"id": 7}])
def test_flags_of_a_wrong_type_restart_nothing(daemon, fields):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            data.send({"type": "restart_daemon", **fields})
            refused = await data.expect(lambda m: "error" in m and "type" not in m)
            assert refused["error"].startswith("Invalid command: ")
            assert list(refused) == ["error"]
            assert await data.ask({"type": "get_version"}, "version")
    run(scenario())
    assert daemon.status()["generation"] == 1


def test_restarts_over_and_over_without_one_miss(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            for number in range(20):
                generation = daemon.status()["generation"]
                if number % 2:
                    # The peers stay: the phases come over the same channel.
                    name = f"round-{number}"
                    ack = await data.ask({"type": "restart_daemon", "scope": "backend", "id": name})
                    assert ack["scheduled"] is True and ack["id"] == name
                    phases = []
                    while phases[-1:] != ["done"]:
                        step = await data.expect("restart_progress")
                        assert step["id"] == name and step["error"] is None
                        phases.append(step["phase"])
                    assert phases[:2] == ["stopping", "starting"]
                else:
                    assert await data.ask({"type": "restart_daemon"}) == BARE_ACK
                    await data.wait_closed(2)
                    await page.wait_ended(2)
                    data = await page.dial()
                assert "state" in await data.ask({"type": "get_state"}, "state")
                status = await data.ask({"type": "get_daemon_status"})
                assert status["generation"] == generation + 1 and status["state"] == "running"
    run(scenario())
    receipts = daemon.receipts(20)
    assert len(receipts) == 20
    assert {r["outcome"] for r in receipts} == {"done"} and {r["ack"] for r in receipts} == {"sent"}
    assert {r["requested"]["by"] for r in receipts} == {"webrtc"}


def test_the_ack_comes_before_any_effect(daemon):
    async def scenario():
        async with Browser(daemon) as page, Browser(daemon) as watcher:
            data, seen = await page.dial(), await watcher.dial()
            data.send({"type": "restart_daemon", "scope": "backend", "id": "order"})
            words = []
            while words[-1:] != ["done"]:
                message = await data.receive()
                if message.get("command") == "restart_daemon":
                    words.append("ack")
                if message.get("type") == "restart_progress":
                    words.append(message["phase"])
                if message.get("type") == "daemon_status":
                    words.append(message["state"])
            assert words[0] == "ack", words
            # Everybody hears the states, only the caller the progress.
            states = []
            while states[-1:] != ["running"]:
                message = await seen.receive()
                assert message["type"] == "daemon_status", message
                states.append(message["state"])
            assert states[0] in ("stopping", "starting"), states
    run(scenario())


def test_two_pages_restart_at_the_same_time(daemon):
    async def scenario():
        async with Browser(daemon) as one, Browser(daemon) as two:
            first, second = await one.dial(), await two.dial()
            acks = await asyncio.gather(first.ask({"type": "restart_daemon", "id": "one"}),
                                        second.ask({"type": "restart_daemon", "id": "two"}))
            assert [ack["scheduled"] for ack in acks] == [True, True]
            assert sorted(ack["merged"] for ack in acks) == [False, True]
            await asyncio.gather(first.wait_closed(), second.wait_closed(),
                                 one.wait_ended(), two.wait_ended())
            first, second = await asyncio.gather(one.dial(), two.dial())
            for data in (first, second):
                assert (await data.ask({"type": "get_daemon_status"}))["generation"] == 2
    run(scenario())
    assert {daemon.receipt("one")["merged_into"], daemon.receipt("two")["merged_into"]} in (
        {None, "one"}, {None, "two"})


def test_scope_process_is_done_by_the_successor(make_daemon):
    http_port, signalling_port = free_ports(2)
    daemon = make_daemon(http_port=http_port, signalling_port=signalling_port).start()

    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            ack = await data.ask({"type": "restart_daemon", "scope": "process", "id": "anew"})
            assert ack["scope"] == "process"
            await data.wait_closed()
            await page.wait_ended()
        daemon.ended("anew")
        async with Browser(daemon) as page:
            data = await page.dial()
            receipt = await data.ask({"type": "get_restart_receipt", "id": "anew"})
            assert receipt["outcome"] == "done"
            assert (await data.ask({"type": "get_restart_receipt", "id": "no"})) == {
                "command": "get_restart_receipt", "id": "no", "receipt": None}
    run(scenario())


def test_pose_is_a_lazy_channel_whose_seq_rises_over_a_restart(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            await data.ask({"type": "get_state"}, "state")
            assert page.labels == ["data"]
            assert await data.ask({"type": "subscribe_pose"}) == {"status": "ok",
                                                                  "command": "subscribe_pose"}
            pose = await asyncio.wait_for(page.pose, 5)
            assert page.labels == ["data", "pose"]
            assert pose.channel.ordered is False and pose.channel.maxRetransmits == 0
            frames = [await pose.receive() for _ in range(30)]
            assert all(list(frame) == ["state", "seq"] for frame in frames)
            assert list(frames[0]["state"]) == STATE_KEYS
            began = time.monotonic()
            frames += [await pose.receive() for _ in range(30)]
            assert 0.5 < time.monotonic() - began < 2.5  # 33 ms apart
            await data.ask({"type": "restart_daemon", "scope": "backend", "id": "under-it"})
            await data.expect(lambda m: m.get("phase") == "done")
            frames += [await pose.receive() for _ in range(30)]
            sequence = [frame["seq"] for frame in frames]
            assert sequence == sorted(set(sequence)), sequence
            assert await data.ask({"type": "unsubscribe_pose"}) == {"status": "ok",
                                                                    "command": "unsubscribe_pose"}
            with pytest.raises(asyncio.TimeoutError):
                while True:
                    await pose.receive(0.5)
            # The channel stays, and is used again.
            await data.ask({"type": "subscribe_pose"})
            assert (await pose.receive())["seq"] > sequence[-1]
            assert page.labels == ["data", "pose"]
    run(scenario())


def test_logs_begin_with_the_last_hundred_lines(daemon):
    for number in range(60):
        daemon.restart_and_wait(scope="backend", id=f"line-{number}")

    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            data.send({"type": "subscribe_logs"})
            lines = [await data.receive() for _ in range(100)]
            assert all(list(line) == ["type", "timestamp", "line"] for line in lines)
            assert all(line["type"] == "log_line" for line in lines)
            assert any("id=line-59 " in line["line"] for line in lines[-5:])
            assert all(" - " in line["line"] for line in lines)
            assert [line["timestamp"] for line in lines] == sorted(
                line["timestamp"] for line in lines)
            daemon.restart(scope="backend", id="followed")
            await data.expect(lambda m: "id=followed" in m.get("line", ""))
            data.send({"type": "unsubscribe_logs"})
            await data.ask({"type": "get_version"}, "version")
            daemon.restart_and_wait(scope="backend", id="unheard")
            await data.ask({"type": "get_version"}, "version")
            while not data.inbox.empty():
                assert (await data.receive()).get("type") != "log_line"
    run(scenario())


def test_long_messages_are_chunked(daemon):
    with daemon.ws() as ws:
        for number in range(100):
            ws.ask({"type": "restart_daemon", "scope": "motor", "motor": "stewart_1",
                    "id": f"{number:064d}"})
            ws.expect(lambda m: m.get("phase") == "done")

    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            long = await data.ask({"type": "get_restart_receipts", "limit": 256})
            assert len(json.dumps(long, separators=(",", ":"))) > 60_000
            assert data.chunked > 1
            assert len(long["receipts"]) == 100
            chunked = data.chunked
            short = await data.ask({"type": "get_restart_receipts", "limit": 2})
            assert len(short["receipts"]) == 2 and data.chunked == chunked
    run(scenario())


@pytest.mark.parametrize("host, trickle", [("127.0.0.1", False), ("127.0.0.1", True),
                                           ("::1", False)])
def test_trickled_and_whole_answers_over_both_families(daemon, host, trickle):
    async def scenario():
        async with Browser(daemon, host=host, trickle=trickle) as page:
            data = await page.dial()
            assert await data.ask({"type": "get_version"}, "version")
            await data.ask({"type": "restart_daemon"})
            await data.wait_closed()
            data = await page.dial()
            assert await data.ask({"type": "get_version"}, "version")
    run(scenario())


def test_a_dial_in_mid_restart_lands_in_a_running_robot(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            for _ in range(5):
                data.send({"type": "restart_daemon"})
                await data.wait_closed()
                data = await page.dial()
                # At once, without waiting for anything.
                assert "state" in await data.ask({"type": "get_state"}, "state")
    run(scenario())


def test_commands_during_a_transition_are_told_its_phase(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            daemon.post("/api/daemon/stop?goto_sleep=false")
            await data.expect(lambda m: m.get("state") == "stopped")
            refused = await data.ask({"type": "get_state"}, "state")
            assert refused["command"] == "get_state" and refused["phase"] == "stopped"
            assert refused["reason"] == "not_running"
            ack = await data.ask({"type": "start_daemon", "wake_up": False})
            assert ack["status"] == "ok" and ack["no_effect"] is False
            await data.expect(lambda m: m.get("state") == "running")
            assert "state" in await data.ask({"type": "get_state"}, "state")
    run(scenario())


def test_sessions_leave_nothing_behind(daemon):
    async def cycles(count):
        async with Browser(daemon) as page:
            for number in range(count):
                data = await page.dial()
                await data.ask({"type": "get_state"}, "state")
                if number % 3 == 0:
                    data.send({"type": "restart_daemon"})
                    await page.wait_ended()
    run(cycles(15))
    until("the sessions are gone", lambda: daemon.threads() < SESSION_THREADS)
    before = Footprint(daemon)
    run(cycles(30))
    # Threads and descriptors exactly; memory finds its size later (tests/bench measures 1,000).
    before.assert_back(rss_kb=6144)


def test_who_leaves_without_a_word_is_noticed(daemon):
    async def leave(polite):
        page = Browser(daemon)
        await page.connect()
        data = await page.dial()
        await data.ask({"type": "subscribe_pose"})
        await asyncio.wait_for(page.pose, 5)
        if polite:
            await page.hang_up()
        # The tab is gone: its signalling socket is all that closes.
        page.reader.cancel() if page.reader else None
        await page.socket.close()
    run(leave(True))
    until("it is gone", lambda: daemon.threads() < SESSION_THREADS)
    before = Footprint(daemon)
    for polite in (True, False, False):
        run(leave(polite))
    before.assert_back(rss_kb=4096)


@pytest.mark.slow
def test_a_peer_that_never_answers_its_offer_is_freed_after_12_s(daemon):
    async def one_session():
        async with Browser(daemon) as page:
            data = await page.dial()
            assert await data.ask({"type": "get_version"}, "version")
    run(one_session())
    until("the session is gone", lambda: daemon.threads() < SESSION_THREADS)
    peers = [daemon.signalling() for _ in range(3)]
    before = Footprint(daemon)
    peers[0].send({"type": "setProtocolVersion", "version": "v1_1"})
    sessions = []
    began = time.monotonic()
    for ws in peers:
        robot = ws.ask({"type": "list"}, lambda m: m["type"] == "list")["producers"][0]["id"]
        sessions.append(ws.ask({"type": "startSession", "peerId": robot},
                               lambda m: m["type"] == "sessionStarted")["sessionId"])
        ws.expect("peer")
    run(one_session())  # the others are not in anybody's way
    # One answers nonsense, and is ended at once.
    peers[2].send({"type": "peer", "sessionId": sessions[2],
                   "sdp": {"type": "answer", "sdp": "v=0 nonsense"}})
    assert peers[2].expect("endSession", 3)["sessionId"] == sessions[2]
    assert peers[0].expect("endSessionV1_1", 14)["sessionId"] == sessions[0]
    assert peers[1].expect("endSession", 3)["sessionId"] == sessions[1]
    assert 11 < time.monotonic() - began < 15
    before.assert_back(rss_kb=4096)
    for ws in peers:
        ws.close()


def test_pages_that_vanish_in_mid_restart_are_forgotten(daemon):
    async def vanish(message):
        page = Browser(daemon)
        await page.connect()
        data = await page.dial()
        data.send(message)
        await asyncio.sleep(0.01)
        page.reader.cancel()
        await page.socket.close()  # the tab is gone, and says nothing to its connection
        return page.peer
    for number in range(6):
        scope = ("backend", "daemon")[number % 2]
        run(vanish({"type": "restart_daemon", "scope": scope, "id": f"gone-{number}"}))
        assert daemon.ended(f"gone-{number}")["outcome"] == "done"
    until("their threads are gone", lambda: daemon.threads() < SESSION_THREADS)

    async def others():
        async with Browser(daemon) as page:
            data = await page.dial()
            assert "state" in await data.ask({"type": "get_state"}, "state")
    run(others())


def test_a_closed_channel_says_gone(daemon):
    async def scenario():
        async with Browser(daemon) as page:
            data = await page.dial()
            daemon.restart()
            with pytest.raises(Gone):
                while True:
                    await data.receive()
    run(scenario())
