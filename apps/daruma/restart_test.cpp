#include "scripted_api.hpp"
#include <gmock/gmock.h>

namespace daruma::client {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kRestart = "/api/daemon/restart";
constexpr const char* kReceipt = "/api/daemon/restarts/x";
constexpr const char* kHealth = "/api/daemon/health";
constexpr const char* kAck =
    R"({"job_id":"x","status":"ok","command":"restart_daemon","scheduled":true,"id":"x",
        "scope":"daemon","merged":false,"duplicate":false,"generation":7})";
constexpr const char* kDone =
    R"({"id":"x","scope":"daemon","outcome":"done","downtime_ms":63,"cured":true,
        "causes_before":[],"phases":[{"phase":"stopping","at_ms":21,"ms":14},
                                     {"phase":"starting","at_ms":35,"ms":49}]})";

struct RestartTest : CommandTest {
  RestartTest() { api.on("/api/daemon/status", 200, kDarumaStatus); }
};

TEST_F(RestartTest, WaitsShowsThePhasesAndSaysHowItEnded) {
  api.on(kRestart, 200, kAck);
  api.on(kReceipt, 200, R"({"id":"x","outcome":null,"phases":[]})");
  api.on(kReceipt, 200,
         R"({"id":"x","outcome":null,"phases":[{"phase":"stopping","at_ms":21,"ms":0}]})");
  api.on(kReceipt, 200, kDone);
  api.on(kHealth, 200, kHealthy);
  EXPECT_EQ(run_line({"restart", "--id", "x"}), Exit::kDone);
  EXPECT_EQ(out.str(),
            "  stopping        14 ms\n"
            "  starting        49 ms\n"
            "Restarted daemon in 63 ms; the robot is healthy.\n");
  EXPECT_EQ(api.requests.front(), "POST /api/daemon/restart?scope=daemon&id=x");
}

TEST_F(RestartTest, MakesAnIdOfItsOwn) {
  api.on(kRestart, 409, R"({"detail":"Daemon is busy.","reason":"busy"})");
  EXPECT_EQ(run_line({"restart"}), Exit::kFailed);
  const auto first = api.requests.back();
  EXPECT_THAT(first, StartsWith("POST /api/daemon/restart?scope=daemon&id=cli-"));
  EXPECT_EQ(err.str(), "daruma: refused (409): Daemon is busy.\n");
  run_line({"restart"});
  EXPECT_NE(api.requests.back(), first);
}

TEST_F(RestartTest, SendsEveryFlag) {
  api.on(kRestart, 200, kAck);
  EXPECT_EQ(run_line({"restart", "--scope", "motor", "--motor", "stewart_3", "--sleep", "--wake",
                      "--id", "x", "--no-wait"}),
            Exit::kDone);
  EXPECT_EQ(api.requests.back(),
            "POST /api/daemon/restart?scope=motor&id=x&motor=stewart_3&goto_sleep_on_stop=true"
            "&wake_up_on_start=true");
  EXPECT_EQ(out.str(), "Scheduled as x; `daruma receipts x` shows what becomes of it.\n");
}

TEST_F(RestartTest, SurvivesARefusedConnectionWhileTheProcessIsReplaced) {
  api.on(kRestart, 200, kAck);
  for (int i = 0; i < 5; ++i) api.on(kReceipt, Trouble::kRefused);
  api.on(kReceipt, 200, kDone);
  api.on(kHealth, 200, kHealthy);
  EXPECT_EQ(run_line({"restart", "--id", "x"}), Exit::kDone);
}

TEST_F(RestartTest, ALostAnswerIsAskedForAgainWithTheSameId) {
  api.on(kRestart, Trouble::kLost);
  api.on(kRestart, 200, kAck);
  api.on(kReceipt, 200, kDone);
  api.on(kHealth, 200, kHealthy);
  EXPECT_EQ(run_line({"restart", "--id", "x"}), Exit::kDone);
  EXPECT_EQ(api.requests[0], api.requests[1]);
}

TEST_F(RestartTest, NobodyThereIsUnreachableAtOnce) {
  api.on(kRestart, Trouble::kRefused);
  EXPECT_EQ(run_line({"restart", "--id", "x"}), Exit::kUsageOrUnreachable);
  EXPECT_EQ(api.requests.size(), 1U);
}

TEST_F(RestartTest, GivesUpAfterItsTime) {
  api.on(kRestart, 200, kAck);
  api.on(kReceipt, Trouble::kRefused);
  const auto before = now;
  EXPECT_EQ(run_line({"restart", "--id", "x", "--timeout", "3"}), Exit::kFailed);
  EXPECT_LE(now - before, std::chrono::milliseconds(3200));
  EXPECT_EQ(err.str(), "daruma: Not back after 3.0 s. trouble\n");
}

