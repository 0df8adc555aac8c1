#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "daruma/base/scheduler.hpp"
#include "daruma/base/unique_function.hpp"
#include "daruma/control/link.hpp"
#include "daruma/session/recording.hpp"

namespace daruma::session {

// Answers that several commands give.
/// The reference's word for motors that cannot be reached; clients know it.
inline constexpr const char* kNoMotors = "Motor controller not initialized or already closed.";
inline constexpr const char* kMoveRunning = "another move is running";

/// The running robot as the loop sees it: what the control thread published, and a number on
/// everything that is asked of it, so that "done" can be told from "not yet". Loop thread only;
/// never waits.
class Robot {
 public:
  using Moved = UniqueFunction<void(control::MoveOutcome)>;
  using Done = UniqueFunction<void(Status)>;

  /// Most calls of reapply() under way.
  static constexpr std::size_t kMaxWaiting = control::Link::kMaxOrders;

  Robot(control::Link& link, const Scheduler& scheduler, bool simulated)
      : link_(link), scheduler_(scheduler), simulated_(simulated) {}

  const control::Snapshot& snapshot();
  bool simulated() const { return simulated_; }
  /// False when the motors have been silent for 0.1 s, or the control loop for 0.5 s: then no
  /// command of theirs may be answered `ok`.
  bool answers();
  /// Time since the last cycle.
  Duration silence() const;
  /// As asked for last, also when the control thread has yet to carry it out.
  backend::MotorMode mode();
  bool move_running() const { return current_.has_value() && !current_->stopping; }

  // Targets, metres and radians, finite; newest wins.
  void set_head_pose(const kinematics::Pose& X_WH);
  void set_head_joints(std::span<const double> joints_rad);
  void set_body_yaw(double yaw_rad);
  void set_antennas(std::span<const double> right_left_rad);

  /// Added to every commanded pose, seen in the world, until it is replaced.
  void set_offset(const kinematics::Pose& offset);
  /// Whether the head may drag the body along.
  void set_automatic_body_yaw(bool automatic);
  Recording recording;

  // Orders; kBusy when too many wait.
  Status set_mode(backend::MotorMode mode);
  Status set_torque(control::JointMask mask, bool on);
  /// `done` when carried out.
  void reapply(control::JointMask mask, Done done);
  /// Plays a plan in place of one that runs, whose caller is told kInterrupted; `moved` is called
  /// exactly once, later, unless cancel_moves() takes it away.
  /// `move`: what the plan plays, when it plays one.
  Status play(control::Plan plan, Moved moved,
              std::shared_ptr<const motion::RecordedMove> move = nullptr);
  /// False when nothing moves. The move's caller is told kInterrupted.
  bool stop_move();

  /// The control thread has news: calls what waited for it. A callback may call anything here.
  void on_news();
  /// Calls every waiting caller of a move with kInterrupted, now; used when the room ends.
  void cancel_moves();

 private:
  struct Move {
    std::uint32_t id;
    Moved moved;
    bool stopping = false;
  };
  struct Waiting {
    std::uint64_t number;
    Done done;
  };

  Status give(control::Order order);
  void end(const control::MoveEnd& end);

  control::Link& link_;
  const Scheduler& scheduler_;
  bool simulated_;
  std::uint64_t number_ = 0;
  std::uint32_t move_number_ = 0;
  std::uint64_t mode_number_ = 0;
  backend::MotorMode mode_ = backend::MotorMode::kDisabled;
  control::Targets targets_;
  std::optional<Move> current_;
  /// Replaced moves whose end is not in yet; each has an order in the ring, which bounds them.
  std::deque<Move> replaced_;
  std::deque<Waiting> waiting_;
};

}  // namespace daruma::session
