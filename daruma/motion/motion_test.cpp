#include <cmath>
#include <fstream>
#include <limits>
#include <numbers>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "daruma/motion/limiter.hpp"
#include "daruma/motion/moves.hpp"

namespace daruma::motion {
namespace {

namespace json = boost::json;

const json::object& vectors() {
  static const auto kVectors = [] {
    std::ifstream file(DARUMA_SOURCE_DIR "/../shared/contract/kinematics-vectors.json");
    std::stringstream text;
    text << file.rdbuf();
    return json::parse(text.str()).as_object();
  }();
  return kVectors;
}

double number(const json::value& value) { return value.to_number<double>(); }

Pose pose_of(const json::value& rows) {
  Pose pose = Pose::Identity();
  for (int i = 0; i < 12; ++i) {
    pose.matrix()(i / 4, i % 4) = number(rows.as_array().at(static_cast<std::size_t>(i)));
  }
  return pose;
}

double distance(const Pose& a, const Pose& b) {
  return (a.matrix() - b.matrix()).cwiseAbs().maxCoeff();
}

constexpr Warp kWarps[] = {Warp::kLinear, Warp::kMinimumJerk, Warp::kEaseInOut, Warp::kCartoon};

TEST(Warp, AgreesWithTheVectors) {
  const auto& table = vectors().at("time_warp").as_object();
  const auto& times = table.at("t").as_array();
  for (const auto warp : kWarps) {
    EXPECT_EQ(warp_from(name(warp)), warp);
    const auto& wanted = table.at(name(warp)).as_array();
    for (std::size_t i = 0; i < times.size(); ++i) {
      EXPECT_NEAR(progress(warp, number(times[i])), number(wanted[i]), 1e-9) << name(warp);
    }
  }
  EXPECT_EQ(warp_from("bouncy"), std::nullopt);
}

TEST(Warp, IsContinuousAndStaysAtItsEnds) {
  for (const auto warp : kWarps) {
    EXPECT_EQ(progress(warp, -1), 0);
    EXPECT_EQ(progress(warp, 2), 1);
    EXPECT_EQ(progress(warp, std::numeric_limits<double>::quiet_NaN()), 0);
    for (double s = 0; s < 1; s += 1e-4) {
      EXPECT_LT(std::abs(progress(warp, s + 1e-4) - progress(warp, s)), 1e-3) << name(warp);
    }
  }
}

TEST(PoseInterpolation, AgreesWithTheVectors) {
  for (const auto& entry : vectors().at("pose_interpolation").as_array()) {
    const auto& row = entry.as_object();
    const auto from = pose_of(row.at("start"));
    const auto to = pose_of(row.at("end"));
    const double t = number(row.at("t"));
    const auto text = row.at("name").as_string();
    EXPECT_LT(distance(interpolate_over_front(from, to, t), pose_of(row.at("yaw_as_scalar"))), 1e-9)
        << text;
    EXPECT_LT(distance(interpolate_geodesic(from, to, t), pose_of(row.at("geodesic"))), 1e-9)
        << text;
  }
}

TEST(LookAt, AgreesWithTheVectors) {
  for (const auto& entry : vectors().at("look_at_world").as_array()) {
    const auto& row = entry.as_object();
    const auto& p = row.at("point").as_array();
    EXPECT_LT(
        distance(look_at({number(p[0]), number(p[1]), number(p[2])}), pose_of(row.at("pose"))),
        1e-9);
  }
  EXPECT_EQ(distance(look_at({0, 0, 0}), Pose::Identity()), 0);
}

TEST(MagicDistance, OfSleepToInit) {
  EXPECT_NEAR(magic_distance(kinematics::sleep_pose(), kinematics::init_pose()), 73.12, 0.05);
}

TEST(NearestRotation, NormalisesALittleAndRefusesTheRest) {
  const Eigen::Matrix3d R =
      Eigen::AngleAxisd(0.3, Eigen::Vector3d(1, 2, 3).normalized()).toRotationMatrix();
  const auto mended = nearest_rotation(R * 1.0003, 1e-3);
  ASSERT_TRUE(mended);
  EXPECT_LT((*mended - R).cwiseAbs().maxCoeff(), 1e-9);
  EXPECT_FALSE(nearest_rotation(R * 1.1, 1e-3));
  Eigen::Matrix3d mirrored = R;
  mirrored.col(0) *= -1;
  EXPECT_FALSE(nearest_rotation(mirrored, 1e-3));
  Eigen::Matrix3d sheared = R;
  sheared(0, 1) += 0.1;
  EXPECT_FALSE(nearest_rotation(sheared, 1e-3));
  Eigen::Matrix3d broken = R;
  broken(2, 2) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(nearest_rotation(broken, 1e-3));
}

TEST(Goto, HitsItsEndExactlyAndLeavesTheRestAlone) {
  Target to;
  to.antennas_rad = {0.5, -0.5};
  const Goto move({Pose::Identity(), {0.1, 0.1}, 0.2}, to, 2.0, Warp::kMinimumJerk);
  EXPECT_FALSE(move.evaluate(1.0).X_WH);
  EXPECT_FALSE(move.evaluate(1.0).body_yaw_rad);
  EXPECT_DOUBLE_EQ((*move.evaluate(1.0).antennas_rad)[0], 0.3);
  EXPECT_EQ((*move.evaluate(2.0).antennas_rad)[0], 0.5);
  EXPECT_EQ((*move.evaluate(9.0).antennas_rad)[1], -0.5);
}

TEST(Goto, WithoutDurationEndsAtOnce) {
  Target to;
  to.body_yaw_rad = 1;
  for (const double duration : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    const Goto move({}, to, duration, Warp::kLinear);
    EXPECT_EQ(move.duration_s(), 0);
    EXPECT_EQ(move.evaluate(0).body_yaw_rad, 1);
  }
}

std::vector<RecordedMove::Frame> frames(std::initializer_list<double> times) {
  std::vector<RecordedMove::Frame> out;
  for (const double t : times) {
    out.push_back({t, Pose::Identity(), {t, -t}, 10 * t});
  }
  return out;
}

TEST(RecordedMove, RunsFromItsFirstStamp) {
  const auto move = RecordedMove::make("epoch", frames({1000, 1001, 1003}));
  ASSERT_TRUE(move);
  EXPECT_EQ(move->duration_s(), 3);
  EXPECT_DOUBLE_EQ(*move->evaluate(0.5).body_yaw_rad, 10005);
  EXPECT_DOUBLE_EQ(*move->evaluate(2).body_yaw_rad, 10020);
  EXPECT_DOUBLE_EQ(*move->evaluate(-1).body_yaw_rad, 10000);
  EXPECT_DOUBLE_EQ(*move->evaluate(99).body_yaw_rad, 10030);
}

TEST(RecordedMove, NamesWhatIsWrongWithItsTimes) {
  EXPECT_FALSE(RecordedMove::make("", {}));
  EXPECT_EQ(RecordedMove::make("", frames({0, 2, 1})).error().context,
            "time of frame 2 lies before frame 1");
  EXPECT_FALSE(RecordedMove::make("", frames({0, std::nan("")})));
  EXPECT_TRUE(RecordedMove::make("", frames({0, 0, 0}))) << "equal stamps are a pause";
  EXPECT_FALSE(
      RecordedMove::make("", std::vector<RecordedMove::Frame>(RecordedMove::kMaxFrames + 1,
                                                              {0, Pose::Identity(), {0, 0}, 0})));
}

constexpr double kPeriod_s = 0.02;

TEST(LimiterTest, WhatAServoCanFollowPassesUnchanged) {
  Limiter limiter{JointLimits{}};
  limiter.reset(0, 0);
  // Full swings of an antenna in 0.7 s, as the liveliest recorded moves have them.
  for (int i = 0; i < 500; ++i) {
    const double wanted = 1.5 * (1 - std::cos(9 * i * kPeriod_s));
    ASSERT_EQ(limiter.step(0, wanted, kPeriod_s), wanted) << i;
    ASSERT_FALSE(limiter.acted(0));
  }
}

TEST(LimiterTest, AJumpBecomesAMotionThatArrivesExactlyAndDoesNotOvershoot) {
  const JointLimits limits;
  for (const double jump : {0.01, 0.1, 0.5, 1.0, 3.0, -6.0}) {
    Limiter limiter{limits};
    limiter.reset(3, 0);
    double before = 0;
    double velocity = 0;
    int cycles = 0;
    for (; before != jump && cycles < 100; ++cycles) {
      const double now = limiter.step(3, jump, kPeriod_s);
      const double speed = (now - before) / kPeriod_s;
      ASSERT_LE(std::abs(speed), limits.velocity_rad_s + 1e-9);
      // The last step is as long as what is left.
      ASSERT_LE(std::abs(speed - velocity), 1.2 * limits.acceleration_rad_s2 * kPeriod_s) << jump;
      ASSERT_LE(std::abs(now), std::abs(jump));
      velocity = speed;
      before = now;
    }
    EXPECT_LE(cycles, 1 + static_cast<int>(std::abs(jump) / 0.4) + 6) << jump;
    EXPECT_EQ(limiter.step(3, jump, kPeriod_s), jump);
    EXPECT_FALSE(limiter.acted(3));
  }
}

TEST(LimiterTest, ATargetThatStopsIsNotOvershot) {
  Limiter limiter{JointLimits{}};
  limiter.reset(0, 0);
  double wanted = 0;
  for (int i = 0; i < 8; ++i) limiter.step(0, wanted += 0.05 * i, kPeriod_s);
  EXPECT_EQ(limiter.step(0, wanted, kPeriod_s), wanted);
  EXPECT_EQ(limiter.step(0, wanted, kPeriod_s), wanted);
}

}  // namespace
}  // namespace daruma::motion
