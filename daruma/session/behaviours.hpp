#pragma once

#include "daruma/base/clock.hpp"
#include "daruma/control/link.hpp"
#include "daruma/control/plan.hpp"

namespace daruma::session {

/// The scripted moves as plans for the control thread; pure. `now` is what it published last.
/// Distances are the reference's measure, millimetres plus degrees. Source: contract
/// robot.md 4.4, 4.5.

/// Wait 0.1 s; to the initial pose in 0.02 s per unit of distance; wait 0.1 s; nod to the side and
/// back. Only the first wait when the motors are enabled and the robot is commanded to be there
/// already. Does not switch torque.
control::Plan wake_up_plan(const control::Snapshot& now);

/// To the sleep pose (over the initial one when that is far), wait 2 s, torque off; 5 s and torque
/// off when the head lies there already.
control::Plan sleep_plan(const control::Snapshot& now);

/// To the initial pose in 0.3 to 1.5 s, then the sleep plan: how a stop puts the robot to sleep.
control::Plan reset_to_sleep_plan(const control::Snapshot& now);

/// True when the motors are off and the head lies in the sleep pose.
bool at_rest(const control::Snapshot& now);

/// No plan above takes longer.
inline constexpr Duration kLongestMove = std::chrono::seconds(10);

}  // namespace daruma::session
