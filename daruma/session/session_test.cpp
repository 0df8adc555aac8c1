#include <atomic>
#include <cmath>
#include <functional>
#include <future>
#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daruma/backend/mockup/mockup.hpp"
#include "daruma/session/behaviours.hpp"
#include "daruma/session/robot_room.hpp"
#include "daruma/session/room_factory.hpp"
#include "daruma/session/state_messages.hpp"

namespace daruma::session {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using lifecycle::RoomReport;
using protocol::PeerContext;
using ::testing::HasSubstr;

/// The same lists of numbers, to what text loses of them.
bool alike(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) {
    return std::abs(a.to_number<double>() - b.to_number<double>()) < 1e-12;
  }
  if (!a.is_array() || !b.is_array() || a.as_array().size() != b.as_array().size()) return false;
  for (std::size_t i = 0; i < a.as_array().size(); ++i) {
    if (!alike(a.as_array()[i], b.as_array()[i])) return false;
  }
  return true;
}

class Listener final : public protocol::Peer {
 public:
  const std::string& id() const override { return id_; }
  void send(const protocol::Text& text, protocol::Delivered) override { sent.push_back(text); }
  void send_pose(const protocol::Text& text) override { poses.push_back(text); }
  std::vector<protocol::Text> sent;
  std::vector<protocol::Text> poses;

 private:
  std::string id_ = "listener";
};

/// A mock-up whose cycle can be stopped, as a hanging port does it.
class BlockingBackend final : public backend::Backend {
 public:
  BlockingBackend(backend::MockupServos servos, std::shared_future<void> released)
      : inner_(std::move(servos)), released_(std::move(released)) {}
  Status open() override { return {}; }
  backend::Fault read(backend::Measurement& out) override {
    if (++reads_ > 3) released_.wait();
    return inner_.read(out);
  }
  backend::Fault write(const model::JointArray& goal) override { return inner_.write(goal); }
  backend::Fault set_torque(std::uint16_t mask, bool on) override {
    return inner_.set_torque(mask, on);
  }
  void close() override {}
  bool simulated() const override { return true; }

 private:
  backend::Mockup inner_;
  std::shared_future<void> released_;
  int reads_ = 0;
};

/// A mock-up that falls silent, is a real robot's, or does not open, as the test says.
struct Trouble {
  std::atomic<backend::Fault> fault{backend::Fault::kNone};
  std::atomic<bool> simulated{true};
  std::atomic<bool> opens{true};
  std::atomic<bool> slow{false};  ///< a cycle takes longer than its period
};
class TroubledBackend final : public backend::Backend {
 public:
  TroubledBackend(backend::MockupServos servos, std::shared_ptr<Trouble> trouble)
      : inner_(std::move(servos)), trouble_(std::move(trouble)) {}
  Status open() override {
    if (!trouble_->opens) return fail(Errc::kIo, "the port is gone");
    return {};
  }
  backend::Fault read(backend::Measurement& out) override {
    if (trouble_->slow) std::this_thread::sleep_for(35ms);
    const auto fault = trouble_->fault.load();
    return fault == backend::Fault::kNone ? inner_.read(out) : fault;
  }
  backend::Fault write(const model::JointArray& goal) override {
    const auto fault = trouble_->fault.load();
    return fault == backend::Fault::kNone ? inner_.write(goal) : fault;
  }
  backend::Fault set_torque(std::uint16_t mask, bool on) override {
    return inner_.set_torque(mask, on);
  }
  void close() override {}
  bool simulated() const override { return trouble_->simulated; }

 private:
  backend::Mockup inner_;
  std::shared_ptr<Trouble> trouble_;
};

class RoomTest : public ::testing::Test {
 protected:
  RoomTest() {
    config_.mockup_sim = true;
    make_backend_ = [this](const model::HardwareConfig&) {
      return std::make_unique<TroubledBackend>(servos_, trouble_);
    };
  }
  ~RoomTest() override {
    room_.reset();
    loop_.join_pool();
  }

