#pragma once

#include <deque>
#include <map>

#include "daruma/base/scheduler.hpp"

namespace daruma {

/// A Scheduler whose time stands still until a test advances it. Single-threaded.
class ManualScheduler final : public Scheduler {
 public:
  TimePoint now() const override { return now_; }
  WallTime wall_now() const override {
    return WallTime{} + std::chrono::duration_cast<WallTime::duration>(now_.time_since_epoch());
  }

  Timer after(Duration delay, UniqueFunction<void()> call) override {
    auto armed = std::make_shared<UniqueFunction<void()>>(std::move(call));
    timers_.emplace(now_ + delay, armed);
    return Timer(std::move(armed));
  }

  void post(UniqueFunction<void()> call) override { posted_.push_back(std::move(call)); }

  /// Runs what was posted, without moving time.
  void run_posted() {
    while (!posted_.empty()) {
      auto call = std::move(posted_.front());
      posted_.pop_front();
      call();
    }
  }

  /// Moves time forward, calling every timer at its own due time, in order.
  void advance(Duration by) {
    const TimePoint end = now_ + by;
    run_posted();
    while (!timers_.empty() && timers_.begin()->first <= end) {
      auto [due, weak] = *timers_.begin();
      timers_.erase(timers_.begin());
      if (due > now_) now_ = due;
      if (const auto armed = weak.lock()) {
        auto call = std::move(*armed);
        call();
      }
      run_posted();
    }
    now_ = end;
  }

 private:
  TimePoint now_{std::chrono::hours(1)};
  std::multimap<TimePoint, std::weak_ptr<UniqueFunction<void()>>> timers_;
  std::deque<UniqueFunction<void()>> posted_;
};

}  // namespace daruma
