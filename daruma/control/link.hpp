#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>

#include "daruma/backend/port.hpp"
#include "daruma/base/clock.hpp"
#include "daruma/base/result.hpp"
#include "daruma/base/spsc_ring.hpp"
#include "daruma/base/triple_buffer.hpp"
#include "daruma/control/plan.hpp"
#include "daruma/control/statistics.hpp"
#include "daruma/kinematics/stewart.hpp"
#include "daruma/model/joints.hpp"

namespace daruma::control {

/// Bit i is joint i.
using JointMask = std::uint16_t;
inline constexpr JointMask kAllJoints = (1U << model::kJointCount) - 1;
/// The head's joints but the body: the six legs.
inline constexpr JointMask kLegs = 0b0'0111'1110;

/// What the control thread published last; everything in it belongs to one cycle.
struct Snapshot {
  std::uint64_t tick = 0;                        ///< cycles since the thread began; 0: none yet
  TimePoint time{};                              ///< begin of the cycle
  bool ready = false;                            ///< all nine joints answered at least once
  backend::Fault fault = backend::Fault::kNone;  ///< of this cycle
  TimePoint
      last_good{};  ///< begin of the last cycle in which all joints answered; valid when ready
  model::JointArray measured_rad{};
  std::array<TimePoint, model::kJointCount> fresh_at{};  ///< when each joint answered last
  std::array<bool, model::kJointCount> torque{};         ///< measured
  JointMask wanted_torque = 0;                           ///< as commanded, or found at the start
  JointMask lost_torque = 0;     ///< wanted since the cycle before or longer, and measured off
  model::JointArray goal_rad{};  ///< as commanded, inside the limits
  double body_yaw_rad = 0;       ///< as asked for; the head may have dragged the body away from it
  std::uint64_t limited = 0;     ///< cycles in which a joint was kept from jumping to its goal
  kinematics::Pose X_WH = kinematics::Pose::Identity();  ///< of measured_rad
  bool pose_ok = false;  ///< false: X_WH is older, these joints have no solution
  backend::MotorMode mode = backend::MotorMode::kDisabled;
  std::uint64_t applied_order = 0;  ///< number of the last order that was carried out
  std::uint32_t move_id = 0;        ///< plan that runs; 0: none
  LoopStatistics statistics;
  std::uint64_t skipped = 0;  ///< periods that were left out because a cycle came too late
  double first_step_deg =
      0;  ///< largest step of a joint with torque that the first goals asked for
};

/// Where joints are wanted, newest wins. Each part carries the number of the command that set it;
/// 0: never. Radians, finite.
struct Targets {
  /// The head as a pose, or past inverse kinematics; whichever is newer.
  kinematics::Pose X_WH = kinematics::Pose::Identity();
  std::uint64_t pose_number = 0;
  std::array<double, model::kHeadJointCount> head_rad{};
  std::uint64_t head_number = 0;
  double body_yaw_rad = 0;
  std::uint64_t body_yaw_number = 0;
  std::array<double, 2> antennas_rad{};  ///< right, left
  std::uint64_t antennas_number = 0;

  // How poses become joints, whoever asked for them; no numbers, since they always hold.
  /// Added to every commanded pose, seen in the world.
  kinematics::Pose offset = kinematics::Pose::Identity();
  kinematics::BodyYaw body_yaw = kinematics::BodyYaw::kAutomatic;
};

/// Something that must be carried out, in order.
struct Order {
  enum class Kind : std::uint8_t {
    kSetMode,
    kSetTorque,  ///< of the joints in `mask`
    kReapply,    ///< gives the joints in `mask` the torque they should have
    kPlay,       ///< the plan with id `move_id`, in place of one that runs
    kStopMove,
  };
  std::uint64_t number = 0;
  Kind kind = Kind::kStopMove;
  backend::MotorMode mode = backend::MotorMode::kDisabled;
  JointMask mask = 0;
  bool on = false;
  std::uint32_t move_id = 0;
};

/// Life of the thread.
enum class Phase : std::uint8_t {
  kOpening,
  kTicking,
  kFailed,  ///< the driver could not be opened, or threw; see error(). Nothing runs any more
  kClosed,  ///< ended because it was told to
};

/// All that crosses between the loop ("L") and the control thread ("C"): plain data through the
/// primitives of base, and two event counters to wake the other side. Shared, because a thread that
/// was abandoned must not lose it.
class Link {
 public:
  /// Orders that may wait. A client can fill the ring when the control thread stands still: then
  /// the order is refused.
  static constexpr std::size_t kMaxOrders = 64;

  Link();
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  TripleBuffer<Targets> targets;              ///< L writes, C reads
  SpscRing<Order, kMaxOrders> orders;         ///< L writes, C reads
  TripleBuffer<Plan> plan;                    ///< L writes, C reads
  TripleBuffer<Snapshot> snapshot;            ///< C writes, L reads
  SpscRing<MoveEnd, 2 * kMaxOrders> ends;     ///< C writes, L reads; one for each kPlay
  std::atomic<bool> notify_each_tick{false};  ///< L writes: somebody listens to the state

  /// What plans point to, until their ends are in; here, so that an abandoned thread loses nothing.
  /// L.
  std::map<std::uint32_t, std::shared_ptr<const motion::RecordedMove>> kept;

  /// Begin of the last cycle that ended; epoch before the first. From any thread, never waits.
  TimePoint heartbeat() const;
  void beat(TimePoint now);  ///< C

  /// Asks the thread to end and wakes it. From any thread.
  void request_stop();
  bool stop_requested() const { return stop_.load(std::memory_order_acquire); }
  /// The same, and nobody wants to know what becomes of it. From any thread.
  void abandon() {
    abandoned_.store(true, std::memory_order_release);
    request_stop();
  }
  bool abandoned() const { return abandoned_.load(std::memory_order_acquire); }
  /// C: sleeps until then, or until request_stop().
  void wait_until(TimePoint deadline) const;

  /// C: wakes the loop. Real-time.
  void notify() const;
  /// Becomes readable at notify(). L.
  int notification() const { return notification_; }
  /// L: makes notification() unreadable again.
  void acknowledge() const;

  Phase phase() const { return phase_.load(std::memory_order_acquire); }
  /// C. Wakes the loop.
  void enter(Phase phase);
  void enter_failed(Error error);
  /// Valid in kFailed.
  const Error& error() const { return error_; }

  std::atomic<bool> real_time{false};  ///< C writes before kTicking: SCHED_FIFO was granted

 private:
  int notification_;
  int wake_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> abandoned_{false};
  std::atomic<Phase> phase_{Phase::kOpening};
  std::atomic<TimePoint::rep> heartbeat_{0};
  Error error_;
};

// A link is made at every restart, and glibc before 2.38 does not reuse blocks of a stricter
// alignment (its bug 14581): 10 kB would be lost each time.
static_assert(alignof(Link) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

}  // namespace daruma::control
