#include "daruma/session/commands.hpp"

#include <memory>
#include <string>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/protocol/log_limiter.hpp"
#include "daruma/session/behaviours.hpp"
#include "daruma/session/state_messages.hpp"

namespace daruma::session {
namespace {

using backend::MotorMode;
using control::MoveOutcome;
using protocol::Command;
using protocol::PeerContext;
using protocol::Reply;

// The reference's word for motors that cannot be reached; clients know it.
constexpr std::string_view kNoMotors = "Motor controller not initialized or already closed.";

/// State that the handlers share; it lives in them.
struct Shared {
  Shared(Robot& the_robot, const Scheduler& the_scheduler, const MoveAnswers& the_answers)
      : robot(the_robot), scheduler(the_scheduler), answers(the_answers) {}

  Robot& robot;
  const Scheduler& scheduler;
  const MoveAnswers& answers;
  protocol::LogLimiter ignored;
  bool sleeping = false;  ///< the move that runs is goto_sleep

  /// True when nothing moves; else says in the log that `field` was ignored.
  bool may_set(std::string_view field) {
    if (!robot.move_running()) return true;
    if (const auto more = ignored.admit(scheduler.now())) {
      spdlog::warn("Ignoring {} command: a move is currently running.{}", field,
                   *more == 0 ? "" : fmt::format(" ({} more left out)", *more));
    }
    return false;
  }
};
using SharedPtr = std::shared_ptr<Shared>;

/// Answers with our own error in the wire's shape.
void refuse(Reply& reply, const Error& error) { reply.error(error); }

void answer(Reply& reply, const Status& status) {
  if (status) return reply.ok();
  refuse(reply, status.error());
}

void register_targets(protocol::Handlers& handlers, const SharedPtr& shared) {
  handlers.on("set_head_joints", [shared](const Command& command, const PeerContext&, Reply reply) {
    if (shared->may_set("head_joints")) {
      shared->robot.set_head_joints(command.numbers("joints"));
    }
    reply.ok();
  });
  handlers.on("set_body_yaw", [shared](const Command& command, const PeerContext&, Reply reply) {
    if (shared->may_set("body_yaw")) shared->robot.set_body_yaw(command.number("body_yaw"));
    reply.ok();
  });
  handlers.on("set_antennas", [shared](const Command& command, const PeerContext&, Reply reply) {
    if (shared->may_set("antennas")) shared->robot.set_antennas(command.numbers("antennas"));
    reply.ok();
  });
  handlers.on("set_full_target", [shared](const Command& command, const PeerContext&, Reply reply) {
    // Head poses are not built; an `ok` that did half of what was asked would be a lie.
    if (command.has("head")) {
      return reply.error("set_full_target with head is not available on this daemon");
    }
    const bool yaw = command.has("body_yaw");
    const bool antennas = command.has("antennas");
    if (yaw && shared->may_set("body_yaw")) {
      shared->robot.set_body_yaw(command.number("body_yaw"));
    }
    if (antennas && shared->may_set("antennas")) {
      shared->robot.set_antennas(command.numbers("antennas"));
    }
    reply.ok();
  });
}

void set_motor_mode(Shared& shared, const Command& command, Reply reply) {
  const auto mode = backend::motor_mode_from(command.text("mode"));
  if (!mode) {
    return reply.error(fmt::format("'{}' is not a valid MotorControlMode", command.text("mode")));
  }
  if (*mode == MotorMode::kGravityCompensation && !shared.robot.simulated()) {
    return reply.error("Gravity compensation requires the Placo kinematics engine.");
  }
  if (!shared.robot.answers()) return reply.error(kNoMotors);
  const auto given = shared.robot.set_mode(*mode);
  if (!given) return refuse(reply, given.error());
  reply.send({{"motor_mode", backend::name(*mode)}, {"status", "ok"}});
}

void set_torque(Shared& shared, const Command& command, Reply reply) {
  const bool on = command.flag("on");
  control::JointMask mask = 0;
  if (command.has("ids")) {
    if (command.strings("ids").empty()) return reply.error("IDs list cannot be empty or None.");
    for (const auto& name : command.strings("ids")) {
      const auto joint = model::joint_index(name);
      if (!joint) return reply.error(fmt::format("'{}'", name));
      mask = static_cast<control::JointMask>(mask | 1U << *joint);
    }
  }
  if (!shared.robot.answers()) return reply.error(kNoMotors);
  answer(reply, command.has("ids")
                    ? shared.robot.set_torque(mask, on)
                    : shared.robot.set_mode(on ? MotorMode::kEnabled : MotorMode::kDisabled));
}

void register_motors(protocol::Handlers& handlers, const SharedPtr& shared) {
  handlers.on("set_motor_mode", [shared](const Command& command, const PeerContext&, Reply reply) {
    set_motor_mode(*shared, command, std::move(reply));
  });
  handlers.on("get_motor_mode", [shared](const Command&, const PeerContext&, Reply reply) {
    reply.send({{"motor_mode", backend::name(shared->robot.mode())}});
  });
  handlers.on("set_torque", [shared](const Command& command, const PeerContext&, Reply reply) {
    set_torque(*shared, command, std::move(reply));
  });
  handlers.on("get_state", [shared](const Command&, const PeerContext&, Reply reply) {
    if (!shared->robot.answers()) return reply.error(kNoMotors);
    reply.send({{"state", state_json(shared->robot)}});
  });
}

void play(const SharedPtr& shared, const control::Plan& plan, bool limp, Reply reply) {
  // Owned by both the callback and this function: one of them answers.
  auto pending = std::make_shared<Reply>(std::move(reply));
  const auto given = shared->robot.play(plan, [shared, pending, limp](MoveOutcome outcome) {
    if (outcome == MoveOutcome::kNotAsleep) {
      return pending->error("the head did not reach the sleep pose; its motors stay enabled");
    }
    if (outcome == MoveOutcome::kInterrupted) {
      return pending->error(shared->answers.restarting ? "restarting" : "interrupted");
    }
    boost::json::object extra{{"completed", true}};
    if (limp) extra["warning"] = "the motors are disabled: nothing moved";
    pending->ok(std::move(extra));
  });
  if (!given) refuse(*pending, given.error());
}

void register_moves(protocol::Handlers& handlers, const SharedPtr& shared) {
  handlers.on("wake_up", [shared](const Command&, const PeerContext&, Reply reply) {
    if (!shared->robot.answers()) return reply.error(kNoMotors);
    if (shared->robot.move_running()) return reply.error("another move is running");
    shared->sleeping = false;
    play(shared, wake_up_plan(shared->robot.snapshot()),
         shared->robot.mode() == MotorMode::kDisabled, std::move(reply));
  });
  handlers.on("goto_sleep", [shared](const Command&, const PeerContext&, Reply reply) {
    if (!shared->robot.answers()) return reply.error(kNoMotors);
    if (shared->robot.move_running() && shared->sleeping) {
      return reply.error("another move is running");
    }
    shared->sleeping = true;
    play(shared, sleep_plan(shared->robot.snapshot()), false, std::move(reply));
  });
  handlers.on("stop_move", [shared](const Command&, const PeerContext&, Reply reply) {
    if (shared->robot.stop_move()) return reply.ok({{"stopped", true}});
    reply.ok({{"stopped", false}, {"info", "no active move"}});
  });
}

}  // namespace

void register_commands(protocol::Handlers& handlers, Robot& robot, const Scheduler& scheduler,
                       const MoveAnswers& answers) {
  const auto shared = std::make_shared<Shared>(robot, scheduler, answers);
  register_targets(handlers, shared);
  register_motors(handlers, shared);
  register_moves(handlers, shared);
}

}  // namespace daruma::session
