#pragma once

#include <array>
#include <optional>

#include "daruma/backend/port.hpp"
#include "daruma/base/unique_function.hpp"
#include "daruma/control/link.hpp"
#include "daruma/kinematics/stewart.hpp"
#include "daruma/motion/limiter.hpp"
#include "daruma/motion/moves.hpp"

namespace daruma::control {

/// One cycle of the robot: read, estimate, take commands, plan, write, publish. Owns the targets;
/// no one else moves a joint. Pure apart from the driver, the link and the clock it is given.
/// Real-time from the second cycle on: no allocation, no lock, no log, no exception.
///
/// Targets are pinned to the measured joints when the robot first answers, when it answers again
/// after 0.3 s of silence, and when torque is switched on: nothing moves that nobody asked to move.
/// While a plan runs, targets do not count. Commands carry numbers; a target that was sent before a
/// pin is forgotten by it.
class Tick {
 public:
  Tick(backend::Backend& backend, Link& link, Duration period, const motion::JointLimits& limits,
       UniqueFunction<TimePoint()> clock = &Clock::now);

  /// One cycle. `skipped`: periods that were left out before it.
  void run(std::uint64_t skipped = 0);

 private:
  /// Longer silence of the motors ends a move (users.md #1129).
  static constexpr Duration kSilence = std::chrono::milliseconds(300);

  void read(TimePoint now);
  void make_contact();
  void estimate();
  void take_commands();
  void carry_out(const Order& order);
  void set_mode(backend::MotorMode mode, std::uint64_t number);
  void set_torque(JointMask mask, bool on, std::uint64_t number);
  void reapply(JointMask mask, std::uint64_t number);
  void start_move(const Order& order);
  void end_move(MoveOutcome outcome);
  void take_targets();
  void take_body_yaw(double yaw_rad);
  void take_head_joints(const Targets& targets);
  void advance_move(Duration elapsed);
  void enter_step(const Step& step);
  void rest();
  motion::Start start_point();
  void follow(const motion::Target& target);
  bool follow_pose(const kinematics::Pose& X_WH, double body_yaw_rad);
  void follow_mixing();
  void pin(JointMask mask, std::uint64_t number);
  void hold_legs_loosely();
  bool holds_any_leg() const;
  void write();
  void limit();
  void note(backend::Fault fault);
  void publish(TimePoint now, std::uint64_t skipped);
  const kinematics::Pose& commanded_pose();

  backend::Backend& backend_;
  Link& link_;
  Duration period_;
  UniqueFunction<TimePoint()> clock_;

  Snapshot now_;
  motion::Limiter limiter_;
  /// What goes to the servos: the goals as far as the limiter lets them.
  model::JointArray written_rad_{};
  backend::Measurement measured_;
  bool pin_when_heard_ = true;
  bool first_written_ = false;
  std::uint64_t newest_number_ = 0;
  /// Mode was chosen, then single joints were switched: the same mode is applied again when asked.
  bool torque_differs_ = false;
  std::array<std::uint64_t, model::kJointCount> pinned_number_{};
  std::uint64_t taken_pose_ = 0;
  std::uint64_t taken_head_ = 0;
  std::uint64_t taken_body_yaw_ = 0;
  std::uint64_t taken_antennas_ = 0;

  kinematics::ForwardSolver measured_solver_;
  /// What measured_solver_ solved last.
  std::optional<kinematics::HeadJoints> solved_rad_;
  kinematics::ForwardSolver goal_solver_;
  /// Pose of the goals without the offset, as far as it is known without solving for it.
  std::optional<kinematics::Pose> commanded_X_WH_;
  /// What was asked of the body, which may be dragged away from it by the head.
  double commanded_yaw_rad_ = 0;
  // What the goals were computed with.
  kinematics::Pose offset_ = kinematics::Pose::Identity();
  kinematics::BodyYaw body_yaw_ = kinematics::BodyYaw::kAutomatic;

  Plan plan_;
  std::size_t step_ = 0;
  bool step_entered_ = false;
  double move_time_s_ = 0;
  double step_begin_s_ = 0;
  std::optional<motion::Goto> goto_;

  Statistics statistics_;
  Duration read_time_{};
  Duration write_time_{};
  bool notify_ = false;
};

}  // namespace daruma::control
