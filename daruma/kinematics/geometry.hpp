#pragma once

#include <array>

#include <Eigen/Geometry>

namespace daruma::kinematics {

/// Metres. Source: contract robot.md 3.2 (the reference's kinematics data).
inline constexpr double kMotorArm_m = 0.04000000000000001;
inline constexpr double kRod_m = 0.08499999999999995;
/// The wire's head frame is the base's, shifted up by this.
inline constexpr double kHeadHeight_m = 0.177;

/// One leg: a motor on the body, an arm, a rod, and its anchor on the platform.
struct Leg {
  Eigen::Isometry3d X_MB;  ///< takes points of the body's frame B to the motor's frame M
  Eigen::Isometry3d X_BM;  ///< its inverse
  Eigen::Vector3d p_HA;    ///< rod anchor in the head's frame
  double branch;           ///< +1 or -1: which of the two solutions the leg is built for
};

/// The six legs, stewart_1 .. stewart_6.
const std::array<Leg, 6>& legs();

}  // namespace daruma::kinematics
