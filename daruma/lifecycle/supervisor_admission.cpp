#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/base/ids.hpp"
#include "daruma/lifecycle/decision.hpp"
#include "daruma/lifecycle/supervisor.hpp"

namespace daruma::lifecycle {
namespace {

std::string cause_name(const Cause& cause) {
  return fmt::format("{} ({})", cause.code, cause.part);
}

/// The next wider scope that cures, or nullopt beyond the widest.
std::optional<Scope> wider(Scope scope) {
  if (scope >= Scope::kProcess) return std::nullopt;
  return static_cast<Scope>(static_cast<int>(scope) + 1);
}

/// The scope to try next against a cause; nullopt when no restart helps.
std::optional<Scope> next_cure(const Cause& cause) {
  if (!cause.cure) return std::nullopt;
  if (cause.tried == 0 || cause.widest_tried < *cause.cure) return cause.cure;
  return wider(cause.widest_tried);
}

std::optional<long long> percentile(std::vector<long long>& sorted, double share) {
  if (sorted.empty()) return std::nullopt;
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(share * last + 0.5)];
}

}  // namespace

std::variant<Admission, Refusal> Supervisor::admit(const Request& request) {
  if (auto again = repeated(request)) return *again;
  // A check looks on only; it does not keep the next request waiting.
  if (current_ && current_->step == Step::kChecking) finish("done");
  const auto resolved = resolve_scope(request);
  auto refusal = std::holds_alternative<Refusal>(resolved)
                     ? std::optional(std::get<Refusal>(resolved))
                     : check_request(request, std::get<Scope>(resolved));
  if (refusal) {
    log_request(request, new_receipt(request, request.scope), name(refusal->reason));
    return *refusal;
  }
  const auto scope = std::get<Scope>(resolved);
  const auto under_way =
      current_ ? std::optional(Intent{current_->action, current_->scope}) : std::nullopt;
  switch (decide({request.action, scope}, state_, under_way)) {
    case Decision::kBegin:
      return begin_with(request, scope);
    case Decision::kJoin:
      return join(*current_, request, scope);
    case Decision::kNoEffect:
      return no_effect(request, scope);
    case Decision::kAfter:
      return wait(request, scope);
    case Decision::kCancel:
      break;
  }
  auto admission = wait(request, scope);
  cancel_start();
  return admission;
}

std::optional<Refusal> Supervisor::check_request(const Request& request, Scope scope) const {
  if (exiting_) return Refusal{RefusalReason::kShuttingDown, "the daemon is shutting down", ""};
  if (request.action != Action::kRestart || scope != Scope::kMotor) return std::nullopt;
  if (!request.motor)
    return Refusal{RefusalReason::kUnknownMotor, "scope motor needs the field motor", ""};
  if (!room_ || state_ != RoomState::kRunning)
    return Refusal{RefusalReason::kWouldNotHelp,
                   "the robot is not running, so no single motor can be cured",
                   "restart with scope backend"};
  if (room_->has_motor(*request.motor)) return std::nullopt;
  return Refusal{RefusalReason::kUnknownMotor,
                 fmt::format("no motor is named '{}'", *request.motor), ""};
}

std::variant<Scope, Refusal> Supervisor::resolve_scope(const Request& request) const {
  if (request.action != Action::kRestart) return Scope::kDaemon;
  // Settings are read when a process begins, so nothing narrower would notice that they were
  // mended.
  if (!boot_.problems.empty()) return Scope::kProcess;
  if (request.scope != Scope::kAuto) return request.scope;
  return narrowest_cure();
}

std::variant<Scope, Refusal> Supervisor::narrowest_cure() const {
  const auto& causes = board_.health().causes;
  if (causes.empty()) return Scope::kBackend;
  std::optional<Scope> needed;
  for (const auto& cause : causes) {
    const auto scope = next_cure(cause);
    if (scope) needed = needed ? std::max(*needed, *scope) : *scope;
  }
  if (needed) return *needed;
  const auto& worst = causes.front();
  return Refusal{RefusalReason::kWouldNotHelp,
                 fmt::format("a restart would not help against {}", cause_name(worst)), worst.hint};
}

