"""Restarts over HTTP and /ws/sdk: what is kept, what is told, and to whom."""

import time

import pytest

from harness import until
from web_socket import Closed, Silence

RECEIPT_KEYS = {"id", "merged_into", "scope", "requested", "flags", "boot_id", "generation", "ack",
                "phases", "outcome", "error", "cured", "downtime_ms", "causes_before",
                "causes_after", "torque_kept", "max_step_deg"}
BARE_ACK = {"status": "ok", "command": "restart_daemon", "scheduled": True}


def test_a_restart_keeps_the_process_and_rebuilds_the_room(daemon):
    before = daemon.status()
    pid = daemon.pid
    ack = daemon.restart()
    assert ack["job_id"] == ack["id"]
    assert (ack["scope"], ack["merged"], ack["duplicate"]) == ("daemon", False, False)
    assert ack["generation"] == before["generation"]
    receipt = daemon.ended(ack["id"])
    after = daemon.wait_state("running")
    assert RECEIPT_KEYS <= receipt.keys()
    assert receipt["outcome"] == "done" and receipt["error"] is None
    assert receipt["ack"] == "sent" and receipt["requested"]["by"] == "http"
    assert receipt["generation"] == {"before": before["generation"],
                                     "after": before["generation"] + 1}
    assert receipt["torque_kept"] is True and receipt["max_step_deg"] <= 0.5
    assert receipt["causes_before"] == receipt["causes_after"] == []
    assert receipt["cured"] is not False
    assert [p["phase"] for p in receipt["phases"]][-3:] == ["stopping", "starting", "checking"]
    assert after["generation"] == before["generation"] + 1
    assert after["boot_id"] == before["boot_id"] == receipt["boot_id"]
    assert daemon.process.poll() is None and daemon.pid == pid


def test_stop_and_start(daemon):
    assert "job_id" in daemon.post("/api/daemon/stop?goto_sleep=false").json()
    stopped = daemon.wait_state("stopped")
    assert stopped["backend_status"] is None and stopped["error"] is None
    assert daemon.post("/api/daemon/stop?goto_sleep=false").json()["no_effect"] is True
    assert daemon.post("/api/daemon/start?wake_up=false").json()["no_effect"] is False
    running = daemon.wait_state("running")
    assert running["generation"] == stopped["generation"] + 1
    assert daemon.post("/api/daemon/start?wake_up=false").json()["no_effect"] is True
    assert daemon.status()["generation"] == running["generation"]


def test_a_restart_of_a_stopped_robot_starts_it(daemon):
    daemon.post("/api/daemon/stop?goto_sleep=false")
    daemon.wait_state("stopped")
    daemon.restart_and_wait()
    assert daemon.status()["state"] == "running"


def test_without_autostart_the_robot_is_not_initialized_until_asked(make_daemon):
    daemon = make_daemon("--no-autostart").start(state=None)
    status = daemon.status()
    assert status["state"] == "not_initialized" and status["backend_status"] is None
    assert status["simulation_enabled"] is None and status["generation"] == 0
    daemon.post("/api/daemon/start?wake_up=false")
    assert daemon.wait_state("running")["generation"] == 1


@pytest.mark.parametrize("path, field", [("start", "wake_up"), ("stop", "goto_sleep")])
def test_start_and_stop_need_their_flag(daemon, path, field):
    answer = daemon.post(f"/api/daemon/{path}")
    assert answer.status == 422
    assert answer.json()["detail"][0] == {"type": "missing", "loc": ["query", field],
                                          "msg": "Field required", "input": None}


def test_rest_jobs_exclude_one_another(daemon):
    # The sleep move takes seconds.
    ack = daemon.restart(goto_sleep_on_stop="true")
    for path in ("restart", "start?wake_up=false", "stop?goto_sleep=false"):
        answer = daemon.post(f"/api/daemon/{path}")
        assert answer.status == 409 and answer.json()["detail"] == "Daemon is busy."
    # A repeated id is no new job.
    again = daemon.restart(id=ack["id"])
    assert again["duplicate"] is True and again["id"] == ack["id"]
    # Other ways in are not REST jobs: they join.
    with daemon.ws() as ws:
        joined = ws.ask({"type": "restart_daemon", "scope": "backend", "id": "joins"})
        assert joined["merged"] is True
        assert daemon.receipt("joins")["merged_into"] == ack["id"]


def test_receipts_are_listed_newest_first(daemon):
    for name in ("one", "two", "three"):
        daemon.restart_and_wait(id=name, scope="backend")
    assert [r["id"] for r in daemon.receipts()][:3] == ["three", "two", "one"]
    assert [r["id"] for r in daemon.receipts(limit=2)] == ["three", "two"]
    assert daemon.http("GET", "/api/daemon/restarts/never").status == 404
    for limit in ("0", "257", "x"):
        assert daemon.http("GET", f"/api/daemon/restarts?limit={limit}").status == 422


