#include "daruma/control/tick.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace daruma::control {
namespace {

using backend::Fault;
using backend::MotorMode;
using kinematics::Pose;

constexpr std::size_t kRight = static_cast<std::size_t>(model::Joint::kRightAntenna);
constexpr std::size_t kLeft = static_cast<std::size_t>(model::Joint::kLeftAntenna);
// The angle that counts as far for antennas and body as kNear does for poses: 10 degrees.
constexpr double kNear_rad = kNear * std::numbers::pi / 180;

bool has(JointMask mask, std::size_t joint) { return (unsigned{mask} >> joint & 1U) != 0; }

kinematics::HeadJoints head_of(const model::JointArray& joints) {
  kinematics::HeadJoints head;
  std::copy_n(joints.begin(), head.size(), head.begin());
  return head;
}

double near_or(double commanded, double measured) {
  return std::abs(commanded - measured) <= kNear_rad ? commanded : measured;
}

}  // namespace

Tick::Tick(backend::Backend& backend, Link& link, Duration period,
           const motion::JointLimits& limits, UniqueFunction<TimePoint()> clock)
    : backend_(backend),
      link_(link),
      period_(period),
      clock_(std::move(clock)),
      limiter_(limits),
      statistics_(period) {}

void Tick::run(std::uint64_t skipped) {
  const TimePoint now = clock_();
  const Duration elapsed = now_.tick == 0 ? Duration::zero() : now - now_.time;
  now_.fault = Fault::kNone;
  write_time_ = Duration::zero();
  read(now);
  if (now_.ready) {
    estimate();
    take_commands();
    advance_move(elapsed);
    follow_mixing();
    write();
  }
  publish(now, skipped);
}

void Tick::note(Fault fault) {
  if (fault != Fault::kNone) now_.fault = fault;
}

void Tick::read(TimePoint now) {
  measured_.fresh.fill(false);
  note(backend_.read(measured_));
  read_time_ = clock_() - now;
  bool all = true;
  now_.lost_torque = 0;
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    if (measured_.fresh[i] && std::isfinite(measured_.position_rad[i])) {
      now_.measured_rad[i] = measured_.position_rad[i];
      now_.torque[i] = measured_.torque[i];
      now_.fresh_at[i] = now;
      if (has(now_.wanted_torque, i) && !now_.torque[i]) {
        now_.lost_torque = static_cast<JointMask>(now_.lost_torque | 1U << i);
      }
    } else {
      all = false;
    }
  }
  if (now_.ready && now - now_.last_good > kSilence) {
    end_move(MoveOutcome::kInterrupted);
    pin_when_heard_ = true;
  }
  if (!all || now_.fault != Fault::kNone) return;
  now_.last_good = now;
  if (!now_.ready) make_contact();
  if (pin_when_heard_) {
    // What was asked for while nobody answered is forgotten too.
    link_.targets.update();
    const Targets& targets = link_.targets.read();
    pin(kAllJoints, std::max({newest_number_, targets.head_number, targets.body_yaw_number,
                              targets.antennas_number}));
  }
  pin_when_heard_ = false;
}

/// The robot answers for the first time: it is taken as it is found.
void Tick::make_contact() {
  now_.ready = true;
  notify_ = true;
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    if (now_.torque[i]) now_.wanted_torque |= static_cast<JointMask>(1U << i);
  }
  // By the legs: one limp antenna does not make a limp robot (contract robot.md 7.1 row 16).
  const bool held = (now_.wanted_torque & kLegs) == kLegs;
  now_.mode = held ? MotorMode::kEnabled : MotorMode::kDisabled;
  torque_differs_ = now_.wanted_torque != (held ? kAllJoints : 0);
}

void Tick::estimate() {
  const auto head = head_of(now_.measured_rad);
  if (solved_rad_ == head) return;  // a robot at rest costs little
  solved_rad_ = head;
  const auto solved = measured_solver_.solve(head);
  now_.pose_ok = solved.converged;
  if (solved.converged) now_.X_WH = solved.X_WH;
}

