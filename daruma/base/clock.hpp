#pragma once

#include <chrono>
#include <string>

namespace daruma {

/// Monotonic time; the only time that decides anything.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::nanoseconds;
/// Wall-clock time; written into receipts and logs, never compared.
using WallTime = std::chrono::system_clock::time_point;

/// `2026-01-01T00:00:00.000Z`, milliseconds, UTC.
std::string iso8601(WallTime time);
/// `2026-01-01T00:00:00.000`, milliseconds, local time without a zone, as Python writes it.
std::string local_iso8601(WallTime time);
/// Seconds as a number, for the wire.
inline double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
/// Whole milliseconds, rounded down, for the wire.
inline long long milliseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

}  // namespace daruma