  /// Runs the loop until `done`; a failure after 20 s.
  template <class Done>
  void until(Done done, const char* what = "the event") {
    const auto deadline = Clock::now() + 20s;
    loop_.context().restart();
    while (!done()) {
      ASSERT_LT(Clock::now(), deadline) << what << " did not come";
      loop_.context().run_one_for(100ms);
      if (loop_.context().stopped()) loop_.context().restart();
    }
  }
  RoomFactory& factory() {
    if (!factory_) {
      factory_.emplace(
          loop_, dispatcher_, topics_, config_,
          [this](const model::HardwareConfig& hardware)
              -> Result<std::unique_ptr<backend::Backend>> { return make_backend_(hardware); },
          [this]() -> Result<model::HardwareConfig> { return hardware_; });
    }
    return *factory_;
  }
  Result<RoomReport> start(bool wake_up = false) {
    room_.reset();
    room_ = factory().make();
    std::optional<Result<RoomReport>> result;
    room_->start({wake_up, 1}, [&](Result<RoomReport> told) { result = std::move(told); });
    EXPECT_FALSE(result) << "callbacks come later than the call";
    until([&] { return result.has_value(); }, "the start");
    return result ? *result : fail(Errc::kTimeout, "no answer");
  }
  void stop() {
    bool stopped = false;
    room_->stop([&](const RoomReport&) { stopped = true; });
    EXPECT_FALSE(stopped);
    until([&] { return stopped; }, "the stop");
  }
  std::vector<std::string> goto_sleep() {
    std::optional<std::vector<std::string>> notes;
    room_->goto_sleep([&](std::vector<std::string> told) { notes = std::move(told); });
    until([&] { return notes.has_value(); }, "the sleep");
    return notes.value_or(std::vector<std::string>{"none"});
  }

  /// Sends a command; its answer, in time, will be in the result.
  std::shared_ptr<std::optional<json::object>> ask(const std::string& text) {
    auto answer = std::make_shared<std::optional<json::object>>();
    dispatcher_.submit(peer_, text, [answer](json::object message, protocol::Delivered) {
      EXPECT_FALSE(*answer) << "two answers";
      *answer = std::move(message);
    });
    return answer;
  }
  /// The answer to a command that answers at once.
  std::string say(const std::string& text) {
    const auto answer = ask(text);
    return *answer ? json::serialize(**answer) : "nothing";
  }
  /// The answer to a command that answers late.
  std::string await(const std::string& text) {
    const auto answer = ask(text);
    until([&] { return answer->has_value(); }, text.c_str());
    return *answer ? json::serialize(**answer) : "nothing";
  }
  json::object state() {
    const auto answer = ask(R"({"type":"get_state"})");
    return (*answer)->at("state").as_object();
  }
  /// Lets the control thread carry out what was asked.
  void settle() {
    const auto begin = Clock::now();
    until([&] { return Clock::now() - begin > 3 * kPeriod; });
  }
  double antenna(int side) {
    return state().at("antennas").as_array()[static_cast<std::size_t>(side)].to_number<double>();
  }
  const lifecycle::Cause* cause(std::string_view code) {
    causes_ = room_->causes();
    for (const auto& one : causes_) {
      if (one.code == code) return &one;
    }
    return nullptr;
  }

  static constexpr Duration kPeriod = 20ms;
  Loop loop_;
  protocol::Dispatcher dispatcher_;
  protocol::Topics topics_;
  model::LaunchConfig config_;
  backend::MockupServos servos_;
  std::shared_ptr<Trouble> trouble_ = std::make_shared<Trouble>();
  UniqueFunction<Result<std::unique_ptr<backend::Backend>>(const model::HardwareConfig&)>
      make_backend_;
  Result<model::HardwareConfig> hardware_ = model::default_hardware_config();
  std::optional<RoomFactory> factory_;
  std::unique_ptr<lifecycle::Room> room_;
  PeerContext peer_{"peer", protocol::Transport::kWebRtc, protocol::Reach::kLocal, {}};
  std::vector<lifecycle::Cause> causes_;
};

// ---- starting and stopping

TEST_F(RoomTest, RunsFromTheFirstFullCycleAndMovesNothing) {
  EXPECT_TRUE(factory().backend_status().is_null());
  const auto report = start();
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->torque_kept) << "nothing was before";
  EXPECT_EQ(report->max_step_deg, 0);
  EXPECT_FALSE(report->wake_error);
  EXPECT_TRUE(room_->causes().empty());
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    EXPECT_EQ(servos_.position_rad(i), model::sleep_joints_rad()[i]);
  }
  stop();
  EXPECT_EQ(say(R"({"type":"get_state"})"),
            R"({"error":"The robot is not running","command":"get_state","reason":"not_running",)"
            R"("phase":"not_initialized"})");
}

TEST_F(RoomTest, EveryCommandOfTheRoomHasAHandlerAndNoOther) {
  Loop loop;
  control::Link link;
  Robot robot(link, loop, true);
  MoveAnswers answers;
  protocol::Handlers handlers;
  register_commands(handlers, robot, loop, answers);
  for (const auto& sentence : dispatcher_.disagreements(&handlers)) {
    EXPECT_THAT(sentence, HasSubstr("belongs to the house")) << "the house is not built here";
  }
}

TEST_F(RoomTest, ABrokenHardwareFileIsInvalidAndMendedIsFine) {
  hardware_ = fail(Errc::kInvalid, "robot.yaml:7: what is wrong");
  const auto broken = start();
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::kInvalid);
  EXPECT_EQ(broken.error().context, "robot.yaml:7: what is wrong");
  stop();
  hardware_ = model::default_hardware_config();
  EXPECT_TRUE(start());
}

