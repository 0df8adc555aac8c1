#include "daruma/transport/webrtc/signalling_hub.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/base/ids.hpp"
#include "daruma/protocol/utf8.hpp"

namespace daruma::webrtc {
namespace json = boost::json;

namespace {

constexpr std::string_view kProducer = "producer";
constexpr std::string_view kListener = "listener";
constexpr std::string_view kConsumer = "consumer";
// What clients of the reference look for (contract webrtc.md R2).
constexpr std::string_view kRobotName = "reachymini";

const json::string* string_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr ? value->if_string() : nullptr;
}

const json::object* object_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr ? value->if_object() : nullptr;
}

std::optional<unsigned> index_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* whole = value != nullptr ? value->if_int64() : nullptr;
  if (whole == nullptr || *whole < 0 || *whole > 255) return std::nullopt;
  return static_cast<unsigned>(*whole);
}

/// The roles of a setPeerStatus, or nullopt when they are not a list of known words.
std::optional<std::vector<std::string>> roles_from(const json::object& message) {
  const auto* value = message.if_contains("roles");
  const auto* array = value != nullptr ? value->if_array() : nullptr;
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> roles;
  for (const auto& item : *array) {
    const auto* word = item.if_string();
    if (word == nullptr || (*word != kProducer && *word != kListener && *word != kConsumer))
      return std::nullopt;
    if (std::find(roles.begin(), roles.end(), std::string_view(*word)) == roles.end())
      roles.emplace_back(*word);
  }
  return roles;
}

json::array roles_json(const std::vector<std::string>& roles) {
  json::array out;
  for (const auto& role : roles) out.push_back(json::value(role));
  return out;
}

}  // namespace

