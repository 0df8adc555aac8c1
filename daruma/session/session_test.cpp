#include "daruma/session/room_test.hpp"

namespace daruma::session {
namespace {

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
  register_commands(handlers, robot, loop, answers, topics_);
  std::make_shared<Player>(loop, robot, topics_)->register_in(handlers);
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

}  // namespace
}  // namespace daruma::session