std::optional<Admission> Supervisor::repeated(const Request& request) {
  if (!request.id) return std::nullopt;
  const auto seen = receipt(*request.id);
  if (!seen) return std::nullopt;
  for (auto* transition : {current_.get(), waiting_.get()}) {
    if (!transition) continue;
    transition->for_each_receipt([&](const Receipt& receipt) {
      if (receipt.id == *request.id && !transition->decided()) ++transition->acks_out[receipt.id];
    });
  }
  log_request(request, *seen, "repeated");
  return Admission{
      seen->id, seen->scope, seen->merged_into.has_value(), true, seen->generation_before, false};
}

Admission Supervisor::begin_with(const Request& request, Scope scope) {
  current_ = std::make_unique<Transition>(new_transition(request, scope));
  const auto& receipt = current_->leader;
  log_request(request, receipt, "accepted");
  put(receipt);
  if (request.action == Action::kExit) exiting_ = true;
  expect_ack(*current_, receipt, request.confirm);
  enter(Step::kAcknowledging, "", deadlines_.acknowledge, &Supervisor::act);
  return {receipt.id, scope, false, false, receipt.generation_before, false};
}

Admission Supervisor::join(Transition& transition, const Request& request, Scope scope) {
  const bool undecided = !transition.decided();
  auto receipt = new_receipt(request, scope);
  receipt.merged_into = transition.leader.id;
  const auto& flags = request.flags;
  if (undecided) {
    transition.flags.goto_sleep_on_stop |= flags.goto_sleep_on_stop;
  } else if (flags.goto_sleep_on_stop && !transition.flags.goto_sleep_on_stop) {
    receipt.notes.emplace_back("goto_sleep_on_stop came too late: the room was on its way down");
  }
  if (transition.step < Step::kStarting) {
    transition.flags.wake_up_on_start |= flags.wake_up_on_start;
  } else if (flags.wake_up_on_start && !transition.flags.wake_up_on_start) {
    receipt.notes.emplace_back("wake_up_on_start came too late: the room was already starting");
  }
  log_request(request, receipt, "merged");
  Admission admission{receipt.id, transition.scope, true, false, receipt.generation_before, false};
  if (transition.followers.size() == Transition::kMaxFollowers) {
    admission.id = transition.leader.id;
    if (undecided) expect_ack(transition, transition.leader, false);
    return admission;
  }
  if (undecided) expect_ack(transition, receipt, request.confirm);
  put(receipt);
  transition.followers.push_back(std::move(receipt));
  return admission;
}

Admission Supervisor::wait(const Request& request, Scope scope) {
  if (request.action == Action::kExit) exiting_ = true;
  if (!waiting_) {
    waiting_ = std::make_unique<Transition>(new_transition(request, scope));
    const auto& receipt = waiting_->leader;
    log_request(request, receipt, "waits");
    put(receipt);
    expect_ack(*waiting_, receipt, request.confirm);
    if (exiting_) skip_sleep(request.flags);
    return {receipt.id, scope, false, false, receipt.generation_before, false};
  }
  // One slot: the latest word decides what happens, the widest scope how much of it.
  waiting_->action = request.action;
  waiting_->scope = std::max(waiting_->scope, scope);
  if (request.motor) waiting_->motor = request.motor;
  return join(*waiting_, request, scope);
}

void Supervisor::skip_sleep(Flags wanted) {
  // Whoever leaves without the sleep move does not wait for that of a restart.
  if (current_->step == Step::kSleeping && !wanted.goto_sleep_on_stop) stop_room();
}

Admission Supervisor::no_effect(const Request& request, Scope scope) {
  auto receipt = new_receipt(request, scope);
  receipt.outcome = "done";
  receipt.generation_after = generation_;
  receipt.notes.emplace_back(request.action == Action::kStart ? "the robot was running already"
                                                              : "the robot was stopped already");
  log_request(request, receipt, "no effect");
  put(receipt);
  return {receipt.id, scope, false, false, generation_, true};
}

