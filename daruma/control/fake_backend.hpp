#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "daruma/backend/port.hpp"

namespace daruma::control {

/// A driver for tests: servos that follow at once while they have torque, faults on demand, and a
/// record of what was asked in what order.
class FakeBackend final : public backend::Backend {
 public:
  Status open() override {
    if (on_open) on_open();
    return opened;
  }
  backend::Fault read(backend::Measurement& out) override {
    if (on_read) on_read();
    if (fault != backend::Fault::kNone) return fault;
    for (std::size_t i = 0; i < model::kJointCount; ++i) {
      if (i == silent_joint) continue;
      out.position_rad[i] = position_rad[i];
      out.torque[i] = torque[i];
      out.fresh[i] = true;
    }
    return backend::Fault::kNone;
  }
  backend::Fault write(const model::JointArray& goal) override {
    written_rad = goal;
    ++writes;
    if (on_write) on_write();
    if (fault != backend::Fault::kNone) return fault;
    for (std::size_t i = 0; i < model::kJointCount; ++i) {
      if (torque[i]) position_rad[i] = goal[i] + sag_rad;
    }
    return backend::Fault::kNone;
  }
  backend::Fault set_torque(std::uint16_t mask, bool on) override {
    last_mask = mask;
    ++torque_orders;
    // The goals that a servo has when its torque comes are where it goes at once.
    if (on) written_before_torque_rad = written_rad;
    for (std::size_t i = 0; i < model::kJointCount; ++i) {
      if ((unsigned{mask} >> i & 1U) != 0) torque[i] = on;
    }
    return fault;
  }
  void close() override {
    if (on_close) on_close();
  }
  bool simulated() const override { return is_simulated; }

  void set_all_torque(bool on) { torque.fill(on); }

  Status opened;
  backend::Fault fault = backend::Fault::kNone;
  std::size_t silent_joint = model::kJointCount;  ///< none
  model::JointArray position_rad = model::sleep_joints_rad();
  std::array<bool, model::kJointCount> torque{true, true, true, true, true, true, true, true, true};
  double sag_rad = 0;
  bool is_simulated = true;
  model::JointArray written_rad{};
  model::JointArray written_before_torque_rad{};
  std::uint16_t last_mask = 0;
  int writes = 0;
  int torque_orders = 0;
  std::function<void()> on_open;
  std::function<void()> on_read;
  std::function<void()> on_write;
  std::function<void()> on_close;
};

}  // namespace daruma::control
