#include "daruma/control/tick.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "daruma/control/allocation_guard.hpp"
#include "daruma/control/fake_backend.hpp"

namespace daruma::control {
namespace {

using namespace std::chrono_literals;
using backend::Fault;
using backend::MotorMode;

constexpr Duration kPeriod = 20ms;

double largest_difference(const model::JointArray& a, const model::JointArray& b) {
  double out = 0;
  for (std::size_t i = 0; i < a.size(); ++i) out = std::max(out, std::abs(a[i] - b[i]));
  return out;
}

/// Plays the loop's part: numbers what it asks, and lets time pass.
class TickTest : public ::testing::Test {
 protected:
  void cycle(int count = 1) {
    for (int i = 0; i < count; ++i) {
      tick_.run();
      now_ += kPeriod;
    }
  }
  const Snapshot& seen() {
    link_.snapshot.update();
    return link_.snapshot.read();
  }
  std::uint64_t order(Order one) {
    one.number = ++number_;
    EXPECT_TRUE(link_.orders.try_push(one));
    return one.number;
  }
  void set_mode(MotorMode mode) { order({.kind = Order::Kind::kSetMode, .mode = mode}); }
  void set_torque(JointMask mask, bool on) {
    order({.kind = Order::Kind::kSetTorque, .mask = mask, .on = on});
  }
  void antennas(double right_rad, double left_rad) {
    targets_.antennas_rad = {right_rad, left_rad};
    targets_.antennas_number = ++number_;
    link_.targets.write(targets_);
  }
  void head(const model::JointArray& joints_rad) {
    std::copy_n(joints_rad.begin(), targets_.head_rad.size(), targets_.head_rad.begin());
    targets_.head_number = ++number_;
    link_.targets.write(targets_);
  }
  void head_pose(const kinematics::Pose& X_WH) {
    targets_.X_WH = X_WH;
    targets_.pose_number = ++number_;
    link_.targets.write(targets_);
  }
  void body_yaw(double yaw_rad) {
    targets_.body_yaw_rad = yaw_rad;
    targets_.body_yaw_number = ++number_;
    link_.targets.write(targets_);
  }
  void play(Plan plan) {
    link_.plan.write(plan);
    order({.kind = Order::Kind::kPlay, .move_id = plan.id});
  }
  /// To the initial pose in 1 s.
  static Plan to_init(std::uint32_t id, double duration_s = 1) {
    Plan plan;
    plan.id = id;
    plan.add({.kind = Step::Kind::kGoto,
              .duration_s = duration_s,
              .to = {kinematics::init_pose(), std::array{-0.1745, 0.1745}, 0.0}});
    return plan;
  }
  std::optional<MoveEnd> ended() { return link_.ends.try_pop(); }

