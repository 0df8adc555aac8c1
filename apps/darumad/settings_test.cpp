#include "settings.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daruma {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Launch launch(const std::vector<std::string>& arguments) {
  auto read = read_launch(arguments);
  if (auto* usage = std::get_if<Usage>(&read)) ADD_FAILURE() << usage->text;
  return std::holds_alternative<Launch>(read) ? std::get<Launch>(read) : Launch{};
}

Usage usage(const std::vector<std::string>& arguments) {
  auto read = read_launch(arguments);
  if (auto* said = std::get_if<Usage>(&read)) return *said;
  ADD_FAILURE() << "the arguments were accepted";
  return {};
}

class ConfigFile : public ::testing::Test {
 protected:
  ConfigFile() : folder_(std::filesystem::temp_directory_path() / "daruma_settings_test") {
    std::filesystem::create_directories(folder_);
  }
  ~ConfigFile() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    const auto path = folder_ / "daruma.toml";
    std::ofstream(path) << text;
    return path.string();
  }

 private:
  std::filesystem::path folder_;
};

TEST(CommandLine, EveryFlagOfTheReferenceIsKnown) {
  const std::set<std::string_view> reference{"wireless-version",
                                             "desktop-app-daemon",
                                             "robot-name",
                                             "serialport",
                                             "hardware-config-filepath",
                                             "sim",
                                             "mockup-sim",
                                             "scene",
                                             "headless",
                                             "no-media",
                                             "autostart",
                                             "timeout-health-check",
                                             "wake-up-on-start",
                                             "goto-sleep-on-stop",
                                             "preload-datasets",
                                             "dataset-update-interval",
                                             "check-collision",
                                             "kinematics-engine",
                                             "fastapi-host",
                                             "fastapi-port",
                                             "log-level",
                                             "log-file"};
  std::set<std::string_view> known;
  for (const auto& setting : settings()) EXPECT_TRUE(known.insert(setting.flag).second);
  for (const auto flag : reference) EXPECT_TRUE(known.contains(flag)) << flag;
}

TEST(CommandLine, DefaultsAreTheReferences) {
  const auto config = launch({}).config;
  EXPECT_EQ(config.fastapi_port, 8000);
  EXPECT_EQ(config.bind_address(), "127.0.0.1");
  EXPECT_TRUE(config.autostart && config.wake_up_on_start && config.goto_sleep_on_stop);
  EXPECT_EQ(config.kinematics_engine, "AnalyticalKinematics");
  EXPECT_EQ(launch({"--wireless-version"}).config.bind_address(), "0.0.0.0");
}

TEST(CommandLine, TakesSwitchPairsShortFlagsAndEquals) {
  const auto config =
      launch({"--no-autostart", "--no-wake-up-on-start", "-p", "/dev/ttyX", "--fastapi-port=8123",
              "--allow-host", "robot.lan", "--allow-host", "desk", "--restart-from", "local,lan"})
          .config;
  EXPECT_FALSE(config.autostart);
  EXPECT_FALSE(config.wake_up_on_start);
  EXPECT_EQ(config.serialport, "/dev/ttyX");
  EXPECT_EQ(config.fastapi_port, 8123);
  EXPECT_THAT(config.allow_host, ElementsAre("robot.lan", "desk"));
  EXPECT_THAT(config.restart_from, ElementsAre("local", "lan"));
}

TEST(CommandLine, ExpandsUnambiguousPrefixes) {
  EXPECT_TRUE(launch({"--mockup"}).config.mockup_sim);
  EXPECT_FALSE(launch({"--no-auto"}).config.autostart);
  EXPECT_THAT(usage({"--fastapi"}).text, HasSubstr("ambiguous option: --fastapi"));
}

TEST(CommandLine, MistakesEndWithStatusTwoAndASentence) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--startup-app", "x"},
                                                {"--fastapi-port", "70000"},
                                                {"--fastapi-port", "x"},
                                                {"--kinematics-engine", "Magic"},
                                                {"--log-level", "LOUD"},
                                                {"--restart-from", "mars"},
                                                {"stray"},
                                                {"--robot-name"}}) {
    const auto said = usage(wrong);
    EXPECT_EQ(said.exit_code, 2) << wrong.front();
    EXPECT_THAT(said.text, HasSubstr("darumad: ")) << wrong.front();
  }
  EXPECT_EQ(usage({"--help"}).exit_code, 0);
}

TEST_F(ConfigFile, TheCommandLineWins) {
  const auto path = write("robot_name = \"file\"\nfastapi_port = 8111\nautostart = false\n");
  const auto read = launch({"--config", path, "--robot-name", "line"});
  EXPECT_TRUE(read.problems.empty());
  EXPECT_EQ(read.config.robot_name, "line");
  EXPECT_EQ(read.config.fastapi_port, 8111);
  EXPECT_FALSE(read.config.autostart);
}

TEST_F(ConfigFile, NamesUnknownKeysAndBadValuesWithTheirLines) {
  const auto path = write(
      "robot_nam = \"x\"\nfastapi_port = \"8000\"\n\nlog_level = \"LOUD\"\nsim = 1\n"
      "signalling_port = 99999\nrestart_from = [\"local\", 3]\nscene = \"kept\"\n");
  model::LaunchConfig config;
  const auto problems = apply_config_file(path, config);
  EXPECT_THAT(problems, ::testing::UnorderedElementsAre(
                            HasSubstr(":1: unknown key robot_nam"),
                            HasSubstr(":2: fastapi_port must be a whole number from 0 to 65535"),
                            HasSubstr(":4: log_level must be a string out of DEBUG"),
                            HasSubstr(":5: sim must be true or false"),
                            HasSubstr(":6: signalling_port must be"),
                            HasSubstr(":7: restart_from must be a list of strings out of local")));
  EXPECT_EQ(config.scene, "kept");
}

TEST_F(ConfigFile, BrokenAndMissingFilesAreSentences) {
  model::LaunchConfig config;
  EXPECT_THAT(apply_config_file(write("a = [1,\n= 2"), config), ElementsAre(HasSubstr(":2: ")));
  EXPECT_THAT(apply_config_file("/nonexistent/daruma.toml", config),
              ElementsAre(HasSubstr("No such file")));
  EXPECT_EQ(apply_config_file(write(std::string(2 * 1024 * 1024, '#')), config).size(), 1U);
}

TEST(ConfigurationDocs, AreWhatTheTableSays) {
  std::ifstream file(DARUMA_SOURCE_DIR "/docs/configuration.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), configuration_markdown())
      << "run: build/release/bin/darumad --print-configuration-docs > docs/configuration.md";
}

}  // namespace
}  // namespace daruma
