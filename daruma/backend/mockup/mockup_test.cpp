#include "daruma/backend/mockup/mockup.hpp"

#include <gtest/gtest.h>

namespace daruma::backend {
namespace {

TEST(MotorMode, IsSaidInTheWiresWords) {
  for (const auto mode :
       {MotorMode::kEnabled, MotorMode::kDisabled, MotorMode::kGravityCompensation}) {
    EXPECT_EQ(motor_mode_from(name(mode)), mode);
  }
  EXPECT_EQ(name(MotorMode::kGravityCompensation), "gravity_compensation");
  EXPECT_EQ(motor_mode_from("Enabled"), std::nullopt);
}

TEST(Mockup, BeginsAsleepWithTorque) {
  Mockup mockup{MockupServos()};
  ASSERT_TRUE(mockup.open());
  Measurement measured;
  EXPECT_EQ(mockup.read(measured), Fault::kNone);
  EXPECT_EQ(measured.position_rad, model::sleep_joints_rad());
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    EXPECT_TRUE(measured.torque[i]);
    EXPECT_TRUE(measured.fresh[i]);
  }
  EXPECT_TRUE(mockup.simulated());
}

TEST(Mockup, FollowsAtOnceWithTorqueAndStaysWithout) {
  Mockup mockup{MockupServos()};
  Measurement measured;
  EXPECT_EQ(mockup.set_torque(1U << 3U, false), Fault::kNone);
  EXPECT_EQ(mockup.write(model::init_joints_rad()), Fault::kNone);
  EXPECT_EQ(mockup.read(measured), Fault::kNone);
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    EXPECT_EQ(measured.torque[i], i != 3);
    EXPECT_EQ(measured.position_rad[i],
              i == 3 ? model::sleep_joints_rad()[i] : model::init_joints_rad()[i]);
  }
}

TEST(Mockup, TheServosKeepPoseAndTorqueWithoutADriver) {
  const MockupServos servos;
  {
    Mockup first(servos);
    EXPECT_EQ(first.write(model::init_joints_rad()), Fault::kNone);
    EXPECT_EQ(first.set_torque(0b1, false), Fault::kNone);
    first.close();
  }
  Mockup second(servos);
  Measurement measured;
  EXPECT_EQ(second.read(measured), Fault::kNone);
  EXPECT_EQ(measured.position_rad, model::init_joints_rad());
  EXPECT_FALSE(measured.torque[0]);
  EXPECT_TRUE(measured.torque[1]);
}

}  // namespace
}  // namespace daruma::backend