TEST_F(RoomTest, WhatThisBuildCannotDoIsSaidAtTheStart) {
  using Change = std::function<void(model::LaunchConfig&)>;
  const auto refusal = [this](const Change& change) {
    config_ = model::LaunchConfig{};
    config_.mockup_sim = true;
    change(config_);
    return check_launch(config_);
  };
  EXPECT_TRUE(refusal([](model::LaunchConfig&) {}));
  EXPECT_TRUE(refusal([](model::LaunchConfig& c) { c.sim = true; })) << "the mock-up wins";
  EXPECT_TRUE(refusal([](model::LaunchConfig& c) { c.kinematics_engine = "Placo"; }));
  EXPECT_THAT(
      refusal([](model::LaunchConfig& c) { c.mockup_sim = false, c.sim = true; }).error().context,
      HasSubstr("MuJoCo"));
  EXPECT_THAT(refusal([](model::LaunchConfig& c) { c.mockup_sim = false; }).error().context,
              HasSubstr("motor bus"));
  EXPECT_EQ(refusal([](model::LaunchConfig& c) { c.check_collision = true; }).error().context,
            "Collision checking is only available with Placo Kinematics");
  EXPECT_THAT(refusal([](model::LaunchConfig& c) {
                c.check_collision = true;
                c.kinematics_engine = "Placo";
              })
                  .error()
                  .context,
              HasSubstr("Placo engine"));
  for (const double rate : {0.0, -5.0, 201.0, std::nan("")}) {
    const auto status = refusal([rate](model::LaunchConfig& c) { c.control_rate_hz = rate; });
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kInvalid);
  }
  config_.mockup_sim = false;
  EXPECT_FALSE(start());
  stop();
}

TEST_F(RoomTest, ADriverThatDoesNotOpenFailsTheStart) {
  trouble_->opens = false;
  const auto report = start();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().context, "the port is gone");
  EXPECT_TRUE(room_->causes().empty());
  stop();
  trouble_->opens = true;
  EXPECT_TRUE(start());
}

TEST_F(RoomTest, StopsWhileItStarts) {
  trouble_->fault = backend::Fault::kNoAnswer;
  room_ = factory().make();
  bool started = false;
  room_->start({}, [&](const Result<RoomReport>&) { started = true; });
  stop();
  room_ = factory().make();
  room_->start({}, [&](const Result<RoomReport>&) { started = true; });
  until([&] { return !factory().backend_status().is_null(); });
  stop();
  EXPECT_FALSE(started);
}

// Promise 5 of recovery.md.
TEST_F(RoomTest, TorqueAndPoseAreKeptOverARestart) {
  ASSERT_TRUE(start());
  say(R"({"type":"set_antennas","antennas":[0.3,-0.4]})");
  settle();
  say(R"({"type":"set_torque","on":false,"ids":["left_antenna","stewart_2"]})");
  settle();
  const auto before = state();
  stop();
  const auto report = start();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->torque_kept, true);
  EXPECT_EQ(report->max_step_deg, 0);
  settle();
  auto after = state();
  EXPECT_EQ(after.at("antennas"), before.at("antennas"));
  EXPECT_EQ(after.at("head_joint_positions"), before.at("head_joint_positions"));
  EXPECT_FALSE(servos_.torque(8));
  EXPECT_TRUE(servos_.torque(7));
  stop();
  servos_.torque(7) = false;  // somebody else's doing
  EXPECT_EQ(start()->torque_kept, false);
}

TEST_F(RoomTest, AThousandRestartsLeaveNothingBehind) {
  const auto count = [](const char* folder) {
    int entries = 0;
    DIR* dir = ::opendir(folder);
    while (::readdir(dir) != nullptr) ++entries;
    ::closedir(dir);
    return entries;
  };
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(start());
    stop();
  }
  room_.reset();
  const int threads = count("/proc/self/task");
  const int descriptors = count("/proc/self/fd");
  const auto begin = Clock::now();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(start());
    stop();
  }
  const auto each_ms = seconds(Clock::now() - begin);
  RecordProperty("start_and_stop_ms", std::to_string(each_ms));
  std::printf("start and stop: %.3f ms\n", each_ms);
  room_.reset();
  EXPECT_EQ(count("/proc/self/task"), threads);
  EXPECT_EQ(count("/proc/self/fd"), descriptors);
}

