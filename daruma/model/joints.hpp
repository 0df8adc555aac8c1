#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace daruma::model {

/// The nine joints in the order of the hardware configuration file and of every joint array here.
enum class Joint : std::uint8_t {
  kBodyRotation,
  kStewart1,
  kStewart2,
  kStewart3,
  kStewart4,
  kStewart5,
  kStewart6,
  kRightAntenna,
  kLeftAntenna
};
inline constexpr std::size_t kJointCount = 9;
/// Joints that carry the head: body yaw first, then the six legs. The wire's
/// `head_joint_positions`.
inline constexpr std::size_t kHeadJointCount = 7;

/// The servos' names on the wire and in the configuration file.
inline constexpr std::array<std::string_view, kJointCount> kJointNames{
    "body_rotation", "stewart_1", "stewart_2",     "stewart_3",   "stewart_4",
    "stewart_5",     "stewart_6", "right_antenna", "left_antenna"};

std::optional<std::size_t> joint_index(std::string_view name);

/// One number a joint, rad (or whatever the name says), order of Joint.
using JointArray = std::array<double, kJointCount>;

struct Range {
  double lower;
  double upper;
};

/// Joint limits, rad. Source: hardware_config.yaml of the reference (raw limits 2048-centred, 4096
/// per turn, minus the servo's offset); contract robot.md 1.2.
inline constexpr std::array<Range, kJointCount> kJointLimits_rad{{{-3.141593, 3.140059},
                                                                  {-0.837554, 1.395922},
                                                                  {-1.395922, 1.221049},
                                                                  {-0.837554, 1.395922},
                                                                  {-1.395922, 0.837554},
                                                                  {-1.221049, 1.395922},
                                                                  {-1.395922, 0.837554},
                                                                  {-3.141593, 3.140059},
                                                                  {-3.141593, 3.140059}}};

/// Body yaw 0 and the legs for the head's initial pose (identity); antennas right, left.
/// Source: contract robot.md 3.6 (IK of INIT with the current geometry; signs as its vectors).
JointArray init_joints_rad();
/// The sleep pose, inside the joint limits: IK of SLEEP_HEAD_POSE (robot.md 3.6), antennas folded.
JointArray sleep_joints_rad();

}  // namespace daruma::model
