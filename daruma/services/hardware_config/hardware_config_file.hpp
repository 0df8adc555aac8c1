#pragma once

#include <cstddef>
#include <string>

#include "daruma/base/result.hpp"
#include "daruma/model/hardware_config.hpp"

namespace daruma::services {

/// Largest file that is read; the one that the reference ships has 3 KiB.
inline constexpr std::size_t kMaxHardwareConfigBytes = 64 * 1024;

/// Reads and checks a hardware configuration file; an empty path gives the built-in table. Form and
/// meaning: contract robot.md 1.2; the nine motors may stand in any order. Never throws. Blocks on
/// the file: pool thread. Every error is kInvalid (also a file that cannot be read) and says
/// `FILE:LINE: what is wrong`. Fields that nobody knows are ignored and logged, as the reference
/// ignores them.
Result<model::HardwareConfig> read_hardware_config(const std::string& path);

}  // namespace daruma::services