void Tick::take_commands() {
  // The slot before the ring: whatever order was given before a target in the slot is then in the
  // ring, so an order never undoes a target that came after it.
  link_.targets.update();
  while (const auto order = link_.orders.try_pop()) {
    carry_out(*order);
    newest_number_ = order->number;
    now_.applied_order = order->number;
    notify_ = true;
  }
  take_targets();
}

void Tick::carry_out(const Order& order) {
  switch (order.kind) {
    case Order::Kind::kSetMode:
      if (order.mode != now_.mode || torque_differs_) set_mode(order.mode, order.number);
      break;
    case Order::Kind::kSetTorque:
      torque_differs_ = true;
      set_torque(order.mask, order.on, order.number);
      break;
    case Order::Kind::kReapply:
      reapply(order.mask, order.number);
      break;
    case Order::Kind::kPlay:
      start_move(order);
      break;
    case Order::Kind::kStopMove:
      end_move(MoveOutcome::kInterrupted);
      break;
  }
}

void Tick::set_mode(MotorMode mode, std::uint64_t number) {
  end_move(MoveOutcome::kInterrupted);
  set_torque(kAllJoints, mode != MotorMode::kDisabled, number);
  now_.mode = mode;
  torque_differs_ = false;
}

void Tick::set_torque(JointMask mask, bool on, std::uint64_t number) {
  if (on) {
    // A plan would pull the joints back to where it is; the goals reach the servos before the
    // torque.
    end_move(MoveOutcome::kInterrupted);
    pin(mask, number);
    note(backend_.write(written_rad_));
  }
  note(backend_.set_torque(mask, on));
  now_.wanted_torque =
      static_cast<JointMask>(on ? now_.wanted_torque | mask : now_.wanted_torque & ~mask);
}

void Tick::reapply(JointMask mask, std::uint64_t number) {
  const auto on = static_cast<JointMask>(mask & now_.wanted_torque);
  const auto off = static_cast<JointMask>(mask & ~now_.wanted_torque);
  if (off != 0) note(backend_.set_torque(off, false));
  if (on == 0) return;
  pin(on, number);
  note(backend_.write(written_rad_));
  note(backend_.set_torque(on, true));
}

void Tick::pin(JointMask mask, std::uint64_t number) {
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    if (!has(mask, i)) continue;
    const auto& limits = model::kJointLimits_rad[i];
    now_.goal_rad[i] = std::clamp(now_.measured_rad[i], limits.lower, limits.upper);
    written_rad_[i] = now_.goal_rad[i];
    limiter_.reset(i, now_.goal_rad[i]);
    pinned_number_[i] = number;
  }
  commanded_X_WH_.reset();
  commanded_yaw_rad_ = now_.goal_rad[0];
}

void Tick::take_targets() {
  const Targets& targets = link_.targets.read();
  const auto take = [](std::uint64_t number, std::uint64_t& taken) {
    return number > std::exchange(taken, std::max(taken, number));
  };
  const bool pose = take(targets.pose_number, taken_pose_);
  const bool head = take(targets.head_number, taken_head_);
  const bool yaw = take(targets.body_yaw_number, taken_body_yaw_);
  const bool antennas = take(targets.antennas_number, taken_antennas_);
  if (plan_.id != 0) return;
  const auto pinned =
      *std::max_element(pinned_number_.begin(), pinned_number_.begin() + model::kHeadJointCount);
  const bool yaw_counts = yaw && targets.body_yaw_number > pinned;
  const bool yaw_is_newer = targets.body_yaw_number > targets.head_number;
  const bool pose_is_newer = targets.pose_number > targets.head_number;
  if (yaw_counts && !yaw_is_newer) take_body_yaw(targets.body_yaw_rad);
  if (head) take_head_joints(targets);
  if (pose && pose_is_newer && targets.pose_number > pinned) {
    follow_pose(targets.X_WH,
                yaw_counts && yaw_is_newer ? targets.body_yaw_rad : commanded_yaw_rad_);
  } else if (yaw_counts && yaw_is_newer) {
    take_body_yaw(targets.body_yaw_rad);
  }
  for (std::size_t i = 0; antennas && i < 2; ++i) {
    if (targets.antennas_number > pinned_number_[kRight + i]) {
      now_.goal_rad[kRight + i] = targets.antennas_rad[i];
    }
  }
}

