#include "daruma/motion/moves.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace daruma::motion {
namespace {

double mix(double a, double b, double w) { return a + (b - a) * w; }

}  // namespace

Goto::Goto(const Start& from, const Target& to, double duration_s, Warp warp)
    : from_(from), to_(to), duration_s_(duration_s > 0 ? duration_s : 0), warp_(warp) {}

Target Goto::evaluate(double t_s) const {
  // The end is hit exactly, not to rounding: a following goto starts from there.
  if (duration_s_ <= 0 || t_s >= duration_s_) return to_;
  const double w = progress(warp_, t_s / duration_s_);
  Target out;
  if (to_.X_WH) out.X_WH = interpolate_over_front(from_.X_WH, *to_.X_WH, w);
  if (to_.antennas_rad) {
    out.antennas_rad = {mix(from_.antennas_rad[0], (*to_.antennas_rad)[0], w),
                        mix(from_.antennas_rad[1], (*to_.antennas_rad)[1], w)};
  }
  if (to_.body_yaw_rad) out.body_yaw_rad = mix(from_.body_yaw_rad, *to_.body_yaw_rad, w);
  return out;
}

Result<RecordedMove> RecordedMove::make(std::string description, std::vector<Frame> frames) {
  if (frames.empty()) return fail(Errc::kInvalid, "the move has no frames");
  if (frames.size() > kMaxFrames) {
    return fail(Errc::kInvalid, fmt::format("the move has {} frames, at most {} are played",
                                            frames.size(), kMaxFrames));
  }
  const double begin = frames.front().t_s;
  double last = begin;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const double t = frames[i].t_s;
    if (!std::isfinite(t)) {
      return fail(Errc::kInvalid, fmt::format("time of frame {} is not a finite number", i));
    }
    if (t < last) {
      return fail(Errc::kInvalid, fmt::format("time of frame {} lies before frame {}", i, i - 1));
    }
    last = t;
    frames[i].t_s = t - begin;
  }
  return RecordedMove(std::move(description), std::move(frames));
}

Target RecordedMove::evaluate(double t_s) const {
  const auto after = std::upper_bound(frames_.begin(), frames_.end(), t_s,
                                      [](double t, const Frame& frame) { return t < frame.t_s; });
  const Frame& next = after == frames_.end() ? frames_.back() : *after;
  const Frame& previous = after == frames_.begin() ? frames_.front() : *std::prev(after);
  const double span = next.t_s - previous.t_s;
  const double w = span > 0 ? std::clamp((t_s - previous.t_s) / span, 0.0, 1.0) : 0.0;
  Target out;
  out.X_WH = interpolate_geodesic(previous.X_WH, next.X_WH, w);
  out.antennas_rad = {mix(previous.antennas_rad[0], next.antennas_rad[0], w),
                      mix(previous.antennas_rad[1], next.antennas_rad[1], w)};
  out.body_yaw_rad = mix(previous.body_yaw_rad, next.body_yaw_rad, w);
  return out;
}

}  // namespace daruma::motion
