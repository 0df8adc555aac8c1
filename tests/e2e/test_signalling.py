"""The signalling port (contract webrtc.md section 6), row by row, without a WebRTC stack."""

import pytest

from web_socket import BINARY, Refused, Silence

ROBOT = {"name": "reachymini"}


class Peer:
    """A signalling peer: a socket that was welcomed."""

    def __init__(self, daemon, version=None, **options):
        self.ws = daemon.signalling(**options)
        welcome = self.ws.receive_json()
        assert welcome.keys() == {"type", "peerId"} and welcome["type"] == "welcome"
        self.id = welcome["peerId"]
        if version:
            self.send("setProtocolVersion", version=version)

    def send(self, type_word, **fields):
        self.ws.send({"type": type_word, **fields})

    def status(self, *roles, meta=None):
        self.send("setPeerStatus", roles=list(roles), meta=meta)

    def expect(self, type_word, patience_s=5.0):
        """The next message, which has to be of this type."""
        message = self.ws.receive_json(patience_s)
        assert message["type"] == type_word, message
        return message

    def producers(self):
        self.send("list")
        return self.expect("list")["producers"]

    def robot_id(self):
        return next(p["id"] for p in self.producers() if p["meta"] == ROBOT)

    def dial(self, producer, **fields):
        self.send("startSession", peerId=producer, **fields)
        started = self.expect("sessionStarted")
        assert started.keys() == {"type", "peerId", "sessionId"} and started["peerId"] == producer
        return started["sessionId"]

    def assert_silent(self):
        """Nothing waits: what is answered next is our own question."""
        self.send("listConsumers")
        self.expect("listConsumers")


@pytest.fixture
def peer(daemon):
    made = []

    def make(**options):
        made.append(Peer(daemon, **options))
        return made[-1]
    yield make
    for one in made:
        one.ws.close()


def test_welcome_then_list_and_nothing_between(peer):
    listener = peer()
    listener.status("listener")
    listener.expect("peerStatusChanged")
    one = peer()
    other = peer()
    other.status("producer", meta={"name": "somebody"})
    listener.expect("peerStatusChanged")
    assert one.id != other.id
    producers = one.producers()
    assert {"id": other.id, "meta": {"name": "somebody"}} in producers
    assert [p for p in producers if p["meta"] == ROBOT] == [{"id": one.robot_id(), "meta": ROBOT}]


def test_any_path_and_both_families_of_addresses(daemon, peer):
    for path in ("/", "/webrtc", "/signalling?x=1"):
        with daemon.signalling() as ws:
            assert ws.receive_json()["type"] == "welcome", path
    assert peer(host="::1", host_header="[::1]").robot_id() == peer().robot_id()


def test_a_listener_is_told_of_itself(peer):
    one = peer()
    one.status("listener", meta={"name": "me"})
    assert one.expect("peerStatusChanged") == {"type": "peerStatusChanged", "peerId": one.id,
                                               "roles": ["listener"], "meta": {"name": "me"}}
    # Unchanged: silently ignored.
    one.status("listener", meta={"name": "me"})
    one.assert_silent()


def test_listeners_hear_of_others(peer):
    listener = peer()
    listener.status("listener")
    listener.expect("peerStatusChanged")
    deaf = peer()
    other = peer()
    for roles, meta in ((["consumer"], None), (["consumer"], {"a": 1}), (["listener"], {"a": 1})):
        other.status(*roles, meta=meta)
        assert listener.expect("peerStatusChanged") == {
            "type": "peerStatusChanged", "peerId": other.id, "roles": roles, "meta": meta}
    other.ws.vanish()
    assert listener.expect("peerStatusChanged") == {
        "type": "peerStatusChanged", "peerId": other.id, "roles": [], "meta": {"a": 1}}
    deaf.assert_silent()


def test_consumers_are_listed(peer):
    one, other = peer(), peer()
    one.send("listConsumers")
    assert one.expect("listConsumers")["consumers"] == []
    other.status("consumer", meta={"name": "watcher"})
    other.assert_silent()
    one.send("listConsumers")
    assert one.expect("listConsumers")["consumers"] == [
        {"id": other.id, "meta": {"name": "watcher"}}]


def test_nobody_is_producer_and_consumer_at_once(peer):
    one = peer()
    one.status("producer", "consumer")
    assert "details" in one.expect("error")
    assert one.id not in [p["id"] for p in one.producers()]


@pytest.mark.parametrize("status", [
    {"roles": "producer"}, {"roles": ["king"]}, {"roles": [1]}, {}, {"roles": None},
    {"roles": ["listener"], "meta": "text"}, {"roles": ["listener"], "meta": [1]},
])
def test_a_status_of_the_wrong_shape_is_ignored(peer, status):
    one = peer()
    one.send("setPeerStatus", **status)
    one.assert_silent()


def test_a_peer_cannot_speak_for_another(peer):
    one = peer()
    one.send("setPeerStatus", roles=["listener"], meta=None, peerId="somebody else")
    assert one.expect("peerStatusChanged")["peerId"] == one.id


