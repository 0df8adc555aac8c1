#include <filesystem>
#include <fstream>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daruma/base/manual_scheduler.hpp"
#include "daruma/services/daemon/identity.hpp"
#include "daruma/services/daemon/json.hpp"
#include "daruma/services/daemon/lifecycle_commands.hpp"
#include "daruma/services/daemon/log_streams.hpp"
#include "daruma/services/daemon/pose_subscriptions.hpp"

namespace daruma::services {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using lifecycle::Action;
using lifecycle::Admission;
using lifecycle::Refusal;
using lifecycle::Scope;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A lifecycle that takes every request, or refuses as it was told, and remembers what it heard.
class FakeLifecycle final : public lifecycle::LifecyclePort {
 public:
  std::variant<Admission, Refusal> admit(const lifecycle::Request& request) override {
    requests.push_back(request);
    events.push_back("admit");
    if (refusal) return *refusal;
    return Admission{request.id.value_or("made-up"), request.scope, false, false, 7, false};
  }
  void acknowledged(const std::string& id, lifecycle::AckOutcome outcome) override {
    events.push_back((outcome == lifecycle::AckOutcome::kSent ? "sent " : "failed ") + id);
  }
  bool confirm(const std::string& id) override { return id == "waits"; }
  std::variant<lifecycle::DryRun, Refusal> dry_run(const lifecycle::Request&) const override {
    if (refusal) return *refusal;
    return lifecycle::DryRun{Scope::kBackend, true, false, 12, std::nullopt, {}};
  }
  lifecycle::LifecycleStatus status() const override { return told; }
  std::optional<lifecycle::Receipt> receipt(std::string_view id) const override {
    for (const auto& receipt : kept) {
      if (receipt.id == id) return receipt;
    }
    return std::nullopt;
  }
  std::vector<lifecycle::Receipt> receipts(std::size_t limit) const override {
    auto out = kept;
    if (out.size() > limit) out.resize(limit);
    return out;
  }
  void add_observer(lifecycle::LifecycleObserver& observer) override {
    observers.push_back(&observer);
  }
  void remove_observer(lifecycle::LifecycleObserver& observer) override {
    std::erase(observers, &observer);
  }

  std::optional<Refusal> refusal;
  lifecycle::LifecycleStatus told;
  std::vector<lifecycle::Receipt> kept;
  std::vector<lifecycle::Request> requests;
  std::vector<std::string> events;
  std::vector<lifecycle::LifecycleObserver*> observers;
};

class FakePeer final : public protocol::Peer {
 public:
  explicit FakePeer(std::string id) : id_(std::move(id)) {}
  const std::string& id() const override { return id_; }
  void send(const protocol::Text& text, protocol::Delivered delivered) override {
    messages.push_back(json::parse(*text).as_object());
    if (delivered) delivered(true);
  }
  std::vector<json::object> messages;

 private:
  std::string id_;
};

json::object id_only(const lifecycle::Receipt& receipt) { return {{"id", receipt.id}}; }

class Commands : public ::testing::Test {
 protected:
  Commands() {
    commands_.register_in(dispatcher_.house());
    context_ = {"p1", protocol::Transport::kWebRtc, protocol::Reach::kLan, peer_};
  }

  /// Sends a message and returns its one answer; an empty object when there was none.
  json::object ask(std::string_view text) {
    json::object answer;
    dispatcher_.submit(context_, text, [&](json::object message, protocol::Delivered delivered) {
      lifecycle_.events.emplace_back("ack");
      answer = std::move(message);
      if (delivered) delivered(delivers_);
    });
    return answer;
  }

