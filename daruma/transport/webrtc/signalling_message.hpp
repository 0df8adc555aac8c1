#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/value.hpp>

#include "daruma/base/result.hpp"

namespace daruma::webrtc {

/// What a peer of the signalling server calls itself; a set.
struct Roles {
  bool producer = false;
  bool listener = false;
  bool consumer = false;
  bool operator==(const Roles&) const = default;
  bool none() const { return !producer && !listener && !consumer; }
};

/// Who and what a peer is, as it says itself. `meta`: an object or null.
struct PeerStatus {
  Roles roles;
  boost::json::value meta;
};

struct SessionDescription {
  bool is_offer = false;  ///< else an answer
  std::string sdp;
};
struct IceCandidate {
  std::string candidate;
  unsigned sdp_m_line_index = 0;
};

// The messages of a peer (contract webrtc 6.3).
struct SetProtocolVersion {
  bool v1_1 = false;
};
struct StartSession {
  std::string producer;
  std::optional<std::string> offer;  ///< SDP, where the consumer makes the offer
};
struct PeerMessage {
  std::string session;
  std::variant<SessionDescription, IceCandidate> content;
};
struct EndSession {
  std::string session;
};
struct List {};
struct ListConsumers {};
using SignallingMessage = std::variant<SetProtocolVersion, PeerStatus, StartSession, PeerMessage,
                                       EndSession, List, ListConsumers>;

/// Longest `meta`, as compact JSON. Every listener and every `list` gets it.
inline constexpr std::size_t kMaxMeta = 4096;
/// Longest SDP and candidate that are passed on.
inline constexpr std::size_t kMaxSdp = 64 * 1024;
inline constexpr std::size_t kMaxCandidate = 1024;

/// Reads one text frame. Unknown keys are ignored; whatever else differs from the contract is
/// kInvalid with a sentence for the log. Pure; any thread.
Result<SignallingMessage> parse_signalling(std::string_view text);

// The messages of the server (contract webrtc 6.2), as text.
std::string welcome(std::string_view peer);
std::string peer_status_changed(std::string_view peer, const PeerStatus& status);
std::string start_session(std::string_view consumer, std::string_view session,
                          const std::optional<std::string>& offer);
std::string session_started(std::string_view producer, std::string_view session);
std::string peer_message(const PeerMessage& message);
/// `v1_1`: to peers that negotiated the newer version.
std::string end_session(std::string_view session, bool v1_1);
std::string error(std::string_view details);

}  // namespace daruma::webrtc
