#include "daruma/backend/port.hpp"

#include <algorithm>

namespace daruma::backend {
namespace {

constexpr std::array<std::string_view, 3> kNames{"enabled", "disabled", "gravity_compensation"};

}  // namespace

std::string_view name(MotorMode mode) { return kNames.at(static_cast<std::size_t>(mode)); }

std::optional<MotorMode> motor_mode_from(std::string_view word) {
  const auto* found = std::find(kNames.begin(), kNames.end(), word);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<MotorMode>(found - kNames.begin());
}

}  // namespace daruma::backend