def test_an_id_is_acted_on_once_even_by_the_next_process(daemon):
    first = daemon.restart(id="7c0e-42", scope="backend")
    done = daemon.ended("7c0e-42")
    again = daemon.restart(id="7c0e-42", scope="backend")
    assert first["duplicate"] is False and again["duplicate"] is True
    assert again["generation"] == first["generation"]
    assert daemon.status()["generation"] == done["generation"]["after"]
    daemon.kill()
    daemon.start()
    generation = daemon.status()["generation"]
    assert generation > done["generation"]["after"]
    assert daemon.restart(id="7c0e-42")["duplicate"] is True
    assert daemon.status()["generation"] == generation
    assert daemon.receipt("7c0e-42") == done


@pytest.mark.parametrize("bad", ["", "x" * 65, "a%00b", "%C3%A9"])
def test_bad_ids_are_refused(daemon, bad):
    assert daemon.post(f"/api/daemon/restart?id={bad}").status == 422
    assert daemon.status()["generation"] == 1


def test_ids_of_any_printable_text(daemon):
    for name in ("a b", "?&=%/", "~" * 64):
        with daemon.ws() as ws:
            ack = ws.ask({"type": "restart_daemon", "scope": "backend", "id": name})
            assert ack["id"] == name
            ws.expect(lambda m: m.get("phase") == "done")
            got = ws.ask({"type": "get_restart_receipt", "id": name})
            assert got["id"] == name and got["outcome"] == "done"


def test_a_dry_run_tells_and_does_nothing(daemon):
    plan = daemon.restart(dry_run="true", scope="backend")
    assert plan["dry_run"] is True and plan["scope"] == "backend"
    assert plan["peers_kept"] is True and plan["moves"] is False and plan["causes"] == []
    assert plan["expected_ms"] == {"p50": None, "p99": None}
    assert daemon.status()["generation"] == 1 and daemon.receipts() == []
    daemon.restart_and_wait(scope="backend")
    assert daemon.restart(dry_run="true", scope="backend")["expected_ms"]["p50"] is not None
    plan = daemon.restart(dry_run="true", wake_up_on_start="true")
    assert plan["scope"] == "daemon" and plan["peers_kept"] is False and plan["moves"] is True
    assert daemon.restart(dry_run="true", scope="auto")["scope"] == "backend"
    refused = daemon.restart(expect=404, dry_run="true", scope="motor", motor="stewart_9")
    assert refused["reason"] == "unknown_motor"
    assert daemon.status()["generation"] == 2


def test_one_motor_is_restarted_and_nothing_else(daemon):
    with daemon.ws() as ws:
        ack = ws.ask({"type": "restart_daemon", "scope": "motor", "motor": "stewart_3",
                      "id": "7c0e-43"})
        assert ack["scope"] == "motor"
        assert ws.expect(lambda m: m.get("phase") == "done")["scope"] == "motor"
        ws.expect("joint_positions")
    assert daemon.status()["generation"] == 1
    for parameters in ({"scope": "motor"}, {"scope": "motor", "motor": "elbow"}):
        assert daemon.restart(expect=404, **parameters)["reason"] == "unknown_motor"
    assert daemon.post("/api/daemon/restart?motor=stewart_3").status == 422


def test_over_ws_a_bare_restart_is_silent_and_closes_1012(daemon):
    ws = daemon.ws()
    other = daemon.ws()
    ws.send({"type": "restart_daemon"})
    for socket in (ws, other):
        messages = []
        with pytest.raises(Closed) as closed:
            while True:
                messages.append(socket.receive_json())
        assert (closed.value.code, closed.value.reason) == (1012, "service restart")
        assert not [m for m in messages if "command" in m or "error" in m and "type" not in m]
    # Accepted again at once, and served as soon as the robot runs.
    with daemon.ws() as again:
        again.expect("joint_positions")
    assert daemon.receipts()[0]["requested"]["by"] == "websocket"
    assert daemon.status()["generation"] == 2


def test_over_ws_a_restart_with_an_id_is_answered_before_the_socket_closes(daemon):
    ws = daemon.ws()
    ack = ws.ask({"type": "restart_daemon", "id": "with-id"})
    assert ack == BARE_ACK | {"id": "with-id", "scope": "daemon", "merged": False,
                              "duplicate": False, "generation": 1}
    assert ws.wait_closed().code == 1012
    assert daemon.ended("with-id")["ack"] == "sent"


def test_over_ws_scope_backend_keeps_the_socket_and_tells_its_phases(daemon):
    with daemon.ws() as ws, daemon.ws() as other:
        ws.expect("joint_positions")
        for round_number in range(1, 6):
            name = f"round-{round_number}"
            ack = ws.ask({"type": "restart_daemon", "scope": "backend", "id": name})
            assert ack["scope"] == "backend" and ack["generation"] == round_number
            phases = []
            while not phases or phases[-1]["phase"] not in ("done", "failed"):
                phases.append(ws.expect("restart_progress"))
            assert [p["phase"] for p in phases] in (
                ["stopping", "starting", "done"], ["stopping", "starting", "checking", "done"])
            assert all(p["id"] == name and p["scope"] == "backend" and p["error"] is None
                       for p in phases)
            assert [p["elapsed_ms"] for p in phases] == sorted(p["elapsed_ms"] for p in phases)
            ws.expect("joint_positions")
            ws.expect("head_pose")
            assert daemon.status()["generation"] == round_number + 1
        heard = other.drain(0.5)
        assert not [m for m in heard if m["type"] == "restart_progress"]
        assert [m for m in heard if m["type"] == "joint_positions"]


