#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "daruma/session/robot.hpp"

namespace daruma::session {

/// The `state` of `get_state` and of `pose` frames, keys in the wire's order (contract commands.md
/// 2.5, changes-1.13 3.2). Measured values; the head pose belongs to these joints.
boost::json::object state_json(Robot& robot);

/// `{"type":"joint_positions",...}` and `{"type":"head_pose",...}` (contract http-api 9.2). Written
/// by hand: they go out with every cycle.
std::string joint_positions_text(const control::Snapshot& now);
std::string head_pose_text(const control::Snapshot& now);

/// `{"state":{...},"seq":n}`, a frame of the channel `pose`.
std::string pose_frame_text(Robot& robot, std::uint64_t sequence);

/// `backend_status` of the daemon's status (contract http-api 3.5): the simulator's two keys, and
/// the robot's besides, from the control loop itself.
boost::json::object backend_status_json(Robot& robot, const Scheduler& scheduler);

}  // namespace daruma::session
