#include <fstream>
#include <numbers>
#include <random>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "daruma/kinematics/stewart.hpp"

namespace daruma::kinematics {
namespace {

namespace json = boost::json;
constexpr double kDegree = std::numbers::pi / 180.0;

const json::object& vectors() {
  static const auto kVectors = [] {
    std::ifstream file(DARUMA_SOURCE_DIR "/../shared/contract/kinematics-vectors.json");
    std::stringstream text;
    text << file.rdbuf();
    return json::parse(text.str()).as_object();
  }();
  return kVectors;
}

Pose pose_of(const json::value& rows) {
  Pose pose = Pose::Identity();
  for (int i = 0; i < 12; ++i) {
    pose.matrix()(i / 4, i % 4) =
        rows.as_array().at(static_cast<std::size_t>(i)).to_number<double>();
  }
  return pose;
}

HeadJoints joints_of(const json::value& list) {
  HeadJoints joints;
  for (std::size_t i = 0; i < joints.size(); ++i) {
    joints[i] = list.as_array().at(i).to_number<double>();
  }
  return joints;
}

Pose make_pose(double x, double y, double z, double roll, double pitch, double yaw) {
  Pose pose = Pose::Identity();
  pose.linear() = (Eigen::AngleAxisd(yaw, Eigen::Vector3d::UnitZ()) *
                   Eigen::AngleAxisd(pitch, Eigen::Vector3d::UnitY()) *
                   Eigen::AngleAxisd(roll, Eigen::Vector3d::UnitX()))
                      .toRotationMatrix();
  pose.translation() << x, y, z;
  return pose;
}

double distance(const Pose& a, const Pose& b) {
  return (a.matrix() - b.matrix()).cwiseAbs().maxCoeff();
}

TEST(Inverse, AgreesWithTheVectors) {
  int compared = 0;
  for (const auto& entry : vectors().at("ik").as_array()) {
    const auto& row = entry.as_object();
    const auto mode = row.at("mode") == "auto" ? BodyYaw::kAutomatic : BodyYaw::kFixed;
    const std::string name(row.at("name").as_string());
    const auto pose = pose_of(row.at("pose"));
    const auto result = inverse(pose, row.at("body_yaw").to_number<double>(), mode);
    if (!row.at("reachable").as_bool()) {
      EXPECT_EQ(result.reach, Reach::kUnreachable) << name;
      EXPECT_GE(result.leg, 0) << name;
      continue;
    }
    // Two rows hold the reference's own yaw measure (from row 0) and its missing wrap across the
    // back; both are deliberately different here (contract robot.md 3.4).
    if (name.find("R01/R00") != std::string::npos ||
        name.find("no angle wrap") != std::string::npos) {
      continue;
    }
    const auto wanted = joints_of(row.at("joints"));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_NEAR(result.joints_rad[i], wanted[i], 1e-9) << name << " joint " << i;
    }
    ++compared;
  }
  EXPECT_GE(compared, 29);
}

TEST(Inverse, TellsUnreachableFromOutOfLimitAndNamesTheLeg) {
  const auto far = inverse(make_pose(0, 0, 0.06, 0, 0, 0), 0, BodyYaw::kAutomatic);
  EXPECT_EQ(far.reach, Reach::kUnreachable);
  EXPECT_NE(describe(far).find("stewart_1"), std::string::npos);
  const auto low = inverse(make_pose(0, 0, -0.055, 0, 0, 0), 0, BodyYaw::kAutomatic);
  EXPECT_EQ(low.reach, Reach::kOutOfLimit) << describe(low);
  EXPECT_NE(describe(low).find("out of limits"), std::string::npos);
  EXPECT_EQ(describe(inverse(init_pose(), 0, BodyYaw::kAutomatic)), "");
}

TEST(AutomaticBodyYaw, DragsTheBodyOnlyAsFarAsItMust) {
  for (const auto& entry : vectors().at("auto_body_yaw").as_array()) {
    const auto& row = entry.as_object();
    const double head = row.at("head_yaw_deg").to_number<double>() * kDegree;
    const double body = row.at("body_yaw_in_deg").to_number<double>() * kDegree;
    if (std::abs(head - body) > std::numbers::pi) continue;  // across the back: see the next test
    EXPECT_NEAR(automatic_body_yaw(make_pose(0, 0, 0, 0, 0, head), body),
                row.at("body_yaw_out_rad").to_number<double>(), 1e-9)
        << head / kDegree << " " << body / kDegree;
  }
}

TEST(AutomaticBodyYaw, NeverJumpsAcrossTheBack) {
  const auto head = make_pose(0, 0, 0, 0, 0, -175 * kDegree);
  EXPECT_NEAR(automatic_body_yaw(head, 175 * kDegree), 160 * kDegree, 1e-12);
}

TEST(Forward, AgreesWithTheVectorsFromAColdStart) {
  for (const auto& entry : vectors().at("fk").as_array()) {
    const auto& row = entry.as_object();
    ForwardSolver solver;
    const auto result = solver.solve(joints_of(row.at("joints")));
    EXPECT_TRUE(result.converged) << row.at("name").as_string();
    EXPECT_LT(distance(result.X_WH, pose_of(row.at("pose"))), 1e-9) << row.at("name").as_string();
  }
}

/// Poses behind a singularity cannot be reached from neutral, and their joints fit a second pose on
/// the near side, which is the one that forward kinematics owes.
bool on_the_near_side(const Pose& X_WH, const HeadJoints& joints) {
  LegAngles legs;
  std::copy(joints.begin() + 1, joints.end(), legs.begin());
  Pose X_BH = X_WH;
  X_BH.translation().z() += 0.177;
  X_BH = Eigen::AngleAxisd(-joints[0], Eigen::Vector3d::UnitZ()) * X_BH;
  return rod_jacobian(X_BH, legs).determinant() > 1e-6;
}

TEST(Forward, IsTheInverseOfTheInverse) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> unit(-1, 1);
  ForwardSolver solver;
  int round_trips = 0;
  for (int i = 0; round_trips < 100'000 && i < 400'000; ++i) {
    const auto pose = make_pose(0.015 * unit(random), 0.015 * unit(random), 0.02 * unit(random),
                                25 * kDegree * unit(random), 25 * kDegree * unit(random),
                                std::numbers::pi * unit(random));
    const auto ik = inverse(pose, std::numbers::pi * unit(random), BodyYaw::kAutomatic);
    if (ik.reach != Reach::kReached || !on_the_near_side(pose, ik.joints_rad)) continue;
    const auto fk = solver.solve(ik.joints_rad);
    ASSERT_TRUE(fk.converged) << i;
    ASSERT_LT(distance(fk.X_WH, pose), 1e-6) << i;
    ++round_trips;
  }
  EXPECT_EQ(round_trips, 100'000);
}

TEST(Forward, FindsNearNeutralPosesFromTheSleepSeed) {
  std::mt19937 random(2);
  std::uniform_real_distribution<double> unit(-1, 1);
  const auto asleep = inverse(sleep_pose(), 0, BodyYaw::kAutomatic);
  int tried = 0;
  while (tried < 100'000) {
    const auto pose = make_pose(0.01 * unit(random), 0.01 * unit(random), 0.01 * unit(random),
                                10 * kDegree * unit(random), 10 * kDegree * unit(random),
                                10 * kDegree * unit(random));
    const auto ik = inverse(pose, 0, BodyYaw::kAutomatic);
    if (ik.reach != Reach::kReached) continue;
    ForwardSolver solver;
    ASSERT_TRUE(solver.solve(asleep.joints_rad).converged);
    const auto fk = solver.solve(ik.joints_rad);
    ASSERT_TRUE(fk.converged);
    ASSERT_LT(distance(fk.X_WH, pose), 1e-6);
    ++tried;
  }
}

TEST(Forward, SaysWhenThereIsNoPoseAndKeepsTheLastGoodOne) {
  ForwardSolver solver;
  const auto good = solver.solve(inverse(init_pose(), 0, BodyYaw::kAutomatic).joints_rad);
  ASSERT_TRUE(good.converged);
  const auto bad = solver.solve({0, 1.39, 1.22, 1.39, 0.83, 1.39, 0.83});
  EXPECT_FALSE(bad.converged);
  EXPECT_LT(distance(bad.X_WH, good.X_WH), 1e-12);
  EXPECT_TRUE(bad.X_WH.matrix().allFinite());
}

TEST(Forward, PublishesRotations) {
  ForwardSolver solver;
  const auto fk = solver.solve(inverse(sleep_pose(), 0, BodyYaw::kAutomatic).joints_rad);
  const Eigen::Matrix3d R = fk.X_WH.linear();
  EXPECT_LT((R.transpose() * R - Eigen::Matrix3d::Identity()).cwiseAbs().maxCoeff(), 1e-12);
}

TEST(RodJacobian, IsTheDerivativeOfTheRods) {
  const auto ik = inverse(make_pose(0.003, -0.004, 0.005, 0.1, -0.1, 0.2), 0.1, BodyYaw::kFixed);
  LegAngles legs;
  std::copy(ik.joints_rad.begin() + 1, ik.joints_rad.end(), legs.begin());
  // At a solution every rod has its length, so J * twist must predict how the FK residual grows:
  // the step that undoes a small move of the legs is what the solver takes.
  ForwardSolver solver;
  const auto before = solver.solve(ik.joints_rad);
  ASSERT_TRUE(before.converged);
  Pose X_BH = before.X_WH;
  X_BH.translation().z() += 0.177;
  X_BH = Eigen::AngleAxisd(-0.1, Eigen::Vector3d::UnitZ()) * X_BH;
  const auto J = rod_jacobian(X_BH, legs);
  EXPECT_GT(std::abs(J.determinant()), 1e-9) << "singular at an ordinary pose";
  for (int k = 0; k < 6; ++k) EXPECT_NEAR(J.row(k).head<3>().norm(), 1.0, 1e-12);
}

TEST(ReachableFraction, StopsAtTheLastReachedPose) {
  EXPECT_EQ(reachable_fraction(init_pose(), sleep_pose(), 0, BodyYaw::kAutomatic), 1.0);
  const auto beyond = make_pose(0, 0, 0.06, 0, 0, 0);
  const double s = reachable_fraction(init_pose(), beyond, 0, BodyYaw::kAutomatic);
  EXPECT_GT(s, 0.1);
  EXPECT_LT(s, 0.6);
  EXPECT_EQ(inverse(interpolate(init_pose(), beyond, s), 0, BodyYaw::kAutomatic).reach,
            Reach::kReached);
}

}  // namespace
}  // namespace daruma::kinematics
