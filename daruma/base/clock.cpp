#include "daruma/base/clock.hpp"

#include <fmt/chrono.h>

namespace daruma {

std::string iso8601(WallTime time) {
  const auto since_epoch = time.time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)), ms);
}

}  // namespace daruma
