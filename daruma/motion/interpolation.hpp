#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "daruma/base/result.hpp"
#include "daruma/kinematics/stewart.hpp"

namespace daruma::motion {

using kinematics::Pose;

/// How time runs through a motion. Source: contract robot.md 4.1.
enum class Warp : std::uint8_t {
  kLinear,
  kMinimumJerk,  ///< starts and ends at rest, smoothest in between; the default
  kEaseInOut,
  kCartoon,  ///< draws back first and overshoots
};
/// The wire's words: `linear`, `minjerk`, `ease_in_out`, `cartoon`.
std::string_view name(Warp warp);
std::optional<Warp> warp_from(std::string_view word);

/// Progress at time fraction s. s is clamped to [0, 1]; every warp takes 0 to 0 and 1 to 1, and
/// only kCartoon leaves [0, 1] in between. NaN gives 0.
double progress(Warp warp, double s);

/// Between two poses, the shortest turn; translation linear. Used inside recorded moves.
/// w outside [0, 1] extrapolates.
Pose interpolate_geodesic(const Pose& from, const Pose& to, double w);

/// Between two poses with the yaw taken as a number, not as an angle: from +120 to -120 degrees
/// leads over the front, where the cables are long enough, and never over the back. Used by every
/// goto. Source: contract robot.md 4.2.
Pose interpolate_over_front(const Pose& from, const Pose& to, double w);

/// The nearest rotation to a 3x3 matrix that is almost one; nullopt when it is not: an entry is not
/// finite, it mirrors, or it is off by more than `tolerance` in any entry of R^T R - 1.
std::optional<Eigen::Matrix3d> nearest_rotation(const Eigen::Matrix3d& matrix, double tolerance);

/// A pose from 16 numbers, row by row, as the wire writes it: metres. The rotation is taken when
/// each entry of R^T R - 1 is within the tolerance, and made exact; kInvalid names the defect
/// otherwise. The last row is not looked at: the wire's clients do not fill it alike.
Result<Pose> pose_from_rows(std::span<const double, 16> rows, double tolerance = 1e-3);

/// The reference's measure of how far apart two poses are: millimetres plus degrees.
double magic_distance(const Pose& a, const Pose& b);

/// The head turned and shifted by `offset` as seen in the world, not in the head.
Pose with_world_offset(const Pose& X_WH, const Pose& offset);

/// The pose that looks at a point of the neutral head's frame, by the shortest turn of the x axis.
/// A point closer than 1e-12 m gives the identity. Source: contract robot.md 4.8.
Pose look_at(const Eigen::Vector3d& p_W);

}  // namespace daruma::motion
