#pragma once

#include "daruma/model/joints.hpp"

namespace daruma::motion {

/// How fast a joint may be driven. An XL330 turns 11 rad/s without load, so a motion that a servo
/// can follow passes unchanged; what is cut is a jump, which the servo would answer with all the
/// current it can draw (users.md #1430).
struct JointLimits {
  double velocity_rad_s = 20;
  double acceleration_rad_s2 = 400;
};

/// Turns jumps of the wanted joints into motions that begin and end softly. One step a cycle.
/// Real-time. One thread at a time.
class Limiter {
 public:
  /// Without limits everything passes; for tests of what comes before.
  static constexpr JointLimits kNone{1e9, 1e12};

  explicit Limiter(const JointLimits& limits) : limits_(limits) {}

  /// The joint stands there, at rest.
  void reset(std::size_t joint, double position_rad);
  /// Where the joint goes in this cycle on its way to `wanted_rad`; period_s > 0.
  double step(std::size_t joint, double wanted_rad, double period_s);
  /// True when the last step of a joint was less than what was wanted.
  bool acted(std::size_t joint) const { return acted_[joint]; }

 private:
  JointLimits limits_;
  model::JointArray position_rad_{};
  model::JointArray velocity_rad_s_{};
  std::array<bool, model::kJointCount> acted_{};
};

}  // namespace daruma::motion
