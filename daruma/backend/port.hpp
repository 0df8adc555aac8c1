#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "daruma/base/result.hpp"
#include "daruma/model/joints.hpp"

namespace daruma::backend {

enum class MotorMode : std::uint8_t { kEnabled, kDisabled, kGravityCompensation };
/// `enabled`, `disabled`, `gravity_compensation`.
std::string_view name(MotorMode mode);
std::optional<MotorMode> motor_mode_from(std::string_view word);

/// What the servos say, one cycle.
struct Measurement {
  model::JointArray position_rad{};
  std::array<bool, model::kJointCount> torque{};
  /// Set for joints that answered in this cycle.
  std::array<bool, model::kJointCount> fresh{};
};

/// Why a cycle failed; plain data, because it is made on the control thread.
enum class Fault : std::uint8_t { kNone, kNoAnswer, kPortLost, kBadData };

/// A driver: the robot's nine servos behind one small interface. All calls on the control thread.
///
///     (new) --open--> open --read/write each cycle--> --close--> closed
///
/// open() may block (bounded, it is not in the cycle) and allocate; read(), write() and
/// set_torque() are real-time: bounded by the cycle, no allocation, no lock, no exception.
class Backend {
 public:
  virtual ~Backend() = default;
  /// Finds and prepares the hardware. Leaves torque and pose as they are.
  virtual Status open() = 0;
  virtual Fault read(Measurement& out) = 0;
  /// Goal positions for joints with torque; others ignore theirs.
  virtual Fault write(const model::JointArray& goal_rad) = 0;
  /// Switches torque of the joints in `mask` (bit i is joint i).
  virtual Fault set_torque(std::uint16_t mask, bool on) = 0;
  /// Lets the hardware go without changing torque or pose.
  virtual void close() = 0;
  /// A simulator says so in the status.
  virtual bool simulated() const = 0;
};

}  // namespace daruma::backend
