#include "daruma/session/behaviours.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace daruma::session {
namespace {

using control::Plan;
using control::Snapshot;
using control::Step;
using kinematics::Pose;

constexpr std::array<double, 2> kInitAntennas_rad{-0.1745, 0.1745};
constexpr std::array<double, 2> kSleepAntennas_rad{-3.05, 3.05};
// The reference's `is the robot awake already`: absolute tolerance 1e-2, relative 1e-5.
constexpr double kTolerance = 1e-2;
constexpr double kRelative = 1e-5;
constexpr double kSecondsPerUnit = 0.02;
constexpr double kFarFromInit = 30;
// A distance that no head can have; it bounds the time of a plan made from nonsense.
constexpr double kFarthest = 300;

Step wait(double duration_s) { return {.kind = Step::Kind::kWait, .duration_s = duration_s}; }

Step go(const Pose& X_WH, const std::array<double, 2>& antennas_rad, double duration_s) {
  return {.kind = Step::Kind::kGoto,
          .duration_s = duration_s,
          .to = {.X_WH = X_WH, .antennas_rad = antennas_rad, .body_yaw_rad = 0.0}};
}

Step go_to_init(double duration_s) {
  return go(kinematics::init_pose(), kInitAntennas_rad, duration_s);
}

double distance_to_init(const Snapshot& now) {
  return std::min(motion::magic_distance(now.X_WH, kinematics::init_pose()), kFarthest);
}
double distance_to_sleep(const Snapshot& now) {
  return motion::magic_distance(now.X_WH, kinematics::sleep_pose());
}

bool close(double value, double wanted) {
  return std::abs(value - wanted) <= kTolerance + kRelative * std::abs(wanted);
}

bool commanded_awake(const Snapshot& now) {
  if (now.mode != backend::MotorMode::kEnabled) return false;
  kinematics::HeadJoints head_rad;
  std::copy_n(now.goal_rad.begin(), head_rad.size(), head_rad.begin());
  kinematics::ForwardSolver solver;
  const auto commanded = solver.solve(head_rad);
  if (!commanded.converged) return false;
  const Pose init = kinematics::init_pose();
  for (int i = 0; i < 12; ++i) {
    if (!close(commanded.X_WH.matrix()(i / 4, i % 4), init.matrix()(i / 4, i % 4))) return false;
  }
  return close(now.goal_rad[7], kInitAntennas_rad[0]) &&
         close(now.goal_rad[8], kInitAntennas_rad[1]);
}

void add_sleep(Plan& plan, double to_sleep, double to_init) {
  if (to_sleep > control::kNear) {
    if (to_init > kFarFromInit) {
      plan.add(go_to_init(1.0));
      plan.add(wait(0.2));
    }
    plan.add(go(kinematics::sleep_pose(), kSleepAntennas_rad, 2.0));
    plan.add(wait(2.0));
  } else {
    plan.add(wait(5.0));
  }
  plan.add({.kind = Step::Kind::kRest});
}

}  // namespace

Plan wake_up_plan(const Snapshot& now) {
  Plan plan;
  plan.add(wait(0.1));
  if (commanded_awake(now)) return plan;
  constexpr double kNod_rad = 20 * std::numbers::pi / 180;
  constexpr double kNod_s = 0.2;
  Pose nod = kinematics::init_pose();
  nod.linear() = Eigen::AngleAxisd(kNod_rad, Eigen::Vector3d::UnitX()).toRotationMatrix();
  plan.add(go_to_init(distance_to_init(now) * kSecondsPerUnit));
  plan.add(wait(0.1));
  plan.add(go(nod, kInitAntennas_rad, kNod_s));
  plan.add(go_to_init(kNod_s));
  return plan;
}

Plan sleep_plan(const Snapshot& now) {
  Plan plan;
  add_sleep(plan, distance_to_sleep(now), distance_to_init(now));
  return plan;
}

Plan reset_to_sleep_plan(const Snapshot& now) {
  Plan plan;
  plan.add(go_to_init(std::clamp(distance_to_init(now) * kSecondsPerUnit, 0.3, 1.5)));
  plan.add(wait(0.2));
  add_sleep(plan, motion::magic_distance(kinematics::init_pose(), kinematics::sleep_pose()), 0);
  return plan;
}

bool at_rest(const Snapshot& now) {
  return now.mode == backend::MotorMode::kDisabled && now.pose_ok &&
         distance_to_sleep(now) <= control::kNear;
}

}  // namespace daruma::session