@pytest.mark.parametrize("unknown", ["x", ""])
def test_an_unknown_producer_is_named(peer, unknown):
    one = peer()
    one.send("startSession", peerId=unknown)
    assert one.expect("error") == {"type": "error",
                                   "details": f"Peer with ID '{unknown}' not found"}


def test_a_peer_that_is_no_producer_cannot_be_dialled(peer):
    one, other = peer(), peer()
    one.send("startSession", peerId=other.id)
    assert other.id in one.expect("error")["details"]
    other.assert_silent()


def test_the_robot_offers(peer):
    one = peer()
    session = one.dial(one.robot_id())
    offer = one.expect("peer")
    assert offer["sessionId"] == session and "ice" not in offer
    assert offer["sdp"]["type"] == "offer"
    sdp = offer["sdp"]["sdp"]
    assert "m=application" in sdp and "a=group:BUNDLE" in sdp and "webrtc-datachannel" in sdp
    candidate = one.expect("peer")
    assert candidate["sessionId"] == session and "sdp" not in candidate
    assert candidate["ice"]["candidate"].startswith("candidate:")
    assert isinstance(candidate["ice"]["sdpMLineIndex"], int)


def test_every_offer_has_its_data_section(peer):
    one = peer()
    robot = one.robot_id()
    for _ in range(60):
        one.send("startSession", peerId=robot)
        session = one.ws.expect("sessionStarted")["sessionId"]
        offer = one.ws.expect(lambda m, s=session: m.get("sessionId") == s)
        assert "m=application" in offer["sdp"]["sdp"], offer
        one.send("endSession", sessionId=session)


def test_a_consumer_cannot_offer(peer):
    one = peer()
    robot = one.robot_id()
    one.send("startSession", peerId=robot, offer="v=0")
    assert "details" in one.expect("error")
    session = one.dial(robot)
    one.expect("peer")
    one.send("peer", sessionId=session, sdp={"type": "offer", "sdp": "v=0"})
    while (message := one.ws.receive_json())["type"] == "peer":
        pass
    assert message["type"] == "error" and message["details"]


def test_many_consumers_at_once_with_sessions_of_their_own(peer):
    consumers = [peer() for _ in range(8)]
    robot = consumers[0].robot_id()
    sessions = [c.dial(robot) for c in consumers]
    assert len(set(sessions)) == len(sessions)
    for consumer, session in zip(consumers, sessions):
        assert consumer.expect("peer")["sessionId"] == session
    # One peer may have several too.
    second = consumers[0].ws
    second.send({"type": "startSession", "peerId": robot})
    assert second.expect("sessionStarted")["sessionId"] not in sessions


def pair(peer):
    """A producer of somebody else's, and a consumer in session with it."""
    producer, consumer = peer(), peer()
    producer.status("producer", meta={"name": "other"})
    producer.assert_silent()
    session = consumer.dial(producer.id)
    assert producer.expect("startSession") == {
        "type": "startSession", "peerId": consumer.id, "sessionId": session, "offer": None}
    return producer, consumer, session


def test_others_are_relayed(peer):
    producer, consumer, session = pair(peer)
    offer = {"type": "offer", "sdp": "v=0 offer ü 😀"}
    answer = {"type": "answer", "sdp": "v=0 answer"}
    ice = {"candidate": "candidate:1 1 UDP 1 192.0.2.1 9 typ host", "sdpMLineIndex": 0,
           "sdpMid": "data", "usernameFragment": "abcd"}
    producer.send("peer", sessionId=session, sdp=offer)
    assert consumer.expect("peer") == {"type": "peer", "sessionId": session, "sdp": offer}
    consumer.send("peer", sessionId=session, sdp=answer)
    assert producer.expect("peer") == {"type": "peer", "sessionId": session, "sdp": answer}
    for sender, receiver in ((producer, consumer), (consumer, producer)):
        sender.send("peer", sessionId=session, ice=ice)
        relayed = receiver.expect("peer")
        assert relayed["ice"]["candidate"] == ice["candidate"]
        assert relayed["ice"]["sdpMLineIndex"] == 0
    consumer.send("endSession", sessionId=session)
    assert producer.expect("endSession") == {"type": "endSession", "sessionId": session}
    consumer.assert_silent()
    producer.send("peer", sessionId=session, sdp=offer)
    consumer.assert_silent()


@pytest.mark.parametrize("who", ["producer", "consumer"])
def test_who_vanishes_ends_its_sessions(peer, who):
    listener = peer()
    producer, consumer, session = pair(peer)
    listener.status("listener")
    listener.expect("peerStatusChanged")
    (gone, stays) = (producer, consumer) if who == "producer" else (consumer, producer)
    gone.ws.vanish()
    assert stays.expect("endSession") == {"type": "endSession", "sessionId": session}
    if who == "producer":
        told = listener.expect("peerStatusChanged")
        assert told["peerId"] == producer.id and told["roles"] == []


def test_a_producer_that_withdraws_ends_its_sessions(peer):
    producer, consumer, session = pair(peer)
    producer.status(meta={"name": "other"})
    assert consumer.expect("endSession")["sessionId"] == session
    assert producer.id not in [p["id"] for p in consumer.producers()]


