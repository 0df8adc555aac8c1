#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <Eigen/Geometry>

#include "daruma/model/joints.hpp"

namespace daruma::kinematics {

/// X_WH: the head's pose in the wire's world, whose origin lies 0.177 m above the base, so that the
/// neutral upright head is the identity. Metres.
using Pose = Eigen::Isometry3d;
inline constexpr std::size_t kLegCount = 6;
using LegAngles = std::array<double, kLegCount>;                ///< rad, stewart_1 .. stewart_6
using HeadJoints = std::array<double, model::kHeadJointCount>;  ///< rad, body yaw, then the legs

/// How the body yaw of a head pose is chosen.
enum class BodyYaw : std::uint8_t {
  kFixed,      ///< as asked, no limit
  kAutomatic,  ///< as asked, but dragged along when the head turns more than 65 degrees away from
               ///< it
};

enum class Reach : std::uint8_t {
  kReached,
  kUnreachable,  ///< a rod is too short or too long: no joint angle exists
  kOutOfLimit,   ///< an angle exists but lies outside the joint's limits
};

struct InverseResult {
  Reach reach = Reach::kReached;
  /// Joints of the pose. Valid unless kUnreachable.
  HeadJoints joints_rad{};
  /// The first leg (0..5) that cannot follow; -1 when all can, or when it is the body that cannot.
  int leg = -1;
};

/// Inverse kinematics of the six legs, closed form. Pure, real-time, any thread.
/// Source: contract robot.md 3.3, 3.4; geometry robot.md 3.2.
InverseResult inverse(const Pose& X_WH, double body_yaw_rad, BodyYaw mode);

/// A sentence for people: which leg, and whether it is length or limit. Empty when reached.
std::string describe(const InverseResult& result);

/// The body yaw that kAutomatic chooses for a head pose: within 65 degrees of the head's yaw and
/// within 160 degrees of the front; the shorter way round, never across the back.
double automatic_body_yaw(const Pose& X_WH, double body_yaw_rad);

/// Derivative of the rods' length errors to a small motion of the platform: 6 x 6, one row a leg;
/// columns are translation (m) then rotation (rad), both in the head's frame H. `X_BH` is the head
/// in the frame of the turned body, at world height. Row k is [u_k, b_k x u_k] with the rod's unit
/// vector u_k and the anchor b_k in H.
Eigen::Matrix<double, 6, 6> rod_jacobian(const Pose& X_BH, const LegAngles& legs_rad);

struct ForwardResult {
  Pose X_WH = Pose::Identity();
  /// Length of the rods' residual, m.
  double residual_m = 0;
  int iterations = 0;
  /// True when the residual fell below 1e-9 m and the head is plausibly upright.
  bool converged = false;
};

/// Forward kinematics by damped Newton on the exact residual, started from the last solution, then
/// from neutral and from the sleep pose when that does not lead to an upright head. Keeps the last
/// good pose. Real-time (bounded iterations, no allocation). One thread at a time.
class ForwardSolver {
 public:
  ForwardResult solve(const HeadJoints& joints_rad);
  /// Forgets the last solution.
  void reset();

 private:
  Pose warm_X_BH_ = neutral();
  LegAngles warm_legs_rad_{};
  static Pose neutral();
};

/// The head's initial and sleep poses. Source: contract robot.md 3.6; the sleep pose made
/// orthonormal.
Pose init_pose();
Pose sleep_pose();

/// Yaw of a pose about the world's z, rad: atan2(R10, R00).
double yaw_rad(const Pose& X_WH);
/// To [-pi, pi).
double wrap_rad(double angle_rad);

/// The largest s in [0, 1] such that the pose on the geodesic from `from` (reached) to `to` is
/// still reached with the given body yaw rule; 1 when `to` is.
double reachable_fraction(const Pose& from, const Pose& to, double body_yaw_rad, BodyYaw mode);
/// The pose at fraction s of the geodesic: straight line, shortest turn.
Pose interpolate(const Pose& from, const Pose& to, double s);

}  // namespace daruma::kinematics
