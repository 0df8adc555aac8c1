#include "daruma/backend/mockup/mockup.hpp"

namespace daruma::backend {

MockupServos::MockupServos() : servos_(std::make_shared<Servos>()) {
  const auto sleep = model::sleep_joints_rad();
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    position_rad(i) = sleep[i];
    torque(i) = true;
  }
}

Fault Mockup::read(Measurement& out) {
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    out.position_rad[i] = servos_.position_rad(i);
    out.torque[i] = servos_.torque(i);
    out.fresh[i] = true;
  }
  return Fault::kNone;
}

Fault Mockup::write(const model::JointArray& goal_rad) {
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    if (servos_.torque(i)) servos_.position_rad(i) = goal_rad[i];
  }
  return Fault::kNone;
}

Fault Mockup::set_torque(std::uint16_t mask, bool on) {
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    if ((unsigned{mask} >> i & 1U) != 0) servos_.torque(i) = on;
  }
  return Fault::kNone;
}

}  // namespace daruma::backend
