#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "daruma/kinematics/geometry.hpp"
#include "daruma/kinematics/stewart.hpp"

namespace daruma::kinematics {
namespace {

constexpr double kPi = std::numbers::pi;
// Contract robot.md 3.4: head against body, and body against the foot.
constexpr double kRelativeYaw_rad = 65.0 * kPi / 180.0;
constexpr double kBodyYaw_rad = 160.0 * kPi / 180.0;

/// Angle of the arm whose tip is one rod away from the anchor at p_MA; nullopt when there is none.
/// The tip r(cos q, sin q, 0) at distance l from p gives px cos q + py sin q = c / (2 r); of its
/// two roots `branch` picks the one that the robot is built for.
std::optional<double> arm_angle(const Eigen::Vector3d& p, double branch) {
  const double c = p.squaredNorm() + kMotorArm_m * kMotorArm_m - kRod_m * kRod_m;
  const double d = 4 * kMotorArm_m * kMotorArm_m * (p.x() * p.x() + p.y() * p.y()) - c * c;
  if (!(d >= 0)) return std::nullopt;
  return wrap_rad(
      2 * std::atan2(2 * kMotorArm_m * p.y() + branch * std::sqrt(d), c + 2 * kMotorArm_m * p.x()));
}

bool inside(double angle, const model::Range& range) {
  return angle >= range.lower && angle <= range.upper;
}

}  // namespace

double wrap_rad(double angle_rad) {
  return angle_rad - 2 * kPi * std::floor((angle_rad + kPi) / (2 * kPi));
}

double yaw_rad(const Pose& X_WH) { return std::atan2(X_WH(1, 0), X_WH(0, 0)); }

double automatic_body_yaw(const Pose& X_WH, double body_yaw_rad) {
  const double head = yaw_rad(X_WH);
  const double ahead = wrap_rad(body_yaw_rad - head);
  // Only the excess is taken off, so a body that may stay where it is stays there exactly.
  const double excess = ahead - std::clamp(ahead, -kRelativeYaw_rad, kRelativeYaw_rad);
  return std::clamp(body_yaw_rad - excess, -kBodyYaw_rad, kBodyYaw_rad);
}

InverseResult inverse(const Pose& X_WH, double body_yaw_rad, BodyYaw mode) {
  InverseResult result;
  const double yaw =
      mode == BodyYaw::kAutomatic ? automatic_body_yaw(X_WH, body_yaw_rad) : body_yaw_rad;
  result.joints_rad[0] = yaw;
  if (!inside(yaw, model::kJointLimits_rad[0])) result.reach = Reach::kOutOfLimit;

  Pose X_BH = X_WH;
  X_BH.translation().z() += kHeadHeight_m;
  X_BH = Eigen::AngleAxisd(-yaw, Eigen::Vector3d::UnitZ()) * X_BH;
  for (std::size_t k = 0; k < kLegCount; ++k) {
    const Leg& leg = legs()[k];
    const auto angle = arm_angle(leg.X_MB * (X_BH * leg.p_HA), leg.branch);
    if (!angle) {
      result.reach = Reach::kUnreachable;
      result.leg = static_cast<int>(k);
      return result;
    }
    result.joints_rad[k + 1] = *angle;
    if (result.reach == Reach::kReached && !inside(*angle, model::kJointLimits_rad[k + 1])) {
      result.reach = Reach::kOutOfLimit;
      result.leg = static_cast<int>(k);
    }
  }
  return result;
}

std::string describe(const InverseResult& result) {
  if (result.reach == Reach::kReached) return {};
  const auto joint = static_cast<std::size_t>(result.leg + 1);
  const auto name = model::kJointNames[joint];
  if (result.reach == Reach::kUnreachable) {
    return fmt::format("head pose out of reach: the rod of {} has no length for it", name);
  }
  return fmt::format("head pose out of limits: {} would be at {:.3f} rad, allowed {:.3f} to {:.3f}",
                     name, result.joints_rad[joint], model::kJointLimits_rad[joint].lower,
                     model::kJointLimits_rad[joint].upper);
}

Pose interpolate(const Pose& from, const Pose& to, double s) {
  const Eigen::Quaterniond start(from.linear());
  const Eigen::Quaterniond end(to.linear());
  Pose out = Pose::Identity();
  out.linear() = start.slerp(s, end).toRotationMatrix();
  out.translation() = from.translation() + s * (to.translation() - from.translation());
  return out;
}

double reachable_fraction(const Pose& from, const Pose& to, double body_yaw_rad, BodyYaw mode) {
  auto reached = [&](double s) {
    return inverse(interpolate(from, to, s), body_yaw_rad, mode).reach == Reach::kReached;
  };
  if (reached(1.0)) return 1.0;
  double low = 0;
  double high = 1;
  for (int i = 0; i < 20; ++i) {
    const double middle = 0.5 * (low + high);
    (reached(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace daruma::kinematics