def test_all_sockets_hear_each_change_of_state(daemon):
    with daemon.ws() as ws:
        ws.expect("daemon_status")
        daemon.post("/api/daemon/stop?goto_sleep=false")
        assert ws.expect(lambda m: m.get("state") == "stopped")["backend_status"] is None
        # While stopped nothing comes: that silence is how programs learn that the robot is gone.
        ws.drain(0.1)
        with pytest.raises(Silence):
            ws.receive(1.5)
        daemon.post("/api/daemon/start?wake_up=false")
        ws.expect(lambda m: m.get("state") == "running")
        ws.expect("joint_positions")


def test_commands_to_a_stopped_robot_are_told_so(daemon):
    daemon.post("/api/daemon/stop?goto_sleep=false")
    daemon.wait_state("stopped")
    with daemon.ws() as ws:
        status = ws.ask({"type": "get_daemon_status"})
        assert status["state"] == "stopped"
        # Silent as the reference, and alive.
        ws.send({"type": "set_body_yaw", "body_yaw": 0.1})
        ws.send({"type": "get_state"})
        assert ws.ask({"type": "get_health"})["verdict"] == "healthy"


def test_restarts_can_be_limited_to_where_they_come_from(make_daemon):
    daemon = make_daemon("--restart-from", "lan,relay").start()
    refused = daemon.restart(expect=403)
    assert refused["reason"] == "denied"
    with daemon.ws() as ws:
        ack = ws.ask({"type": "restart_daemon", "id": "x"})
        assert ack["reason"] == "denied" and "error" in ack
    assert daemon.post("/api/daemon/stop?goto_sleep=false").status == 403
    assert daemon.status()["generation"] == 1 and daemon.receipts() == []
    daemon.wait_log("refused: by=http .*reason=denied", 2)
    daemon.wait_log("refused: by=websocket .*reason=denied")


def test_each_request_is_one_line_of_the_log(daemon):
    daemon.restart_and_wait(id="one-line")
    accepted = [line for line in daemon.log().splitlines()
                if "id=one-line" in line and "accepted" in line]
    assert len(accepted) == 1
    assert " - INFO - " in accepted[0]
    for word in ("by=http", "from=local", "scope=daemon"):
        assert word in accepted[0]


def test_a_confirmed_restart_waits_for_the_callers_word(daemon):
    with daemon.ws() as ws:
        ws.ask({"type": "restart_daemon", "scope": "backend", "id": "c1", "confirm": True})
        assert daemon.receipt("c1")["phases"] == []
        ws.send({"type": "restart_confirm", "id": "c1"})
        ws.expect(lambda m: m.get("phase") == "done")
        assert daemon.receipt("c1")["ack"] == "confirmed"
        # Who never says it waits a second, no longer.
        began = time.monotonic()
        ws.ask({"type": "restart_daemon", "scope": "backend", "id": "c2", "confirm": True})
        ws.expect(lambda m: m.get("phase") == "done")
        assert 0.8 < time.monotonic() - began < 3
        assert daemon.receipt("c2")["ack"] == "sent"
        unknown = ws.ask({"type": "restart_confirm", "id": "nobody"})
        assert unknown["reason"] == "not_found"


def test_a_wider_request_waits_and_a_narrower_one_joins(daemon):
    with daemon.ws() as ws:
        ws.ask({"type": "restart_daemon", "scope": "backend", "id": "leader", "confirm": True})
        narrow = ws.ask({"type": "restart_daemon", "scope": "backend", "id": "narrow"})
        wide = ws.ask({"type": "restart_daemon", "scope": "daemon", "id": "wide"})
        assert (narrow["merged"], wide["merged"]) == (True, False)
        assert daemon.receipt("narrow")["merged_into"] == "leader"
        ws.send({"type": "restart_confirm", "id": "leader"})
        assert ws.wait_closed().code == 1012
    assert daemon.ended("leader")["outcome"] == daemon.ended("narrow")["outcome"] == "done"
    wide = daemon.ended("wide")
    assert wide["outcome"] == "done" and wide["merged_into"] is None
    assert daemon.status()["generation"] == 3


def test_wrong_fields_restart_nothing(daemon):
    for query in ("scope=galaxy", "wake_up_on_start=maybe", "goto_sleep_on_stop=2", "dry_run="):
        answer = daemon.post(f"/api/daemon/restart?{query}")
        assert answer.status == 422, answer
        assert answer.json()["detail"][0]["loc"] == ["query", query.split("=")[0]]
    assert daemon.post("/api/daemon/restart?whatever=1").status == 200
    until("generation 2", lambda: daemon.status()["generation"] == 2)
