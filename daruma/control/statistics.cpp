#include "daruma/control/statistics.hpp"

#include <algorithm>

namespace daruma::control {

void Statistics::add(TimePoint begin, Duration read, Duration write, bool fault) {
  if (!begun_) {
    begun_ = true;
    window_begin_ = begin;
  } else {
    add_interval(begin - previous_);
  }
  previous_ = begin;
  ++cycles_;
  read_sum_ += read;
  write_sum_ += write;
  if (fault) ++faults_;
  if (begin - window_begin_ >= kWindow) end_window(begin);
}

void Statistics::add_interval(Duration interval) {
  const double interval_s = seconds(interval);
  if (!(interval_s > 0)) return;
  frequency_sum_hz_ += 1 / interval_s;
  longest_s_ = std::max(longest_s_, interval_s);
  if (count_ < kMaxSamples) samples_s_[count_] = interval_s;
  ++count_;
  interval_sum_ += interval;
  ++intervals_;
  const auto error = interval > period_ ? interval - period_ : period_ - interval;
  ++errors_[std::min(static_cast<std::size_t>(error / kBucket), kBuckets - 1)];
}

void Statistics::end_window(TimePoint now) {
  window_begin_ = now;
  if (count_ == 0) return;
  last_.valid = true;
  last_.mean_control_loop_frequency_hz = frequency_sum_hz_ / count_;
  last_.max_control_loop_interval_s = longest_s_;
  last_.nb_error = faults_;
  last_.samples = count_;
  const auto kept = std::min<std::size_t>(count_, kMaxSamples);
  // Rounded down, so that of fifty samples the worst one alone says nothing about the loop.
  const auto rank = static_cast<std::ptrdiff_t>((kept - 1) * 99 / 100);
  const auto end = samples_s_.begin() + static_cast<std::ptrdiff_t>(kept);
  std::nth_element(samples_s_.begin(), samples_s_.begin() + rank, end);
  last_.period_p99_s = samples_s_[static_cast<std::size_t>(rank)];
  last_.mean_period_s = seconds(interval_sum_) / static_cast<double>(intervals_);
  last_.mean_read_s = seconds(read_sum_) / static_cast<double>(cycles_);
  last_.mean_write_s = seconds(write_sum_) / static_cast<double>(cycles_);
  last_.period_error_p99_s = error_percentile(0.99);
  frequency_sum_hz_ = 0;
  longest_s_ = 0;
  faults_ = 0;
  count_ = 0;
}

double Statistics::error_percentile(double fraction) const {
  const double wanted = fraction * static_cast<double>(intervals_);
  double seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += errors_[i];
    if (seen >= wanted) return seconds(kBucket) * static_cast<double>(i);
  }
  return seconds(kBucket) * static_cast<double>(kBuckets - 1);
}

}  // namespace daruma::control
