#include "service_manager.hpp"

#include <cstdint>

#include <systemd/sd-daemon.h>

namespace daruma {

ServiceManager::ServiceManager(Scheduler& scheduler, UniqueFunction<bool()> alive)
    : scheduler_(scheduler), alive_(std::move(alive)) {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) > 0) {
    period_ = std::chrono::microseconds(microseconds) / 4;
  }
}

void ServiceManager::ready() {
  sd_notify(0, "READY=1");
  if (period_ > Duration::zero()) feed();
}

void ServiceManager::stopping() { sd_notify(0, "STOPPING=1"); }

void ServiceManager::feed() {
  if (alive_()) sd_notify(0, "WATCHDOG=1");
  timer_ = scheduler_.after(period_, [this] { feed(); });
}

}  // namespace daruma
