#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "daruma/base/scheduler.hpp"
#include "daruma/media/peer_connection.hpp"
#include "daruma/protocol/dispatcher.hpp"
#include "daruma/protocol/topics.hpp"
#include "daruma/transport/net/server.hpp"
#include "daruma/transport/webrtc/session.hpp"
#include "daruma/transport/webrtc/signalling.hpp"

namespace daruma::webrtc {

/// The WebRTC way in: the signalling server with its sockets, and the robot as the producer that is
/// always there and makes a session for each consumer that asks. Sockets, listeners and the robot's
/// id live as long as the process; only sessions end. Loop thread only.
class Door final : private Robot, private SessionOwner {
 public:
  /// Sessions with the robot at a time; each costs 12 threads and 1 MB. One more is refused.
  static constexpr std::size_t kMaxSessions = 64;
  /// Those that have ended count for as long as they are being freed, some 10 ms.
  static constexpr std::size_t kMaxFreeing = 64;
  /// The longest a session waits for the end of a transition.
  static constexpr Duration kLongestHold = std::chrono::seconds(3);
  /// The longest that end_sessions() waits for peers.
  static constexpr Duration kEndWithin = std::chrono::milliseconds(300);
  /// Bounds of one signalling socket: an SDP of kMaxSdp in JSON; the reference's queue.
  static constexpr std::size_t kMaxMessage = 256 * 1024;
  static constexpr std::size_t kQueue = 1000;

  /// All outlive the door.
  Door(Scheduler& scheduler, protocol::Dispatcher& dispatcher, protocol::Topics& topics,
       media::PeerConnections& connections);
  ~Door() override;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  /// Takes a handshake on the signalling port, whatever its path.
  net::Server::Upgrade upgrade(const net::Request& request);

  /// Ends every session in order: what was answered leaves, the browser is told over the
  /// connection, then its consumer over signalling. `told` when all were told, at the latest after
  /// kEndWithin; never from inside. Sessions that are held are not ended: they have seen nothing
  /// yet.
  void end_sessions(UniqueFunction<void()> told);
  /// While held, new sessions are prepared but offered only when the hold ends, or after
  /// kLongestHold.
  void hold_offers(bool hold);

  /// Sessions that are not ended.
  std::size_t sessions() const { return sessions_.size(); }
  /// The robot's id as a producer.
  const std::string& robot_id() const { return signalling_.robot_id(); }

 private:
  struct Entry {
    std::shared_ptr<Session> session;
    Timer hold_timer;
  };
  struct Ending;

  std::optional<std::string> refusal() const override;
  void session_started(const std::string& session, const std::string& consumer) override;
  void answered(const std::string& session, const std::string& sdp) override;
  void candidate_came(const std::string& session, const IceCandidate& candidate) override;
  void session_ended(const std::string& session) override;

  void offer_made(const Session& session, const std::string& sdp) override;
  void candidate_found(const Session& session, const IceCandidate& candidate) override;
  void failed(const Session& session, std::string_view reason) override;

  void opened(const std::shared_ptr<net::WebSocket>& socket);
  void closed(const std::string& peer);
  Session* find(const std::string& session);
  /// Ends a session that needs no more courtesy, and forgets it.
  void drop(const std::string& session);
  void told(const std::shared_ptr<Ending>& ending, const std::string& session);
  /// Counts a connection until the function is gone.
  UniqueFunction<void()> count_freeing();

  Scheduler& scheduler_;
  protocol::Dispatcher& dispatcher_;
  protocol::Topics& topics_;
  media::PeerConnections& connections_;
  Signalling signalling_;
  /// By peer; at most Signalling::kMaxPeers.
  std::unordered_map<std::string, std::shared_ptr<net::WebSocket>> sockets_;
  std::unordered_map<std::string, Entry> sessions_;  ///< at most kMaxSessions
  /// Connections that the pool has not freed yet. Shared with what reports them.
  std::shared_ptr<std::size_t> freeing_ = std::make_shared<std::size_t>(0);
  bool hold_ = false;
};

}  // namespace daruma::webrtc