def test_messages_for_sessions_of_others_are_refused(peer):
    producer, consumer, session = pair(peer)
    stranger = peer()
    robot_session = stranger.dial(stranger.robot_id())
    for message in ({"sdp": {"type": "answer", "sdp": "v=0"}},
                    {"ice": {"candidate": "candidate:1", "sdpMLineIndex": 0}}):
        stranger.send("peer", sessionId=session, **message)
        stranger.send("peer", sessionId="nobody's", **message)
        consumer.send("peer", sessionId=robot_session, **message)
    stranger.send("endSession", sessionId=session)
    consumer.send("endSession", sessionId=robot_session)
    producer.assert_silent()
    consumer.assert_silent()
    # Both sessions live.
    producer.send("peer", sessionId=session, sdp={"type": "offer", "sdp": "v=0"})
    assert consumer.expect("peer")["sessionId"] == session
    assert stranger.expect("peer")["sessionId"] == robot_session


def test_both_protocol_versions(peer, daemon):
    old, new = peer(version="v1_0"), peer(version="v1_1")
    unknown = peer(version="v9_9")
    silent = peer()
    sessions = {}
    for one in (old, new, unknown, silent):
        sessions[one] = one.dial(one.robot_id())
        one.expect("peer")
    daemon.restart_and_wait()

    def end_of(one):
        while (message := one.ws.receive_json())["type"] == "peer":
            pass
        return message
    for one in (old, unknown, silent):
        assert end_of(one) == {"type": "endSession", "sessionId": sessions[one]}
    end = end_of(new)
    assert end.keys() == {"type", "sessionId", "error"}
    assert (end["type"], end["sessionId"]) == ("endSessionV1_1", sessions[new])


def test_a_protocol_version_that_comes_late_does_not_count(peer, daemon):
    late = peer()
    robot = late.robot_id()
    late.send("setProtocolVersion", version="v1_1")
    late.dial(robot)
    late.expect("peer")
    daemon.restart_and_wait()
    while (message := late.ws.receive_json())["type"] == "peer":
        pass
    assert message["type"] == "endSession"


@pytest.mark.parametrize("text", ["not JSON", "[]", "null", '"list"', "{}", '{"type":1}',
                                  '{"type":"list"', '{"type":"welcome","peerId":"x"}',
                                  '{"type":"listen"}'])
def test_what_cannot_be_read_is_not_answered(peer, text):
    one = peer()
    one.ws.send(text)
    one.assert_silent()


def test_binary_is_ignored(peer):
    one = peer()
    one.ws.send_frame(BINARY, b'{"type":"list"}')
    one.ws.send_frame(BINARY, b"")
    one.assert_silent()


def test_unknown_keys_are_ignored(peer):
    one = peer()
    one.send("list", extra={"deep": [1]}, version=7)
    assert one.expect("list")["producers"]


def test_the_robots_id_and_all_sockets_outlive_every_scope_but_process(peer, daemon):
    listener, keeper = peer(), peer()
    listener.status("listener")
    listener.expect("peerStatusChanged")
    robot = keeper.robot_id()
    for scope in ("backend", "daemon", "daemon", "backend"):
        daemon.restart_and_wait(scope=scope)
        assert keeper.robot_id() == robot
    daemon.post("/api/daemon/stop?goto_sleep=false")
    daemon.wait_state("stopped")
    assert keeper.robot_id() == robot
    # The robot never left the list, so listeners heard nothing.
    listener.assert_silent()


def test_a_dial_in_mid_restart_is_answered_within_3_s(peer, daemon):
    one = peer()
    robot = one.robot_id()
    daemon.restart(wake_up_on_start="true")
    daemon.wait_state("starting")
    session = one.dial(robot)
    assert one.expect("peer", patience_s=4)["sessionId"] == session


def test_dials_on_and_on_during_restarts_are_never_refused(peer, daemon):
    one = peer()
    robot = one.robot_id()
    for number in range(20):
        daemon.restart(id=f"r{number}", scope="daemon" if number % 2 else "backend")
        session = one.ws.ask({"type": "startSession", "peerId": robot},
                             lambda m: m["type"] in ("sessionStarted", "error"))
        assert session["type"] == "sessionStarted", session
        one.ws.expect(lambda m, s=session["sessionId"]: m.get("sessionId") == s)
        one.send("endSession", sessionId=session["sessionId"])
        daemon.ended(f"r{number}")


def test_plain_http_on_the_signalling_port_is_told_to_upgrade(daemon):
    answer = daemon.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", port=daemon.signalling_port)
    assert answer.startswith(b"HTTP/1.1 426 ")


def test_no_more_than_256_peers(daemon):
    sockets = []
    try:
        with pytest.raises(Refused) as refused:
            for _ in range(300):
                sockets.append(daemon.signalling())
        assert refused.value.status == 503
        assert 250 <= len(sockets) <= 256
        for ws in sockets:
            assert ws.receive_json()["type"] == "welcome"
        with pytest.raises(Silence):
            sockets[0].receive(0.05)
    finally:
        for ws in sockets:
            ws.close()
    daemon.wait_state("running")