TEST_F(RoomTest, AbandoningABlockedDriverWaitsForNothing) {
  std::promise<void> release;
  make_backend_ = [this, released = release.get_future().share()](const model::HardwareConfig&) {
    return std::make_unique<BlockingBackend>(servos_, released);
  };
  ASSERT_TRUE(start());
  until([&] { return cause("control_stalled") != nullptr; }, "control_stalled");
  EXPECT_EQ(cause("control_stalled")->verdict, lifecycle::Verdict::kUnhealthy);
  EXPECT_EQ(cause("control_stalled")->cure, lifecycle::Scope::kBackend);
  EXPECT_EQ(say(R"({"type":"set_torque","on":true})"),
            R"({"error":"Motor controller not initialized or already closed.",)"
            R"("command":"set_torque"})");
  bool stopped = false;
  room_->stop([&](const RoomReport&) { stopped = true; });
  const auto begin = Clock::now();
  until([&] { return Clock::now() - begin > 100ms; });
  EXPECT_FALSE(stopped);
  room_->abandon();
  room_.reset();
  EXPECT_LT(Clock::now() - begin, 1s);
  release.set_value();
}

// ---- targets

TEST_F(RoomTest, TargetsAreAcknowledgedAndFollowed) {
  ASSERT_TRUE(start());
  EXPECT_EQ(say(R"({"type":"set_antennas","antennas":[0.1,"0.2"]})"),
            R"({"status":"ok","command":"set_antennas"})");
  EXPECT_EQ(say(R"({"type":"set_head_joints","joints":[0,0.5,-0.5,0.5,-0.5,0.5,-0.5]})"),
            R"({"status":"ok","command":"set_head_joints"})");
  settle();
  EXPECT_EQ(antenna(0), 0.1);
  EXPECT_EQ(antenna(1), 0.2);
  EXPECT_EQ(servos_.position_rad(1), 0.5);
  EXPECT_EQ(say(R"({"type":"set_body_yaw","body_yaw":0.25})"),
            R"({"status":"ok","command":"set_body_yaw"})");
  settle();
  EXPECT_NEAR(state().at("body_yaw").as_double(), 0.25, 1e-12);
  EXPECT_EQ(say(R"({"type":"set_full_target","antennas":[0,0],"body_yaw":0.5,"head":null})"),
            R"({"status":"ok","command":"set_full_target"})");
  settle();
  EXPECT_EQ(antenna(0), 0);
  EXPECT_NEAR(servos_.position_rad(0), 0.5, 1e-12);
}

TEST_F(RoomTest, AHeadPoseIsRefusedWhole) {
  ASSERT_TRUE(start());
  EXPECT_EQ(say(R"({"type":"set_full_target","head":[1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1],)"
                R"("antennas":[1,1]})"),
            R"({"error":"set_full_target with head is not available on this daemon",)"
            R"("command":"set_full_target"})");
  settle();
  EXPECT_EQ(antenna(0), -3.05) << "nothing of it was done";
}

