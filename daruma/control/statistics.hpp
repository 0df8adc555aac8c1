#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "daruma/base/clock.hpp"

namespace daruma::control {

/// How well the loop keeps its time. Names and meaning of the first three: contract robot.md 2.2.
struct LoopStatistics {
  /// True once a window of 1 s has ended; the five figures below are of the last one.
  bool valid = false;
  double mean_control_loop_frequency_hz = 0;  ///< mean of 1/dt
  double max_control_loop_interval_s = 0;
  std::uint32_t nb_error = 0;  ///< cycles in which the driver reported a fault
  double period_p99_s = 0;     ///< 99th percentile, below its worst sample
  std::uint32_t samples = 0;
  /// Means over the whole run; NaN before data.
  double mean_period_s = std::numeric_limits<double>::quiet_NaN();
  double mean_read_s = std::numeric_limits<double>::quiet_NaN();
  double mean_write_s = std::numeric_limits<double>::quiet_NaN();
  /// 99th percentile of |period - nominal| over the whole run, to 10 us; 10 ms means that or more.
  double period_error_p99_s = 0;
};

/// Collects them. Real-time: no allocation.
class Statistics {
 public:
  explicit Statistics(Duration period) : period_(period) {}

  /// One cycle: when it began, what reading and writing took, whether the driver reported a fault.
  void add(TimePoint begin, Duration read, Duration write, bool fault);
  const LoopStatistics& last() const { return last_; }

 private:
  static constexpr Duration kWindow = std::chrono::seconds(1);
  /// Samples of a window that are kept: 200 Hz and some more; further ones count in the means only.
  static constexpr std::size_t kMaxSamples = 256;
  static constexpr Duration kBucket = std::chrono::microseconds(10);
  static constexpr std::size_t kBuckets = 1001;

  void add_interval(Duration interval);
  void end_window(TimePoint now);
  double error_percentile(double fraction) const;

  Duration period_;
  LoopStatistics last_;
  bool begun_ = false;
  TimePoint previous_{};
  TimePoint window_begin_{};
  std::uint64_t cycles_ = 0;
  Duration read_sum_{};
  Duration write_sum_{};
  Duration interval_sum_{};
  std::uint64_t intervals_ = 0;
  double frequency_sum_hz_ = 0;
  double longest_s_ = 0;
  std::uint32_t faults_ = 0;
  std::uint32_t count_ = 0;
  std::array<double, kMaxSamples> samples_s_{};
  std::array<std::uint32_t, kBuckets> errors_{};
};

}  // namespace daruma::control
