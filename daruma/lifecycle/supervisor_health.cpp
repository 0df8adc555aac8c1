#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/lifecycle/supervisor.hpp"

namespace daruma::lifecycle {

// --- boot

void Supervisor::boot(bool autostart, bool wake_up) {
  if (log_.broken()) heed(tl::unexpected(*log_.broken()));
  settle_open_receipts();
  if (!boot_.problems.empty()) {
    for (const auto& problem : boot_.problems) spdlog::error("{}", problem);
    raise_start_cause({Errc::kInvalid, fmt::format("{}", fmt::join(boot_.problems, "; "))});
    start_failed_ = true;
  }
  const auto failed = recent_failed_starts();
  if (failed >= deadlines_.crash_starts) {
    raise({.code = std::string(code::kCrashLoop),
           .part = "start",
           .verdict = Verdict::kUnhealthy,
           .detail = fmt::format("{} starts failed within {} s; the robot is left alone", failed,
                                 seconds(deadlines_.crash_window)),
           .hint = "read the log and the other causes, mend them, then restart",
           .cure = Scope::kBackend});
    start_failed_ = true;
  }
  const bool looping = failed >= deadlines_.crash_starts;
  if (current_)
    return looping ? finish("failed", "crash loop: the robot was not started") : start_room();
  if (autostart && !looping && boot_.problems.empty()) {
    Request request;
    request.action = Action::kStart;
    request.flags.wake_up_on_start = wake_up;
    request.requester = {std::string(kBoot), "", "local"};
    const auto taken = admit(request);
    acknowledged(std::get<Admission>(taken).id, AckOutcome::kSent);
  }
  notify();
}

void Supervisor::settle_open_receipts() {
  std::vector<Receipt> open;
  for (auto& receipt : log_.newest(ReceiptLog::kKept)) {
    if (receipt.outcome.empty()) open.push_back(std::move(receipt));
  }
  for (const auto& receipt : open) {
    if (receipt.id == boot_.successor_of) adopt(receipt);
  }
  for (auto& receipt : open) {
    if (current_ && receipt.id == current_->leader.id) continue;
    if (current_ && receipt.merged_into == current_->leader.id) {
      current_->followers.push_back(std::move(receipt));
      continue;
    }
    receipt.outcome = "interrupted";
    receipt.error = "the process ended before the restart did";
    put(receipt);
  }
}

void Supervisor::adopt(const Receipt& receipt) {
  current_ = std::make_unique<Transition>();
  current_->action = Action::kRestart;
  current_->scope = receipt.scope;
  current_->flags = receipt.flags;
  current_->leader = receipt;
  // The wall clock is all that two processes share.
  const auto ago = scheduler_.wall_now() - receipt.requested;
  current_->requested =
      scheduler_.now() - std::max<Duration>(std::chrono::duration_cast<Duration>(ago), Duration{});
  const auto down_at = receipt.phases.empty() ? 0 : receipt.phases.back().at_ms;
  current_->down_since = current_->requested + std::chrono::milliseconds(down_at);
  current_->phase_began = *current_->down_since;
  current_->step = Step::kStopping;
}

std::size_t Supervisor::recent_failed_starts() const {
  const auto since = scheduler_.wall_now() - deadlines_.crash_window;
  const auto starts = log_.starts();
  const auto ended = std::find_if(starts.rbegin(), starts.rend(), [&](const StartRecord& start) {
    return start.succeeded || start.at < since;
  });
  return static_cast<std::size_t>(ended - starts.rbegin());
}

// --- health

void Supervisor::raise(Cause cause) {
  board_.raise(std::move(cause), scheduler_.now());
  notify();
}

void Supervisor::clear(std::string_view code, std::string_view part) {
  board_.clear(code, part, scheduler_.now());
  notify();
}

void Supervisor::watch() {
  watch_timer_ = scheduler_.after(deadlines_.watch, [this] { watch(); });
  if (!room_ || state_ != RoomState::kRunning) return;
  read_room_causes();
  if (current_ && current_->step == Step::kChecking && !still_wrong()) checked();
  restart_when_stalled();
  notify();
}

void Supervisor::read_room_causes() {
  const auto now = scheduler_.now();
  std::set<std::pair<std::string, std::string>> seen;
  for (auto& cause : room_->causes()) {
    seen.emplace(cause.code, cause.part);
    board_.raise(std::move(cause), now);
  }
  for (const auto& [code, part] : room_causes_)
    if (!seen.contains({code, part})) board_.clear(code, part, now);
  room_causes_ = std::move(seen);
}

void Supervisor::restart_when_stalled() {
  if (current_) return;
  const auto& causes = board_.health().causes;
  const auto stalled = std::find_if(causes.begin(), causes.end(), [](const Cause& cause) {
    return cause.code == code::kControlStalled;
  });
  if (stalled == causes.end() || scheduler_.now() - stalled->since < deadlines_.stalled) return;
  Request request;
  request.scope = Scope::kProcess;
  request.requester = {"watchdog", "", "local"};
  const auto taken = admit(request);
  if (const auto* admission = std::get_if<Admission>(&taken))
    acknowledged(admission->id, AckOutcome::kSent);
}

void Supervisor::clear_room_causes() {
  for (const auto& [code, part] : room_causes_) board_.clear(code, part, scheduler_.now());
  room_causes_.clear();
}

bool Supervisor::still_wrong() const { return current_ && stands(current_->causes); }

bool Supervisor::stands(const std::vector<std::pair<std::string, std::string>>& causes) const {
  return std::any_of(causes.begin(), causes.end(), [this](const auto& cause) {
    return board_.find(cause.first, cause.second) != nullptr;
  });
}

void Supervisor::raise_start_cause(const Error& error) {
  const bool settings = !boot_.problems.empty();
  const bool invalid = error.code == Errc::kInvalid;
  clear_start_causes();
  raise(
      {.code = std::string(invalid ? code::kConfigInvalid : code::kStartFailed),
       .part = settings  ? boot_.problem_file
               : invalid ? "configuration"
                         : "start",
       .verdict = Verdict::kUnhealthy,
       .detail = error.context,
       .hint = invalid ? "mend the file, then restart" : "mend what the detail names, then restart",
       .cure = settings ? Scope::kProcess : Scope::kBackend});
}

void Supervisor::clear_start_causes() {
  const auto now = scheduler_.now();
  for (const auto code : {code::kStartFailed, code::kConfigInvalid, code::kCrashLoop})
    board_.clear_code(code, now);
}

// --- what others see

std::string Supervisor::wire_state() const {
  switch (state_) {
    case RoomState::kStarting:
      return "starting";
    case RoomState::kStopping:
      return "stopping";
    case RoomState::kRunning:
      return board_.health().verdict == Verdict::kUnhealthy ? "error" : "running";
    case RoomState::kAbsent:
      break;
  }
  if (start_failed_) return "error";
  return ever_started_ ? "stopped" : "not_initialized";
}

std::optional<std::string> Supervisor::error_text() const {
  const auto& health = board_.health();
  if (health.verdict != Verdict::kUnhealthy) return std::nullopt;
  return health.causes.front().detail;
}

LifecycleStatus Supervisor::status() const {
  LifecycleStatus status;
  status.room = state_;
  status.state = wire_state();
  status.error = error_text();
  status.generation = generation_;
  status.boot_id = boot_.boot_id;
  status.health = board_.health();
  status.now = scheduler_.now();
  status.booted = booted_;
  if (current_ && current_->step != Step::kChecking) status.transition_id = current_->leader.id;
  status.shutting_down = exiting_;
  return status;
}

void Supervisor::notify() {
  const auto state = wire_state();
  if (state == notified_state_ && board_.revision() == notified_revision_ &&
      in_transition() == notified_in_transition_)
    return;
  notified_state_ = state;
  notified_in_transition_ = in_transition();
  notified_revision_ = board_.revision();
  const auto observers = observers_;
  for (auto* observer : observers) observer->on_status();
}

void Supervisor::add_observer(LifecycleObserver& observer) { observers_.push_back(&observer); }

void Supervisor::remove_observer(LifecycleObserver& observer) { std::erase(observers_, &observer); }

}  // namespace daruma::lifecycle
