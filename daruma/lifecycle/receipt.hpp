#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daruma/base/clock.hpp"
#include "daruma/base/result.hpp"
#include "daruma/lifecycle/health.hpp"

namespace daruma::lifecycle {

struct Flags {
  bool goto_sleep_on_stop = false;
  bool wake_up_on_start = false;
};

enum class Action : std::uint8_t { kStart, kStop, kRestart, kExit };
/// `start`, `stop`, `restart`, `exit`.
std::string_view name(Action action);
std::optional<Action> action_from(std::string_view word);

struct Phase {
  std::string
      phase;  ///< `sleeping`, `ending_sessions`, `stopping`, `starting`, `waking`, `checking`
  long long at_ms = 0;  ///< since the request
  long long ms = 0;     ///< how long it took; 0 while it runs
};

/// The whole story of one request, as recovery.md shows it.
struct Receipt {
  std::string id;
  std::optional<std::string> merged_into;
  Action action = Action::kRestart;
  Scope scope = Scope::kDaemon;
  std::optional<std::string> motor;
  WallTime requested{};
  std::string by;  ///< `webrtc`, `websocket`, `http`, `signal`, `watchdog`
  std::string peer;
  Flags flags;
  std::string boot_id;
  std::uint64_t generation_before = 0;
  std::uint64_t generation_after = 0;
  std::string ack = "failed";  ///< `confirmed`, `sent`, `failed`
  std::vector<Phase> phases;
  /// `done`, `failed`, `interrupted`; empty while it runs.
  std::string outcome;
  std::optional<std::string> error;
  std::vector<std::string> notes;  ///< e.g. that the sleep move was skipped, and why
  std::optional<bool> cured;       ///< null until the cure check ended, or when nothing was wrong
  /// From the teardown until the robot ran again; null while it runs, and when it never did.
  std::optional<long long> downtime_ms;
  std::vector<std::string> causes_before;
  std::vector<std::string> causes_after;
  std::optional<bool> torque_kept;
  std::optional<double> max_step_deg;
};

/// What happened to starts of the room, across process deaths; the crash loop rule counts these.
struct StartRecord {
  std::string boot_id;
  WallTime at;
  bool succeeded = false;
};

/// Where receipts live. Driven port; services/receipts keeps them in a file, tests in memory.
/// Loop thread only; writes are small and bounded and survive the death of the process.
class ReceiptLog {
 public:
  /// Receipts kept; the oldest give way.
  static constexpr std::size_t kKept = 256;

  virtual ~ReceiptLog() = default;
  /// Adds a receipt or replaces the one with the same id. kIo: kept in memory only.
  virtual Status put(const Receipt& receipt) = 0;
  virtual std::optional<Receipt> find(std::string_view id) const = 0;
  /// Newest first.
  virtual std::vector<Receipt> newest(std::size_t limit) const = 0;
  /// A start of the room begins (not succeeded), or has succeeded.
  virtual Status put_start(const StartRecord& record) = 0;
  /// The newest starts, one record each: succeeded, or not (yet).
  virtual std::vector<StartRecord> starts() const = 0;
  virtual std::uint64_t last_generation() const = 0;
  /// Why nothing can be written, when it cannot.
  virtual std::optional<Error> broken() const = 0;
};

}  // namespace daruma::lifecycle
