#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daruma/lifecycle/health.hpp"
#include "daruma/lifecycle/receipt.hpp"

namespace daruma::lifecycle {

/// State of the room.
enum class RoomState : std::uint8_t { kAbsent, kStarting, kRunning, kStopping };
std::string_view name(RoomState state);

struct Requester {
  std::string by;    ///< `webrtc`, `websocket`, `http`, `signal`, `watchdog`
  std::string peer;  ///< the peer's id, for the log and the receipt
  std::string from;  ///< `local`, `lan`, `relay`
};

struct Request {
  Action action = Action::kRestart;
  Scope scope = Scope::kDaemon;
  std::optional<std::string> motor;
  Flags flags;
  std::optional<std::string> id;
  bool confirm = false;  ///< teardown waits (bounded) for confirm(id)
  Requester requester;
};

/// The request was taken. Nothing is torn down before acknowledged() was called for its id
/// (or 1 s has passed).
struct Admission {
  std::string id;
  Scope scope = Scope::kDaemon;  ///< resolved: never kAuto
  bool merged = false;           ///< joined a transition that runs or waits
  bool duplicate = false;        ///< this id was seen before; acted on once
  std::uint64_t generation = 0;  ///< the one that ends
  bool no_effect = false;        ///< start while running, stop while absent
};

enum class RefusalReason : std::uint8_t { kUnknownMotor, kWouldNotHelp, kDenied, kShuttingDown };
/// `unknown_motor`, `would_not_help`, `denied`, `shutting_down`.
std::string_view name(RefusalReason reason);

struct Refusal {
  RefusalReason reason = RefusalReason::kDenied;
  std::string error;
  std::string hint;
};

struct DryRun {
  Scope scope = Scope::kDaemon;
  bool peers_kept = false;
  bool moves = false;
  std::optional<long long> p50_ms;  ///< from this robot's own receipts; null when there are none
  std::optional<long long> p99_ms;
  std::vector<Cause> causes;
};

/// Everything a status message needs of the lifecycle.
struct LifecycleStatus {
  RoomState room = RoomState::kAbsent;
  /// The wire's word: `not_initialized`, `starting`, `running`, `stopping`, `stopped`, `error`.
  std::string state;
  std::optional<std::string> error;
  std::uint64_t generation = 0;
  std::string boot_id;
  Health health;
  TimePoint now{};
  TimePoint booted{};
  /// The transition that runs or waits, if any.
  std::optional<std::string> transition_id;
  bool shutting_down = false;
};

enum class AckOutcome : std::uint8_t { kSent, kFailed };

/// Told what happens; on the loop. Keep it short.
class LifecycleObserver {
 public:
  virtual ~LifecycleObserver() = default;
  /// Room state, wire state, health verdict or causes changed.
  virtual void on_status() {}
  /// A request entered a phase: `phase` is `stopping`, `starting`, `checking`, `done` or `failed`.
  virtual void on_progress(const std::string& id, Scope scope, std::string_view phase,
                           long long elapsed_ms, const std::optional<std::string>& error) {
    static_cast<void>(id), static_cast<void>(scope), static_cast<void>(phase),
        static_cast<void>(elapsed_ms), static_cast<void>(error);
  }
};

/// Driving port of the supervisor: all that handlers and transports ever hold. Loop thread only.
class LifecyclePort {
 public:
  virtual ~LifecyclePort() = default;
  /// Takes or refuses a request; acts later, see Admission. Never blocks.
  virtual std::variant<Admission, Refusal> admit(const Request& request) = 0;
  /// The transport's report on the ack of a request. Each admission ends with exactly one call.
  virtual void acknowledged(const std::string& id, AckOutcome outcome) = 0;
  /// The caller's own word that the ack arrived (`restart_confirm`). False for an unknown id.
  virtual bool confirm(const std::string& id) = 0;
  virtual std::variant<DryRun, Refusal> dry_run(const Request& request) const = 0;
  virtual LifecycleStatus status() const = 0;
  virtual std::optional<Receipt> receipt(std::string_view id) const = 0;
  virtual std::vector<Receipt> receipts(std::size_t limit) const = 0;
  /// The observer outlives the port or is removed.
  virtual void add_observer(LifecycleObserver& observer) = 0;
  virtual void remove_observer(LifecycleObserver& observer) = 0;
};

}  // namespace daruma::lifecycle
