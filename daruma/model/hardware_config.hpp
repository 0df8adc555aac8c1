#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "daruma/model/joints.hpp"

namespace daruma::model {

/// One servo of the hardware configuration file; raw servo units (contract robot.md 1.2).
struct MotorConfig {
  std::uint8_t id = 0;
  std::int32_t offset = 0;
  std::int32_t lower_limit = 0;
  std::int32_t upper_limit = 4095;
  std::int32_t return_delay_time = 0;
  std::int32_t shutdown_error = 52;
  std::int32_t operating_mode = 3;
  std::optional<std::array<std::int32_t, 3>> pid;  ///< P, I, D
};

struct HardwareConfig {
  std::int32_t baudrate = 1'000'000;
  std::array<MotorConfig, kJointCount> motors;  ///< order of Joint
};

/// The file that the reference ships, as data.
HardwareConfig default_hardware_config();

}  // namespace daruma::model
