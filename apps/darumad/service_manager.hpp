#pragma once

#include <chrono>

#include "daruma/base/scheduler.hpp"

namespace daruma {

/// systemd, when it started us: readiness once the doors are open, and the watchdog four times as
/// often as asked. The watchdog is fed from the loop and only while `alive` says so, so a process
/// whose loop hangs, or whose restart is stuck, is replaced. Does nothing without systemd. Loop
/// thread only.
class ServiceManager {
 public:
  ServiceManager(Scheduler& scheduler, UniqueFunction<bool()> alive);
  void ready();
  void stopping();

 private:
  void feed();

  Scheduler& scheduler_;
  UniqueFunction<bool()> alive_;
  Duration period_{};
  Timer timer_;
};

}  // namespace daruma
