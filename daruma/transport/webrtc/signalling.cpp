#include "daruma/transport/webrtc/signalling.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/base/ids.hpp"
#include "daruma/protocol/utf8.hpp"

namespace daruma::webrtc {
namespace json = boost::json;

Signalling::Signalling(Robot& robot, json::object robot_meta, Send send,
                       UniqueFunction<TimePoint()> now)
    : robot_(robot),
      robot_id_(make_uuid()),
      robot_meta_(std::move(robot_meta)),
      send_(std::move(send)),
      now_(std::move(now)) {}

void Signalling::join(const std::string& peer) {
  peers_[peer] = {};
  tell(peer, welcome(peer));
  flush();
}

void Signalling::leave(const std::string& peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  const Peer gone = std::move(found->second);
  peers_.erase(found);
  for (const auto& session : gone.sessions) close(session, peer);
  if (!gone.status.roles.none()) announce(peer, {{}, gone.status.meta});
  flush();
}

void Signalling::receive(const std::string& peer, std::string_view text) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  auto message = parse_signalling(text);
  if (message)
    std::visit([&](const auto& one) { handle(found->first, found->second, one); }, *message);
  else
    warn(peer, message.error().context);
  // The robot may have been called, and whatever it did, this peer may be gone by now.
  if (const auto still = peers_.find(peer); still != peers_.end()) still->second.has_spoken = true;
  flush();
}

void Signalling::receive_binary(const std::string& peer, std::size_t bytes) {
  warn(peer, fmt::format("binary message of {} bytes", bytes));
}

void Signalling::handle(const std::string& id, Peer& peer, const SetProtocolVersion& message) {
  if (peer.has_spoken) return warn(id, "setProtocolVersion must come first");
  peer.v1_1 = message.v1_1;
}

void Signalling::handle(const std::string& id, Peer& peer, const PeerStatus& message) {
  if (message.roles.producer && message.roles.consumer)
    return tell(id, error("A peer cannot be a producer and a consumer at once"));
  if (peer.status.roles == message.roles && peer.status.meta == message.meta) return;
  const bool withdraws = peer.status.roles.producer && !message.roles.producer;
  peer.status = message;
  if (withdraws) {
    const auto of_peer = peer.sessions;
    for (const auto& session : of_peer)
      if (const auto found = sessions_.find(session);
          found != sessions_.end() && found->second.producer == id)
        close(session, id);
  }
  announce(id, message);
}

std::optional<std::string> Signalling::refusal(const std::string& consumer, const Peer& peer,
                                               const StartSession& message) const {
  const bool with_robot = message.producer == robot_id_;
  const auto producer = peers_.find(message.producer);
  const bool known =
      with_robot || (producer != peers_.end() && producer->second.status.roles.producer);
  if (!known) return fmt::format("Peer with ID '{}' not found", protocol::quote(message.producer));
  if (message.producer == consumer) return "A peer cannot have a session with itself";
  if (with_robot && message.offer) return "The robot makes the offer";
  if (peer.sessions.size() >= kMaxSessionsOfPeer || sessions_.size() >= kMaxSessions ||
      (!with_robot && producer->second.sessions.size() >= kMaxSessionsOfPeer))
    return "Too many sessions";
  if (with_robot) return robot_.refusal();
  return std::nullopt;
}

void Signalling::handle(const std::string& id, Peer& peer, const StartSession& message) {
  if (const auto why = refusal(id, peer, message)) return tell(id, error(*why));
  const std::string session = make_uuid();
  sessions_[session] = {message.producer, id, message.offer.has_value()};
  peer.sessions.insert(session);
  tell(id, session_started(message.producer, session));
  if (message.producer == robot_id_) return robot_.session_started(session, id);
  peers_[message.producer].sessions.insert(session);
  tell(message.producer, start_session(id, session, message.offer));
}

void Signalling::handle(const std::string& id, Peer& peer, const PeerMessage& message) {
  Session* session = session_of(id, message.session);
  if (session == nullptr) return;
  if (const auto* sdp = std::get_if<SessionDescription>(&message.content)) {
    const bool from_consumer = session->consumer == id;
    const bool may_offer = peer.v1_1 && session->producer != robot_id_;
    if (const char* why = objection(sdp->is_offer, from_consumer, *session, may_offer))
      return tell(id, error(why));
    session->consumer_offers |= sdp->is_offer && from_consumer;
  }
  relay(id, *session, message);
}

