#include <set>

#include <gtest/gtest.h>

#include "daruma/model/hardware_config.hpp"
#include "daruma/model/joints.hpp"

namespace daruma::model {
namespace {

TEST(Joints, AreFoundByTheirNames) {
  for (std::size_t i = 0; i < kJointCount; ++i) EXPECT_EQ(joint_index(kJointNames[i]), i);
  EXPECT_EQ(joint_index("stewart_7"), std::nullopt);
}

TEST(Joints, TheNamedPosesLieInsideTheLimits) {
  for (const auto& pose : {init_joints_rad(), sleep_joints_rad()}) {
    for (std::size_t i = 0; i < kJointCount; ++i) {
      EXPECT_GE(pose[i], kJointLimits_rad[i].lower) << kJointNames[i];
      EXPECT_LE(pose[i], kJointLimits_rad[i].upper) << kJointNames[i];
    }
  }
}

TEST(HardwareConfig, TheDefaultsLimitsAreTheJoints) {
  const auto config = default_hardware_config();
  std::set<int> ids;
  for (std::size_t i = 0; i < kJointCount; ++i) {
    const auto& motor = config.motors[i];
    ids.insert(motor.id);
    // 4096 steps a turn, 2048 is the middle, the servo adds its own offset (robot.md 1.2).
    auto rad = [&](int raw) { return (raw - 2048) * 2 * 3.14159265358979 / 4096; };
    EXPECT_NEAR(rad(motor.lower_limit), kJointLimits_rad[i].lower, 1e-6) << kJointNames[i];
    EXPECT_NEAR(rad(motor.upper_limit), kJointLimits_rad[i].upper, 1e-6) << kJointNames[i];
  }
  EXPECT_EQ(ids.size(), kJointCount);
}

}  // namespace
}  // namespace daruma::model
