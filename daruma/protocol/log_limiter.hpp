#pragma once

#include <cstdint>
#include <optional>

#include "daruma/base/clock.hpp"

namespace daruma::protocol {

/// Keeps a flood of mistakes from becoming a flood of log lines: one line a period, which says how
/// many were left out before it. Loop thread only.
class LogLimiter {
 public:
  explicit LogLimiter(Duration period = std::chrono::seconds(1)) : period_(period) {}

  /// nullopt when this line is to be left out; else how many were left out since the last one.
  std::optional<std::uint64_t> admit(TimePoint now) {
    if (last_ && now - *last_ < period_) {
      ++suppressed_;
      return std::nullopt;
    }
    last_ = now;
    const auto suppressed = suppressed_;
    suppressed_ = 0;
    return suppressed;
  }

 private:
  Duration period_;
  std::optional<TimePoint> last_;
  std::uint64_t suppressed_ = 0;
};

}  // namespace daruma::protocol