Receipt Supervisor::new_receipt(const Request& request, Scope scope) const {
  Receipt receipt;
  receipt.id = request.id ? *request.id : make_uuid();
  receipt.action = request.action;
  receipt.scope = scope;
  receipt.motor = request.motor;
  receipt.requested = scheduler_.wall_now();
  receipt.by = request.requester.by;
  receipt.peer = request.requester.peer;
  receipt.flags = request.flags;
  receipt.boot_id = boot_.boot_id;
  receipt.generation_before = generation_;
  for (const auto& cause : board_.health().causes)
    receipt.causes_before.push_back(cause_name(cause));
  return receipt;
}

Transition Supervisor::new_transition(const Request& request, Scope scope) {
  Transition transition;
  transition.action = request.action;
  transition.scope = scope;
  transition.motor = request.motor;
  transition.flags = request.flags;
  transition.requested = scheduler_.now();
  transition.leader = new_receipt(request, scope);
  return transition;
}

void Supervisor::expect_ack(Transition& transition, const Receipt& receipt, bool confirms) {
  ++transition.acks_out[receipt.id];
  if (confirms) transition.confirms_out.push_back(receipt.id);
}

void Supervisor::log_request(const Request& request, const Receipt& receipt,
                             std::string_view outcome) const {
  spdlog::info("{} {}: scope={} id={} by={} from={} peer={}", name(request.action), outcome,
               name(receipt.scope), receipt.id, request.requester.by, request.requester.from,
               request.requester.peer);
}

void Supervisor::acknowledged(const std::string& id, AckOutcome outcome) {
  for (auto* transition : {current_.get(), waiting_.get()}) {
    if (!transition) continue;
    const auto out = transition->acks_out.find(id);
    if (out != transition->acks_out.end() && --out->second == 0) transition->acks_out.erase(out);
    transition->for_each_receipt([&](Receipt& receipt) {
      if (receipt.id == id && receipt.ack == "failed" && outcome == AckOutcome::kSent)
        receipt.ack = "sent";
    });
  }
  act_when_acknowledged();
}

bool Supervisor::confirm(const std::string& id) {
  bool known = false;
  for (auto* transition : {current_.get(), waiting_.get()}) {
    if (!transition) continue;
    transition->for_each_receipt([&](Receipt& receipt) {
      if (receipt.id != id) return;
      receipt.ack = "confirmed";
      known = true;
    });
    std::erase(transition->confirms_out, id);
    // Proof of delivery: whatever the transport still waits for has happened.
    if (known) transition->acks_out.erase(id);
  }
  if (known) act_when_acknowledged();
  return known;
}

std::variant<DryRun, Refusal> Supervisor::dry_run(const Request& request) const {
  const auto resolved = resolve_scope(request);
  if (const auto* refusal = std::get_if<Refusal>(&resolved)) return *refusal;
  const auto scope = std::get<Scope>(resolved);
  if (auto refusal = check_request(request, scope)) return *refusal;
  std::vector<long long> times;
  for (const auto& receipt : log_.newest(256)) {
    if (receipt.action == Action::kRestart && receipt.scope == scope && !receipt.merged_into &&
        receipt.outcome == "done" && receipt.downtime_ms)
      times.push_back(*receipt.downtime_ms);
  }
  std::sort(times.begin(), times.end());
  DryRun plan;
  plan.scope = scope;
  plan.peers_kept = scope <= Scope::kBackend;
  plan.moves = request.flags.goto_sleep_on_stop || request.flags.wake_up_on_start;
  plan.p50_ms = percentile(times, 0.5);
  plan.p99_ms = percentile(times, 0.99);
  plan.causes = board_.health().causes;
  return plan;
}

std::optional<Receipt> Supervisor::receipt(std::string_view id) const {
  std::optional<Receipt> found;
  for (auto* transition : {current_.get(), waiting_.get()}) {
    if (!transition) continue;
    transition->for_each_receipt([&](const Receipt& receipt) {
      if (receipt.id == id) found = receipt;
    });
  }
  return found ? found : log_.find(id);
}

std::vector<Receipt> Supervisor::receipts(std::size_t limit) const {
  auto newest = log_.newest(limit);
  // What is under way has gone on since it was written.
  for (auto& written : newest) {
    if (!written.outcome.empty()) continue;
    if (auto now = receipt(written.id)) written = std::move(*now);
  }
  return newest;
}

}  // namespace daruma::lifecycle