void Tick::take_head_joints(const Targets& targets) {
  for (std::size_t i = 0; i < model::kHeadJointCount; ++i) {
    if (targets.head_number <= pinned_number_[i]) continue;
    now_.goal_rad[i] = targets.head_rad[i];
    commanded_X_WH_.reset();
  }
  commanded_yaw_rad_ = now_.goal_rad[0];
}

/// The body turns under the head, which stays where it is commanded to be, unless the body would be
/// more than 65 degrees away from it (contract robot.md 3.4).
void Tick::take_body_yaw(double yaw_rad) { follow_pose(commanded_pose(), yaw_rad); }

const Pose& Tick::commanded_pose() {
  if (!commanded_X_WH_) {
    const auto solved = goal_solver_.solve(head_of(now_.goal_rad));
    commanded_X_WH_ = solved.converged ? solved.X_WH : now_.X_WH;
  }
  return *commanded_X_WH_;
}

void Tick::start_move(const Order& order) {
  end_move(MoveOutcome::kInterrupted);
  link_.plan.update();
  const Plan& plan = link_.plan.read();
  if (plan.id != order.move_id) {
    // Replaced by a later one, whose order follows, before it could begin.
    link_.ends.try_push({order.move_id, MoveOutcome::kInterrupted});
    return;
  }
  plan_ = plan;
  now_.move_id = plan_.id;
  step_ = 0;
  step_entered_ = false;
  move_time_s_ = 0;
  step_begin_s_ = 0;
}

void Tick::end_move(MoveOutcome outcome) {
  if (plan_.id == 0) return;
  link_.ends.try_push({plan_.id, outcome});
  plan_.id = 0;
  now_.move_id = 0;
  goto_.reset();
  notify_ = true;
}

void Tick::advance_move(Duration elapsed) {
  if (plan_.id == 0) return;
  // After a stall the move goes on from where it was instead of jumping to where it would be.
  const bool begins = step_ == 0 && !step_entered_;
  if (!begins) move_time_s_ += seconds(std::min(elapsed, 2 * period_));
  while (plan_.id != 0) {
    if (step_ == plan_.count) return end_move(MoveOutcome::kCompleted);
    const Step& step = plan_.steps[step_];
    if (!step_entered_) enter_step(step);
    if (plan_.id == 0) return;
    const double t_s = move_time_s_ - step_begin_s_;
    if (goto_) follow(goto_->evaluate(t_s));
    if (step.kind == Step::Kind::kPlay) follow(step.recording->evaluate(t_s));
    if (t_s < step.duration_s) return;
    step_begin_s_ += step.duration_s;
    step_entered_ = false;
    ++step_;
  }
}

void Tick::enter_step(const Step& step) {
  step_entered_ = true;
  goto_.reset();
  if (step.kind == Step::Kind::kGoto) {
    goto_.emplace(start_point(), step.to, step.duration_s, step.warp);
  }
  if (step.kind == Step::Kind::kRest) rest();
}

void Tick::rest() {
  const bool asleep =
      now_.pose_ok && motion::magic_distance(now_.X_WH, kinematics::sleep_pose()) <= kNear;
  if (!asleep && holds_any_leg()) return end_move(MoveOutcome::kNotAsleep);
  note(backend_.set_torque(kAllJoints, false));
  now_.wanted_torque = 0;
  now_.mode = MotorMode::kDisabled;
  torque_differs_ = false;
}

bool Tick::holds_any_leg() const {
  for (std::size_t i = 1; i < model::kHeadJointCount; ++i) {
    if (now_.torque[i]) return true;
  }
  return false;
}

/// Where a goto begins: where the robot is commanded to be, so that the load's sag makes no step at
/// every start; where it is, when that is far from it.
motion::Start Tick::start_point() {
  motion::Start start;
  const Pose& commanded = commanded_pose();
  start.X_WH = motion::magic_distance(commanded, now_.X_WH) <= kNear ? commanded : now_.X_WH;
  start.antennas_rad = {near_or(now_.goal_rad[kRight], now_.measured_rad[kRight]),
                        near_or(now_.goal_rad[kLeft], now_.measured_rad[kLeft])};
  start.body_yaw_rad = near_or(now_.goal_rad[0], now_.measured_rad[0]);
  return start;
}

