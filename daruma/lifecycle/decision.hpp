#pragma once

#include <cstdint>
#include <optional>

#include "daruma/lifecycle/port.hpp"

namespace daruma::lifecycle {

/// What becomes of a request.
enum class Decision : std::uint8_t {
  kBegin,     ///< a transition begins with it
  kJoin,      ///< the transition under way does what it wants
  kAfter,     ///< waits in the one slot behind the transition under way
  kNoEffect,  ///< the room is already as it wants
  kCancel,    ///< ends the start under way, then acts
};

/// What a transition does, or a request wants done.
struct Intent {
  Action action = Action::kRestart;
  Scope scope = Scope::kDaemon;
};

/// True when `under_way` ends in the state that `wanted` asks for and rebuilds at least as much.
/// Pure.
constexpr bool covers(Intent under_way, Intent wanted) {
  const bool builds = under_way.action == Action::kStart || under_way.action == Action::kRestart;
  if (wanted.action == Action::kStop) return under_way.action == Action::kStop;
  if (wanted.action == Action::kStart) return builds;
  if (wanted.action != Action::kRestart || !builds) return false;
  // A start builds a whole room: all that scope `daemon` does.
  const auto built = under_way.action == Action::kStart ? Scope::kDaemon : under_way.scope;
  return wanted.scope <= built;
}

/// The supervisor's whole table, states x intents. Pure.
///
///     intent \ room   absent      starting      running     stopping
///     start           begin       join          no effect   after
///     stop            no effect   after         begin       join
///     restart         begin       join          begin       after
///     exit            begin       cancel        begin       after
///
/// `under_way` is the transition that runs, if one does: it may still be waiting for its ack while
/// the room runs, and a restart that is stopping will start again, so a start joins it. Source:
/// recovery.md, "The supervisor".
constexpr Decision decide(Intent wanted, RoomState room, std::optional<Intent> under_way) {
  if (under_way) {
    if (wanted.action == Action::kExit)
      return room == RoomState::kStarting ? Decision::kCancel : Decision::kAfter;
    return covers(*under_way, wanted) ? Decision::kJoin : Decision::kAfter;
  }
  const bool running = room == RoomState::kRunning;
  if (wanted.action == Action::kStart && running) return Decision::kNoEffect;
  if (wanted.action == Action::kStop && !running) return Decision::kNoEffect;
  return Decision::kBegin;
}

}  // namespace daruma::lifecycle
