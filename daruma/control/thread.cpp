#include "daruma/control/thread.hpp"

#include <exception>

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include "daruma/control/tick.hpp"

namespace daruma::control {
namespace {

// Above everything that is not real-time and below the kernel's own interrupt threads (50).
constexpr int kPriority = 20;

bool ask_for_real_time() {
  sched_param parameters{};
  parameters.sched_priority = kPriority;
  return ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &parameters) == 0;
}

void tick_until_stopped(backend::Backend& backend, Link& link, Duration period) {
  const auto tick = std::make_unique<Tick>(backend, link, period, motion::JointLimits{});
  TimePoint deadline = Clock::now();
  std::uint64_t skipped = 0;
  while (!link.stop_requested()) {
    tick->run(skipped);
    deadline += period;
    const auto late = Clock::now() - deadline;
    // A cycle that came too late is left out; catching up would be a burst of commands.
    skipped = late > Duration::zero() ? static_cast<std::uint64_t>(late / period) : 0;
    deadline += period * static_cast<Duration::rep>(skipped);
    link.wait_until(deadline);
  }
  if (link.abandoned()) return;
  // What was ordered before the stop still counts: once to carry it out, once to see what it did.
  tick->run(skipped);
  tick->run(skipped);
}

void run(std::unique_ptr<backend::Backend> backend, Link& link, Duration period) {
  ::pthread_setname_np(::pthread_self(), "control");
  // Sleep to the microsecond: the default slack of 50 us is jitter of the period.
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  try {
    if (auto opened = backend->open(); !opened) return link.enter_failed(opened.error());
    link.real_time = ask_for_real_time();
    link.enter(Phase::kTicking);
    tick_until_stopped(*backend, link, period);
    backend->close();
    backend.reset();
    link.enter(Phase::kClosed);
  } catch (const std::exception& e) {
    link.enter_failed({Errc::kInternal, e.what()});
  } catch (...) {
    link.enter_failed({Errc::kInternal, "the driver threw something that is no exception"});
  }
}

}  // namespace

ControlThread::ControlThread(std::unique_ptr<backend::Backend> backend, Duration period)
    : link_(std::make_shared<Link>()),
      thread_([link = link_, backend = std::move(backend), period]() mutable {
        run(std::move(backend), *link, period);
      }) {}

ControlThread::~ControlThread() {
  if (!thread_.joinable()) return;
  request_stop();
  thread_.join();
}

void ControlThread::join() {
  if (thread_.joinable()) thread_.join();
}

void ControlThread::abandon() {
  link_->abandon();
  if (thread_.joinable()) thread_.detach();
}

}  // namespace daruma::control
