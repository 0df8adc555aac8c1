#include "daruma/session/commands.hpp"

#include <memory>
#include <span>
#include <string>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/protocol/command.hpp"
#include "daruma/protocol/json_text.hpp"
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

/// What a command wants the robot to be like, its fields `head`, `antennas` and `body_yaw`.
Result<motion::Target> target_of(const Command& command) {
  motion::Target target;
  if (command.has("head")) {
    auto pose =
        motion::pose_from_rows(std::span<const double, 16>(command.numbers("head").data(), 16));
    if (!pose) return tl::unexpected(std::move(pose.error()));
    target.X_WH = *pose;
  }
  if (command.has("antennas")) {
    const auto& right_left = command.numbers("antennas");
    target.antennas_rad = {right_left[0], right_left[1]};
  }
  if (command.has("body_yaw")) target.body_yaw_rad = command.number("body_yaw");
  return target;
}

/// kInvalid, with the leg, when no joints lead to the target's head pose.
Status check_reach(const motion::Target& target, Robot& robot) {
  if (!target.X_WH) return {};
  const auto found =
      kinematics::inverse(*target.X_WH, target.body_yaw_rad.value_or(robot.snapshot().body_yaw_rad),
                          kinematics::BodyYaw::kAutomatic);
  if (found.reach != kinematics::Reach::kUnreachable) return {};
  return fail(Errc::kInvalid, kinematics::describe(found));
}

/// `set_target` and `set_full_target`.
void set_targets(Shared& shared, const Command& command, Reply reply) {
  const auto target = target_of(command);
  if (!target) return refuse(reply, target.error());
  // Whole or not at all: an error that did half of what was asked would be a lie.
  if (auto reached = check_reach(*target, shared.robot); !reached)
    return refuse(reply, reached.error());
  if (target->X_WH && shared.may_set("head_pose")) shared.robot.set_head_pose(*target->X_WH);
  if (target->body_yaw_rad && shared.may_set("body_yaw"))
    shared.robot.set_body_yaw(*target->body_yaw_rad);
  if (target->antennas_rad && shared.may_set("antennas"))
    shared.robot.set_antennas(*target->antennas_rad);
  reply.ok();
}

/// A speech offset: x, y, z, then roll, pitch and yaw, applied about the world's axes in this
/// order.
kinematics::Pose offset_of(std::span<const double, 6> numbers) {
  kinematics::Pose offset = kinematics::Pose::Identity();
  offset.translation() << numbers[0], numbers[1], numbers[2];
  offset.linear() = (Eigen::AngleAxisd(numbers[5], Eigen::Vector3d::UnitZ()) *
                     Eigen::AngleAxisd(numbers[4], Eigen::Vector3d::UnitY()) *
                     Eigen::AngleAxisd(numbers[3], Eigen::Vector3d::UnitX()))
                        .toRotationMatrix();
  return offset;
}

void register_aim(protocol::Handlers& handlers, const SharedPtr& shared) {
  handlers.on(
      "set_speech_offsets", [shared](const Command& command, const PeerContext&, Reply reply) {
        const auto& numbers = command.numbers("offsets");
        if (numbers.size() == 6)
          shared->robot.set_offset(offset_of(std::span<const double, 6>(numbers.data(), 6)));
        reply.ok();
      });
  handlers.on("set_automatic_body_yaw",
              [shared](const Command& command, const PeerContext&, Reply reply) {
                shared->robot.set_automatic_body_yaw(command.flag("enabled"));
                reply.ok();
              });
}

