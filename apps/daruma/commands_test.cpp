#include "commands.hpp"

#include "log_follower.hpp"
#include "scripted_api.hpp"
#include <gmock/gmock.h>

namespace daruma::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kLogs = "/api/daemon/logs";

TEST_F(CommandTest, StatusShowsTheDaemon) {
  api.on("/api/daemon/status", 200, kDarumaStatus);
  EXPECT_EQ(run_line({"status"}), Exit::kDone);
  EXPECT_EQ(out.str(),
            "reachy_mini at robot:8000\n"
            "  state       running\n"
            "  health      healthy\n"
            "  robot       simulated (mock-up)\n"
            "  motors      enabled\n"
            "  up for      3 min 12 s\n"
            "  generation  7\n"
            "  version     1.13.0\n");
}

TEST_F(CommandTest, StatusOfTheReferenceIsShownWithWhatItHas) {
  api.on("/api/daemon/status", 200, kReferenceStatus);
  EXPECT_EQ(run_line({"status"}), Exit::kDone);
  EXPECT_THAT(out.str(), HasSubstr("running"));
  EXPECT_THAT(out.str(), Not(HasSubstr("health")));
}

TEST_F(CommandTest, NobodyThereIsExitTwoWithTheReason) {
  api.on("/api/daemon/status", Trouble::kRefused);
  EXPECT_EQ(run_line({"status"}), Exit::kUsageOrUnreachable);
  EXPECT_EQ(err.str(), "daruma: trouble\n");
  EXPECT_EQ(run_line({"status", "--json"}), Exit::kUsageOrUnreachable);
  EXPECT_EQ(out.str(), "{\"error\":\"trouble\"}\n");
}

TEST_F(CommandTest, AnotherProgramOnThePortIsNamed) {
  api.on("/api/daemon/status", 200, R"({"hello":"world"})");
  EXPECT_EQ(run_line({"status"}), Exit::kUsageOrUnreachable);
  EXPECT_THAT(err.str(), HasSubstr("robot:8000 is not a Reachy Mini daemon"));
  EXPECT_EQ(run_line({"health"}), Exit::kUsageOrUnreachable);
  EXPECT_THAT(err.str(), HasSubstr("not a Reachy Mini daemon"));
}

TEST_F(CommandTest, TheReferenceHasNoHealthAndIsToldKindly) {
  api.on("/api/daemon/status", 200, kReferenceStatus);
  EXPECT_EQ(run_line({"health"}), Exit::kFailed);
  EXPECT_THAT(err.str(), HasSubstr("is the reference's, which has no health report"));
}

TEST_F(CommandTest, HealthFailsWhenTheRobotIsUnhealthyAndNamesCauseCureAndHint) {
  api.on("/api/daemon/health", 200, kUnhealthy);
  EXPECT_EQ(run_line({"health"}), Exit::kFailed);
  EXPECT_EQ(out.str(),
            "unhealthy for 900 ms  (generation 7)\n"
            "\n"
            "bus_silent  motor bus  for 900 ms\n"
            "  what  no answer from 9 of 9 servos for 0.9 s\n"
            "  cure  daruma restart --scope backend   (tried once, did not help)\n"
            "  hint  check the motor power and the USB cable\n");
}

TEST_F(CommandTest, HealthIsDoneWhenTheRobotIsHealthy) {
  api.on("/api/daemon/health", 200, kHealthy);
  EXPECT_EQ(run_line({"health"}), Exit::kDone);
  EXPECT_EQ(run_line({"health", "--json"}), Exit::kDone);
  EXPECT_EQ(boost::json::parse(out.str()), boost::json::parse(kHealthy));
}

TEST_F(CommandTest, ARefusalShowsTheDaemonsWords) {
  api.on("/api/daemon/status", 403, R"({"detail":"Host not allowed"})");
  EXPECT_EQ(run_line({"status"}), Exit::kFailed);
  EXPECT_EQ(err.str(), "daruma: refused (403): Host not allowed\n");
}

