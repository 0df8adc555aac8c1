#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "daruma/base/scheduler.hpp"
#include "daruma/media/peer_connection.hpp"
#include "daruma/protocol/dispatcher.hpp"
#include "daruma/protocol/topics.hpp"
#include "daruma/transport/net/server.hpp"
#include "daruma/transport/webrtc/signalling_hub.hpp"

namespace daruma::webrtc {

class RobotSession;

/// The door for browsers: the signalling server, and one session a consumer of the robot. Sockets,
/// listeners and the robot's id outlive every restart; sessions are ended by those of scope
/// `daemon` and wider. Loop thread only.
class Door final : private RobotProducer {
 public:
  /// Sessions with the robot at once: 12 threads and about 11 descriptors each.
  static constexpr std::size_t kMaxRobotSessions = 64;
  /// A peer that has not become connected by then is given up (contract webrtc.md 4).
  static constexpr Duration kConnectWithin = std::chrono::seconds(12);
  /// The longest that an offer is held back by a restart (recovery.md).
  static constexpr Duration kHoldAtMost = std::chrono::seconds(3);
  /// How long end_sessions() waits for peers to be told.
  static constexpr Duration kTellWithin = std::chrono::milliseconds(300);

  Door(Scheduler& scheduler, protocol::Dispatcher& dispatcher, protocol::Topics& topics,
       media::PeerConnections& connections);
  ~Door() override;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  /// Any path of the signalling port.
  net::Server::Upgrade upgrade(const net::Request& request);
  /// Ends every session in order; `told` when all peers were told, or kTellWithin has passed.
  void end_sessions(UniqueFunction<void()> told);
  /// While true, sessions that are asked for get their offer later: when it becomes false, or after
  /// kHoldAtMost.
  void hold_offers(bool hold);
  bool holds_offers() const { return hold_; }
  std::size_t sessions() const { return sessions_.size(); }
  std::size_t signalling_peers() const { return hub_.peers() - 1; }

 private:
  friend class RobotSession;

  Status start_session(const std::string& session_id, const std::string& consumer_id) override;
  void on_answer(const std::string& session_id, const std::string& sdp) override;
  void on_candidate(const std::string& session_id, const std::string& candidate,
                    unsigned sdp_m_line_index) override;
  void on_session_ended(const std::string& session_id) override;

  void opened(const std::shared_ptr<net::WebSocket>& socket);
  std::shared_ptr<RobotSession> find(const std::string& session_id) const;
  void forget(const std::string& session_id) { sessions_.erase(session_id); }

  Scheduler& scheduler_;
  protocol::Dispatcher& dispatcher_;
  protocol::Topics& topics_;
  media::PeerConnections& connections_;
  SignallingHub hub_;
  /// Where each signalling peer comes from.
  std::map<std::string, std::string> remote_ips_;
  /// Open sockets by peer id; they end with the door.
  std::map<std::string, std::shared_ptr<net::WebSocket>> sockets_;
  std::map<std::string, std::shared_ptr<RobotSession>> sessions_;
  bool hold_ = false;
};

}  // namespace daruma::webrtc
