// What a running room sees of its own faults; recovery.md's table of causes says when and how bad.

#include <fmt/format.h>

#include "daruma/session/robot_room.hpp"

namespace daruma::session {
namespace {

using lifecycle::Cause;
using lifecycle::Scope;
using lifecycle::Verdict;

constexpr Duration kSilent = std::chrono::milliseconds(500);
constexpr double kSlow = 1.5;

constexpr std::string_view kLoop = "control loop";
constexpr std::string_view kBus = "motor bus";

}  // namespace

std::vector<Cause> RobotRoom::causes() const {
  std::vector<Cause> found;
  if (state_ != State::kWaking && state_ != State::kRunning) return found;
  add_loop_causes(found);
  add_motor_causes(found);
  return found;
}

void RobotRoom::add_loop_causes(std::vector<Cause>& causes) const {
  const auto& now = robot_->snapshot();
  const auto silence = robot_->silence();
  if (thread_->link().phase() == control::Phase::kFailed || silence > kSilent) {
    std::string detail = fmt::format("no control cycle for {:.1f} s", seconds(silence));
    if (thread_->link().phase() == control::Phase::kFailed) {
      detail += ": " + thread_->link().error().context;
    }
    causes.push_back({.code = std::string(lifecycle::code::kControlStalled),
                      .part = std::string(kLoop),
                      .verdict = Verdict::kUnhealthy,
                      .detail = std::move(detail),
                      .hint = "restart the backend",
                      .cure = Scope::kBackend,
                      .since = house_.loop.now() - silence});
    return;
  }
  const double nominal_s = 1 / house_.config.control_rate_hz;
  if (now.statistics.valid && now.statistics.period_p99_s > kSlow * nominal_s) {
    causes.push_back(
        {.code = std::string(lifecycle::code::kControlSlow),
         .part = std::string(kLoop),
         .verdict = Verdict::kDegraded,
         .detail = fmt::format("a control period took {:.1f} ms (p99), wanted {:.1f} ms",
                               now.statistics.period_p99_s * 1000, nominal_s * 1000),
         .hint = "something else takes the processor",
         .cure = Scope::kBackend,
         .since = now.time});
  }
}

void RobotRoom::add_motor_causes(std::vector<Cause>& causes) const {
  const auto& now = robot_->snapshot();
  const auto age = now.time - now.last_good;
  if (age > kSilent) {
    const bool lost = now.fault == backend::Fault::kPortLost;
    causes.push_back({.code = lost ? "port_missing" : "bus_silent",
                      .part = std::string(kBus),
                      .verdict = Verdict::kUnhealthy,
                      .detail = fmt::format("not all motors answered for {:.1f} s", seconds(age)),
                      .hint = "check the motor power and the USB cable",
                      .cure = Scope::kBackend,
                      .since = now.last_good});
    return;
  }
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    if ((now.lost_torque >> i & 1U) == 0) continue;
    causes.push_back({.code = "torque_lost",
                      .part = std::string(model::kJointNames[i]),
                      .verdict = Verdict::kDegraded,
                      .detail = "the motor's torque is off although it was switched on",
                      .hint = "enable the motors, or restart this motor",
                      .cure = Scope::kMotor,
                      .since = now.fresh_at[i]});
  }
}

}  // namespace daruma::session
