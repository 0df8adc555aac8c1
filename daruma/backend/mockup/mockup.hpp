#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "daruma/backend/port.hpp"

namespace daruma::backend {

/// Nine simulated servos. They stand for the hardware: they outlive every driver, and keep torque
/// and pose while none drives them. This is a handle; copies mean the same nine servos, because a
/// driver whose thread was abandoned may still touch them. From any thread: whoever moves them by
/// hand, as people do, is not a driver. They begin in the sleep pose with torque, as the
/// reference's mock-up does (contract robot.md 2.3).
class MockupServos {
 public:
  MockupServos();
  std::atomic<double>& position_rad(std::size_t joint) { return servos_->position_rad[joint]; }
  std::atomic<bool>& torque(std::size_t joint) { return servos_->torque[joint]; }

 private:
  struct Servos {
    std::array<std::atomic<double>, model::kJointCount> position_rad;
    std::array<std::atomic<bool>, model::kJointCount> torque;
  };
  std::shared_ptr<Servos> servos_;
};

/// Driver of simulated servos: a joint with torque is at its goal at once, one without stays where
/// it is. Every call succeeds.
class Mockup final : public Backend {
 public:
  explicit Mockup(MockupServos servos) : servos_(std::move(servos)) {}
  Status open() override { return {}; }
  Fault read(Measurement& out) override;
  Fault write(const model::JointArray& goal_rad) override;
  Fault set_torque(std::uint16_t mask, bool on) override;
  void close() override {}
  bool simulated() const override { return true; }

 private:
  MockupServos servos_;
};

}  // namespace daruma::backend
