#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "daruma/motion/moves.hpp"

namespace daruma::control {

/// One part of a plan.
struct Step {
  enum class Kind : std::uint8_t {
    kWait,
    kGoto,  ///< to `to` in duration_s, from where the robot is commanded to be when the step
            ///< begins, or from where it is when that is far from it
    kPlay,  ///< `recording`, from its begin, for duration_s
    kRest,  ///< takes the torque off, if the head lies in the sleep pose or nothing holds it
            ///< anyway; else the plan ends with kNotAsleep and the torque stays
  };
  Kind kind = Kind::kWait;
  double duration_s = 0;
  motion::Target to{};
  /// Must live until the plan's end is reported; Link::kept has it.
  const motion::RecordedMove* recording = nullptr;
  motion::Warp warp = motion::Warp::kMinimumJerk;
  /// Where no joints lead, the plan ends with kUnreachable; else it goes on and the robot waits at
  /// the last pose that had some.
  bool ends_out_of_reach = false;
};

/// A move that the control thread plays by itself, one step after the other. Plain data.
struct Plan {
  static constexpr std::size_t kMaxSteps = 8;
  std::uint32_t id = 0;  ///< 0: none
  std::size_t count = 0;
  std::array<Step, kMaxSteps> steps{};

  /// A step beyond kMaxSteps is a bug: asserted by at().
  void add(const Step& step) { steps.at(count++) = step; }
};

enum class MoveOutcome : std::uint8_t {
  kCompleted,
  kInterrupted,  ///< stopped, replaced, motors switched meanwhile, or they went silent for 0.3 s
  kUnreachable,  ///< no joints lead to the next pose: the robot holds the last one that had some
  kNotAsleep,    ///< the head did not reach the sleep pose, so its torque was left on
};

struct MoveEnd {
  std::uint32_t id = 0;
  MoveOutcome outcome = MoveOutcome::kCompleted;
};

/// How near is near, in the reference's measure (millimetres plus degrees): a head so near to the
/// sleep pose may lose its torque; a goto starts from the commanded pose when the measured one is
/// so near. Source: contract robot.md 4.5, 7.3 row 39.
inline constexpr double kNear = 10.0;

}  // namespace daruma::control
