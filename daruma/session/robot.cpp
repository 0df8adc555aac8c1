#include "daruma/session/robot.hpp"

#include <algorithm>

namespace daruma::session {
namespace {

// Contract robot.md 7.5: a motor is degraded after 100 ms. recovery.md: a loop without a tick for
// 0.5 s is stalled.
constexpr Duration kMotorsSilent = std::chrono::milliseconds(100);
constexpr Duration kLoopSilent = std::chrono::milliseconds(500);

}  // namespace

const control::Snapshot& Robot::snapshot() {
  link_.snapshot.update();
  return link_.snapshot.read();
}

Duration Robot::silence() const {
  const TimePoint beat = link_.heartbeat();
  return beat == TimePoint{} ? Duration::zero() : scheduler_.now() - beat;
}

bool Robot::answers() {
  const auto& now = snapshot();
  return now.ready && link_.phase() == control::Phase::kTicking &&
         now.time - now.last_good <= kMotorsSilent && silence() <= kLoopSilent;
}

backend::MotorMode Robot::mode() {
  const auto& now = snapshot();
  return now.applied_order >= mode_number_ ? now.mode : mode_;
}

void Robot::set_head_pose(const kinematics::Pose& X_WH) {
  targets_.X_WH = X_WH;
  targets_.pose_number = ++number_;
  link_.targets.write(targets_);
}

void Robot::set_offset(const kinematics::Pose& offset) {
  targets_.offset = offset;
  link_.targets.write(targets_);
}

void Robot::set_automatic_body_yaw(bool automatic) {
  targets_.body_yaw = automatic ? kinematics::BodyYaw::kAutomatic : kinematics::BodyYaw::kFixed;
  link_.targets.write(targets_);
}

void Robot::set_head_joints(std::span<const double> joints_rad) {
  std::copy_n(joints_rad.begin(), targets_.head_rad.size(), targets_.head_rad.begin());
  targets_.head_number = ++number_;
  link_.targets.write(targets_);
}

void Robot::set_body_yaw(double yaw_rad) {
  targets_.body_yaw_rad = yaw_rad;
  targets_.body_yaw_number = ++number_;
  link_.targets.write(targets_);
}

void Robot::set_antennas(std::span<const double> right_left_rad) {
  std::copy_n(right_left_rad.begin(), targets_.antennas_rad.size(), targets_.antennas_rad.begin());
  targets_.antennas_number = ++number_;
  link_.targets.write(targets_);
}

Status Robot::give(control::Order order) {
  order.number = ++number_;
  if (!link_.orders.try_push(order)) {
    return fail(Errc::kBusy, "too many commands wait for the control loop");
  }
  return {};
}

Status Robot::set_mode(backend::MotorMode mode) {
  auto given = give({.kind = control::Order::Kind::kSetMode, .mode = mode});
  if (given) {
    mode_ = mode;
    mode_number_ = number_;
  }
  return given;
}

Status Robot::set_torque(control::JointMask mask, bool on) {
  return give({.kind = control::Order::Kind::kSetTorque, .mask = mask, .on = on});
}

void Robot::reapply(control::JointMask mask, Done done) {
  if (waiting_.size() == kMaxWaiting) {
    return done(fail(Errc::kBusy, "too many motors are being cured"));
  }
  auto given = give({.kind = control::Order::Kind::kReapply, .mask = mask});
  if (!given) return done(std::move(given));
  waiting_.push_back({number_, std::move(done)});
}

Status Robot::play(control::Plan plan, Moved moved,
                   std::shared_ptr<const motion::RecordedMove> move) {
  plan.id = ++move_number_;
  link_.plan.write(plan);
  auto given = give({.kind = control::Order::Kind::kPlay, .move_id = plan.id});
  if (!given) return given;
  if (move) link_.kept[plan.id] = std::move(move);
  if (current_) replaced_.push_back(std::move(*current_));
  current_ = Move{plan.id, std::move(moved)};
  return {};
}

bool Robot::stop_move() {
  if (!move_running()) return false;
  if (!give({.kind = control::Order::Kind::kStopMove})) return false;
  current_->stopping = true;
  return true;
}

void Robot::end(const control::MoveEnd& end) {
  link_.kept.erase(end.id);
  Moved moved;
  if (current_ && current_->id == end.id) {
    moved = std::move(current_->moved);
    current_.reset();
  } else {
    const auto found = std::find_if(replaced_.begin(), replaced_.end(),
                                    [&](const Move& move) { return move.id == end.id; });
    if (found == replaced_.end()) return;
    moved = std::move(found->moved);
    replaced_.erase(found);
  }
  if (moved) moved(end.outcome);
}

void Robot::on_news() {
  while (const auto ended = link_.ends.try_pop()) end(*ended);
  const auto applied = snapshot().applied_order;
  while (!waiting_.empty() && waiting_.front().number <= applied) {
    auto done = std::move(waiting_.front().done);
    waiting_.pop_front();
    done({});
  }
}

void Robot::cancel_moves() {
  auto moves = std::exchange(replaced_, {});
  if (current_) moves.push_back(std::move(*current_));
  current_.reset();
  for (auto& move : moves) {
    if (move.moved) move.moved(control::MoveOutcome::kInterrupted);
  }
}

}  // namespace daruma::session
