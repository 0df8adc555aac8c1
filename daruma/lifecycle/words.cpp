#include "daruma/lifecycle/health.hpp"
#include "daruma/lifecycle/port.hpp"
#include "daruma/lifecycle/receipt.hpp"

namespace daruma::lifecycle {

std::string_view name(Scope scope) {
  switch (scope) {
    case Scope::kMotor:
      return "motor";
    case Scope::kBackend:
      return "backend";
    case Scope::kDaemon:
      return "daemon";
    case Scope::kProcess:
      return "process";
    case Scope::kAuto:
      break;
  }
  return "auto";
}

std::optional<Scope> scope_from(std::string_view word) {
  for (const auto scope :
       {Scope::kMotor, Scope::kBackend, Scope::kDaemon, Scope::kProcess, Scope::kAuto})
    if (name(scope) == word) return scope;
  return std::nullopt;
}

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHealthy:
      return "healthy";
    case Verdict::kDegraded:
      return "degraded";
    case Verdict::kUnhealthy:
      break;
  }
  return "unhealthy";
}

std::string_view name(Action action) {
  switch (action) {
    case Action::kStart:
      return "start";
    case Action::kStop:
      return "stop";
    case Action::kRestart:
      return "restart";
    case Action::kExit:
      break;
  }
  return "exit";
}

std::optional<Action> action_from(std::string_view word) {
  for (const auto action : {Action::kStart, Action::kStop, Action::kRestart, Action::kExit})
    if (name(action) == word) return action;
  return std::nullopt;
}

std::string_view name(RoomState state) {
  switch (state) {
    case RoomState::kAbsent:
      return "absent";
    case RoomState::kStarting:
      return "starting";
    case RoomState::kRunning:
      return "running";
    case RoomState::kStopping:
      break;
  }
  return "stopping";
}

std::string_view name(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kUnknownMotor:
      return "unknown_motor";
    case RefusalReason::kWouldNotHelp:
      return "would_not_help";
    case RefusalReason::kDenied:
      return "denied";
    case RefusalReason::kShuttingDown:
      break;
  }
  return "shutting_down";
}

}  // namespace daruma::lifecycle
