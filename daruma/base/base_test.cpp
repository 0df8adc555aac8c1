#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "daruma/base/ids.hpp"
#include "daruma/base/log.hpp"
#include "daruma/base/loop.hpp"
#include "daruma/base/manual_scheduler.hpp"
#include "daruma/base/result.hpp"
#include "daruma/base/spsc_ring.hpp"
#include "daruma/base/triple_buffer.hpp"

namespace daruma {
namespace {

using namespace std::chrono_literals;

TEST(Result, EveryCodeHasAWordAndAStatus) {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(Errc::kInternal); ++i) {
    words.insert(name(static_cast<Errc>(i)));
    EXPECT_GE(http_status(static_cast<Errc>(i)), 400);
  }
  EXPECT_EQ(words.size(), 8U);
}

TEST(Ids, AreDistinctVersionFourUuids) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto id = make_uuid();
    ASSERT_EQ(id.size(), 36U);
    EXPECT_EQ(id[14], '4');
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Clock, WritesUtcWithMilliseconds) {
  EXPECT_EQ(iso8601(WallTime{} + 1500ms), "1970-01-01T00:00:01.500Z");
}

TEST(ManualScheduler, CallsTimersInOrderAtTheirOwnTime) {
  ManualScheduler scheduler;
  std::vector<int> calls;
  const auto late = scheduler.after(20ms, [&] { calls.push_back(2); });
  const auto early = scheduler.after(10ms, [&] { calls.push_back(1); });
  scheduler.advance(15ms);
  EXPECT_EQ(calls, (std::vector<int>{1}));
  scheduler.advance(5ms);
  EXPECT_EQ(calls, (std::vector<int>{1, 2}));
}

TEST(ManualScheduler, ADroppedTimerNeverCalls) {
  ManualScheduler scheduler;
  bool called = false;
  {
    const auto timer = scheduler.after(1ms, [&] { called = true; });
  }
  scheduler.advance(1s);
  EXPECT_FALSE(called);
}

TEST(Loop, CallsTimersAndPostsOnItsThread) {
  Loop loop;
  std::vector<std::string> calls;
  Timer outlived;
  auto dropped = loop.after(1ms, [&] { calls.emplace_back("dropped"); });
  dropped.cancel();
  std::thread other([&] { loop.post([&] { calls.emplace_back("posted"); }); });
  other.join();
  outlived = loop.after(5ms, [&] {
    EXPECT_TRUE(loop.on_loop());
    calls.emplace_back("timer");
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(calls, (std::vector<std::string>{"posted", "timer"}));
}

TEST(TripleBuffer, ShowsTheNewestWholeValue) {
  struct Pair {
    int a = 0;
    int b = 0;
  };
  TripleBuffer<Pair> buffer;
  EXPECT_FALSE(buffer.update());
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 1; i <= 100000; ++i) buffer.write({i, -i});
    done = true;
  });
  int last = 0;
  while (!done || buffer.update()) {
    buffer.update();
    const auto value = buffer.read();
    ASSERT_EQ(value.a, -value.b);
    ASSERT_GE(value.a, last);
    last = value.a;
  }
  writer.join();
  buffer.update();
  EXPECT_EQ(buffer.read().a, 100000);
}

TEST(SpscRing, KeepsOrderAndCountsWhatItRefuses) {
  SpscRing<int, 4> ring;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(ring.try_push(i), i < 4);
  EXPECT_EQ(ring.dropped(), 2U);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ring.try_pop(), i);
  EXPECT_FALSE(ring.try_pop());
}

TEST(LogRing, KeepsTheLastLinesAndCutsLongOnes) {
  log::Ring ring;
  for (std::size_t i = 0; i < log::Ring::kCapacity + 5; ++i) ring.add(WallTime{}, "line");
  ring.add(WallTime{}, std::string(10000, 'x'));
  EXPECT_EQ(ring.since(0, 100000).size(), log::Ring::kCapacity);
  EXPECT_EQ(ring.since(0, 100).size(), 100U);
  const auto newest = ring.since(ring.newest() - 1, 100);
  ASSERT_EQ(newest.size(), 1U);
  EXPECT_EQ(newest[0].text.size(), 4096U);
  EXPECT_TRUE(ring.since(ring.newest(), 100).empty());
}

}  // namespace
}  // namespace daruma
