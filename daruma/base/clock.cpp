#include "daruma/base/clock.hpp"

#include <fmt/chrono.h>

namespace daruma {

namespace {

std::string iso8601(const std::tm& calendar, WallTime time) {
  const auto since_epoch = time.time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}", calendar, ms);
}

}  // namespace

std::string iso8601(WallTime time) {
  return iso8601(fmt::gmtime(std::chrono::system_clock::to_time_t(time)), time) + 'Z';
}

std::string local_iso8601(WallTime time) {
  return iso8601(fmt::localtime(std::chrono::system_clock::to_time_t(time)), time);
}

}  // namespace daruma
