#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daruma/base/result.hpp"
#include "daruma/motion/interpolation.hpp"

namespace daruma::motion {

/// Where a motion wants the robot to be; what is absent stays where it is.
struct Target {
  std::optional<Pose> X_WH;
  std::optional<std::array<double, 2>> antennas_rad;  ///< right, left
  std::optional<double> body_yaw_rad;
};

/// Everything a motion may start from.
struct Start {
  Pose X_WH = Pose::Identity();
  std::array<double, 2> antennas_rad{};
  double body_yaw_rad = 0;
};

/// From where the robot is to a target, in a given time. Pure; real-time.
/// Source: contract robot.md 4.3.
class Goto {
 public:
  /// duration_s <= 0 ends at once, without motion, as clients of the reference expect.
  Goto(const Start& from, const Target& to, double duration_s, Warp warp);
  /// The target at time t since the start; t beyond the duration gives the end exactly.
  Target evaluate(double t_s) const;
  double duration_s() const { return duration_s_; }

 private:
  Start from_;
  Target to_;
  double duration_s_;
  Warp warp_;
};

/// A recorded move: time stamps and what the robot did. Pure; evaluate() is real-time.
/// Source: contract robot.md 4.6.
class RecordedMove {
 public:
  /// Frames of one move; more is refused. At 100 Hz this is 50 minutes.
  static constexpr std::size_t kMaxFrames = 300'000;

  struct Frame {
    double t_s;
    Pose X_WH;
    std::array<double, 2> antennas_rad;
    double body_yaw_rad;
  };

  /// kInvalid, with the frame's number, when there are no frames, too many, stamps are not finite
  /// or not ascending. Stamps are shifted so that the first is 0.
  static Result<RecordedMove> make(std::string description, std::vector<Frame> frames);

  const std::string& description() const { return description_; }
  double duration_s() const { return frames_.back().t_s; }
  const Frame& first() const { return frames_.front(); }
  std::size_t size() const { return frames_.size(); }
  /// Linear between frames, the head by the shortest turn; before 0 the first, after the end the
  /// last.
  Target evaluate(double t_s) const;

 private:
  RecordedMove(std::string description, std::vector<Frame> frames)
      : description_(std::move(description)), frames_(std::move(frames)) {}

  std::string description_;
  std::vector<Frame> frames_;
};

}  // namespace daruma::motion
