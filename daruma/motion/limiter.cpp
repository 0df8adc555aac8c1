#include "daruma/motion/limiter.hpp"

#include <algorithm>
#include <cmath>

namespace daruma::motion {

void Limiter::reset(std::size_t joint, double position_rad) {
  position_rad_[joint] = position_rad;
  velocity_rad_s_[joint] = 0;
  acted_[joint] = false;
}

double Limiter::step(std::size_t joint, double wanted_rad, double period_s) {
  double& position = position_rad_[joint];
  double& velocity = velocity_rad_s_[joint];
  const double way = wanted_rad - position;
  // A joint that is catching up goes no faster than what can still be braked, in steps of `change`,
  // within the way that is left. One that keeps up need not: its target brakes for it.
  const double change = limits_.acceleration_rad_s2 * period_s;
  const double brakeable =
      std::sqrt(2 * limits_.acceleration_rad_s2 * std::abs(way) + change * change / 4) - change / 2;
  const double most =
      acted_[joint] ? std::min(limits_.velocity_rad_s, brakeable) : limits_.velocity_rad_s;
  const double desired = std::clamp(way / period_s, -most, most);
  // Standing still is always allowed: a target that stops is not overshot.
  const double taken =
      std::clamp(desired, std::min(0.0, velocity - change), std::max(0.0, velocity + change));
  acted_[joint] = std::abs(taken * period_s - way) > 1e-12;
  velocity = taken;
  position = acted_[joint] ? position + taken * period_s : wanted_rad;
  return position;
}

}  // namespace daruma::motion
