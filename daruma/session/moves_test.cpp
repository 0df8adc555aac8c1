#include "daruma/session/room_test.hpp"

namespace daruma::session {
namespace {

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

constexpr const char* kUpright = "[1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1]";

TEST_F(RoomTest, HeadPosesAreFollowed) {
  ASSERT_TRUE(start());
  EXPECT_EQ(say(fmt::format(R"({{"type":"set_target","head":{}}})", kUpright)),
            R"({"status":"ok","command":"set_target"})");
  settle();
  const auto upright =
      kinematics::inverse(kinematics::Pose::Identity(), 0, kinematics::BodyYaw::kAutomatic);
  for (std::size_t i = 1; i < model::kHeadJointCount; ++i)
    EXPECT_NEAR(servos_.position_rad(i), upright.joints_rad[i], 1e-9);
  EXPECT_EQ(say(R"({"type":"set_full_target","head":[1,0,0,0,0,1,0,0,0,0,1,0.01,0,0,0,1],)"
                R"("antennas":[0.2,0.3],"body_yaw":0.4})"),
            R"({"status":"ok","command":"set_full_target"})");
  settle();
  const auto pose = state().at("head_pose").as_array();
  EXPECT_NEAR(pose[2].as_array()[3].to_number<double>(), 0.01, 1e-6);
  EXPECT_NEAR(servos_.position_rad(0), 0.4, 1e-9);
  EXPECT_EQ(antenna(1), 0.3);
}

TEST_F(RoomTest, AHeadPoseThatIsNoneOrOutOfReachIsRefusedWhole) {
  ASSERT_TRUE(start());
  const auto refused = [this](const char* head) {
    return say(fmt::format(R"({{"type":"set_full_target","head":{},"antennas":[1,1]}})", head));
  };
  EXPECT_THAT(refused("[1,0,0,0,0,1,0,0,0,0,1,0.5,0,0,0,1]"),
              HasSubstr("head pose out of reach: the rod of stewart_"));
  EXPECT_THAT(refused("[2,0,0,0,0,2,0,0,0,0,2,0,0,0,0,1]"), HasSubstr("instead of 1"));
  EXPECT_THAT(refused("[1,0,0,0,0,1,0,0,0,0,-1,0,0,0,0,1]"), HasSubstr("it mirrors"));
  EXPECT_THAT(refused("[1,0.5,0,0,0,0.8660254,0,0,0,0,1,0,0,0,0,1]"),
              HasSubstr("not at right angles"));
  EXPECT_THAT(refused("[1,0,0]"), HasSubstr("Invalid command: head"));
  settle();
  EXPECT_EQ(antenna(0), -3.05) << "nothing of it was done";
}

TEST_F(RoomTest, OffsetsAreAddedToTheCommandedPoseAndTakenBack) {
  ASSERT_TRUE(start());
  say(fmt::format(R"({{"type":"set_target","head":{}}})", kUpright));
  EXPECT_EQ(say(R"({"type":"set_speech_offsets","offsets":[0,0,0.01,0,0,0.2]})"),
            R"({"status":"ok","command":"set_speech_offsets"})");
  settle();
  auto pose = state().at("head_pose").as_array();
  EXPECT_NEAR(pose[2].as_array()[3].to_number<double>(), 0.01, 1e-6);
  EXPECT_NEAR(pose[1].as_array()[0].to_number<double>(), std::sin(0.2), 1e-6);
  EXPECT_EQ(say(R"({"type":"set_speech_offsets","offsets":[1]})"),
            R"({"status":"ok","command":"set_speech_offsets"})")
      << "another length is acknowledged and ignored";
  say(R"({"type":"set_speech_offsets","offsets":[0,0,0,0,0,0]})");
  settle();
  pose = state().at("head_pose").as_array();
  EXPECT_NEAR(pose[2].as_array()[3].to_number<double>(), 0, 1e-6);
}

TEST_F(RoomTest, TheHeadDragsTheBodyOnlyWhenItMay) {
  ASSERT_TRUE(start());
  // Yaw of 90 degrees.
  constexpr const char* kSideways =
      R"({"type":"set_target","head":[0,-1,0,0,1,0,0,0,0,0,1,0,0,0,0,1]})";
  say(kSideways);
  settle();
  EXPECT_NEAR(servos_.position_rad(0), 25 * std::numbers::pi / 180, 1e-9);
  say(fmt::format(R"({{"type":"set_target","head":{}}})", kUpright));
  settle();
  EXPECT_NEAR(servos_.position_rad(0), 0, 1e-9) << "the body goes back to where it was asked to be";
  EXPECT_EQ(say(R"({"type":"set_automatic_body_yaw","enabled":false})"),
            R"({"status":"ok","command":"set_automatic_body_yaw"})");
  say(kSideways);
  settle();
  EXPECT_NEAR(servos_.position_rad(0), 0, 1e-9);
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

TEST_F(RoomTest, AGotoEndsExactlyAtItsTarget) {
  ASSERT_TRUE(start());
  EXPECT_EQ(await(fmt::format(R"({{"type":"goto_target","head":{},"antennas":[0.1,0.2],)"
                              R"("duration":0.2,"body_yaw":0.3}})",
                              kUpright)),
            R"({"status":"ok","command":"goto_target","completed":true})");
  settle();
  EXPECT_EQ(antenna(0), 0.1);
  EXPECT_NEAR(servos_.position_rad(0), 0.3, 1e-9);
  EXPECT_EQ(await(R"({"type":"goto_target","antennas":[],"head":[],"duration":0.1})"),
            R"({"status":"ok","command":"goto_target","completed":true})");
  EXPECT_EQ(say(R"({"type":"goto_target","antennas":[1,1],"duration":0})"),
            R"({"status":"ok","command":"goto_target","completed":true})");
  settle();
  EXPECT_EQ(antenna(0), 0.1) << "no time, no motion: clients rely on it";
}

TEST_F(RoomTest, AGotoIsRefusedWhileAMoveRunsAndWhereNoJointsLead) {
  ASSERT_TRUE(start());
  EXPECT_THAT(say(R"({"type":"goto_target","head":[1,0,0,0,0,1,0,0,0,0,1,0.5,0,0,0,1]})"),
              HasSubstr("head pose out of reach"));
  const auto first = ask(R"({"type":"goto_target","antennas":[1,1],"duration":30})");
  EXPECT_EQ(say(R"({"type":"goto_target","antennas":[0,0]})"),
            R"({"error":"another move is running","command":"goto_target"})");
  EXPECT_FALSE(first->has_value());
  stop();
  ASSERT_TRUE(first->has_value());
  EXPECT_EQ(json::serialize(**first), R"({"error":"restarting","command":"goto_target"})");
}

TEST_F(RoomTest, ATaskIsAGotoWithAMethod) {
  ASSERT_TRUE(start());
  const auto task = [](const char* request) {
    return fmt::format(
        R"({{"type":"task","uuid":"8d9","timestamp":"2026-01-01T00:00:00","req":{}}})", request);
  };
  EXPECT_EQ(await(task(R"({"head":null,"antennas":[0.1,-0.1],"duration":0.1,"method":"linear",)"
                       R"("body_yaw":null})")),
            R"({"status":"ok","command":"task","completed":true})");
  settle();
  EXPECT_EQ(antenna(1), -0.1);
  EXPECT_THAT(say(task(R"({"head":[1,2],"antennas":null,"duration":1,"method":"linear"})")),
              HasSubstr("head"));
  EXPECT_THAT(say(task(R"({"duration":1,"method":"jump"})")), HasSubstr("method is none of"));
  EXPECT_THAT(say(task(R"({"move_name":"x"})")), HasSubstr("not available on this daemon"));
}

TEST_F(RoomTest, ARecordingIsHandedOverWhenItStopsAndWhenTheRoomEnds) {
  const auto listener = std::make_shared<Listener>();
  topics_.add(listener, static_cast<protocol::TopicSet>(protocol::Topic::kTasks));
  ASSERT_TRUE(start());
  say(R"({"type":"append_record","record":{"time":0}})");
  EXPECT_EQ(say(R"({"type":"start_recording"})"),
            R"({"status":"ok","command":"start_recording","is_recording":true})");
  EXPECT_TRUE(state().at("is_recording").as_bool());
  EXPECT_EQ(say(R"({"type":"append_record","record":{"time":1}})"),
            R"({"status":"ok","command":"append_record"})");
  EXPECT_EQ(say(R"({"type":"stop_recording"})"),
            R"({"status":"ok","command":"stop_recording","is_recording":false})");
  ASSERT_EQ(listener->sent.size(), 1U);
  EXPECT_EQ(*listener->sent[0], R"({"type":"recorded_data","data":[{"time":1}]})");
  say(R"({"type":"start_recording"})");
  say(R"({"type":"append_record","record":{"time":2}})");
  stop();
  ASSERT_EQ(listener->sent.size(), 2U);
  EXPECT_EQ(*listener->sent[1], R"({"type":"recorded_data","data":[{"time":2}]})");
}

TEST(RecordingTest, IsBounded) {
  Recording recording;
  recording.start();
  const json::object megabyte{{"x", std::string(1 << 20, 'x')}};
  for (int i = 0; i < 31; ++i) ASSERT_TRUE(recording.append(megabyte));
  const auto full = recording.append(megabyte);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::kBusy);
  EXPECT_EQ(recording.stop().size(), 31U);
  EXPECT_FALSE(recording.on());
}

TEST_F(RoomTest, StopMoveAnswersAndTheMovesCallerToo) {
  ASSERT_TRUE(start());
  EXPECT_EQ(say(R"({"type":"stop_move"})"),
            R"({"status":"ok","command":"stop_move","stopped":false,"info":"no active move"})");
  const auto wake = ask(R"({"type":"wake_up"})");
  EXPECT_TRUE(state().at("is_move_running").as_bool());
  let_cycles_pass();
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
  let_cycles_pass();
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
