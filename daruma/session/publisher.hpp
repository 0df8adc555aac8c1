#pragma once

#include <cstdint>

#include "daruma/base/scheduler.hpp"
#include "daruma/protocol/topics.hpp"
#include "daruma/session/robot.hpp"

namespace daruma::session {

/// Sends the robot's state to whoever listens: joints and pose with every cycle to kState, a frame
/// each 33 ms to kPose. Without listeners it neither writes a text nor has the control thread wake
/// the loop. While the motors are silent nothing is sent: an old
/// pose is not a measurement. Loop thread only.
class Publisher {
 public:
  /// `pose_sequence` counts the frames of the whole process, so that a client can tell new from old
  /// across restarts.
  Publisher(Scheduler& scheduler, protocol::Topics& topics, Robot& robot, control::Link& link,
            std::uint64_t& pose_sequence);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void start();
  /// The control thread has news.
  void on_news();

 private:
  static constexpr Duration kPosePeriod = std::chrono::milliseconds(33);

  /// Somebody came to listen, or left.
  void look();
  void arm_pose();
  void publish_pose();

  Scheduler& scheduler_;
  protocol::Topics& topics_;
  Robot& robot_;
  control::Link& link_;
  std::uint64_t& pose_sequence_;
  std::uint64_t published_tick_ = 0;
  TimePoint pose_due_{};
  bool pose_armed_ = false;
  Timer pose_timer_;
};

}  // namespace daruma::session