TEST_F(CommandTest, ReceiptsAreListedAndOneIsShown) {
  api.on("/api/daemon/restarts", 200, "[]");
  EXPECT_EQ(run_line({"receipts"}), Exit::kDone);
  EXPECT_EQ(out.str(), "No restart is on record.\n");
  EXPECT_EQ(api.requests.back(), "GET /api/daemon/restarts?limit=20");

  api.on("/api/daemon/restarts/a%2Fb", 200, R"({"id":"a/b","outcome":"done"})");
  EXPECT_EQ(run_line({"receipts", "a/b"}), Exit::kDone);
  EXPECT_THAT(out.str(), HasSubstr("a/b"));
}

TEST_F(CommandTest, AnUnknownReceiptFails) {
  api.on("/api/daemon/status", 200, kDarumaStatus);
  api.on("/api/daemon/restarts/x", 404, R"({"detail":"no restart with id x"})");
  EXPECT_EQ(run_line({"receipts", "x"}), Exit::kFailed);
  EXPECT_THAT(err.str(), HasSubstr("no restart with id x"));
}

TEST_F(CommandTest, LogsAreCleanOfControlCharacters) {
  api.on(kLogs, 200,
         R"({"newest":1,"lines":[{"sequence":1,"timestamp":"t","line":"a\u001b[2Jb\u009bc"}]})");
  EXPECT_EQ(run_line({"logs"}), Exit::kDone);
  EXPECT_EQ(out.str(), "t  a?[2Jb?c\n");
}

TEST_F(CommandTest, FollowingGoesOnOverARestartOfTheProcess) {
  api.on(kLogs, 200, R"({"newest":2,"lines":[{"sequence":1,"timestamp":"t","line":"one"},
                                             {"sequence":2,"timestamp":"t","line":"two"}]})");
  api.on(kLogs, 200, R"({"newest":3,"lines":[{"sequence":2,"timestamp":"t","line":"two"},
                                             {"sequence":3,"timestamp":"t","line":"three"}]})");
  api.on(kLogs, Trouble::kRefused);
  // The new process has got as far as the old one, with lines of its own.
  api.on(kLogs, 200, R"({"newest":3,"lines":[{"sequence":3,"timestamp":"u","line":"new 3"}]})");
  api.on(kLogs, 200, R"({"newest":3,"lines":[{"sequence":1,"timestamp":"u","line":"new 1"},
                                             {"sequence":3,"timestamp":"u","line":"new 3"}]})");
  api.on(kLogs, 200, R"({"newest":3,"lines":[{"sequence":3,"timestamp":"u","line":"new 3"}]})");
  naps_left = 7;
  run_line({"logs", "-f"});
  EXPECT_EQ(out.str(), "t  one\nt  two\nt  three\nu  new 1\nu  new 3\n");
  EXPECT_EQ(err.str(),
            "-- the daemon does not answer; waiting for it\n"
            "-- the daemon answers again\n"
            "-- the daemon's process was replaced\n");
}

TEST(LogFollower, SaysWhatItMissed) {
  LogFollower follower;
  follower.take(boost::json::parse(R"({"lines":[{"sequence":5,"line":"a"}]})"));
  EXPECT_EQ(follower.after(), 4U);
  const auto fresh = follower.take(boost::json::parse(R"({"lines":[{"sequence":9,"line":"b"}]})"));
  EXPECT_FALSE(fresh.restarted);
  EXPECT_EQ(fresh.skipped, 3U);
  EXPECT_EQ(fresh.lines.size(), 1U);
}

TEST(LogFollower, AnEmptyLogAfterAFullOneIsANewProcess) {
  LogFollower follower;
  follower.take(boost::json::parse(R"({"lines":[{"sequence":5,"line":"a"}]})"));
  EXPECT_TRUE(follower.take(boost::json::parse(R"({"newest":0,"lines":[]})")).restarted);
  EXPECT_EQ(follower.after(), 0U);
}

}  // namespace
}  // namespace daruma::client