  TimePoint now_{1h};
  FakeBackend backend_;
  Link link_;
  Tick tick_{backend_, link_, kPeriod, motion::Limiter::kNone, [this] { return now_; }};
  Targets targets_;
  std::uint64_t number_ = 0;
};

TEST_F(TickTest, TakesTheRobotAsItFindsIt) {
  backend_.torque = {false, true, true, true, true, true, true, true, false};
  cycle();
  EXPECT_TRUE(seen().ready);
  EXPECT_EQ(seen().tick, 1U);
  EXPECT_EQ(seen().mode, MotorMode::kEnabled) << "by the legs";
  EXPECT_EQ(seen().torque, backend_.torque);
  EXPECT_EQ(seen().wanted_torque, 0b0'1111'1110);
  EXPECT_EQ(seen().measured_rad, model::sleep_joints_rad());
  EXPECT_EQ(backend_.written_rad, model::sleep_joints_rad());
  EXPECT_EQ(backend_.torque_orders, 0) << "torque is never switched by itself";
  EXPECT_EQ(seen().first_step_deg, 0);
  EXPECT_TRUE(seen().pose_ok);
  EXPECT_LT(motion::magic_distance(seen().X_WH, kinematics::sleep_pose()), 0.1);
}

TEST_F(TickTest, ALimpLegIsALimpRobot) {
  backend_.torque[4] = false;
  cycle();
  EXPECT_EQ(seen().mode, MotorMode::kDisabled);
}

TEST_F(TickTest, IsReadyWhenAllNineHaveAnswered) {
  backend_.silent_joint = 5;
  cycle(3);
  EXPECT_FALSE(seen().ready);
  EXPECT_EQ(backend_.writes, 0);
  backend_.silent_joint = model::kJointCount;
  backend_.fault = Fault::kNoAnswer;
  cycle();
  EXPECT_FALSE(seen().ready);
  EXPECT_EQ(seen().fault, Fault::kNoAnswer);
  backend_.fault = Fault::kNone;
  cycle();
  EXPECT_TRUE(seen().ready);
  EXPECT_EQ(backend_.writes, 1);
}

TEST_F(TickTest, AMeasurementBeyondTheLimitsIsHeldAtTheLimitAndSaid) {
  backend_.position_rad[1] = model::kJointLimits_rad[1].upper + 0.01;
  cycle();
  EXPECT_EQ(backend_.written_rad[1], model::kJointLimits_rad[1].upper);
  EXPECT_NEAR(seen().first_step_deg, 0.573, 1e-3);
}

TEST_F(TickTest, TheNewestOfPoseAndJointsCounts) {
  cycle();
  head(model::init_joints_rad());
  head_pose(kinematics::Pose::Identity());
  cycle();
  const auto upright =
      kinematics::inverse(kinematics::Pose::Identity(), 0, kinematics::BodyYaw::kAutomatic);
  EXPECT_NEAR(backend_.written_rad[1], upright.joints_rad[1], 1e-12);
  head_pose(kinematics::Pose::Identity());
  head(model::sleep_joints_rad());
  cycle();
  EXPECT_EQ(backend_.written_rad[1], model::sleep_joints_rad()[1]);
}

TEST_F(TickTest, APoseFromBeforeAPinIsForgotten) {
  set_mode(MotorMode::kDisabled);
  cycle(2);
  head_pose(kinematics::Pose::Identity());
  set_mode(MotorMode::kEnabled);
  cycle(2);
  EXPECT_EQ(backend_.written_rad[1], model::sleep_joints_rad()[1]);
}

TEST_F(TickTest, AGotoThatLeavesTheReachStopsAtTheLastGoodPoseAndSaysSo) {
  cycle();
  set_mode(MotorMode::kEnabled);
  Plan plan;
  plan.id = 7;
  kinematics::Pose up = kinematics::Pose::Identity();
  up.translation().z() = 0.5;
  plan.add(
      {.kind = Step::Kind::kGoto, .duration_s = 1, .to = {up, {}, {}}, .ends_out_of_reach = true});
  play(plan);
  std::optional<MoveEnd> end;
  for (int i = 0; i < 60 && !end; ++i) {
    cycle();
    end = ended();
  }
  ASSERT_TRUE(end);
  EXPECT_EQ(end->outcome, MoveOutcome::kUnreachable);
  const auto held = backend_.written_rad;
  cycle(5);
  EXPECT_EQ(backend_.written_rad, held);
}

TEST_F(TickTest, TargetsReachTheJointsInsideTheirLimits) {
  cycle();
  head(model::init_joints_rad());
  antennas(99, -99);
  cycle();
  for (std::size_t i = 0; i < model::kHeadJointCount; ++i) {
    EXPECT_EQ(backend_.written_rad[i], model::init_joints_rad()[i]);
  }
  EXPECT_EQ(backend_.written_rad[7], model::kJointLimits_rad[7].upper);
  EXPECT_EQ(backend_.written_rad[8], model::kJointLimits_rad[8].lower);
}

TEST_F(TickTest, TheBodyTurnsUnderTheHead) {
  backend_.position_rad = model::init_joints_rad();
  cycle();
  body_yaw(0.5);
  cycle(2);
  EXPECT_NEAR(seen().measured_rad[0], 0.5, 1e-12);
  EXPECT_LT(motion::magic_distance(seen().X_WH, kinematics::init_pose()), 1e-3);
  body_yaw(3);
  cycle(2);
  EXPECT_NEAR(seen().measured_rad[0], 65 * std::numbers::pi / 180, 1e-9);
}

TEST_F(TickTest, ASmallTurnOfTheBodyIsASmallStep) {
  cycle();
  body_yaw(0.02);
  cycle();
  EXPECT_LT(largest_difference(backend_.written_rad, model::sleep_joints_rad()), 0.05);
}

TEST_F(TickTest, WithoutTorqueNothingFollows) {
  cycle();
  set_mode(MotorMode::kDisabled);
  antennas(0, 0);
  cycle(3);
  EXPECT_EQ(seen().mode, MotorMode::kDisabled);
  EXPECT_EQ(seen().measured_rad, model::sleep_joints_rad());
  EXPECT_EQ(seen().wanted_torque, 0);
}

// users.md #1138: the head was moved by hand, and targets from before wait.
TEST_F(TickTest, EnablingPinsEveryTargetToTheMeasuredPose) {
  cycle();
  set_mode(MotorMode::kDisabled);
  cycle();
  head(model::init_joints_rad());
  antennas(1, 1);
  body_yaw(0.3);
  cycle();
  auto by_hand = model::init_joints_rad();
  by_hand[3] = 0.2;
  by_hand[8] = 1.2;
  backend_.position_rad = by_hand;
  set_mode(MotorMode::kEnabled);
  cycle(5);
  EXPECT_EQ(backend_.written_before_torque_rad, by_hand) << "the goals come before the torque";
  EXPECT_EQ(backend_.position_rad, by_hand);
  body_yaw(0);  // the pose target is pinned too
  cycle();
  EXPECT_LT(largest_difference(backend_.position_rad, by_hand), 1e-6);
}

TEST_F(TickTest, ATargetAfterEnablingCountsAndOneBeforeItDoesNot) {
  backend_.set_all_torque(false);
  cycle();
  antennas(0.1, 0.1);
  set_mode(MotorMode::kEnabled);
  cycle();
  EXPECT_EQ(backend_.position_rad[7], -3.05);
  set_mode(MotorMode::kDisabled);
  set_mode(MotorMode::kEnabled);
  antennas(0.2, 0.2);
  cycle();
  EXPECT_EQ(backend_.position_rad[7], 0.2);
}

TEST_F(TickTest, TorqueOfSomeJointsPinsThoseOnly) {
  cycle();
  set_torque(0b1'0000'0000, false);
  cycle();
  backend_.position_rad[8] = 1;
  antennas(-1, -1);
  cycle();
  EXPECT_EQ(seen().measured_rad[8], 1);
  set_torque(0b1'0000'0000, true);
  cycle(3);
  EXPECT_EQ(backend_.position_rad[8], 1);
  EXPECT_EQ(backend_.position_rad[7], -1);
  EXPECT_EQ(backend_.last_mask, 0b1'0000'0000);
  EXPECT_EQ(seen().mode, MotorMode::kEnabled);
}

TEST_F(TickTest, TheSameModeIsAppliedAgainOnlyAfterSingleJointsWereSwitched) {
  cycle();
  set_mode(MotorMode::kEnabled);
  cycle();
  EXPECT_EQ(backend_.torque_orders, 0);
  set_torque(0b10, false);
  set_mode(MotorMode::kEnabled);
  cycle();
  EXPECT_EQ(backend_.torque_orders, 2);
  EXPECT_TRUE(backend_.torque[1]);
}

TEST_F(TickTest, InGravityCompensationTheLegsAreWantedWhereTheyAre) {
  backend_.position_rad = model::init_joints_rad();
  cycle();
  set_mode(MotorMode::kGravityCompensation);
  head(model::sleep_joints_rad());
  cycle();
  backend_.position_rad[2] = 0.3;
  cycle();
  EXPECT_EQ(backend_.written_rad[2], 0.3);
  EXPECT_EQ(seen().mode, MotorMode::kGravityCompensation);
  EXPECT_EQ(seen().wanted_torque, kAllJoints);
}

TEST_F(TickTest, AMoveTakesItsTimeAndEndsExactly) {
  backend_.position_rad = model::init_joints_rad();
  backend_.position_rad[0] = 0.1;
  cycle();
  play(to_init(7));
  cycle();
  EXPECT_EQ(seen().move_id, 7U);
  cycle(49);
  EXPECT_FALSE(ended()) << "0.98 s";
  cycle();
  const auto end = ended();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->id, 7U);
  EXPECT_EQ(end->outcome, MoveOutcome::kCompleted);
  EXPECT_EQ(seen().move_id, 0U);
  EXPECT_LT(largest_difference(backend_.written_rad, model::init_joints_rad()), 1e-9);
}

TEST_F(TickTest, TargetsDoNotCountWhileAMoveRuns) {
  cycle();
  play(to_init(1));
  cycle(10);
  antennas(2, 2);
  cycle(60);
  EXPECT_EQ(backend_.written_rad[7], -0.1745);
  cycle(5);
  EXPECT_EQ(backend_.written_rad[7], -0.1745) << "nor afterwards";
}

TEST_F(TickTest, AMoveIsStoppedWithinOneTickAndHolds) {
  cycle();
  play(to_init(1));
  cycle(20);
  const auto before = backend_.written_rad;
  order({.kind = Order::Kind::kStopMove});
  cycle();
  EXPECT_EQ(ended()->outcome, MoveOutcome::kInterrupted);
  EXPECT_EQ(backend_.written_rad, before);
  cycle(50);
  EXPECT_EQ(backend_.written_rad, before);
}

TEST_F(TickTest, TheNextMoveReplacesOneThatRunsOrWaits) {
  cycle();
  play(to_init(1));
  cycle();
  play(to_init(2));
  play(to_init(3));
  cycle();
  EXPECT_EQ(seen().move_id, 3U);
  const auto first = ended();
  const auto second = ended();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->id, 1U);
  EXPECT_EQ(second->id, 2U);
  EXPECT_FALSE(ended());
}

