#include "options.hpp"

#include <gmock/gmock.h>

namespace daruma::client {
namespace {

using ::testing::HasSubstr;

Options options(std::vector<std::string> arguments, const std::string& host = "") {
  const auto read = read_options(arguments, host);
  const auto* found = std::get_if<Options>(&read);
  EXPECT_NE(found, nullptr) << std::get<Usage>(read).text;
  return found != nullptr ? *found : Options{};
}

Usage usage(std::vector<std::string> arguments, const std::string& host = "") {
  const auto read = read_options(arguments, host);
  const auto* found = std::get_if<Usage>(&read);
  EXPECT_NE(found, nullptr);
  return found != nullptr ? *found : Usage{};
}

TEST(Options, HostComesFromTheFlagThenTheEnvironmentThenLoopback) {
  EXPECT_EQ(options({"status"}).address.text(), "127.0.0.1:8000");
  EXPECT_EQ(options({"status"}, "robot:1").address.text(), "robot:1");
  EXPECT_EQ(options({"--host", "[::1]:2", "status"}, "robot:1").address.text(), "[::1]:2");
  EXPECT_EQ(options({"status", "--host", "other"}).address.text(), "other:8000");
}

TEST(Options, RestartHasItsFlags) {
  const auto read =
      options({"restart", "--scope", "motor", "--motor", "stewart_3", "--sleep", "--wake",
               "--dry-run", "--id", "x 1", "--no-wait", "--timeout", "5", "--json"});
  EXPECT_EQ(read.verb, Verb::kRestart);
  EXPECT_EQ(read.scope, "motor");
  EXPECT_EQ(read.motor, "stewart_3");
  EXPECT_TRUE(read.sleep && read.wake && read.dry_run && read.no_wait && read.json);
  EXPECT_EQ(read.id, "x 1");
  EXPECT_EQ(read.timeout, std::chrono::seconds(5));
  EXPECT_EQ(options({"restart"}).scope, "daemon");
}

TEST(Options, ReadersHaveTheirs) {
  EXPECT_EQ(options({"health"}).verb, Verb::kHealth);
  EXPECT_EQ(options({"receipts"}).count, 20);
  EXPECT_EQ(options({"receipts", "7c0e-42"}).id, "7c0e-42");
  EXPECT_EQ(options({"logs"}).count, 100);
  EXPECT_TRUE(options({"logs", "-f"}).follow);
  EXPECT_EQ(options({"logs", "-n", "5"}).count, 5);
}

TEST(Options, MistakesAreUsage) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{},
                                             {"reboot"},
                                             {"status", "health"},
                                             {"restart", "--scope", "house"},
                                             {"restart", "--scope", "motor"},
                                             {"restart", "--motor", "stewart_1"},
                                             {"restart", "--id", ""},
                                             {"restart", "--id", std::string(65, 'x')},
                                             {"restart", "--id", "tab\t"},
                                             {"restart", "--timeout", "0"},
                                             {"receipts", "-n", "257"},
                                             {"--host", "a:b", "status"}}) {
    EXPECT_EQ(usage(wrong).exit, Exit::kUsageOrUnreachable) << ::testing::PrintToString(wrong);
  }
  EXPECT_EQ(usage({"status"}, "http://x").exit, Exit::kUsageOrUnreachable);
}

TEST(Options, HelpAndVersionAreNoMistakes) {
  EXPECT_THAT(usage({"--help"}).text, HasSubstr("restart"));
  EXPECT_EQ(usage({"--help"}).exit, Exit::kDone);
  EXPECT_THAT(usage({"restart", "--help"}).text, HasSubstr("--dry-run"));
  EXPECT_THAT(usage({"--version"}).text, ::testing::StartsWith("daruma "));
  EXPECT_EQ(usage({"--version"}).exit, Exit::kDone);
}

}  // namespace
}  // namespace daruma::client
