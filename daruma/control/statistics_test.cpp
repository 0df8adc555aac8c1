#include "daruma/control/statistics.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace daruma::control {
namespace {

using namespace std::chrono_literals;

class StatisticsTest : public ::testing::Test {
 protected:
  /// A cycle that begins `after` the one before.
  void cycle(Duration after, bool fault = false) {
    now_ += after;
    statistics_.add(now_, 2ms, 250us, fault);
  }
  Statistics statistics_{20ms};
  TimePoint now_{1h};
};

TEST_F(StatisticsTest, SayNothingBeforeTheFirstSecond) {
  for (int i = 0; i < 50; ++i) cycle(20ms);
  EXPECT_FALSE(statistics_.last().valid);
  EXPECT_TRUE(std::isnan(statistics_.last().mean_read_s));
  cycle(20ms);
  EXPECT_TRUE(statistics_.last().valid);
}

TEST_F(StatisticsTest, AreThoseOfTheLastSecond) {
  cycle(20ms);
  for (int i = 0; i < 48; ++i) cycle(20ms, i < 3);
  cycle(40ms);
  ASSERT_TRUE(statistics_.last().valid);
  EXPECT_NEAR(statistics_.last().mean_control_loop_frequency_hz, (48 * 50.0 + 25.0) / 49, 1e-9);
  EXPECT_DOUBLE_EQ(statistics_.last().max_control_loop_interval_s, 0.040);
  EXPECT_EQ(statistics_.last().nb_error, 3U);
  EXPECT_EQ(statistics_.last().samples, 49U);
  for (int i = 0; i < 50; ++i) cycle(20ms);
  EXPECT_DOUBLE_EQ(statistics_.last().max_control_loop_interval_s, 0.020);
  EXPECT_EQ(statistics_.last().nb_error, 0U);
  EXPECT_NEAR(statistics_.last().mean_control_loop_frequency_hz, 50, 1e-9);
  EXPECT_NEAR(statistics_.last().mean_read_s, 0.002, 1e-12);
  EXPECT_NEAR(statistics_.last().mean_write_s, 0.00025, 1e-12);
}

TEST_F(StatisticsTest, OneLatePeriodIsNotASlowLoopTwoAre) {
  cycle(20ms);
  for (int i = 0; i < 48; ++i) cycle(20ms);
  cycle(40ms);
  EXPECT_DOUBLE_EQ(statistics_.last().period_p99_s, 0.020);
  for (int i = 0; i < 46; ++i) cycle(20ms);
  cycle(40ms);
  cycle(40ms);
  EXPECT_DOUBLE_EQ(statistics_.last().period_p99_s, 0.040);
}

TEST_F(StatisticsTest, TellThePeriodsErrorOverTheWholeRun) {
  cycle(20ms);
  for (int i = 0; i < 980; ++i) cycle(i % 2 == 0 ? 20ms + 103us : 20ms - 103us);
  EXPECT_NEAR(statistics_.last().period_error_p99_s, 100e-6, 1e-9);
  for (int i = 0; i < 100; ++i) cycle(20ms + 5ms);
  EXPECT_NEAR(statistics_.last().period_error_p99_s, 5e-3, 1e-9);
}

TEST_F(StatisticsTest, HoldAtTwoHundredHertzAndBeyond) {
  for (int i = 0; i < 2001; ++i) cycle(1ms);
  EXPECT_EQ(statistics_.last().samples, 1000U);
  EXPECT_DOUBLE_EQ(statistics_.last().period_p99_s, 0.001);
}

}  // namespace
}  // namespace daruma::control