TEST_F(TickTest, SwitchingMotorsEndsAMove) {
  cycle();
  play(to_init(1));
  cycle(5);
  set_mode(MotorMode::kDisabled);
  cycle();
  EXPECT_EQ(ended()->outcome, MoveOutcome::kInterrupted);
}

TEST_F(TickTest, AfterAStallAMoveGoesOnFromWhereItWas) {
  cycle();
  play(to_init(1));
  cycle(25);
  const auto before = backend_.written_rad;
  now_ += 200ms;
  cycle();
  EXPECT_LT(largest_difference(backend_.written_rad, before), 0.3);
  cycle(10);
  EXPECT_FALSE(ended());
}

// users.md #1129: a communication error in the middle of a wake-up.
TEST_F(TickTest, LongerSilenceEndsAMoveAndPinsTheTargets) {
  cycle();
  play(to_init(1));
  cycle(20);
  backend_.fault = Fault::kNoAnswer;
  cycle(10);
  EXPECT_FALSE(ended()) << "0.2 s are borne";
  cycle(10);
  EXPECT_EQ(ended()->outcome, MoveOutcome::kInterrupted);
  antennas(1, 1);
  const auto sagged = model::sleep_joints_rad();
  backend_.position_rad = sagged;
  backend_.fault = Fault::kNone;
  cycle(10);
  EXPECT_EQ(backend_.position_rad, sagged);
  antennas(0.5, 0.5);
  cycle();
  EXPECT_EQ(backend_.position_rad[7], 0.5);
}

