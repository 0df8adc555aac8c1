#include "daruma/transport/webrtc/signalling_message.hpp"

#include <optional>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "daruma/protocol/utf8.hpp"

namespace daruma::webrtc {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxDepth = 32;

using Parsed = Result<SignallingMessage>;

/// The text under a key; null when absent or of another type.
const json::string* text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_string();
}

std::string copy(const json::string& text) { return {text.data(), text.size()}; }

tl::unexpected<Error> without(std::string_view key) {
  return fail(Errc::kInvalid, fmt::format("no usable {}", key));
}

Parsed parse_version(const json::object& object) {
  const auto* version = text_of(object, "version");
  if (version == nullptr || (*version != "v1_0" && *version != "v1_1")) return without("version");
  return SetProtocolVersion{*version == "v1_1"};
}

std::optional<Roles> parse_roles(const json::object& object) {
  const auto* value = object.if_contains("roles");
  if (value == nullptr || !value->is_array()) return std::nullopt;
  Roles roles;
  for (const auto& role : value->get_array()) {
    if (role == "producer")
      roles.producer = true;
    else if (role == "listener")
      roles.listener = true;
    else if (role == "consumer")
      roles.consumer = true;
    else
      return std::nullopt;
  }
  return roles;
}

Parsed parse_status(const json::object& object) {
  const auto roles = parse_roles(object);
  if (!roles) return without("roles");
  const auto* meta = object.if_contains("meta");
  if (meta == nullptr || meta->is_null()) return PeerStatus{*roles, nullptr};
  if (!meta->is_object()) return without("meta");
  if (json::serialize(*meta).size() > kMaxMeta)
    return fail(Errc::kInvalid, fmt::format("meta is longer than {} bytes", kMaxMeta));
  return PeerStatus{*roles, *meta};
}

Parsed parse_start(const json::object& object) {
  const auto* producer = text_of(object, "peerId");
  if (producer == nullptr) return without("peerId");
  const auto* offer = object.if_contains("offer");
  if (offer == nullptr || offer->is_null()) return StartSession{copy(*producer), std::nullopt};
  if (!offer->is_string() || offer->get_string().size() > kMaxSdp) return without("offer");
  return StartSession{copy(*producer), copy(offer->get_string())};
}

Parsed parse_sdp(std::string session, const json::object& sdp) {
  const auto* type = text_of(sdp, "type");
  const auto* text = text_of(sdp, "sdp");
  if (type == nullptr || (*type != "offer" && *type != "answer")) return without("sdp type");
  if (text == nullptr) return without("sdp");
  if (text->size() > kMaxSdp)
    return fail(Errc::kInvalid, fmt::format("SDP is longer than {} bytes", kMaxSdp));
  return PeerMessage{std::move(session), SessionDescription{*type == "offer", copy(*text)}};
}

Parsed parse_ice(std::string session, const json::object& ice) {
  const auto* candidate = text_of(ice, "candidate");
  const auto* index = ice.if_contains("sdpMLineIndex");
  if (candidate == nullptr || candidate->size() > kMaxCandidate) return without("candidate");
  boost::system::error_code error;
  const auto number = index == nullptr ? -1 : index->to_number<std::int64_t>(error);
  if (error || number < 0 || number > UINT32_MAX || index->is_double())
    return without("sdpMLineIndex");
  return PeerMessage{std::move(session),
                     IceCandidate{copy(*candidate), static_cast<unsigned>(number)}};
}

Parsed parse_peer(const json::object& object) {
  const auto* session = text_of(object, "sessionId");
  if (session == nullptr) return without("sessionId");
  const auto* sdp = object.if_contains("sdp");
  const auto* ice = object.if_contains("ice");
  if (sdp != nullptr && sdp->is_object()) return parse_sdp(copy(*session), sdp->get_object());
  if (ice != nullptr && ice->is_object()) return parse_ice(copy(*session), ice->get_object());
  return without("sdp or ice");
}

Parsed parse_end(const json::object& object) {
  const auto* session = text_of(object, "sessionId");
  if (session == nullptr) return without("sessionId");
  return EndSession{copy(*session)};
}

json::array names_of(const Roles& roles) {
  json::array names;
  if (roles.producer) names.emplace_back("producer");
  if (roles.listener) names.emplace_back("listener");
  if (roles.consumer) names.emplace_back("consumer");
  return names;
}

}  // namespace

Parsed parse_signalling(std::string_view text) {
  boost::system::error_code parse_error;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  const auto value =
      json::parse({text.data(), text.size()}, parse_error, json::storage_ptr{}, options);
  if (parse_error) return fail(Errc::kInvalid, "not JSON");
  const auto* object = value.if_object();
  const auto* type = object == nullptr ? nullptr : text_of(*object, "type");
  if (type == nullptr) return without("type");
  if (*type == "setProtocolVersion") return parse_version(*object);
  if (*type == "setPeerStatus") return parse_status(*object);
  if (*type == "startSession") return parse_start(*object);
  if (*type == "peer") return parse_peer(*object);
  if (*type == "endSession") return parse_end(*object);
  if (*type == "list") return List{};
  if (*type == "listConsumers") return ListConsumers{};
  return fail(Errc::kInvalid,
              fmt::format("unknown type {}", protocol::quote({type->data(), type->size()})));
}

std::string welcome(std::string_view peer) {
  return json::serialize(json::object{{"type", "welcome"}, {"peerId", peer}});
}

std::string peer_status_changed(std::string_view peer, const PeerStatus& status) {
  return json::serialize(json::object{{"type", "peerStatusChanged"},
                                      {"roles", names_of(status.roles)},
                                      {"meta", status.meta},
                                      {"peerId", peer}});
}

std::string start_session(std::string_view consumer, std::string_view session,
                          const std::optional<std::string>& offer) {
  json::object object{{"type", "startSession"}, {"peerId", consumer}, {"sessionId", session}};
  object["offer"] = offer ? json::value(*offer) : json::value(nullptr);
  return json::serialize(object);
}

std::string session_started(std::string_view producer, std::string_view session) {
  return json::serialize(
      json::object{{"type", "sessionStarted"}, {"peerId", producer}, {"sessionId", session}});
}

std::string peer_message(const PeerMessage& message) {
  json::object object{{"type", "peer"}, {"sessionId", message.session}};
  if (const auto* sdp = std::get_if<SessionDescription>(&message.content))
    object["sdp"] = {{"type", sdp->is_offer ? "offer" : "answer"}, {"sdp", sdp->sdp}};
  if (const auto* ice = std::get_if<IceCandidate>(&message.content))
    object["ice"] = {{"candidate", ice->candidate}, {"sdpMLineIndex", ice->sdp_m_line_index}};
  return json::serialize(object);
}

std::string end_session(std::string_view session, bool v1_1) {
  json::object object{{"type", v1_1 ? "endSessionV1_1" : "endSession"}, {"sessionId", session}};
  if (v1_1) object["error"] = nullptr;
  return json::serialize(object);
}

std::string error(std::string_view details) {
  return json::serialize(json::object{{"type", "error"}, {"details", details}});
}

}  // namespace daruma::webrtc
