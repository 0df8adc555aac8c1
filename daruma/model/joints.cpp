#include "daruma/model/joints.hpp"

#include <algorithm>

namespace daruma::model {

std::optional<std::size_t> joint_index(std::string_view name) {
  const auto* found = std::find(kJointNames.begin(), kJointNames.end(), name);
  if (found == kJointNames.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kJointNames.begin());
}

JointArray init_joints_rad() {
  // IK of the identity with the current geometry, contract robot.md 3.8 row 0.
  return {0.0,
          0.6265471361608504,
          -0.6265425506844712,
          0.626540250758224,
          -0.6265361796605958,
          0.6265371961549002,
          -0.6265392354557595,
          -0.1745,
          0.1745};
}

JointArray sleep_joints_rad() {
  // IK of SLEEP_HEAD_POSE, contract robot.md 3.8 row 1.
  return {0.0,          -0.170623806, 0.836487731, -0.123431858, 0.087571540,
          -0.812168555, 0.178508447,  -3.05,       3.05};
}

}  // namespace daruma::model