const char* Signalling::objection(bool is_offer, bool from_consumer, const Session& session,
                                  bool may_offer) {
  if (is_offer && from_consumer && !may_offer) return "A consumer cannot send an offer";
  if (!is_offer && !from_consumer && !session.consumer_offers)
    return "A producer cannot send an answer";
  return nullptr;
}

void Signalling::relay(const std::string& from, const Session& session,
                       const PeerMessage& message) {
  const std::string& to = session.consumer == from ? session.producer : session.consumer;
  if (to != robot_id_) return tell(to, peer_message(message));
  if (const auto* sdp = std::get_if<SessionDescription>(&message.content))
    robot_.answered(message.session, sdp->sdp);
  else if (const auto* ice = std::get_if<IceCandidate>(&message.content))
    robot_.candidate_came(message.session, *ice);
}

void Signalling::handle(const std::string& id, Peer&, const EndSession& message) {
  if (session_of(id, message.session) != nullptr) close(message.session, id);
}

void Signalling::handle(const std::string& id, Peer&, const List&) {
  json::array producers;
  producers.push_back(json::object{{"id", robot_id_}, {"meta", robot_meta_}});
  for (const auto& [other, peer] : peers_)
    if (peer.status.roles.producer)
      producers.push_back(json::object{{"id", other}, {"meta", peer.status.meta}});
  tell(id, json::serialize(json::object{{"type", "list"}, {"producers", std::move(producers)}}));
}

void Signalling::handle(const std::string& id, Peer&, const ListConsumers&) {
  json::array consumers;
  for (const auto& [other, peer] : peers_)
    if (peer.status.roles.consumer)
      consumers.push_back(json::object{{"id", other}, {"meta", peer.status.meta}});
  tell(id, json::serialize(
               json::object{{"type", "listConsumers"}, {"consumers", std::move(consumers)}}));
}

void Signalling::offer(const std::string& session, const std::string& sdp) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  tell(found->second.consumer, peer_message({session, SessionDescription{true, sdp}}));
  flush();
}

void Signalling::candidate(const std::string& session, IceCandidate candidate) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  tell(found->second.consumer, peer_message({session, std::move(candidate)}));
  flush();
}

void Signalling::end(const std::string& session) {
  close(session, robot_id_);
  flush();
}

void Signalling::close(const std::string& session, const std::string& but) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  const std::string id = found->first;
  const Session closed = std::move(found->second);
  sessions_.erase(found);
  for (const auto& member : {closed.producer, closed.consumer}) {
    const auto peer = peers_.find(member);
    if (peer != peers_.end()) peer->second.sessions.erase(id);
    if (member == but) continue;
    if (member == robot_id_)
      robot_.session_ended(id);
    else if (peer != peers_.end())
      tell(member, end_session(id, peer->second.v1_1));
  }
}

Signalling::Session* Signalling::session_of(const std::string& peer, const std::string& session) {
  const auto found = sessions_.find(session);
  if (found != sessions_.end() &&
      (found->second.producer == peer || found->second.consumer == peer))
    return &found->second;
  warn(peer, fmt::format("no session {}", protocol::quote(session)));
  return nullptr;
}

void Signalling::announce(const std::string& peer, const PeerStatus& status) {
  const auto text = std::make_shared<const std::string>(peer_status_changed(peer, status));
  for (const auto& [id, other] : peers_)
    if (other.status.roles.listener) outbox_.emplace_back(id, text);
}

void Signalling::warn(const std::string& peer, std::string_view what) {
  if (const auto suppressed = warnings_.admit(now_()))
    spdlog::warn("signalling message of {} ignored: {}{}", peer, what,
                 *suppressed == 0 ? "" : fmt::format(" ({} more left out)", *suppressed));
}

void Signalling::tell(const std::string& peer, std::string text) {
  outbox_.emplace_back(peer, std::make_shared<const std::string>(std::move(text)));
}

void Signalling::flush() {
  if (flushing_) return;
  flushing_ = true;
  // By index: sending may add to it.
  for (std::size_t i = 0; i < outbox_.size(); ++i) {
    const auto [peer, text] = outbox_[i];
    send_(peer, text);
  }
  outbox_.clear();
  flushing_ = false;
}

}  // namespace daruma::webrtc