TEST_F(RoomTest, BadTargetsAreRefusedBeforeTheyReachTheRobot) {
  ASSERT_TRUE(start());
  for (const auto* text :
       {R"({"type":"set_antennas","antennas":[1]})",
        R"({"type":"set_antennas","antennas":[1,2,3]})",
        R"({"type":"set_antennas","antennas":[NaN,0]})",
        R"({"type":"set_antennas","antennas":[1e400,0]})", R"({"type":"set_antennas"})",
        R"({"type":"set_head_joints","joints":[0,0,0]})", R"({"type":"set_body_yaw"})",
        R"({"type":"set_body_yaw","body_yaw":"Infinity"})"}) {
    EXPECT_THAT(say(text), HasSubstr(R"({"error":"Invalid command: )")) << text;
  }
  settle();
  EXPECT_EQ(antenna(0), -3.05);
  EXPECT_EQ(say(R"({"type":"set_antennas","antennas":[1e300,-1e300]})"),
            R"({"status":"ok","command":"set_antennas"})");
  settle();
  EXPECT_EQ(antenna(0), model::kJointLimits_rad[7].upper);
}

// ---- motors

TEST_F(RoomTest, MotorModes) {
  ASSERT_TRUE(start());
  EXPECT_EQ(say(R"({"type":"get_motor_mode"})"), R"({"motor_mode":"enabled"})");
  EXPECT_EQ(say(R"({"type":"set_motor_mode","mode":"disabled"})"),
            R"({"motor_mode":"disabled","status":"ok"})");
  EXPECT_EQ(say(R"({"type":"get_motor_mode"})"), R"({"motor_mode":"disabled"})") << "at once";
  settle();
  EXPECT_FALSE(servos_.torque(0));
  EXPECT_EQ(say(R"({"type":"set_motor_mode","mode":"gravity_compensation"})"),
            R"({"motor_mode":"gravity_compensation","status":"ok"})");
  settle();
  EXPECT_EQ(state().at("motor_mode").as_string(), "gravity_compensation");
  EXPECT_EQ(say(R"({"type":"set_motor_mode","mode":"foo"})"),
            R"({"error":"'foo' is not a valid MotorControlMode","command":"set_motor_mode"})");
}

TEST_F(RoomTest, GravityCompensationIsForSimulatorsOnly) {
  trouble_->simulated = false;
  ASSERT_TRUE(start());
  EXPECT_EQ(say(R"({"type":"set_motor_mode","mode":"gravity_compensation"})"),
            R"({"error":"Gravity compensation requires the Placo kinematics engine.",)"
            R"("command":"set_motor_mode"})");
}

TEST_F(RoomTest, TorqueOfAllOrOfNamedMotors) {
  ASSERT_TRUE(start());
  const std::string ok = R"({"status":"ok","command":"set_torque"})";
  EXPECT_EQ(say(R"({"type":"set_torque","on":false,"ids":["right_antenna"]})"), ok);
  settle();
  EXPECT_FALSE(servos_.torque(7));
  EXPECT_TRUE(servos_.torque(6));
  EXPECT_EQ(say(R"({"type":"get_motor_mode"})"), R"({"motor_mode":"enabled"})");
  EXPECT_EQ(say(R"({"type":"set_torque","on":true})"), ok);
  settle();
  EXPECT_TRUE(servos_.torque(7));
  EXPECT_EQ(say(R"({"type":"set_torque","on":false,"ids":null})"), ok);
  settle();
  EXPECT_EQ(state().at("motor_mode").as_string(), "disabled");
  EXPECT_EQ(say(R"({"type":"set_torque","on":true,"ids":[]})"),
            R"({"error":"IDs list cannot be empty or None.","command":"set_torque"})");
  EXPECT_EQ(say(R"({"type":"set_torque","on":true,"ids":["stewart_1","nose"]})"),
            R"({"error":"'nose'","command":"set_torque"})");
  settle();
  EXPECT_FALSE(servos_.torque(1)) << "nothing of a refused command is done";
}

// users.md #1138 over the wire.
TEST_F(RoomTest, EnablingAfterTheHeadWasMovedByHandDoesNotSnap) {
  ASSERT_TRUE(start());
  say(R"({"type":"set_motor_mode","mode":"disabled"})");
  say(R"({"type":"set_antennas","antennas":[1,1]})");
  settle();
  const auto by_hand = model::init_joints_rad();
  for (std::size_t i = 0; i < model::kJointCount; ++i) servos_.position_rad(i) = by_hand[i];
  settle();
  say(R"({"type":"set_motor_mode","mode":"enabled"})");
  settle();
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    EXPECT_EQ(servos_.position_rad(i), by_hand[i]);
  }
  say(R"({"type":"set_antennas","antennas":[1,1]})");
  settle();
  EXPECT_EQ(servos_.position_rad(7), 1) << "a target after the enabling counts";
}

TEST_F(RoomTest, OrdersBeyondTheirBoundAreRefused) {
  std::promise<void> release;
  make_backend_ = [this, released = release.get_future().share()](const model::HardwareConfig&) {
    return std::make_unique<BlockingBackend>(servos_, released);
  };
  ASSERT_TRUE(start());
  int refused = 0;
  for (std::size_t i = 0; i < 10 * control::Link::kMaxOrders; ++i) {
    const auto answer = say(R"({"type":"set_torque","on":true,"ids":["stewart_1"]})");
    if (answer.find("too many commands") != answer.npos) ++refused;
  }
  EXPECT_GT(refused, 0);
  release.set_value();
}

TEST_F(RoomTest, NoOkOnADeadBus) {
  ASSERT_TRUE(start());
  settle();
  trouble_->fault = backend::Fault::kNoAnswer;
  until([&] { return say(R"({"type":"get_state"})").find("error") != std::string::npos; });
  for (const auto* type : {"get_state", "wake_up", "goto_sleep"}) {
    EXPECT_EQ(say(std::string(R"({"type":")") + type + "\"}"),
              std::string(R"({"error":"Motor controller not initialized or already closed.",)") +
                  R"("command":")" + type + "\"}");
  }
  EXPECT_THAT(say(R"({"type":"set_motor_mode","mode":"enabled"})"), HasSubstr("not initialized"));
  EXPECT_EQ(say(R"({"type":"set_body_yaw","body_yaw":1})"),
            R"({"status":"ok","command":"set_body_yaw"})");
  until([&] { return cause("bus_silent") != nullptr; }, "bus_silent");
  EXPECT_EQ(goto_sleep(), std::vector<std::string>{"sleep move skipped: the motors do not answer"});
  trouble_->fault = backend::Fault::kNone;
  until([&] { return room_->causes().empty(); }, "the cure");
  EXPECT_EQ(servos_.position_rad(0), 0) << "nothing resumes by itself";
}