TEST_F(TickTest, RestTakesTheTorqueOnlyInTheSleepPose) {
  Plan rest;
  rest.id = 1;
  rest.add({.kind = Step::Kind::kRest});
  backend_.position_rad = model::init_joints_rad();
  cycle();
  play(rest);
  cycle();
  EXPECT_EQ(ended()->outcome, MoveOutcome::kNotAsleep);
  EXPECT_TRUE(backend_.torque[3]);
  EXPECT_EQ(seen().mode, MotorMode::kEnabled);
  backend_.position_rad = model::sleep_joints_rad();
  head(model::sleep_joints_rad());
  cycle();
  rest.id = 2;
  play(rest);
  cycle();
  EXPECT_EQ(ended()->outcome, MoveOutcome::kCompleted);
  EXPECT_EQ(seen().mode, MotorMode::kDisabled);
  EXPECT_FALSE(backend_.torque[3]);
}

TEST_F(TickTest, AGotoStartsFromTheCommandedPoseUnlessThatIsFar) {
  backend_.position_rad = model::init_joints_rad();
  backend_.sag_rad = 0.01;
  cycle();
  const auto commanded = backend_.written_rad;
  play(to_init(1));
  cycle();
  EXPECT_LT(largest_difference(backend_.written_rad, commanded), 1e-6) << "no step for the sag";
}

