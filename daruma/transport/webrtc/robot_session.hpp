#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "daruma/transport/webrtc/door.hpp"

namespace daruma::webrtc {

/// One browser's session with the robot: between its peer connection and the dispatcher. A peer
/// once its channel `data` is open. Owned by the door until it ends. Loop thread only.
///
///     preparing --offer made--> [held] --> offered --data opens--> open
///         \________________________________________________________/--end()--> ended
class RobotSession final : public protocol::Peer,
                           public media::PeerEvents,
                           public std::enable_shared_from_this<RobotSession> {
 public:
  /// GStreamer 1.22 has no report of delivery: so long after sending, what was sent is taken to
  /// have arrived (recovery.md; measured: 5 ms do on an idle machine).
  static constexpr Duration kFlush = std::chrono::milliseconds(20);
  /// Frames of `pose` are not queued behind more than this.
  static constexpr std::size_t kMaxPoseBuffered = 64 * 1024;
  /// Candidates kept while the offer is held back.
  static constexpr std::size_t kMaxHeldCandidates = 64;
  /// Acks that wait for their flush; what comes beyond is reported at once.
  static constexpr std::size_t kMaxFlushes = 1024;

  RobotSession(Door& door, std::string session_id, std::string remote_ip);

  void start();
  /// Sends the offer that was held back, or lets it go as soon as it is made.
  void release();
  void set_answer(const std::string& sdp) { connection_->set_answer(sdp); }
  void add_candidate(const std::string& candidate, unsigned index) {
    connection_->add_candidate(candidate, index);
  }
  /// Ends the connection and leaves the door; `told` when the other side was told. `reason` is for
  /// the log. With `error`, and when `tells`, the consumer hears of it over signalling too.
  void end(std::string_view reason, bool tells, std::string_view error = {},
           UniqueFunction<void()> told = {});

  // protocol::Peer
  const std::string& id() const override { return id_; }
  void send(const protocol::Text& text, protocol::Delivered delivered) override;
  void send_pose(const protocol::Text& text) override;

  // media::PeerEvents
  void on_offer(const std::string& sdp) override;
  void on_candidate(const std::string& candidate, unsigned sdp_m_line_index) override;
  void on_open(media::Channel channel) override;
  void on_text(std::string text) override;
  void on_binary(std::size_t bytes) override;
  void on_gone(std::string_view reason) override;

 private:
  struct Candidate {
    std::string text;
    unsigned index;
  };
  struct Flush {
    TimePoint due;
    protocol::Delivered delivered;
  };
  bool send_whole(const std::string& text);
  void flush_later(protocol::Delivered delivered);
  void flush_due();
  void answer(const boost::json::object& message, protocol::Delivered delivered);

  Door& door_;
  const std::string id_;
  const std::string remote_ip_;
  protocol::PeerContext context_;
  std::unique_ptr<media::PeerConnection> connection_;
  std::string offer_;
  std::vector<Candidate> held_candidates_;
  bool released_ = false;
  bool open_ = false;
  bool pose_asked_ = false;
  bool pose_open_ = false;
  bool ended_ = false;
  std::deque<Flush> flushes_;
  Timer flush_timer_;
  Timer connect_timer_;
  Timer hold_timer_;
  protocol::LogLimiter binaries_;
};

}  // namespace daruma::webrtc
