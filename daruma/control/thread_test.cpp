#include "daruma/control/thread.hpp"

#include <atomic>
#include <future>

#include <gtest/gtest.h>
#include <poll.h>

#include "daruma/control/allocation_guard.hpp"
#include "daruma/control/fake_backend.hpp"

namespace daruma::control {
namespace {

using namespace std::chrono_literals;

/// Waits for a notification until `done` says yes; false after 5 s.
template <class Done>
bool wait_for(Link& link, Done done) {
  const auto deadline = Clock::now() + 5s;
  while (!done()) {
    pollfd wake{link.notification(), POLLIN, 0};
    if (Clock::now() > deadline) return false;
    ::poll(&wake, 1, 100);
    link.acknowledge();
  }
  return true;
}

bool ready(Link& link) {
  link.snapshot.update();
  return link.snapshot.read().ready;
}

TEST(ControlThread, OpensTicksStopsAndCloses) {
  auto backend = std::make_unique<FakeBackend>();
  std::atomic<bool> closed{false};
  backend->on_close = [&] { closed = true; };
  ControlThread thread(std::move(backend), 5ms);
  ASSERT_TRUE(wait_for(thread.link(), [&] { return ready(thread.link()); }));
  EXPECT_EQ(thread.link().phase(), Phase::kTicking);
  EXPECT_NE(thread.link().heartbeat(), TimePoint{});
  thread.request_stop();
  ASSERT_TRUE(wait_for(thread.link(), [&] { return thread.link().phase() == Phase::kClosed; }));
  EXPECT_TRUE(closed);
}

TEST(ControlThread, StopsInTheMiddleOfALongPeriod) {
  ControlThread thread(std::make_unique<FakeBackend>(), 10s);
  ASSERT_TRUE(wait_for(thread.link(), [&] { return ready(thread.link()); }));
  const auto asked = Clock::now();
  thread.request_stop();
  thread.join();
  EXPECT_LT(Clock::now() - asked, 1s) << "a period is 10 s";
}

TEST(ControlThread, SaysWhyTheDriverDidNotOpen) {
  auto backend = std::make_unique<FakeBackend>();
  backend->opened = fail(Errc::kIo, "no such port");
  ControlThread thread(std::move(backend), 5ms);
  ASSERT_TRUE(wait_for(thread.link(), [&] { return thread.link().phase() == Phase::kFailed; }));
  EXPECT_EQ(thread.link().error().context, "no such port");
}

TEST(ControlThread, SurvivesADriverThatThrows) {
  auto backend = std::make_unique<FakeBackend>();
  backend->on_write = [] { throw std::runtime_error("broken driver"); };
  ControlThread thread(std::move(backend), 5ms);
  ASSERT_TRUE(wait_for(thread.link(), [&] { return thread.link().phase() == Phase::kFailed; }));
  EXPECT_EQ(thread.link().error().context, "broken driver");
}

TEST(ControlThread, KeepsItsPeriodByAbsoluteDeadlinesAndCountsWhatItSkips) {
  auto backend = std::make_unique<FakeBackend>();
  // Cycle 5 takes three periods and a half: three are left out.
  backend->on_read = [reads = 0]() mutable {
    if (++reads == 5) std::this_thread::sleep_for(35ms);
  };
  ControlThread thread(std::move(backend), 10ms);
  thread.link().notify_each_tick = true;
  Snapshot seen;
  ASSERT_TRUE(wait_for(thread.link(), [&] {
    thread.link().snapshot.update();
    seen = thread.link().snapshot.read();
    return seen.tick >= 8;
  }));
  EXPECT_GE(seen.skipped, 2U);
}

TEST(ControlThread, DoesNotAllocateOnceItTicks) {
  auto backend = std::make_unique<FakeBackend>();
  std::atomic<int> cycles{0};
  backend->on_read = [&cycles] { watch_allocations = ++cycles >= 2; };
  backend->on_close = [] { watch_allocations = false; };
  const auto before = watched_allocations();
  ControlThread thread(std::move(backend), 1ms);
  thread.link().notify_each_tick = true;
  ASSERT_TRUE(wait_for(thread.link(), [&] { return cycles > 1200; }));
  thread.request_stop();
  thread.join();
  EXPECT_EQ(watched_allocations(), before);
  thread.link().snapshot.update();
  EXPECT_TRUE(thread.link().snapshot.read().statistics.valid);
}

TEST(ControlThread, AbandoningABlockedDriverWaitsForNothing) {
  std::promise<void> release;
  std::promise<void> blocked;
  std::promise<void> gone;
  auto backend = std::make_unique<FakeBackend>();
  backend->on_read = [&, released = release.get_future().share()] {
    blocked.set_value();
    released.wait();
  };
  backend->on_close = [&] { gone.set_value(); };
  {
    ControlThread thread(std::move(backend), 5ms);
    blocked.get_future().wait();
    thread.abandon();
  }
  // The thread still has its driver and its link, and ends when it is let go.
  auto ended = gone.get_future();
  release.set_value();
  EXPECT_EQ(ended.wait_for(5s), std::future_status::ready);
}

TEST(Link, HasABoundForOrders) {
  Link link;
  for (std::size_t i = 0; i < Link::kMaxOrders; ++i) EXPECT_TRUE(link.orders.try_push({}));
  EXPECT_FALSE(link.orders.try_push({}));
}

}  // namespace
}  // namespace daruma::control