TEST_F(RestartTest, AReceiptThatStaysUnknownIsNotWaitedFor) {
  api.on(kRestart, 200, kAck);
  EXPECT_EQ(run_line({"restart", "--id", "x"}), Exit::kFailed);
  EXPECT_THAT(err.str(), HasSubstr("has no receipt x"));
  EXPECT_LE(now.time_since_epoch(), std::chrono::seconds(3));
}

TEST_F(RestartTest, PhasesOfTheRestartThatWasJoinedAreShown) {
  api.on(kRestart, 200, kAck);
  api.on(kReceipt, 200,
         R"({"id":"x","merged_into":"y","scope":"daemon","outcome":"done","downtime_ms":63})");
  api.on("/api/daemon/restarts/y", 200, kDone);
  api.on(kHealth, 200, kHealthy);
  EXPECT_EQ(run_line({"restart", "--id", "x"}), Exit::kDone);
  EXPECT_THAT(out.str(), StartsWith("  stopping        14 ms\n"));
}

TEST_F(RestartTest, AFailureIsSaidAndIsExitOne) {
  api.on(kRestart, 200, kAck);
  api.on(kReceipt, 200, R"({"id":"x","scope":"daemon","outcome":"failed","error":"no such file"})");
  api.on(kHealth, 200, kUnhealthy);
  EXPECT_EQ(run_line({"restart", "--id", "x"}), Exit::kFailed);
  EXPECT_EQ(out.str(), "Restart of daemon failed: no such file\n");
}

TEST_F(RestartTest, ACauseThatStaysIsSaidWithItsHint) {
  api.on(kRestart, 200, kAck);
  api.on(kReceipt, 200,
         R"json({"id":"x","scope":"backend","outcome":"done","downtime_ms":41,"cured":false,
                 "causes_before":["bus_silent (motor bus)"]})json");
  api.on(kHealth, 200, kUnhealthy);
  EXPECT_EQ(run_line({"restart", "--id", "x"}), Exit::kFailed);
  EXPECT_EQ(
      out.str(),
      "Restarted backend in 41 ms, but the cause is still there: no answer from 9 of 9 servos "
      "for 0.9 s (motor bus). Hint: check the motor power and the USB cable.\n");
}

TEST_F(RestartTest, JsonIsTheReceiptAlone) {
  api.on(kRestart, 200, kAck);
  api.on(kReceipt, 200, kDone);
  api.on(kHealth, 200, kHealthy);
  EXPECT_EQ(run_line({"restart", "--id", "x", "--json"}), Exit::kDone);
  EXPECT_EQ(boost::json::parse(out.str()), boost::json::parse(kDone));
}

TEST_F(RestartTest, ADryRunIsToldInWords) {
  api.on(kRestart, 200,
         R"({"command":"restart_daemon","dry_run":true,"scope":"backend","peers_kept":true,
             "moves":false,"expected_ms":{"p50":41,"p99":63},"causes":[]})");
  EXPECT_EQ(run_line({"restart", "--scope", "auto", "--dry-run"}), Exit::kDone);
  EXPECT_EQ(out.str(),
            "Nothing was done. A restart like this:\n"
            "  scope    backend\n"
            "  clients  stay connected\n"
            "  moves    nothing moves\n"
            "  takes    41 ms as a rule, 63 ms at worst\n");
}

TEST_F(RestartTest, ARefusalHasItsHint) {
  api.on(kRestart, 409, R"({"detail":"a restart would not help","reason":"would_not_help",
                           "hint":"check the motor power"})");
  EXPECT_EQ(run_line({"restart", "--scope", "auto"}), Exit::kFailed);
  EXPECT_EQ(err.str(),
            "daruma: refused (409): a restart would not help\n"
            "        hint: check the motor power\n");
}

struct ReferenceTest : CommandTest {
  ReferenceTest() { api.on("/api/daemon/status", 200, kReferenceStatus); }
};

TEST_F(ReferenceTest, IsNeverAskedForWhatItWouldMisunderstand) {
  EXPECT_EQ(run_line({"restart", "--dry-run"}), Exit::kFailed);
  EXPECT_EQ(run_line({"restart", "--scope", "backend"}), Exit::kFailed);
  EXPECT_EQ(run_line({"restart", "--sleep"}), Exit::kFailed);
  for (const auto& request : api.requests) EXPECT_THAT(request, StartsWith("GET "));
}

TEST_F(ReferenceTest, RestartsWithoutAReceipt) {
  api.on(kRestart, 200, R"({"job_id":"9a"})");
  EXPECT_EQ(run_line({"restart"}), Exit::kDone);
  EXPECT_THAT(out.str(), EndsWith("`daruma status` shows when it runs again.\n"));
}

}  // namespace
}  // namespace daruma::client