TEST_F(RoomTest, ASlowLoopIsACauseUntilItIsFastAgain) {
  trouble_->slow = true;
  ASSERT_TRUE(start());
  until([&] { return cause("control_slow") != nullptr; }, "control_slow");
  EXPECT_EQ(cause("control_slow")->verdict, lifecycle::Verdict::kDegraded);
  trouble_->slow = false;
  until([&] { return room_->causes().empty(); }, "the cure");
}

TEST_F(RoomTest, ALostTorqueIsACauseThatOneMotorsRestartCures) {
  ASSERT_TRUE(start());
  EXPECT_TRUE(room_->has_motor("stewart_3"));
  EXPECT_FALSE(room_->has_motor("stewart_7"));
  servos_.torque(3) = false;
  servos_.position_rad(3) = 0.1;
  until([&] { return cause("torque_lost") != nullptr; }, "torque_lost");
  EXPECT_EQ(cause("torque_lost")->part, "stewart_3");
  EXPECT_EQ(cause("torque_lost")->cure, lifecycle::Scope::kMotor);
  const double other = servos_.position_rad(4);
  std::optional<Status> cured;
  room_->restart_motor("stewart_3", [&](Status status) { cured = std::move(status); });
  until([&] { return cured.has_value(); }, "the cure");
  EXPECT_TRUE(*cured);
  settle();
  EXPECT_TRUE(room_->causes().empty());
  EXPECT_TRUE(servos_.torque(3));
  EXPECT_EQ(servos_.position_rad(3), 0.1);
  EXPECT_EQ(servos_.position_rad(4), other);
  cured.reset();
  room_->restart_motor("nose", [&](Status status) { cured = std::move(status); });
  until([&] { return cured.has_value(); });
  EXPECT_EQ(cured->error().code, Errc::kNotFound);
}

// ---- state

TEST_F(RoomTest, StateHasTheWiresKeysInOrder) {
  ASSERT_TRUE(start());
  const auto now = state();
  std::vector<std::string> keys;
  for (const auto& member : now) keys.emplace_back(member.key());
  EXPECT_EQ(keys, (std::vector<std::string>{"head_pose", "antennas", "head_joint_positions",
                                            "body_yaw", "motor_mode", "is_recording",
                                            "is_move_running", "face_target", "doa", "imu"}));
  EXPECT_EQ(now.at("head_joint_positions").as_array().size(), 7U);
  EXPECT_EQ(json::serialize(now.at("face_target")),
            R"({"detected":false,"x":null,"y":null,"roll":null,"ts":null})");
  EXPECT_TRUE(now.at("imu").is_null());
  Eigen::Matrix4d pose;
  for (int i = 0; i < 16; ++i) {
    pose(i / 4, i % 4) = now.at("head_pose")
                             .as_array()[static_cast<std::size_t>(i / 4)]
                             .as_array()[static_cast<std::size_t>(i % 4)]
                             .to_number<double>();
  }
  EXPECT_LT((pose - kinematics::sleep_pose().matrix()).cwiseAbs().maxCoeff(), 1e-3);
  const Eigen::Matrix3d R = pose.block<3, 3>(0, 0);
  EXPECT_LT((R.transpose() * R - Eigen::Matrix3d::Identity()).cwiseAbs().maxCoeff(), 1e-12);
}

// users.md #1278
TEST_F(RoomTest, BackendStatusTellsTheTick) {
  ASSERT_TRUE(start());
  until([&] {
    return !factory().backend_status().as_object().at("control_loop_stats").as_object().empty();
  });
  const auto status = factory().backend_status().as_object();
  EXPECT_TRUE(status.at("ready").as_bool());
  EXPECT_EQ(status.at("motor_control_mode").as_string(), "enabled");
  EXPECT_TRUE(status.at("error").is_null());
  const auto& loop = status.at("control_loop_stats").as_object();
  EXPECT_NEAR(loop.at("mean_control_loop_frequency").as_double(), 50, 5);
  EXPECT_THAT(std::string(loop.at("motor_controller").as_string()),
              ::testing::MatchesRegex("ControlLoopStats\\(period=~[0-9.]+ms, read_dt=~[0-9.]+ ms, "
                                      "write_dt=~[0-9.]+ ms\\)"));
  const double now = seconds(std::chrono::system_clock::now().time_since_epoch());
  EXPECT_NEAR(status.at("last_alive").as_double(), now, 0.5);
  trouble_->fault = backend::Fault::kNoAnswer;
  until([&] { return !factory().backend_status().as_object().at("ready").as_bool(); });
}

