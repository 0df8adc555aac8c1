#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "daruma/base/clock.hpp"
#include "daruma/base/result.hpp"
#include "daruma/base/unique_function.hpp"
#include "daruma/protocol/log_limiter.hpp"
#include "daruma/protocol/peer.hpp"

namespace daruma::webrtc {

/// The robot as a producer that lives in this process. Called by the hub, never from inside a call
/// into it that ends the session.
class RobotProducer {
 public:
  virtual ~RobotProducer() = default;
  /// A consumer asks for a session; it was told `sessionStarted` when this returns without error.
  /// An error's text goes to the consumer.
  virtual Status start_session(const std::string& session_id, const std::string& consumer_id) = 0;
  virtual void on_answer(const std::string& session_id, const std::string& sdp) = 0;
  virtual void on_candidate(const std::string& session_id, const std::string& candidate,
                            unsigned sdp_m_line_index) = 0;
  /// The consumer ended the session, or its socket has gone.
  virtual void on_session_ended(const std::string& session_id) = 0;
};

/// The signalling server of GStreamer's webrtcsink (contract webrtc.md 6), without sockets: who is
/// there, what roles each has, which sessions join them, and what may be passed on in each. The
/// robot is one more producer, whose id never changes while the process lives. Other producers may
/// register too. Knows no media. Loop thread only; nothing a peer can send makes it throw or grow.
///
///     a peer:     joined --setPeerStatus--> {producer | listener, consumer}... --leave--> gone
///     a session:  startSession --> started --endSession, leave, end_session--> gone
class SignallingHub {
 public:
  static constexpr std::size_t kMaxPeers = 256;
  static constexpr std::size_t kMaxSessions = 512;
  static constexpr std::size_t kMaxSessionsOfOne = 64;
  /// Longest `meta`, as JSON text.
  static constexpr std::size_t kMaxMeta = 16 * 1024;
  /// Longest message; an offer with all sections has about 10 kB.
  static constexpr std::size_t kMaxMessage = 256 * 1024;

  using Send = UniqueFunction<void(protocol::Text)>;

  /// `robot` outlives the hub. `now` paces the log of clients' mistakes.
  SignallingHub(RobotProducer& robot, UniqueFunction<TimePoint()> now);

  /// A peer has connected: it is welcomed through `send`. Returns its id; empty when the hub is
  /// full.
  std::string join(Send send);
  void receive(const std::string& peer_id, std::string_view text);
  /// The peer's connection has gone: its sessions end, listeners are told.
  void leave(const std::string& peer_id);
  void note_binary(const std::string& peer_id, std::size_t bytes);

  // What the robot says.
  void send_offer(const std::string& session_id, const std::string& sdp);
  void send_candidate(const std::string& session_id, const std::string& candidate,
                      unsigned sdp_m_line_index);
  /// Ends a session of the robot and tells its consumer; `error` goes to peers that speak v1_1.
  void end_session(const std::string& session_id, std::string_view error = {});

  const std::string& robot_id() const { return robot_id_; }
  std::size_t peers() const { return peers_.size(); }
  std::size_t sessions() const { return sessions_.size(); }

 private:
  struct Peer {
    Send send;  ///< empty for the robot
    std::vector<std::string> roles;
    boost::json::value meta;
    bool v1_1 = false;
    bool has_spoken = false;
    std::size_t sessions = 0;
    bool has_role(std::string_view role) const;
  };
  struct Session {
    std::string producer;
    std::string consumer;
  };
  using Peers = std::map<std::string, Peer, std::less<>>;
  using Sessions = std::map<std::string, Session, std::less<>>;

  void handle(const std::string& id, Peer& peer, const boost::json::object& message);
  void set_peer_status(const std::string& id, Peer& peer, const boost::json::object& message);
  void start_session(const std::string& id, Peer& peer, const boost::json::object& message);
  void relay(const std::string& id, const boost::json::object& message);
  void relay_to_robot(const std::string& session_id, const boost::json::object& message);
  void end_by_peer(const std::string& id, const boost::json::object& message);
  void list(Peer& peer, std::string_view type, std::string_view key, std::string_view role);
  /// Removes a session and tells everybody in it but `except`.
  void drop_session(Sessions::iterator session, std::string_view except, std::string_view error);
  void drop_sessions_of(const std::string& id, bool produced_only);
  void announce(const std::string& id, const Peer& peer);
  void send(std::string_view peer_id, const boost::json::object& message);
  void send_error(const std::string& peer_id, std::string_view details);
  /// The session that a message names and `id` is in, or end().
  Sessions::iterator own_session(const std::string& id, const boost::json::object& message);
  void warn(const std::string& peer_id, std::string_view what);

  RobotProducer& robot_;
  UniqueFunction<TimePoint()> now_;
  protocol::LogLimiter mistakes_;
  std::string robot_id_;
  Peers peers_;
  Sessions sessions_;
};

}  // namespace daruma::webrtc