bool SignallingHub::Peer::has_role(std::string_view role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

SignallingHub::SignallingHub(RobotProducer& robot, UniqueFunction<TimePoint()> now)
    : robot_(robot), now_(std::move(now)), robot_id_(make_uuid()) {
  auto& self = peers_[robot_id_];
  self.roles = {std::string(kProducer)};
  self.meta = json::object{{"name", kRobotName}};
}

std::string SignallingHub::join(Send send_to_it) {
  if (peers_.size() >= kMaxPeers) return {};
  const auto id = make_uuid();
  peers_[id].send = std::move(send_to_it);
  send(id, {{"type", "welcome"}, {"peerId", id}});
  return id;
}

void SignallingHub::receive(const std::string& peer_id, std::string_view text) {
  const auto found = peers_.find(peer_id);
  if (found == peers_.end()) return;
  if (text.size() > kMaxMessage) return warn(peer_id, "a message that is too long");
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return warn(peer_id, "a message that is no JSON object");
  handle(peer_id, found->second, value.get_object());
  // The peer may have left while it was answered.
  if (const auto still = peers_.find(peer_id); still != peers_.end())
    still->second.has_spoken = true;
}

void SignallingHub::handle(const std::string& id, Peer& peer, const json::object& message) {
  const auto* word = string_at(message, "type");
  const std::string_view type = word != nullptr ? std::string_view(*word) : "";
  if (type == "setPeerStatus") return set_peer_status(id, peer, message);
  if (type == "startSession") return start_session(id, peer, message);
  if (type == "peer") return relay(id, message);
  if (type == "endSession" || type == "endSessionV1_1") return end_by_peer(id, message);
  if (type == "list") return list(peer, "list", "producers", kProducer);
  if (type == "listConsumers") return list(peer, "listConsumers", "consumers", kConsumer);
  if (type == "setProtocolVersion") {
    const auto* version = string_at(message, "version");
    if (peer.has_spoken || version == nullptr || (*version != "v1_0" && *version != "v1_1"))
      return warn(id, "a protocol version that is unknown or comes late");
    peer.v1_1 = *version == "v1_1";
    return;
  }
  warn(id, fmt::format("a message of the unknown type '{}'", protocol::quote(type)));
}

void SignallingHub::set_peer_status(const std::string& id, Peer& peer,
                                    const json::object& message) {
  const auto roles = roles_from(message);
  if (!roles) return warn(id, "roles that are not a list of producer, listener and consumer");
  const auto* given = message.if_contains("meta");
  const json::value meta = given != nullptr ? *given : json::value(nullptr);
  if (!meta.is_null() && !meta.is_object()) return warn(id, "meta that is no object");
  if (json::serialize(meta).size() > kMaxMeta) return send_error(id, "The meta is too long");
  const auto holds = [&](std::string_view role) {
    return std::find(roles->begin(), roles->end(), role) != roles->end();
  };
  if (holds(kProducer) && holds(kConsumer))
    return send_error(id, "A peer cannot be producer and consumer at the same time");
  if (peer.roles == *roles && peer.meta == meta) return;
  const bool produced = peer.has_role(kProducer);
  peer.roles = *roles;
  peer.meta = meta;
  if (produced && !peer.has_role(kProducer)) drop_sessions_of(id, true);
  announce(id, peer);
}

void SignallingHub::start_session(const std::string& id, Peer& peer, const json::object& message) {
  const auto* wanted = string_at(message, "peerId");
  if (wanted == nullptr) return warn(id, "a startSession without peerId");
  const std::string producer_id(*wanted);
  const auto producer = peers_.find(producer_id);
  if (producer == peers_.end())
    return send_error(id, fmt::format("Peer with ID '{}' not found", protocol::quote(producer_id)));
  if (!producer->second.has_role(kProducer))
    return send_error(id, fmt::format("Peer with ID '{}' is not a producer", producer_id));
  if (sessions_.size() >= kMaxSessions || peer.sessions >= kMaxSessionsOfOne)
    return send_error(id, "Too many sessions");
  const bool robot = producer_id == robot_id_;
  const auto* given = message.if_contains("offer");
  const json::value offer = given != nullptr ? *given : json::value(nullptr);
  if (robot && !offer.is_null()) return send_error(id, "The robot makes the offer itself");

  const auto session_id = make_uuid();
  sessions_[session_id] = {producer_id, id};
  ++peer.sessions;
  ++producer->second.sessions;
  if (robot) {
    if (const auto started = robot_.start_session(session_id, id); !started) {
      drop_session(sessions_.find(session_id), id, {});
      return send_error(id, started.error().context);
    }
  }
  send(id, {{"type", "sessionStarted"}, {"peerId", producer_id}, {"sessionId", session_id}});
  if (robot) return;
  send(producer_id,
       {{"type", "startSession"}, {"peerId", id}, {"sessionId", session_id}, {"offer", offer}});
}

void SignallingHub::relay(const std::string& id, const json::object& message) {
  const auto session = own_session(id, message);
  if (session == sessions_.end()) return;
  const auto* sdp = object_at(message, "sdp");
  const auto* ice = object_at(message, "ice");
  if ((sdp == nullptr) == (ice == nullptr)) return warn(id, "a peer message without sdp or ice");
  if (ice != nullptr && !(string_at(*ice, "candidate") && index_at(*ice, "sdpMLineIndex")))
    return warn(id, "a candidate without candidate or sdpMLineIndex");
  const bool from_consumer = session->second.consumer == id;
  const auto* kind = sdp != nullptr ? string_at(*sdp, "type") : nullptr;
  if (sdp != nullptr && (kind == nullptr || string_at(*sdp, "sdp") == nullptr))
    return warn(id, "an sdp without type or sdp");
  if (from_consumer && kind != nullptr && *kind == "offer")
    return send_error(id, "A consumer cannot make the offer");
  const auto& other = from_consumer ? session->second.producer : session->second.consumer;
  if (other == robot_id_) return relay_to_robot(session->first, message);
  json::object out{{"type", "peer"}, {"sessionId", session->first}};
  if (sdp != nullptr)
    out["sdp"] = *sdp;
  else
    out["ice"] = *ice;
  send(other, out);
}

void SignallingHub::relay_to_robot(const std::string& session_id, const json::object& message) {
  // The robot may end the session at this, and the key with it.
  const std::string id = session_id;
  if (const auto* sdp = object_at(message, "sdp"))
    return robot_.on_answer(id, std::string(*string_at(*sdp, "sdp")));
  const auto& ice = *object_at(message, "ice");
  robot_.on_candidate(id, std::string(*string_at(ice, "candidate")),
                      *index_at(ice, "sdpMLineIndex"));
}

void SignallingHub::end_by_peer(const std::string& id, const json::object& message) {
  const auto session = own_session(id, message);
  if (session == sessions_.end()) return;
  const auto* error = string_at(message, "error");
  drop_session(session, id, error != nullptr ? std::string_view(*error) : "");
}

void SignallingHub::list(Peer& peer, std::string_view type, std::string_view key,
                         std::string_view role) {
  json::array found;
  for (const auto& [id, other] : peers_)
    if (other.has_role(role)) found.push_back(json::object{{"id", id}, {"meta", other.meta}});
  peer.send(std::make_shared<const std::string>(
      json::serialize(json::object{{"type", type}, {key, std::move(found)}})));
}

void SignallingHub::leave(const std::string& peer_id) {
  const auto found = peers_.find(peer_id);
  if (found == peers_.end() || peer_id == robot_id_) return;
  drop_sessions_of(peer_id, false);
  const bool was_somebody = !found->second.roles.empty();
  Peer gone = std::move(found->second);
  peers_.erase(found);
  gone.roles.clear();
  if (was_somebody) announce(peer_id, gone);
}

void SignallingHub::drop_sessions_of(const std::string& id, bool produced_only) {
  std::vector<std::string> theirs;
  for (const auto& [session_id, session] : sessions_)
    if (session.producer == id || (!produced_only && session.consumer == id))
      theirs.push_back(session_id);
  for (const auto& session_id : theirs)
    if (const auto session = sessions_.find(session_id); session != sessions_.end())
      drop_session(session, id, {});
}

void SignallingHub::drop_session(Sessions::iterator session, std::string_view except,
                                 std::string_view error) {
  const auto id = session->first;
  const auto [producer, consumer] = session->second;
  sessions_.erase(session);
  for (const auto& side : {producer, consumer}) {
    const auto peer = peers_.find(side);
    if (peer == peers_.end()) continue;
    --peer->second.sessions;
    if (side == except || side == robot_id_) continue;
    if (peer->second.v1_1 && !error.empty())
      send(side, {{"type", "endSessionV1_1"}, {"sessionId", id}, {"error", error}});
    else
      send(side, {{"type", "endSession"}, {"sessionId", id}});
  }
  if (producer == robot_id_ && except != robot_id_) robot_.on_session_ended(id);
}

void SignallingHub::announce(const std::string& id, const Peer& peer) {
  const json::object message{{"type", "peerStatusChanged"},
                             {"peerId", id},
                             {"roles", roles_json(peer.roles)},
                             {"meta", peer.meta}};
  for (auto& [listener_id, listener] : peers_)
    if (listener.has_role(kListener)) send(listener_id, message);
}

SignallingHub::Sessions::iterator SignallingHub::own_session(const std::string& id,
                                                             const json::object& message) {
  const auto* named = string_at(message, "sessionId");
  const auto session =
      named != nullptr ? sessions_.find(std::string_view(*named)) : sessions_.end();
  const bool own = session != sessions_.end() &&
                   (session->second.producer == id || session->second.consumer == id);
  if (own) return session;
  warn(id, "a message for a session that is not its own");
  return sessions_.end();
}

void SignallingHub::send_offer(const std::string& session_id, const std::string& sdp) {
  const auto session = sessions_.find(session_id);
  if (session == sessions_.end()) return;
  send(session->second.consumer, {{"type", "peer"},
                                  {"sessionId", session_id},
                                  {"sdp", json::object{{"type", "offer"}, {"sdp", sdp}}}});
}

void SignallingHub::send_candidate(const std::string& session_id, const std::string& candidate,
                                   unsigned sdp_m_line_index) {
  const auto session = sessions_.find(session_id);
  if (session == sessions_.end()) return;
  send(session->second.consumer,
       {{"type", "peer"},
        {"sessionId", session_id},
        {"ice", json::object{{"candidate", candidate}, {"sdpMLineIndex", sdp_m_line_index}}}});
}

void SignallingHub::end_session(const std::string& session_id, std::string_view error) {
  const auto session = sessions_.find(session_id);
  if (session != sessions_.end()) drop_session(session, robot_id_, error);
}

void SignallingHub::send(std::string_view peer_id, const json::object& message) {
  const auto peer = peers_.find(peer_id);
  if (peer == peers_.end() || !peer->second.send) return;
  peer->second.send(std::make_shared<const std::string>(json::serialize(message)));
}

void SignallingHub::send_error(const std::string& peer_id, std::string_view details) {
  warn(peer_id, fmt::format("a refused request: {}", details));
  send(peer_id, {{"type", "error"}, {"details", details}});
}

void SignallingHub::note_binary(const std::string& peer_id, std::size_t bytes) {
  warn(peer_id, fmt::format("a binary message of {} bytes", bytes));
}

void SignallingHub::warn(const std::string& peer_id, std::string_view what) {
  const auto left_out = mistakes_.admit(now_());
  if (!left_out) return;
  spdlog::warn("signalling: {} sent {}{}", peer_id, what,
               *left_out == 0 ? "" : fmt::format(" ({} more left out)", *left_out));
}

}  // namespace daruma::webrtc
