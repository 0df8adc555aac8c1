#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daruma/base/clock.hpp"
#include "daruma/base/unique_function.hpp"
#include "daruma/protocol/log_limiter.hpp"
#include "daruma/protocol/peer.hpp"
#include "daruma/transport/webrtc/signalling_message.hpp"

namespace daruma::webrtc {

/// The robot's own end of the signalling server: its built-in producer.
class Robot {
 public:
  virtual ~Robot() = default;
  /// Why no session can be had now; nullopt when one can.
  virtual std::optional<std::string> refusal() const = 0;
  /// The consumer has been told `sessionStarted`.
  virtual void session_started(const std::string& session, const std::string& consumer) = 0;
  virtual void answered(const std::string& session, const std::string& sdp) = 0;
  virtual void candidate_came(const std::string& session, const IceCandidate& candidate) = 0;
  /// By the consumer, or because its socket closed. Not called for Signalling::end().
  virtual void session_ended(const std::string& session) = 0;
};

/// The signalling server of contract webrtc 6, without its sockets: who is connected, what each
/// peer is, which sessions there are, and who may say what to whom. The robot is a producer that is
/// always there; others may join, as producers, consumers and listeners. A peer speaks only in
/// sessions that it is part of; to it, those of others do not exist. Loop thread only.
class Signalling {
 public:
  /// Peers at a time. A robot serves a few people; the rest is for reconnects and page reloads.
  static constexpr std::size_t kMaxPeers = 256;
  /// Sessions of one peer; a relay carries those of many remote clients.
  static constexpr std::size_t kMaxSessionsOfPeer = 64;
  static constexpr std::size_t kMaxSessions = 512;

  /// Takes a message to a peer; not called from inside itself.
  using Send = UniqueFunction<void(const std::string& peer, const protocol::Text&)>;

  Signalling(Robot& robot, boost::json::object robot_meta, Send send,
             UniqueFunction<TimePoint()> now = &Clock::now);

  /// The robot's id as a producer; the same for the life of the process.
  const std::string& robot_id() const { return robot_id_; }

  bool full() const { return peers_.size() >= kMaxPeers; }
  /// A new peer, which gets its `welcome`. `peer` is a new id; not when full().
  void join(const std::string& peer);
  /// Its socket is closed.
  void leave(const std::string& peer);
  void receive(const std::string& peer, std::string_view text);
  void receive_binary(const std::string& peer, std::size_t bytes);

  // The robot speaks, in sessions of its own; after their end it is not heard.
  void offer(const std::string& session, const std::string& sdp);
  void candidate(const std::string& session, IceCandidate candidate);
  /// Ends a session and tells the consumer.
  void end(const std::string& session);

  std::size_t peers() const { return peers_.size(); }
  std::size_t sessions() const { return sessions_.size(); }

 private:
  struct Peer {
    PeerStatus status;
    bool v1_1 = false;
    bool has_spoken = false;
    std::set<std::string> sessions;  ///< at most kMaxSessionsOfPeer
  };
  struct Session {
    std::string producer;
    std::string consumer;
    bool consumer_offers = false;  ///< then the producer may answer
  };
  using Peers = std::map<std::string, Peer>;

  void handle(const std::string& id, Peer& peer, const SetProtocolVersion& message);
  void handle(const std::string& id, Peer& peer, const PeerStatus& message);
  void handle(const std::string& id, Peer& peer, const StartSession& message);
  void handle(const std::string& id, Peer& peer, const PeerMessage& message);
  void handle(const std::string& id, Peer& peer, const EndSession& message);
  void handle(const std::string& id, Peer& peer, const List& message);
  void handle(const std::string& id, Peer& peer, const ListConsumers& message);

  std::optional<std::string> refusal(const std::string& consumer, const Peer& peer,
                                     const StartSession& message) const;
  void relay(const std::string& from, const Session& session, const PeerMessage& message);
  /// Forgets a session and tells its members, save `but`.
  void close(const std::string& session, const std::string& but);
  /// Why this description is not for its sender to send; nullptr when it is.
  static const char* objection(bool is_offer, bool from_consumer, const Session& session,
                               bool may_offer);
  /// The session if this peer is part of it; else a warning and null.
  Session* session_of(const std::string& peer, const std::string& session);
  void announce(const std::string& peer, const PeerStatus& status);
  void warn(const std::string& peer, std::string_view what);

  // Messages leave when the server's own tables are in order again: sending may close a socket, and
  // so come back.
  void tell(const std::string& peer, std::string text);
  void flush();

  Robot& robot_;
  const std::string robot_id_;
  const boost::json::object robot_meta_;
  Send send_;
  UniqueFunction<TimePoint()> now_;
  Peers peers_;                                        ///< at most kMaxPeers
  std::unordered_map<std::string, Session> sessions_;  ///< at most kMaxSessions
  /// Empty between two calls; at most what one message can cause: one text a peer and session.
  std::vector<std::pair<std::string, protocol::Text>> outbox_;
  bool flushing_ = false;
  protocol::LogLimiter warnings_;
};

}  // namespace daruma::webrtc
