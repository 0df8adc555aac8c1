#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daruma/base/scheduler.hpp"
#include "daruma/media/peer_connection.hpp"
#include "daruma/protocol/dispatcher.hpp"
#include "daruma/protocol/log_limiter.hpp"
#include "daruma/protocol/peer.hpp"
#include "daruma/protocol/topics.hpp"
#include "daruma/transport/webrtc/signalling_message.hpp"

namespace daruma::webrtc {

class Session;

/// Whoever carries a session's words to its consumer.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual void offer_made(const Session& session, const std::string& sdp) = 0;
  virtual void candidate_found(const Session& session, const IceCandidate& candidate) = 0;
  /// It cannot go on. `reason` is for the log. The owner ends it now.
  virtual void failed(const Session& session, std::string_view reason) = 0;
};

/// One WebRTC client of the robot: a protocol peer on the channels of one peer connection.
///
///     held --release--> offered --`data` opens--> open --finish()--> finishing --quiet--> ended
///       |                  |                        |                    |                  ^
///       |                  +--- kNegotiation -------+--- stop() ---------+------------------+
///       +--------------------------------- stop() ------------------------------------------+
///
/// In `held` the connection is prepared and nothing is told to the consumer. Loop thread only.
class Session final : public protocol::Peer,
                      public media::PeerEvents,
                      public std::enable_shared_from_this<Session> {
 public:
  /// A connection that is not open by then is given up (contract webrtc 4).
  static constexpr Duration kNegotiation = std::chrono::seconds(12);
  /// There is no report of delivery in GStreamer 1.22. A message counts as delivered when the
  /// transport has taken all of it and had kAckSettled to send it, or after kAckFlush at the
  /// latest.
  static constexpr Duration kAckSettled = std::chrono::milliseconds(5);
  static constexpr Duration kAckFlush = std::chrono::milliseconds(200);
  /// Messages whose delivery somebody waits for; the next is reported as not delivered at once.
  static constexpr std::size_t kMaxAwaited = 256;
  /// Bytes of the `pose` channel that may wait; more frames are dropped, newer ones will come.
  static constexpr std::size_t kPoseBacklog = 4096;

  /// All outlive the session.
  struct Surroundings {
    Scheduler& scheduler;
    protocol::Dispatcher& dispatcher;
    protocol::Topics& topics;
    SessionOwner& owner;
  };

  Session(const Surroundings& around, std::string id, const std::string& remote_ip);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Makes the connection. `held`: the offer waits for release().
  void start(media::PeerConnections& connections, bool held);
  void release();
  bool held() const { return held_; }
  bool finishing() const { return finishing_; }

  void answer(const std::string& sdp);
  void add_candidate(const IceCandidate& candidate);

  /// Lets what was answered in the last moments leave (kAckFlush at the latest), then stops.
  void finish(UniqueFunction<void()> told, UniqueFunction<void()> freed);
  /// Ends it now; idempotent. See PeerConnection::stop(). The functions of finish() go first.
  void stop(UniqueFunction<void()> told, UniqueFunction<void()> freed);

  const std::string& id() const override { return context_.peer_id; }
  void send(const protocol::Text& text, protocol::Delivered delivered) override;
  void send_pose(const protocol::Text& frame) override;
  void end_pose() override;

 private:
  struct Awaited {
    TimePoint sent;
    protocol::Delivered delivered;
  };

  void on_offer(const std::string& sdp) override;
  void on_candidate(const std::string& candidate, unsigned sdp_m_line_index) override;
  void on_open(media::Channel channel) override;
  void on_text(std::string text) override;
  void on_binary(std::size_t bytes) override;
  void on_gone(std::string_view reason) override;

  void reply(const boost::json::object& message, protocol::Delivered delivered);
  bool transmit(const std::string& text);
  void await(protocol::Delivered delivered);
  void check_awaited();
  void report_awaited(bool delivered);
  void finish_when_quiet();

  const Surroundings around_;
  protocol::PeerContext context_;
  std::unique_ptr<media::PeerConnection> connection_;
  bool held_ = false;
  bool open_ = false;
  bool pose_open_ = false;
  bool finishing_ = false;
  bool ended_ = false;
  std::string offer_;
  /// Our own, while held; the connection finds a few for each network interface.
  std::vector<IceCandidate> candidates_;
  protocol::Text newest_pose_;   ///< waits for the channel to open
  std::deque<Awaited> awaited_;  ///< at most kMaxAwaited
  TimePoint last_reply_{};
  TimePoint finish_by_{};
  UniqueFunction<void()> told_;
  UniqueFunction<void()> freed_;
  protocol::LogLimiter binaries_;
  Timer negotiation_timer_;
  Timer awaited_timer_;
  Timer finish_timer_;
};

}  // namespace daruma::webrtc
