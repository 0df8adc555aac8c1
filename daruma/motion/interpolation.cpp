#include "daruma/motion/interpolation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <Eigen/SVD>
#include <fmt/format.h>

namespace daruma::motion {
namespace {

constexpr std::array<std::string_view, 4> kNames{"linear", "minjerk", "ease_in_out", "cartoon"};

// Overshoot of the back-easing curve, 10 % in one direction, steepened for use in both.
constexpr double kBack = 1.70158 * 1.525;

Eigen::Matrix3d about_z(double angle_rad) {
  return Eigen::AngleAxisd(angle_rad, Eigen::Vector3d::UnitZ()).toRotationMatrix();
}

/// The turn from `from` to `to`, w of it.
Eigen::Matrix3d partly_turned(const Eigen::Matrix3d& from, const Eigen::Matrix3d& to, double w) {
  Eigen::AngleAxisd turn(Eigen::Matrix3d(from.transpose() * to));
  turn.angle() *= w;
  return from * turn.toRotationMatrix();
}

}  // namespace

std::string_view name(Warp warp) { return kNames.at(static_cast<std::size_t>(warp)); }

std::optional<Warp> warp_from(std::string_view word) {
  const auto* found = std::find(kNames.begin(), kNames.end(), word);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Warp>(found - kNames.begin());
}

double progress(Warp warp, double s) {
  if (!(s > 0)) return 0;
  if (s >= 1) return 1;
  switch (warp) {
    case Warp::kLinear:
      return s;
    case Warp::kMinimumJerk:
      return s * s * s * (10 + s * (-15 + 6 * s));
    case Warp::kEaseInOut:
      return s < 0.5 ? 2 * s * s : 1 - (2 - 2 * s) * (2 - 2 * s) / 2;
    case Warp::kCartoon: {
      if (s < 0.5) return 2 * s * s * ((kBack + 1) * 2 * s - kBack);
      const double r = 2 * s - 2;
      return (r * r * ((kBack + 1) * r + kBack) + 2) / 2;
    }
  }
  return s;
}

Pose interpolate_geodesic(const Pose& from, const Pose& to, double w) {
  Pose out = Pose::Identity();
  out.linear() = partly_turned(from.linear(), to.linear(), w);
  out.translation() = from.translation() + w * (to.translation() - from.translation());
  return out;
}

Pose interpolate_over_front(const Pose& from, const Pose& to, double w) {
  const double yaw_from = kinematics::yaw_rad(from);
  const double yaw_to = kinematics::yaw_rad(to);
  const Eigen::Matrix3d tilt_from = about_z(-yaw_from) * from.linear();
  const Eigen::Matrix3d tilt_to = about_z(-yaw_to) * to.linear();
  Pose out = Pose::Identity();
  out.linear() = about_z(yaw_from + (yaw_to - yaw_from) * w) * partly_turned(tilt_from, tilt_to, w);
  out.translation() = from.translation() + w * (to.translation() - from.translation());
  return out;
}

std::optional<Eigen::Matrix3d> nearest_rotation(const Eigen::Matrix3d& matrix, double tolerance) {
  if (!matrix.allFinite()) return std::nullopt;
  const Eigen::Matrix3d error = matrix.transpose() * matrix - Eigen::Matrix3d::Identity();
  if (error.cwiseAbs().maxCoeff() > tolerance || matrix.determinant() <= 0) return std::nullopt;
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(matrix, Eigen::ComputeFullU | Eigen::ComputeFullV);
  return svd.matrixU() * svd.matrixV().transpose();
}

Result<Pose> pose_from_rows(std::span<const double, 16> rows, double tolerance) {
  Eigen::Matrix3d matrix;
  Pose pose = Pose::Identity();
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column)
      matrix(row, column) = rows[static_cast<std::size_t>(4 * row + column)];
    pose.translation()(row) = rows[static_cast<std::size_t>(4 * row + 3)];
  }
  if (!matrix.allFinite() || !pose.translation().allFinite())
    return fail(Errc::kInvalid, "head is not a pose: a number is not finite");
  if (const auto rotation = nearest_rotation(matrix, tolerance)) {
    pose.linear() = *rotation;
    return pose;
  }
  const Eigen::Vector3d lengths = matrix.colwise().norm();
  if (matrix.determinant() < 0) return fail(Errc::kInvalid, "head is not a rotation: it mirrors");
  if ((lengths.array() - 1).abs().maxCoeff() > tolerance)
    return fail(Errc::kInvalid,
                fmt::format("head is not a rotation: its columns have the lengths {:.4f}, {:.4f}, "
                            "{:.4f} instead of 1",
                            lengths.x(), lengths.y(), lengths.z()));
  return fail(Errc::kInvalid, "head is not a rotation: its columns are not at right angles");
}

double magic_distance(const Pose& a, const Pose& b) {
  const Eigen::Matrix3d turn = a.linear() * b.linear().transpose();
  const double angle = std::acos(std::clamp((turn.trace() - 1) / 2, -1.0, 1.0));
  return 1000 * (a.translation() - b.translation()).norm() + angle * 180 / std::numbers::pi;
}

Pose with_world_offset(const Pose& X_WH, const Pose& offset) {
  Pose out = Pose::Identity();
  out.linear() = offset.linear() * X_WH.linear();
  out.translation() = X_WH.translation() + offset.translation();
  return out;
}

Pose look_at(const Eigen::Vector3d& p_W) {
  Pose out = Pose::Identity();
  const double distance = p_W.norm();
  if (!(distance >= 1e-12)) return out;
  const Eigen::Vector3d v = p_W / distance;
  const Eigen::Vector3d x = Eigen::Vector3d::UnitX();
  const Eigen::Vector3d axis = x.cross(v);
  const double sine = axis.norm();
  if (sine < 1e-12) {
    // Straight ahead, or straight behind: then about the vertical, as good as any.
    if (v.x() < 0) out.linear() = about_z(std::numbers::pi);
    return out;
  }
  out.linear() = Eigen::AngleAxisd(std::atan2(sine, v.x()), axis / sine).toRotationMatrix();
  return out;
}

}  // namespace daruma::motion