void register_recording(protocol::Handlers& handlers, const SharedPtr& shared,
                        protocol::Topics& topics) {
  const auto recording = [shared]() -> Recording& { return shared->robot.recording; };
  handlers.on("start_recording", [recording](const Command&, const PeerContext&, Reply reply) {
    recording().start();
    reply.ok({{"is_recording", true}});
  });
  handlers.on("append_record",
              [recording](const Command& command, const PeerContext&, Reply reply) {
                answer(reply, recording().append(command.json("record").get_object()));
              });
  handlers.on("stop_recording", [shared, &topics](const Command&, const PeerContext&, Reply reply) {
    publish_recording(shared->robot.recording, topics);
    reply.ok({{"is_recording", false}});
  });
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
  handlers.on("set_target", [shared](const Command& command, const PeerContext&, Reply reply) {
    set_targets(*shared, command, std::move(reply));
  });
  handlers.on("set_full_target", [shared](const Command& command, const PeerContext&, Reply reply) {
    set_targets(*shared, command, std::move(reply));
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

void set_gravity_compensation(Shared& shared, bool enabled, Reply& reply) {
  if (enabled && !shared.robot.simulated())
    return reply.error(
        "Gravity compensation mode is only supported with the Placo kinematics engine.");
  if (!shared.robot.answers()) return reply.error(kNoMotors);
  answer(reply,
         shared.robot.set_mode(enabled ? MotorMode::kGravityCompensation : MotorMode::kEnabled));
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
  handlers.on("set_gravity_compensation",
              [shared](const Command& command, const PeerContext&, Reply reply) {
                set_gravity_compensation(*shared, command.flag("enabled"), reply);
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
    if (outcome == MoveOutcome::kUnreachable) {
      return pending->error(
          "head pose out of reach on the way; the robot holds the last pose it could reach");
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

/// `goto_target`, and the same as a task with a method.
void go_to(const SharedPtr& shared, const Command& command, motion::Warp warp, Reply reply) {
  auto target = target_of(command);
  if (!target) return refuse(reply, target.error());
  if (!shared->robot.answers()) return reply.error(kNoMotors);
  if (shared->robot.move_running()) return reply.error(kMoveRunning);
  if (auto reached = check_reach(*target, shared->robot); !reached)
    return refuse(reply, reached.error());
  // Clients of the reference expect no motion and success.
  if (command.number("duration") <= 0) return reply.ok({{"completed", true}});
  control::Plan plan;
  plan.add({.kind = control::Step::Kind::kGoto,
            .duration_s = command.number("duration"),
            .to = *target,
            .warp = warp,
            .ends_out_of_reach = true});
  shared->sleeping = false;
  play(shared, plan, shared->robot.mode() == MotorMode::kDisabled, std::move(reply));
}

/// A request of the SDK: the fields of `goto_target` and `method`, all of which it names.
void start_task(const SharedPtr& shared, const Command& task, Reply reply) {
  const auto* request = task.json("req").if_object();
  if (request == nullptr) return reply.error("req is not an object");
  if (request->contains("move_name"))
    return reply.error("playing a move by a task is not available on this daemon");
  auto message = *request;
  message["type"] = "goto_target";
  const auto command = protocol::decode(message);
  if (!command) return refuse(reply, command.error());
  const auto* method = request->if_contains("method");
  const auto warp = method == nullptr || !method->is_string()
                        ? motion::Warp::kMinimumJerk
                        : motion::warp_from(method->get_string());
  if (!warp) return reply.error("method is none of linear, minjerk, ease_in_out, cartoon");
  go_to(shared, *command, *warp, std::move(reply));
}

void register_moves(protocol::Handlers& handlers, const SharedPtr& shared) {
  handlers.on("goto_target", [shared](const Command& command, const PeerContext&, Reply reply) {
    go_to(shared, command, motion::Warp::kMinimumJerk, std::move(reply));
  });
  handlers.on("task", [shared](const Command& command, const PeerContext&, Reply reply) {
    start_task(shared, command, std::move(reply));
  });
  handlers.on("wake_up", [shared](const Command&, const PeerContext&, Reply reply) {
    if (!shared->robot.answers()) return reply.error(kNoMotors);
    if (shared->robot.move_running()) return reply.error(kMoveRunning);
    shared->sleeping = false;
    play(shared, wake_up_plan(shared->robot.snapshot()),
         shared->robot.mode() == MotorMode::kDisabled, std::move(reply));
  });
  handlers.on("goto_sleep", [shared](const Command&, const PeerContext&, Reply reply) {
    if (!shared->robot.answers()) return reply.error(kNoMotors);
    if (shared->robot.move_running() && shared->sleeping) {
      return reply.error(kMoveRunning);
    }
    shared->sleeping = true;
    shared->robot.set_offset(kinematics::Pose::Identity());
    play(shared, sleep_plan(shared->robot.snapshot()), false, std::move(reply));
  });
  handlers.on("stop_move", [shared](const Command&, const PeerContext&, Reply reply) {
    if (shared->robot.stop_move()) return reply.ok({{"stopped", true}});
    reply.ok({{"stopped", false}, {"info", "no active move"}});
  });
}

}  // namespace

void publish_recording(Recording& recording, protocol::Topics& topics) {
  topics.publish(protocol::Topic::kTasks,
                 protocol::message_text({{"type", "recorded_data"}, {"data", recording.stop()}}));
}

void register_commands(protocol::Handlers& handlers, Robot& robot, const Scheduler& scheduler,
                       const MoveAnswers& answers, protocol::Topics& topics) {
  const auto shared = std::make_shared<Shared>(robot, scheduler, answers);
  register_targets(handlers, shared);
  register_aim(handlers, shared);
  register_recording(handlers, shared, topics);
  register_motors(handlers, shared);
  register_moves(handlers, shared);
}

}  // namespace daruma::session
