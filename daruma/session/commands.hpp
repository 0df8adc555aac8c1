#pragma once

#include "daruma/protocol/dispatcher.hpp"
#include "daruma/protocol/topics.hpp"
#include "daruma/session/robot.hpp"

namespace daruma::session {

/// What an unfinished move's caller is told when the room ends.
class MoveAnswers {
 public:
  /// True from the moment the room ends on.
  bool restarting = false;
};

/// Handlers of all commands that command_table.cpp gives to the room. They keep references to all
/// arguments. Texts and shapes: contract commands.md 2.1, 2.2, 2.4, 2.5, 2.10, changes-1.13 3.1.
///
/// * Targets are acknowledged always; while a move runs they are ignored, which the log says.
/// * Commands that touch the motors answer `Motor controller not initialized or already closed.`
/// while
///   the motors do not answer.
/// * Head poses that no joints lead to are refused with the leg that cannot follow; the reference
///   acknowledges them.
/// * `wake_up` and `goto_target` are refused while a move runs; `goto_sleep` takes over, save from
/// another `goto_sleep`.
void register_commands(protocol::Handlers& handlers, Robot& robot, const Scheduler& scheduler,
                       const MoveAnswers& answers, protocol::Topics& topics);

/// Ends the recording and hands it to the SDK's clients (contract commands.md 2.6).
void publish_recording(Recording& recording, protocol::Topics& topics);

}  // namespace daruma::session
