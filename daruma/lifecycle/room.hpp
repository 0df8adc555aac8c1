#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daruma/base/result.hpp"
#include "daruma/base/unique_function.hpp"
#include "daruma/lifecycle/health.hpp"

namespace daruma::lifecycle {

struct StartOptions {
  bool wake_up = false;
  std::uint64_t generation = 0;
  /// Called once the robot answers, before a wake-up: from then on the start has not failed,
  /// whatever becomes of the move.
  std::function<void()> answers = {};
};

/// What a start or a stop has to tell, for the receipt.
struct RoomReport {
  /// Sentences, e.g. `sleep move skipped: no motor power`.
  std::vector<std::string> notes;
  /// A wake-up that was asked for and failed: an error in the receipt, the room runs all the same.
  std::optional<std::string> wake_error;
  /// Torque after the start equals torque before the stop. Known after a start only.
  std::optional<bool> torque_kept;
  /// Largest first commanded step of any joint after the start, degrees.
  std::optional<double> max_step_deg;
};

/// One running robot, as the supervisor sees it. Made anew for every start and destroyed after its
/// stop; implemented by session, and by fakes in tests. Loop thread only; callbacks come on the
/// loop, later than the call that asked for them, at most once.
///
///     (new) --start--> starting --done(ok)--> running --[goto_sleep]--stop--> stopped -->
///     (destroyed)
///                          \---done(error)--> stopped
class Room {
 public:
  using Started = UniqueFunction<void(Result<RoomReport>)>;
  using Stopped = UniqueFunction<void(RoomReport)>;
  using Slept = UniqueFunction<void(std::vector<std::string> notes)>;

  virtual ~Room() = default;
  virtual void start(const StartOptions& options, Started done) = 0;
  /// Plays the sleep move; while running, before stop. A move that cannot be played is skipped and
  /// said in the notes.
  virtual void goto_sleep(Slept done) = 0;
  /// Ends whatever runs, moving nothing. Allowed while starting and during goto_sleep(), whose
  /// `done` is then not called any more.
  virtual void stop(Stopped done) = 0;
  /// The stop missed its deadline: let go of threads that do not answer, without waiting. The
  /// process is about to be replaced.
  virtual void abandon() = 0;
  /// How long goto_sleep() may take; also what a start with `wake_up` may take beyond the
  /// supervisor's own 10 s.
  virtual Duration longest_move() const = 0;
  /// Cures one servo (scope `motor`); unknown name: kNotFound.
  virtual bool has_motor(std::string_view name) const = 0;
  virtual void restart_motor(std::string_view name, UniqueFunction<void(Status)> done) = 0;
  /// The causes that this room sees now; asked every 100 ms while it exists. Only facts that were
  /// published by other threads: it must not wait for them.
  virtual std::vector<Cause> causes() const = 0;
};

/// The peers of the house, as the supervisor sees them.
class Sessions {
 public:
  virtual ~Sessions() = default;
  /// Ends every WebRTC session and SDK socket in order; `done` when all are gone, bounded by the
  /// implementation. Listeners, signalling sockets and producer ids stay.
  virtual void end_all(UniqueFunction<void()> done) = 0;
};

/// The process itself.
class Process {
 public:
  virtual ~Process() = default;
  /// Replaces this process by a fresh one with the same arguments; `receipt_id` names the receipt
  /// that the fresh one has to end. Returns only when that failed.
  virtual Status reexecute(const std::string& receipt_id) = 0;
  /// Leaves the loop; main returns `code`.
  virtual void exit(int code) = 0;
};

}  // namespace daruma::lifecycle
