#pragma once

#include <optional>

#include "daruma/base/scheduler.hpp"

namespace daruma {

/// `--timeout-health-check`: calls `expired` once when fed() stays away for longer than the period.
/// Does nothing without a period. Loop thread only.
class DeadMan {
 public:
  DeadMan(Scheduler& scheduler, std::optional<double> period_s, UniqueFunction<void()> expired)
      : scheduler_(scheduler), expired_(std::move(expired)) {
    if (period_s)
      period_ = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*period_s));
    fed();
  }
  /// `POST /health-check` came: the period begins anew.
  void fed() {
    if (period_ > Duration::zero()) timer_ = scheduler_.after(period_, [this] { expired_(); });
  }

 private:
  Scheduler& scheduler_;
  UniqueFunction<void()> expired_;
  Duration period_{};
  Timer timer_;
};

}  // namespace daruma