  ManualScheduler scheduler_;
  FakeLifecycle lifecycle_;
  protocol::Topics topics_;
  protocol::Dispatcher dispatcher_;
  model::LaunchConfig config_;
  StatusPublisher status_{scheduler_, lifecycle_, topics_, config_};
  LifecycleCommands commands_{lifecycle_, status_, {"local", "lan"}, id_only};
  std::shared_ptr<FakePeer> peer_ = std::make_shared<FakePeer>("p1");
  protocol::PeerContext context_;
  bool delivers_ = true;
};

TEST_F(Commands, ABareRestartIsAnsweredWordForWord) {
  EXPECT_EQ(json::serialize(ask(R"({"type":"restart_daemon"})")),
            R"({"status":"ok","command":"restart_daemon","scheduled":true})");
  ASSERT_EQ(lifecycle_.requests.size(), 1U);
  EXPECT_EQ(lifecycle_.requests[0].scope, Scope::kDaemon);
  EXPECT_FALSE(lifecycle_.requests[0].flags.goto_sleep_on_stop);
  EXPECT_FALSE(lifecycle_.requests[0].flags.wake_up_on_start);
  EXPECT_THAT(lifecycle_.events, ElementsAre("admit", "ack", "sent made-up"));
}

TEST_F(Commands, AnAckThatWasLostIsReported) {
  delivers_ = false;
  ask(R"({"type":"restart_daemon"})");
  EXPECT_EQ(lifecycle_.events.back(), "failed made-up");
}

TEST_F(Commands, FlagsReachTheSupervisor) {
  ask(R"({"type":"restart_daemon","goto_sleep_on_stop":true,"wake_up_on_start":"yes"})");
  EXPECT_TRUE(lifecycle_.requests.at(0).flags.goto_sleep_on_stop);
  EXPECT_TRUE(lifecycle_.requests.at(0).flags.wake_up_on_start);
}

TEST_F(Commands, OwnFieldsAddOwnKeys) {
  const auto answer = ask(R"({"type":"restart_daemon","scope":"backend","id":"7c0e-42"})");
  EXPECT_EQ(json::serialize(answer),
            R"({"status":"ok","command":"restart_daemon","scheduled":true,"id":"7c0e-42",)"
            R"("scope":"backend","merged":false,"duplicate":false,"generation":7})");
}

TEST_F(Commands, AWrongTypeRestartsNothing) {
  const auto answer = ask(R"({"type":"restart_daemon","wake_up_on_start":"maybe"})");
  EXPECT_THAT(std::string(answer.at("error").as_string()), HasSubstr("Invalid command: "));
  EXPECT_TRUE(lifecycle_.requests.empty());
}

TEST_F(Commands, ARefusalCarriesReasonAndHint) {
  lifecycle_.refusal =
      Refusal{lifecycle::RefusalReason::kWouldNotHelp, "would not help", "mend it"};
  const auto answer = ask(R"({"type":"restart_daemon","scope":"auto"})");
  EXPECT_EQ(answer.at("reason"), "would_not_help");
  EXPECT_EQ(answer.at("hint"), "mend it");
  EXPECT_EQ(answer.at("command"), "restart_daemon");
}

TEST_F(Commands, RequestsFromElsewhereAreDenied) {
  context_.reach = protocol::Reach::kRelay;
  EXPECT_EQ(ask(R"({"type":"restart_daemon"})").at("reason"), "denied");
  EXPECT_TRUE(lifecycle_.requests.empty());
}

TEST_F(Commands, ADryRunAsksAndDoesNothing) {
  const auto answer = ask(R"({"type":"restart_daemon","scope":"auto","dry_run":true})");
  EXPECT_EQ(answer.at("dry_run"), true);
  EXPECT_EQ(answer.at("scope"), "backend");
  EXPECT_EQ(answer.at("peers_kept"), true);
  EXPECT_EQ(answer.at("expected_ms").as_object().at("p50"), 12);
  EXPECT_TRUE(answer.at("expected_ms").as_object().at("p99").is_null());
  EXPECT_TRUE(lifecycle_.requests.empty());
}

TEST_F(Commands, ProgressGoesToTheCallerOfAScopeThatKeepsPeers) {
  ask(R"({"type":"restart_daemon","scope":"backend","id":"a"})");
  commands_.on_progress("a", Scope::kBackend, "stopping", 3, std::nullopt);
  commands_.on_progress("b", Scope::kBackend, "stopping", 3, std::nullopt);
  commands_.on_progress("a", Scope::kBackend, "done", 9, std::nullopt);
  commands_.on_progress("a", Scope::kBackend, "done", 9, std::nullopt);
  ASSERT_EQ(peer_->messages.size(), 2U);
  EXPECT_EQ(json::serialize(peer_->messages[0]),
            R"({"type":"restart_progress","id":"a","scope":"backend","phase":"stopping",)"
            R"("elapsed_ms":3,"error":null})");
}

TEST_F(Commands, RestJobsExcludeOneAnother) {
  context_.transport = protocol::Transport::kHttp;
  lifecycle::Receipt running;
  running.id = "job";
  running.by = "http";
  lifecycle_.kept = {running};
  lifecycle_.told.transition_id = "job";
  EXPECT_EQ(ask(R"({"type":"restart_daemon"})").at("reason"), "busy");
  EXPECT_EQ(ask(R"({"type":"stop_daemon","goto_sleep":false})").at("error"), "Daemon is busy.");
  EXPECT_EQ(ask(R"({"type":"restart_daemon","id":"job"})").at("status"), "ok");
  context_.transport = protocol::Transport::kWebRtc;
  EXPECT_EQ(ask(R"({"type":"restart_daemon"})").at("status"), "ok");
}

TEST_F(Commands, ReceiptsAreFoundOrNull) {
  lifecycle::Receipt receipt;
  receipt.id = "r1";
  lifecycle_.kept = {receipt};
  EXPECT_EQ(ask(R"({"type":"get_restart_receipt","id":"r1"})").at("id"), "r1");
  EXPECT_TRUE(ask(R"({"type":"get_restart_receipt","id":"x"})").at("receipt").is_null());
  EXPECT_EQ(ask(R"({"type":"get_restart_receipts"})").at("receipts").as_array().size(), 1U);
}

TEST_F(Commands, ConfirmIsSilentWhenItIsExpected) {
  EXPECT_TRUE(ask(R"({"type":"restart_confirm","id":"waits"})").empty());
  EXPECT_EQ(ask(R"({"type":"restart_confirm","id":"x"})").at("reason"), "not_found");
}

TEST_F(Commands, HealthNamesItsCauses) {
  lifecycle_.told.now = scheduler_.now();
  lifecycle::Cause cause;
  cause.code = "config_invalid";
  cause.part = "motors.yaml";
  cause.verdict = lifecycle::Verdict::kUnhealthy;
  cause.detail = "line 3: unknown motor";
  cause.hint = "mend the file";
  cause.cure = Scope::kBackend;
  cause.since = scheduler_.now() - 900ms;
  lifecycle_.told.health = {lifecycle::Verdict::kUnhealthy, cause.since, {cause}};
  const auto health = ask(R"({"type":"get_health"})");
  EXPECT_EQ(health.at("verdict"), "unhealthy");
  const auto& shown = health.at("causes").as_array().at(0).as_object();
  EXPECT_EQ(shown.at("code"), "config_invalid");
  EXPECT_DOUBLE_EQ(shown.at("since_s").as_double(), 0.9);
  EXPECT_EQ(shown.at("cure").as_object().at("scope"), "backend");
}

TEST_F(Commands, StatusHasEveryKeyOfTheContract) {
  lifecycle_.told.state = "running";
  const auto status = ask(R"({"type":"get_daemon_status"})");
  for (const auto* key : {"type",
                          "robot_name",
                          "state",
                          "wireless_version",
                          "desktop_app_daemon",
                          "simulation_enabled",
                          "mockup_sim_enabled",
                          "no_media",
                          "media_released",
                          "camera_specs_name",
                          "backend_status",
                          "error",
                          "wlan_ip",
                          "version",
                          "hardware_id",
                          "face_target",
                          "health",
                          "generation",
                          "boot_id",
                          "uptime_s"}) {
    EXPECT_TRUE(status.contains(key)) << key;
  }
}

TEST_F(Commands, ChangesArePushedOnceAndWebSocketClientsHearTheTruthEachSecond) {
  using protocol::Topic;
  topics_.add(peer_, Topic::kEvents | Topic::kStatus);
  status_.start();
  lifecycle_.told.state = "running";
  status_.on_status();
  status_.on_status();
  scheduler_.advance(1ms);
  EXPECT_EQ(peer_->messages.size(), 1U);
  scheduler_.advance(3s);
  EXPECT_EQ(peer_->messages.size(), 4U);
  lifecycle_.told.state = "stopped";
  scheduler_.advance(3s);
  EXPECT_EQ(peer_->messages.size(), 4U) << "silence is how programs learn that the robot is gone";
}

TEST(LogStreams, SendTheLastHundredLinesThenEachNewOne) {
  ManualScheduler scheduler;
  auto ring = std::make_shared<log::Ring>();
  for (int i = 0; i < 150; ++i) ring->add(WallTime{}, "old");
  protocol::Dispatcher dispatcher;
  LogStreams streams(scheduler, ring);
  streams.register_in(dispatcher.house());
  auto peer = std::make_shared<FakePeer>("p");
  const protocol::PeerContext context{"p", protocol::Transport::kWebRtc, protocol::Reach::kLocal,
                                      peer};
  auto no_answer = [](json::object message, protocol::Delivered) { FAIL() << message; };
  dispatcher.submit(context, R"({"type":"subscribe_logs"})", no_answer);
  EXPECT_EQ(peer->messages.size(), 100U);
  EXPECT_EQ(peer->messages[0].at("type"), "log_line");
  for (int i = 0; i < 3; ++i) ring->add(WallTime{}, "new");
  scheduler.advance(100ms);
  EXPECT_EQ(peer->messages.size(), 103U);
  EXPECT_EQ(peer->messages.back().at("line"), "new");
  for (int i = 0; i < 1000; ++i) ring->add(WallTime{}, "flood");
  scheduler.advance(100ms);
  EXPECT_LE(peer->messages.size(), 103U + LogStreams::kBurst + 1);
  EXPECT_THAT(std::string(peer->messages[103].at("line").as_string()), HasSubstr("lines skipped"));
  dispatcher.submit(context, R"({"type":"unsubscribe_logs"})", no_answer);
  const auto before = peer->messages.size();
  ring->add(WallTime{}, "unheard");
  scheduler.advance(100ms);
  EXPECT_EQ(peer->messages.size(), before);
}

TEST(LogStreams, NeedAPeer) {
  ManualScheduler scheduler;
  protocol::Dispatcher dispatcher;
  LogStreams streams(scheduler, std::make_shared<log::Ring>());
  streams.register_in(dispatcher.house());
  json::object answer;
  dispatcher.submit({}, R"({"type":"subscribe_logs"})",
                    [&](json::object message, protocol::Delivered) { answer = message; });
  EXPECT_EQ(answer.at("type"), "log_stream_error");
}

class IdentityFiles : public ::testing::Test {
 protected:
  IdentityFiles() : folder_(std::filesystem::temp_directory_path() / "daruma_identity_test") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~IdentityFiles() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(IdentityFiles, ANameSurvivesAndBlankOnesDoNot) {
  const auto path = (folder_ / "a/b/robot_name.json").string();
  EXPECT_EQ(read_robot_name(path), std::nullopt);
  ASSERT_TRUE(write_robot_name(path, "Béatrice"));
  EXPECT_EQ(read_robot_name(path), "Béatrice");
  std::ofstream(path) << R"({"name":"  "})";
  EXPECT_EQ(read_robot_name(path), std::nullopt);
  std::ofstream(path) << "{broken";
  EXPECT_EQ(read_robot_name(path), std::nullopt);
  EXPECT_FALSE(write_robot_name("/proc/nowhere/robot_name.json", "x"));
}

TEST_F(IdentityFiles, TheHardwareIdIsThatOfTheAudioDevice) {
  auto device = [&](const char* name, const char* vendor, const char* product) {
    std::filesystem::create_directories(folder_ / name);
    std::ofstream(folder_ / name / "idVendor") << vendor << '\n';
    std::ofstream(folder_ / name / "idProduct") << product << '\n';
    std::ofstream(folder_ / name / "serial") << "abc\n";
  };
  device("1-1", "1d6b", "0002");
  EXPECT_EQ(read_hardware_id(folder_.string()), "");
  device("1-2", "38fb", "1001");
  // SHA-256 of "abc" is FIPS 180's own example.
  EXPECT_EQ(read_hardware_id(folder_.string()), "ba7816bf8f01cfea");
  EXPECT_EQ(read_hardware_id("/nonexistent"), "");
}

}  // namespace
}  // namespace daruma::services
