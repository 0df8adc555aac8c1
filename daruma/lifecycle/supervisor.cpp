#include "daruma/lifecycle/supervisor.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/lifecycle/decision.hpp"

namespace daruma::lifecycle {

Supervisor::Supervisor(Scheduler& scheduler, ReceiptLog& log, Sessions& sessions, Process& process,
                       MakeRoom make_room, Boot boot, Deadlines deadlines)
    : scheduler_(scheduler),
      log_(log),
      sessions_(sessions),
      process_(process),
      make_room_(std::move(make_room)),
      boot_(std::move(boot)),
      deadlines_(deadlines),
      board_(scheduler.now()),
      generation_(log.last_generation()),
      booted_(scheduler.now()) {
  watch_timer_ = scheduler_.after(deadlines_.watch, [this] { watch(); });
}

Supervisor::~Supervisor() = default;

template <class F>
auto Supervisor::in_step(F call) {
  return [this, alive = std::weak_ptr(alive_), step = step_count_,
          call = std::move(call)](auto&&... results) mutable {
    if (!alive.expired() && step == step_count_) call(std::forward<decltype(results)>(results)...);
  };
}

void Supervisor::enter(Step step, std::string_view phase, Duration deadline,
                       void (Supervisor::*missed)()) {
  end_phase();
  current_->step = step;
  const auto now = scheduler_.now();
  if (!phase.empty()) {
    current_->phase_began = now;
    current_->leader.phases.push_back(
        {std::string(phase), milliseconds(now - current_->requested), 0});
  }
  ++step_count_;
  step_deadline_ = now + deadline;
  step_timer_ = scheduler_.after(deadline, [this, missed] { (this->*missed)(); });
}

void Supervisor::end_phase() {
  auto& phases = current_->leader.phases;
  if (!phases.empty() && phases.back().ms == 0)
    phases.back().ms = milliseconds(scheduler_.now() - current_->phase_began);
}

// --- the steps, in their order

void Supervisor::act_when_acknowledged() {
  if (!current_ || current_->decided()) return;
  if (current_->acks_out.empty() && current_->confirms_out.empty()) act();
}

void Supervisor::act() {
  auto& transition = *current_;
  for (const auto& cause : board_.health().causes)
    transition.causes.emplace_back(cause.code, cause.part);
  if (transition.action == Action::kRestart) board_.note_tried(transition.scope);
  // Decided from here on: nothing that follows waits for an ack any more.
  transition.step = Step::kSleeping;
  const bool running = state_ == RoomState::kRunning;
  if (transition.action == Action::kRestart && transition.scope == Scope::kMotor && running)
    return cure_motor();
  if (transition.action == Action::kExit) return end_sessions();
  if (transition.flags.goto_sleep_on_stop && running) return sleep();
  end_sessions();
}

void Supervisor::sleep() {
  enter(Step::kSleeping, "sleeping", room_->longest_move() + deadlines_.stop,
        current_->action == Action::kExit ? &Supervisor::stop_room : &Supervisor::end_sessions);
  progress("stopping");
  room_->goto_sleep(in_step([this](std::vector<std::string> notes) {
    add_notes(notes);
    if (current_->action == Action::kExit) return stop_room();
    end_sessions();
  }));
}

void Supervisor::end_sessions() {
  const bool exits = current_->action == Action::kExit;
  const bool whole = current_->action == Action::kRestart && current_->scope >= Scope::kDaemon;
  const bool sleeps_next =
      exits && current_->flags.goto_sleep_on_stop && state_ == RoomState::kRunning;
  if (!exits && !whole) return stop_room();
  const auto next = sleeps_next ? &Supervisor::sleep : &Supervisor::stop_room;
  enter(Step::kEndingSessions, "ending_sessions", deadlines_.end_sessions, next);
  notify();
  sessions_.end_all(in_step([this, next] { (this->*next)(); }));
}

void Supervisor::stop_room() {
  if (state_ != RoomState::kRunning) return after_stop();
  state_ = RoomState::kStopping;
  current_->down_since = scheduler_.now();
  enter(Step::kStopping, "stopping", deadlines_.stop, &Supervisor::stop_missed);
  progress("stopping");
  notify();
  room_->stop(in_step([this](RoomReport report) { room_stopped(std::move(report)); }));
}

void Supervisor::room_stopped(RoomReport report) {
  add_notes(report.notes);
  room_.reset();
  state_ = RoomState::kAbsent;
  after_stop();
}

void Supervisor::stop_missed() {
  spdlog::error("the robot's threads did not stop within {} s and are abandoned",
                seconds(deadlines_.stop));
  add_notes({"the room missed its stop deadline and was abandoned"});
  room_->abandon();
  room_.reset();
  state_ = RoomState::kAbsent;
  // Threads that do not answer cannot share the process with their successors.
  if (current_->action == Action::kRestart) current_->scope = Scope::kProcess;
  after_stop();
}

void Supervisor::after_stop() {
  switch (current_->action) {
    case Action::kExit:
      return exit_process();
    case Action::kStop:
      start_failed_ = false;
      clear_start_causes();
      clear_room_causes();
      return finish("done");
    case Action::kStart:
    case Action::kRestart:
      break;
  }
  if (exiting_) return finish("failed", "the daemon is shutting down");
  if (current_->scope == Scope::kProcess && current_->action == Action::kRestart)
    return replace_process();
  start_room();
}

void Supervisor::replace_process() {
  end_phase();
  current_->for_each_receipt([this](Receipt& receipt) { put(receipt); });
  const auto failed = process_.reexecute(current_->leader.id);
  // Still here: the old process is better than none.
  spdlog::error("{}", failed.error().context);
  add_notes({failed.error().context});
  current_->scope = Scope::kDaemon;
  start_room();
}

void Supervisor::start_room() {
  ++generation_;
  ever_started_ = true;
  state_ = RoomState::kStarting;
  if (!current_->down_since) current_->down_since = scheduler_.now();
  if (!boot_.problems.empty()) {
    enter(Step::kStarting, "starting", deadlines_.start, &Supervisor::start_missed);
    return start_failed({Errc::kInvalid, boot_.problems.front()});
  }
  put_start(false);
  room_ = make_room_();
  const bool wakes = current_->flags.wake_up_on_start;
  enter(Step::kStarting, "starting",
        deadlines_.start + (wakes ? room_->longest_move() : Duration::zero()),
        &Supervisor::start_missed);
  progress("starting");
  notify();
  room_->start({wakes, generation_, in_step([this] { put_start(true); })},
               in_step([this](Result<RoomReport> started) { room_started(std::move(started)); }));
}

void Supervisor::room_started(Result<RoomReport> started) {
  if (!started) return start_failed(started.error());
  state_ = RoomState::kRunning;
  start_failed_ = false;
  clear_start_causes();
  auto& receipt = current_->leader;
  add_notes(started->notes);
  receipt.torque_kept = started->torque_kept;
  receipt.max_step_deg = started->max_step_deg;
  receipt.error = started->wake_error;
  receipt.downtime_ms = milliseconds(scheduler_.now() - *current_->down_since);
  check();
}

void Supervisor::start_failed(const Error& error) {
  room_.reset();
  state_ = RoomState::kAbsent;
  start_failed_ = true;
  clear_room_causes();
  raise_start_cause(error);
  finish("failed", error.context);
}

void Supervisor::start_missed() {
  const Error error{Errc::kTimeout, fmt::format("the robot did not start within {} s",
                                                seconds(*step_deadline_ - current_->phase_began))};
  enter(Step::kStarting, "stopping", deadlines_.stop, &Supervisor::cancel_missed);
  room_->stop(in_step([this, error](const RoomReport&) { start_failed(error); }));
}

void Supervisor::cancel_start() {
  if (!room_) return;
  enter(Step::kStarting, "stopping", deadlines_.stop, &Supervisor::cancel_missed);
  room_->stop(in_step([this](const RoomReport&) {
    put_start(true);  // it did not fail: somebody wants to leave
    start_failed({Errc::kUnavailable, "the start was cancelled: the daemon is shutting down"});
  }));
}

void Supervisor::cancel_missed() {
  room_->abandon();
  start_failed({Errc::kTimeout, "the robot neither started nor stopped in time"});
}

void Supervisor::cure_motor() {
  enter(Step::kCuringMotor, "starting", deadlines_.start, &Supervisor::motor_missed);
  progress("starting");
  room_->restart_motor(*current_->motor, in_step([this](Status cured) {
    if (!cured) return finish("failed", cured.error().context);
    check();
  }));
}

void Supervisor::motor_missed() {
  finish("failed", fmt::format("{} did not answer in time", *current_->motor));
}

void Supervisor::check() {
  // Whoever waits for the robot has it now; the check only looks on.
  enter(Step::kChecking, "checking", deadlines_.check, &Supervisor::checked);
  read_room_causes();
  if (!still_wrong() && current_ && current_->step == Step::kChecking) return checked();
  progress("checking");
  notify();
  if (waiting_) checked();
}

void Supervisor::checked() { finish("done"); }

void Supervisor::finish(std::string_view outcome, std::optional<std::string> error) {
  end_phase();
  step_timer_.cancel();
  step_deadline_.reset();
  ++step_count_;
  const bool done = outcome == "done";
  const auto transition = std::move(current_);
  auto& leader = transition->leader;
  if (error) leader.error = std::move(error);
  for (const auto& cause : board_.health().causes)
    leader.causes_after.push_back(fmt::format("{} ({})", cause.code, cause.part));
  const bool cured = done && !stands(transition->causes);
  transition->for_each_receipt([&](Receipt& receipt) {
    receipt.scope = transition->scope;
    receipt.generation_after = generation_;
    receipt.outcome = outcome;
    receipt.phases = leader.phases;
    receipt.error = leader.error;
    receipt.downtime_ms = leader.downtime_ms;
    receipt.causes_after = leader.causes_after;
    receipt.torque_kept = leader.torque_kept;
    receipt.max_step_deg = leader.max_step_deg;
    if (transition->action == Action::kRestart) receipt.cured = cured;
    put(receipt);
  });
  spdlog::info("{} {}: scope={} id={} generation={} ms={}{}", name(transition->action), outcome,
               name(transition->scope), leader.id, generation_,
               milliseconds(scheduler_.now() - transition->requested),
               leader.error ? " error=" + *leader.error : "");
  report_progress(*transition, outcome);
  next_transition();
  notify();
}

void Supervisor::next_transition() {
  if (!waiting_) return;
  current_ = std::move(waiting_);
  current_->leader.generation_before = generation_;
  const auto under_way = Intent{current_->action, current_->scope};
  if (decide(under_way, state_, std::nullopt) == Decision::kNoEffect) return finish("done");
  enter(Step::kAcknowledging, "", deadlines_.acknowledge, &Supervisor::act);
  // Never from inside the end of the one before.
  scheduler_.post(in_step([this] { act_when_acknowledged(); }));
}

void Supervisor::exit_process() {
  // Ended here, because nobody comes back to do it.
  finish("done");
  process_.exit(0);
}

// --- what the steps share

void Supervisor::progress(std::string_view phase, const std::optional<std::string>& error) {
  const auto elapsed = milliseconds(scheduler_.now() - current_->requested);
  current_->for_each_receipt([&](const Receipt& receipt) {
    for (auto* observer : observers_)
      observer->on_progress(receipt.id, current_->scope, phase, elapsed, error);
  });
}

void Supervisor::report_progress(Transition& transition, std::string_view outcome) {
  const auto elapsed = milliseconds(scheduler_.now() - transition.requested);
  transition.for_each_receipt([&](const Receipt& receipt) {
    for (auto* observer : observers_)
      observer->on_progress(receipt.id, transition.scope, outcome, elapsed, receipt.error);
  });
}

void Supervisor::add_notes(const std::vector<std::string>& notes) {
  auto& kept = current_->leader.notes;
  kept.insert(kept.end(), notes.begin(), notes.end());
}

void Supervisor::put(const Receipt& receipt) {
  if (receipt.by != kBoot) heed(log_.put(receipt));
}

void Supervisor::put_start(bool succeeded) {
  heed(log_.put_start({boot_.boot_id, scheduler_.wall_now(), succeeded}));
}

void Supervisor::heed(const Status& written) {
  const auto now = scheduler_.now();
  if (written) return board_.clear_code(code::kStateFolder, now);
  board_.raise({.code = std::string(code::kStateFolder),
                .part = "state folder",
                .verdict = Verdict::kDegraded,
                .detail = written.error().context,
                .hint = "free disk space or choose a folder that can be written (--state-dir)",
                .cure = std::nullopt},
               now);
}

bool Supervisor::alive() const {
  // A timer that should have fired a while ago means that the loop, or this class, hangs.
  constexpr Duration kGrace = std::chrono::seconds(5);
  return !step_deadline_ || scheduler_.now() < *step_deadline_ + kGrace;
}

bool Supervisor::in_transition() const {
  return current_ && current_->step >= Step::kEndingSessions && current_->step < Step::kChecking;
}

}  // namespace daruma::lifecycle
