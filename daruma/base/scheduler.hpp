#pragma once

#include <memory>

#include "daruma/base/clock.hpp"
#include "daruma/base/unique_function.hpp"

namespace daruma {

/// A pending call. Destroying or resetting it cancels the call; afterwards it never happens.
/// Loop thread only.
class [[nodiscard]] Timer {
 public:
  Timer() = default;
  explicit Timer(std::shared_ptr<void> armed) : armed_(std::move(armed)) {}
  void cancel() { armed_.reset(); }

 private:
  std::shared_ptr<void> armed_;
};

/// Time and deferred calls for code on the loop. Two implementations: LoopScheduler (the real one)
/// and ManualScheduler (tests advance it). Loop thread only, except where said.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual TimePoint now() const = 0;
  virtual WallTime wall_now() const = 0;
  /// Calls `call` once, not before `delay` has passed and never from inside after().
  virtual Timer after(Duration delay, UniqueFunction<void()> call) = 0;
  /// Calls `call` on the loop, soon. From any thread.
  virtual void post(UniqueFunction<void()> call) = 0;
};

}  // namespace daruma