TEST_F(RoomTest, PublishesJointsThenPoseEachCycleToWhoListens) {
  ASSERT_TRUE(start());
  const auto listener = std::make_shared<Listener>();
  const auto deaf = std::make_shared<Listener>();
  topics_.add(listener, static_cast<protocol::TopicSet>(protocol::Topic::kState));
  topics_.add(deaf, static_cast<protocol::TopicSet>(protocol::Topic::kStatus));
  until([&] { return listener->sent.size() >= 40; }, "the state");
  EXPECT_TRUE(deaf->sent.empty());
  const auto joints = json::parse(*listener->sent[0]).as_object();
  const auto pose = json::parse(*listener->sent[1]).as_object();
  EXPECT_EQ(joints.at("type").as_string(), "joint_positions");
  EXPECT_TRUE(alike(joints.at("head_joint_positions"), state().at("head_joint_positions")));
  EXPECT_TRUE(alike(joints.at("antennas_joint_positions"), state().at("antennas")));
  EXPECT_EQ(pose.at("type").as_string(), "head_pose");
  EXPECT_TRUE(alike(pose.at("head_pose"), state().at("head_pose")));
  trouble_->fault = backend::Fault::kNoAnswer;
  until([&] { return cause("bus_silent") != nullptr; });
  const auto sent = listener->sent.size();
  settle();
  EXPECT_EQ(listener->sent.size(), sent) << "an old pose is not a measurement";
}

TEST_F(RoomTest, NumbersThatAreNoneAreNull) {
  control::Snapshot now;
  now.measured_rad.fill(std::nan(""));
  now.X_WH.translation().x() = INFINITY;
  EXPECT_TRUE(
      json::parse(joint_positions_text(now)).at("head_joint_positions").as_array()[0].is_null());
  EXPECT_TRUE(
      json::parse(head_pose_text(now)).at("head_pose").as_array()[0].as_array()[3].is_null());
}

TEST_F(RoomTest, PoseFramesAreNumberedAcrossRestarts) {
  ASSERT_TRUE(start());
  const auto listener = std::make_shared<Listener>();
  topics_.add(listener, 0);
  settle();
  EXPECT_TRUE(listener->poses.empty()) << "nobody subscribed";
  topics_.subscribe(*listener, protocol::Topic::kPose);
  const auto begin = Clock::now();
  until([&] { return listener->poses.size() >= 10; }, "pose frames");
  EXPECT_GE(Clock::now() - begin, 9 * 33ms - 20ms);
  stop();
  const auto last = json::parse(*listener->poses.back()).at("seq").as_int64();
  EXPECT_EQ(last, static_cast<std::int64_t>(listener->poses.size()));
  EXPECT_EQ(json::parse(*listener->poses.back()).at("state").as_object().size(), 10U);
  listener->poses.clear();
  ASSERT_TRUE(start());
  until([&] { return !listener->poses.empty(); });
  EXPECT_EQ(json::parse(*listener->poses.front()).at("seq").as_int64(), last + 1);
}

// ---- moves

TEST_F(RoomTest, WakesUpAtTheStartInTheContractsTime) {
  const auto begin = Clock::now();
  const auto report = start(true);
  const double took_s = seconds(Clock::now() - begin);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->wake_error);
  // 0.1 + 73.12 x 0.02 + 0.1 + 0.2 + 0.2 (contract robot.md 4.4)
  EXPECT_GE(took_s, 2.06);
  EXPECT_LE(took_s, 2.06 + 0.25);
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    EXPECT_NEAR(servos_.position_rad(i), model::init_joints_rad()[i], 1e-9);
  }
  const auto again = Clock::now();
  EXPECT_EQ(await(R"({"type":"wake_up"})"),
            R"({"status":"ok","command":"wake_up","completed":true})");
  EXPECT_LT(seconds(Clock::now() - again), 0.5) << "it is awake already";
  EXPECT_EQ(goto_sleep(), std::vector<std::string>{});
  EXPECT_EQ(state().at("motor_mode").as_string(), "disabled");
  EXPECT_FALSE(servos_.torque(2));
  EXPECT_EQ(goto_sleep(), std::vector<std::string>{"sleep move skipped: the robot sleeps already"});
}

TEST_F(RoomTest, StopMoveAnswersAndTheMovesCallerToo) {
  ASSERT_TRUE(start());
  EXPECT_EQ(say(R"({"type":"stop_move"})"),
            R"({"status":"ok","command":"stop_move","stopped":false,"info":"no active move"})");
  const auto wake = ask(R"({"type":"wake_up"})");
  EXPECT_TRUE(state().at("is_move_running").as_bool());
  settle();
  EXPECT_EQ(say(R"({"type":"wake_up"})"),
            R"({"error":"another move is running","command":"wake_up"})");
  EXPECT_EQ(say(R"({"type":"set_antennas","antennas":[1,1]})"),
            R"({"status":"ok","command":"set_antennas"})")
      << "ignored, and acknowledged all the same";
  EXPECT_EQ(say(R"({"type":"stop_move"})"),
            R"({"status":"ok","command":"stop_move","stopped":true})");
  const auto asked = Clock::now();
  until([&] { return wake->has_value(); });
  EXPECT_LT(Clock::now() - asked, 100ms);
  EXPECT_EQ(json::serialize(**wake), R"({"error":"interrupted","command":"wake_up"})");
  EXPECT_FALSE(state().at("is_move_running").as_bool());
  settle();
  EXPECT_NE(servos_.position_rad(7), 1.0);
}

