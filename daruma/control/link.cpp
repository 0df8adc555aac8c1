#include "daruma/control/link.hpp"

#include <cerrno>
#include <ctime>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace daruma::control {
namespace {

int make_counter() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return fd;
}

void add_one(int fd) {
  const std::uint64_t one = 1;
  // Fails only when 2^64 - 2 wait already: readable then, which is all that is wanted.
  static_cast<void>(!::write(fd, &one, sizeof one));
}

}  // namespace

Link::Link() : notification_(make_counter()) {
  try {
    wake_ = make_counter();
  } catch (...) {
    ::close(notification_);
    throw;
  }
}

Link::~Link() {
  ::close(notification_);
  ::close(wake_);
}

TimePoint Link::heartbeat() const {
  return TimePoint(TimePoint::duration(heartbeat_.load(std::memory_order_acquire)));
}

void Link::beat(TimePoint now) {
  heartbeat_.store(now.time_since_epoch().count(), std::memory_order_release);
}

void Link::request_stop() {
  stop_.store(true, std::memory_order_release);
  add_one(wake_);
}

void Link::wait_until(TimePoint deadline) const {
  const auto left = deadline - Clock::now();
  if (left <= Duration::zero()) return;
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec timeout{whole.count(), (left - whole).count()};
  pollfd wake{wake_, POLLIN, 0};
  // Wakes at the counter, at the deadline or at a signal; the caller looks which.
  ::ppoll(&wake, 1, &timeout, nullptr);
}

void Link::notify() const { add_one(notification_); }

void Link::acknowledge() const {
  std::uint64_t count = 0;
  static_cast<void>(!::read(notification_, &count, sizeof count));
}

void Link::enter(Phase phase) {
  phase_.store(phase, std::memory_order_release);
  notify();
}

void Link::enter_failed(Error error) {
  error_ = std::move(error);
  enter(Phase::kFailed);
}

}  // namespace daruma::control