void Tick::follow(const motion::Target& target) {
  const double yaw_rad = target.body_yaw_rad.value_or(commanded_yaw_rad_);
  if (target.X_WH || target.body_yaw_rad) {
    const bool followed = follow_pose(target.X_WH ? *target.X_WH : commanded_pose(), yaw_rad);
    if (!followed && plan_.steps[step_].ends_out_of_reach)
      return end_move(MoveOutcome::kUnreachable);
  }
  if (target.antennas_rad) {
    now_.goal_rad[kRight] = (*target.antennas_rad)[0];
    now_.goal_rad[kLeft] = (*target.antennas_rad)[1];
  }
}

/// False when no joints lead there: the robot stays at the last pose that had some. Joints a little
/// beyond their limits are cut to them when they are written.
bool Tick::follow_pose(const Pose& X_WH, double body_yaw_rad) {
  const Pose wanted = X_WH;  // may be commanded_X_WH_ itself
  const Targets& targets = link_.targets.read();
  offset_ = targets.offset;
  body_yaw_ = targets.body_yaw;
  auto found =
      kinematics::inverse(motion::with_world_offset(wanted, offset_), body_yaw_rad, body_yaw_);
  // The pose is what was asked for, the offset an ornament.
  if (found.reach == kinematics::Reach::kUnreachable)
    found = kinematics::inverse(wanted, body_yaw_rad, body_yaw_);
  if (found.reach == kinematics::Reach::kUnreachable) return false;
  std::copy(found.joints_rad.begin(), found.joints_rad.end(), now_.goal_rad.begin());
  commanded_X_WH_ = wanted;
  commanded_yaw_rad_ = body_yaw_rad;
  return true;
}

/// How poses become joints has changed, so the commanded one becomes others.
void Tick::follow_mixing() {
  const Targets& targets = link_.targets.read();
  if (targets.body_yaw == body_yaw_ && targets.offset.matrix() == offset_.matrix()) return;
  follow_pose(commanded_pose(), commanded_yaw_rad_);
}

/// Gravity compensation, as far as positions can say it: the legs are wanted where they are.
void Tick::hold_legs_loosely() {
  if (now_.mode != MotorMode::kGravityCompensation) return;
  for (std::size_t i = 1; i < model::kHeadJointCount; ++i) {
    now_.goal_rad[i] = now_.measured_rad[i];
    limiter_.reset(i, now_.measured_rad[i]);
  }
  commanded_X_WH_.reset();
}

/// To the joints' limits, and no faster than the limiter lets them.
void Tick::limit() {
  bool acted = false;
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    const auto& limits = model::kJointLimits_rad[i];
    now_.goal_rad[i] = std::clamp(now_.goal_rad[i], limits.lower, limits.upper);
    written_rad_[i] = std::clamp(limiter_.step(i, now_.goal_rad[i], seconds(period_)), limits.lower,
                                 limits.upper);
    acted = acted || limiter_.acted(i);
  }
  if (acted) ++now_.limited;
}

void Tick::write() {
  hold_legs_loosely();
  limit();
  double step_rad = 0;
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    if (!now_.torque[i]) continue;
    step_rad = std::max(step_rad, std::abs(written_rad_[i] - now_.measured_rad[i]));
  }
  if (!first_written_) now_.first_step_deg = step_rad * 180 / std::numbers::pi;
  first_written_ = true;
  const TimePoint begin = clock_();
  note(backend_.write(written_rad_));
  write_time_ = clock_() - begin;
}

void Tick::publish(TimePoint now, std::uint64_t skipped) {
  ++now_.tick;
  now_.time = now;
  now_.skipped += skipped;
  now_.body_yaw_rad = commanded_yaw_rad_;
  statistics_.add(now, read_time_, write_time_, now_.fault != Fault::kNone);
  now_.statistics = statistics_.last();
  link_.snapshot.write(now_);
  link_.beat(now);
  if (notify_ || link_.notify_each_tick.load(std::memory_order_relaxed)) link_.notify();
  notify_ = false;
}

}  // namespace daruma::control