TEST_F(RoomTest, GotoSleepTakesOverAndIsNotTakenOver) {
  ASSERT_TRUE(start());
  const auto wake = ask(R"({"type":"wake_up"})");
  settle();
  const auto sleep = ask(R"({"type":"goto_sleep"})");
  until([&] { return wake->has_value(); });
  EXPECT_EQ(json::serialize(**wake), R"({"error":"interrupted","command":"wake_up"})");
  EXPECT_EQ(say(R"({"type":"goto_sleep"})"),
            R"({"error":"another move is running","command":"goto_sleep"})");
  EXPECT_FALSE(sleep->has_value());
  stop();
  ASSERT_TRUE(sleep->has_value());
  EXPECT_EQ(json::serialize(**sleep), R"({"error":"restarting","command":"goto_sleep"})");
}

TEST_F(RoomTest, AWakeUpOfLimpMotorsSaysSo) {
  ASSERT_TRUE(start());
  say(R"({"type":"set_motor_mode","mode":"disabled"})");
  settle();
  EXPECT_EQ(await(R"({"type":"wake_up"})"),
            R"({"status":"ok","command":"wake_up","completed":true,)"
            R"("warning":"the motors are disabled: nothing moved"})");
  EXPECT_FALSE(servos_.torque(3));
}

TEST_F(RoomTest, AStopDuringAStartsWakeUpLeavesTheRobotWhereItIs) {
  room_ = factory().make();
  bool started = false;
  room_->start({true, 1}, [&](const Result<RoomReport>&) { started = true; });
  until([&] { return servos_.position_rad(7) > -2.5; }, "the wake-up");
  stop();
  EXPECT_FALSE(started);
  const double held = servos_.position_rad(7);
  ASSERT_TRUE(start());
  settle();
  EXPECT_EQ(servos_.position_rad(7), held);
}

// ---- plans

double duration(const control::Plan& plan) {
  double sum = 0;
  for (std::size_t i = 0; i < plan.count; ++i) sum += plan.steps[i].duration_s;
  return sum;
}

control::Snapshot at(const kinematics::Pose& X_WH) {
  control::Snapshot now;
  now.X_WH = X_WH;
  now.pose_ok = true;
  now.mode = backend::MotorMode::kEnabled;
  now.goal_rad = model::sleep_joints_rad();
  return now;
}

TEST(Behaviours, TakeTheContractsTimes) {
  const auto asleep = at(kinematics::sleep_pose());
  const auto awake = at(kinematics::init_pose());
  EXPECT_NEAR(duration(wake_up_plan(asleep)), 0.1 + 73.1208 * 0.02 + 0.1 + 0.4, 1e-3);
  EXPECT_NEAR(duration(sleep_plan(awake)), 4.0, 1e-9);
  EXPECT_NEAR(duration(sleep_plan(asleep)), 5.0, 1e-9);
  auto aside = kinematics::init_pose();
  aside.translation().x() = 0.031;
  EXPECT_NEAR(duration(sleep_plan(at(aside))), 1.0 + 0.2 + 4.0, 1e-9) << "over the initial pose";
  EXPECT_NEAR(duration(reset_to_sleep_plan(awake)), 0.3 + 0.2 + 4.0, 1e-9);
  EXPECT_NEAR(duration(reset_to_sleep_plan(asleep)), 1.4624 + 0.2 + 4.0, 1e-3);
}

TEST(Behaviours, NoneTakesLongerThanTheLongest) {
  auto nonsense = kinematics::init_pose();
  nonsense.translation().z() = 50;
  for (const auto& now : {at(nonsense), at(kinematics::sleep_pose())}) {
    for (const auto& plan : {wake_up_plan(now), sleep_plan(now), reset_to_sleep_plan(now)}) {
      EXPECT_LT(duration(plan), seconds(kLongestMove));
      EXPECT_LE(plan.count, control::Plan::kMaxSteps);
    }
  }
}

TEST(Behaviours, WhoIsAwakeOnlyWaits) {
  auto awake = at(kinematics::init_pose());
  awake.goal_rad = model::init_joints_rad();
  EXPECT_NEAR(duration(wake_up_plan(awake)), 0.1, 1e-9);
  awake.goal_rad[8] += 0.02;
  EXPECT_GT(duration(wake_up_plan(awake)), 0.4);
  awake.goal_rad = model::init_joints_rad();
  awake.mode = backend::MotorMode::kDisabled;
  EXPECT_GT(duration(wake_up_plan(awake)), 0.4);
}

}  // namespace
}  // namespace daruma::session
