#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daruma/lifecycle/receipt.hpp"

namespace daruma::lifecycle {

/// One change of the room on its way, with everybody who asked for it. Data only.
///
///     acknowledging -> sleeping -> ending_sessions -> stopping -> starting -> checking
///     (each step only when the action needs it)
struct Transition {
  enum class Step : std::uint8_t {
    kAcknowledging,
    kSleeping,
    kEndingSessions,
    kCuringMotor,
    kStopping,
    kStarting,
    kChecking
  };
  /// Requests that may merge into one transition with a receipt of their own; the next ones get the
  /// leader's. As many as the receipts file keeps.
  static constexpr std::size_t kMaxFollowers = 255;

  Action action = Action::kRestart;
  Scope scope = Scope::kDaemon;
  std::optional<std::string> motor;
  Flags flags;
  Step step = Step::kAcknowledging;
  TimePoint requested{};
  TimePoint phase_began{};
  std::optional<TimePoint> down_since;
  /// Acks that are still on their way out, by receipt id; a repeated id counts again.
  std::map<std::string, int, std::less<>> acks_out;
  /// Receipt ids whose callers promised a `restart_confirm`.
  std::vector<std::string> confirms_out;
  Receipt leader;
  std::vector<Receipt> followers;
  /// Code and part of what stood when it began.
  std::vector<std::pair<std::string, std::string>> causes;

  bool decided() const { return step != Step::kAcknowledging; }
  /// Calls `call` for the leader's receipt and every follower's.
  template <class F>
  void for_each_receipt(F&& call) {
    call(leader);
    for (auto& follower : followers) call(follower);
  }
};

}  // namespace daruma::lifecycle
