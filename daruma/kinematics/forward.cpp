#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>
#include <Eigen/LU>

#include "daruma/kinematics/geometry.hpp"
#include "daruma/kinematics/stewart.hpp"

namespace daruma::kinematics {
namespace {

using Vector6 = Eigen::Matrix<double, 6, 1>;
using Matrix6 = Eigen::Matrix<double, 6, 6>;

constexpr int kMaxIterations = 40;
constexpr double kConverged_m = 1e-9;
// Below this another step changes nothing that a double can show.
constexpr double kExact_m = 1e-13;
constexpr double kMaxTurn_rad = 0.35;
// An upright head: nothing else is mechanically possible on this robot (contract robot.md 3.5).
constexpr double kMaxTilt_rad = 60.0 * 3.14159265358979323846 / 180.0;
// Sign of the Jacobian's determinant at the neutral pose (a test holds it).
constexpr double kNeutralSign = 1;
// Joints move less than this in several control cycles.
constexpr double kNear_rad = 0.3;
constexpr double kLowest_m = -0.080;
constexpr double kHighest_m = 0.040;

/// Arm tips of all legs in the body's frame.
using Tips = std::array<Eigen::Vector3d, kLegCount>;

Tips arm_tips(const LegAngles& legs_rad) {
  Tips p_BT;
  for (std::size_t k = 0; k < kLegCount; ++k) {
    const double q = legs_rad[k];
    p_BT[k] =
        legs()[k].X_BM * Eigen::Vector3d(kMotorArm_m * std::cos(q), kMotorArm_m * std::sin(q), 0);
  }
  return p_BT;
}

/// Rod vectors, tip to anchor, in the head's frame.
Eigen::Vector3d rod(const Pose& X_HB, const Eigen::Vector3d& p_BT, std::size_t k) {
  return legs()[k].p_HA - X_HB * p_BT;
}

Vector6 residual(const Pose& X_BH, const Tips& p_BT) {
  const Pose X_HB = X_BH.inverse();
  Vector6 r;
  for (std::size_t k = 0; k < kLegCount; ++k) {
    r[static_cast<int>(k)] = kRod_m - rod(X_HB, p_BT[k], k).norm();
  }
  return r;
}

Matrix6 jacobian(const Pose& X_BH, const Tips& p_BT) {
  const Pose X_HB = X_BH.inverse();
  Matrix6 J;
  for (std::size_t k = 0; k < kLegCount; ++k) {
    const Eigen::Vector3d u = rod(X_HB, p_BT[k], k).normalized();
    J.row(static_cast<int>(k)) << u.transpose(), legs()[k].p_HA.cross(u).transpose();
  }
  return J;
}

Pose moved(const Pose& X_BH, const Vector6& step) {
  const Eigen::Vector3d turn = step.tail<3>();
  const double angle = turn.norm();
  Pose delta = Pose::Identity();
  delta.translation() = step.head<3>();
  if (angle > 0) delta.linear() = Eigen::AngleAxisd(angle, turn / angle).toRotationMatrix();
  return X_BH * delta;
}

struct Attempt {
  Pose X_BH;
  double residual_m;
  int iterations;
};

/// Levenberg-Marquardt: the damping falls after a step that helped and rises after one that did
/// not.
Attempt descend(const Pose& seed, const Tips& p_BT) {
  Attempt best{seed, 0, 0};
  Vector6 r = residual(seed, p_BT);
  best.residual_m = r.norm();
  double damping = 1e-4;
  Matrix6 J = jacobian(best.X_BH, p_BT);
  while (best.residual_m > kExact_m && best.iterations < kMaxIterations) {
    ++best.iterations;
    Matrix6 A = J.transpose() * J;
    A.diagonal() += damping * A.diagonal();
    Vector6 step = A.ldlt().solve(J.transpose() * r);
    const double turn = step.tail<3>().norm();
    if (turn > kMaxTurn_rad) step *= kMaxTurn_rad / turn;
    const Pose next = moved(best.X_BH, step);
    const Vector6 next_r = residual(next, p_BT);
    const double next_residual = next_r.norm();
    if (next_residual < best.residual_m) {
      best.X_BH = next;
      best.residual_m = next_residual;
      r = next_r;
      damping *= 0.1;
      J = jacobian(best.X_BH, p_BT);
    } else {
      if (best.residual_m < kConverged_m) break;
      damping *= 10;
      if (damping > 1e8) break;
    }
  }
  return best;
}

bool upright(const Pose& X_BH) {
  const double z = X_BH.translation().z() - kHeadHeight_m;
  return X_BH(2, 2) > std::cos(kMaxTilt_rad) && z > kLowest_m && z < kHighest_m;
}

/// True on the neutral pose's side of the legs' singularities. The same angles fit up to forty
/// poses (assemblies) of a Stewart platform; to get from one to another the robot would have to
/// pass a pose in which the Jacobian has no inverse, and there its determinant changes sign.
bool same_assembly(const Pose& X_BH, const Tips& p_BT) {
  return jacobian(X_BH, p_BT).determinant() * kNeutralSign > 0;
}

Pose lifted(Pose X_WH) {
  X_WH.translation().z() += kHeadHeight_m;
  return X_WH;
}

Pose orthonormal(const Pose& pose) {
  Pose out = pose;
  out.linear() = Eigen::Quaterniond(pose.linear()).normalized().toRotationMatrix();
  return out;
}

}  // namespace

Pose init_pose() { return Pose::Identity(); }

Pose sleep_pose() {
  Pose X_WH = Pose::Identity();
  X_WH.linear() << 0.911, 0.004, 0.413, -0.004, 1.0, -0.001, -0.413, -0.001, 0.911;
  X_WH.translation() << -0.021, 0.001, -0.044;
  return orthonormal(X_WH);
}

Eigen::Matrix<double, 6, 6> rod_jacobian(const Pose& X_BH, const LegAngles& legs_rad) {
  return jacobian(X_BH, arm_tips(legs_rad));
}

Pose ForwardSolver::neutral() { return lifted(init_pose()); }

void ForwardSolver::reset() {
  warm_X_BH_ = neutral();
  warm_legs_rad_ = {};
}

ForwardResult ForwardSolver::solve(const HeadJoints& joints_rad) {
  LegAngles legs_rad;
  std::copy(joints_rad.begin() + 1, joints_rad.end(), legs_rad.begin());
  const Tips p_BT = arm_tips(legs_rad);

  // Far from the last solution, its neighbourhood is no better a guess than any, and the neutral
  // pose leads to the assembly that the robot can be in.
  double jump = 0;
  for (std::size_t k = 0; k < kLegCount; ++k) {
    jump = std::max(jump, std::abs(legs_rad[k] - warm_legs_rad_[k]));
  }
  const Pose first = jump < kNear_rad ? warm_X_BH_ : neutral();
  ForwardResult result;
  Attempt best{warm_X_BH_, INFINITY, 0};
  for (const Pose& seed : {first, neutral(), lifted(sleep_pose())}) {
    const Attempt attempt = descend(seed, p_BT);
    result.iterations += attempt.iterations;
    if (attempt.residual_m < kConverged_m && upright(attempt.X_BH) &&
        same_assembly(attempt.X_BH, p_BT)) {
      best = attempt;
      result.converged = true;
      break;
    }
  }
  if (result.converged) {
    warm_X_BH_ = orthonormal(best.X_BH);
    warm_legs_rad_ = legs_rad;
  }
  result.residual_m = result.converged ? best.residual_m : residual(warm_X_BH_, p_BT).norm();
  result.X_WH = Eigen::AngleAxisd(joints_rad[0], Eigen::Vector3d::UnitZ()) * warm_X_BH_;
  result.X_WH.translation().z() -= kHeadHeight_m;
  return result;
}

}  // namespace daruma::kinematics