TEST_F(TickTest, LostTorqueIsSeenAndGivenBackToThatJointOnly) {
  cycle();
  backend_.torque[4] = false;
  backend_.position_rad[4] = 0.2;
  cycle();
  EXPECT_EQ(seen().lost_torque, 0b1'0000);
  const auto before = backend_.position_rad;
  const auto number = order({.kind = Order::Kind::kReapply, .mask = 0b1'0000});
  cycle();
  EXPECT_EQ(seen().applied_order, number);
  cycle();
  EXPECT_EQ(seen().lost_torque, 0);
  EXPECT_EQ(backend_.last_mask, 0b1'0000);
  EXPECT_EQ(backend_.position_rad, before);
}

TEST_F(TickTest, SwitchingTorqueOnIsNotSeenAsLost) {
  backend_.set_all_torque(false);
  cycle();
  set_mode(MotorMode::kEnabled);
  for (int i = 0; i < 3; ++i) {
    cycle();
    EXPECT_EQ(seen().lost_torque, 0);
  }
}

/// What clients may ask for, sensible or not.
class Chaos {
 public:
  double number(double most) {
    return std::uniform_real_distribution<double>(-most, most)(random_);
  }
  int choice(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }
  kinematics::Pose pose() {
    const double far_m = choice(4) == 0 ? 1 : 0.03;
    kinematics::Pose X_WH = kinematics::Pose::Identity();
    X_WH.translation() << number(far_m), number(far_m), number(far_m);
    const Eigen::Vector3d axis(number(1), number(1), number(1) + 2);
    X_WH.linear() = Eigen::AngleAxisd(number(3), axis.normalized()).toRotationMatrix();
    return X_WH;
  }
  motion::RecordedMove move() {
    std::vector<motion::RecordedMove::Frame> frames;
    for (int i = 0; i < 3; ++i)
      frames.push_back({0.05 * i, pose(), {number(9), number(9)}, number(9)});
    return *motion::RecordedMove::make("", std::move(frames));
  }

 private:
  std::mt19937 random_{1};
};

TEST_F(TickTest, NoJointIsEverWrittenBeyondItsLimits) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::uint32_t kCommands = 50'000;
#else
  constexpr std::uint32_t kCommands = 1'000'000;
#endif
  Chaos chaos;
  const auto move = chaos.move();
  cycle();
  for (std::uint32_t i = 1; i <= kCommands; ++i) {
    switch (chaos.choice(9)) {
      case 0:
        antennas(chaos.number(1e3), chaos.number(1e3));
        break;
      case 1: {
        model::JointArray wild{};
        for (auto& joint : wild) joint = chaos.number(1e3);
        head(wild);
        break;
      }
      case 2:
        body_yaw(chaos.number(1e3));
        break;
      case 3:
        play(to_init(i, 0.1));
        break;
      case 4:
        set_mode(static_cast<MotorMode>(i % 3));
        break;
      case 5:
        head_pose(chaos.pose());
        break;
      case 6:
        targets_.offset = chaos.pose();
        targets_.body_yaw = static_cast<kinematics::BodyYaw>(chaos.choice(2));
        link_.targets.write(targets_);
        break;
      case 7: {
        Plan plan;
        plan.id = i;
        plan.add({.kind = Step::Kind::kPlay,
                  .duration_s = move.duration_s(),
                  .recording = &move,
                  .ends_out_of_reach = i % 2 == 0});
        play(plan);
        break;
      }
      default:
        backend_.position_rad[i % 9] = chaos.number(3);
    }
    if (i % 4 != 0) continue;
    cycle();
    while (ended()) {
    }
    for (std::size_t k = 0; k < model::kJointCount; ++k) {
      ASSERT_TRUE(std::isfinite(backend_.written_rad[k]));
      ASSERT_GE(backend_.written_rad[k], model::kJointLimits_rad[k].lower);
      ASSERT_LE(backend_.written_rad[k], model::kJointLimits_rad[k].upper);
    }
  }
}

// users.md #1430: motors are switched on in the sleep pose, and at once a target streams in from
// far away.
TEST_F(TickTest, Users1430AStreamFromFarAwayIsAMotionAndIsFollowed) {
  const motion::JointLimits limits;
  Tick limited{backend_, link_, kPeriod, limits, [this] { return now_; }};
  backend_.set_all_torque(false);
  const auto run = [&] {
    limited.run();
    now_ += kPeriod;
  };
  run();
  set_mode(MotorMode::kEnabled);
  auto before = backend_.position_rad;
  int cycles = 0;
  const auto upright =
      kinematics::inverse(kinematics::Pose::Identity(), 0, kinematics::BodyYaw::kAutomatic);
  do {
    head_pose(kinematics::Pose::Identity());
    antennas(0, 0);
    run();
    const double step = largest_difference(backend_.written_rad, before);
    ASSERT_LE(step, limits.velocity_rad_s * seconds(kPeriod) + 1e-9) << "cycle " << cycles;
    if (cycles == 0) {
      ASSERT_LE(step, limits.acceleration_rad_s2 * seconds(kPeriod) * seconds(kPeriod) + 1e-9);
    }
    before = backend_.written_rad;
  } while (++cycles < 50 &&
           (std::abs(before[7]) > 1e-9 || std::abs(before[1] - upright.joints_rad[1]) > 1e-9));
  EXPECT_LT(cycles, 25) << "in less than half a second";
  EXPECT_GT(seen().limited, 0U);
}

TEST_F(TickTest, DoesNotAllocate) {
  const auto move = Chaos().move();
  const auto before = watched_allocations();
  cycle();
  for (std::uint32_t i = 1; i < 200; ++i) {
    if (i % 7 == 0) set_mode(static_cast<MotorMode>(i % 3));
    if (i % 5 == 0) play(to_init(i));
    if (i % 3 == 0) body_yaw(0.001 * i);
    if (i % 11 == 0) head_pose(kinematics::Pose::Identity());
    if (i % 13 == 0) {
      Plan plan;
      plan.id = i;
      plan.add({.kind = Step::Kind::kPlay, .duration_s = 0.1, .recording = &move});
      play(plan);
    }
    antennas(0.1, 0.2);
    watch_allocations = true;
    tick_.run();
    watch_allocations = false;
    now_ += kPeriod;
    while (ended()) {
    }
  }
  EXPECT_EQ(watched_allocations(), before);
}

}  // namespace
}  // namespace daruma::control
