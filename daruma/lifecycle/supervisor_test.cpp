#include "daruma/lifecycle/supervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daruma/base/manual_scheduler.hpp"
#include "daruma/lifecycle/decision.hpp"
#include "daruma/lifecycle/lifecycle_fakes.hpp"

namespace daruma::lifecycle {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::Events;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct ProgressSeen final : LifecycleObserver {
  void on_status() override { ++statuses; }
  void on_progress(const std::string& id, Scope, std::string_view phase, long long,
                   const std::optional<std::string>&) override {
    phases.push_back(id + " " + std::string(phase));
  }
  int statuses = 0;
  std::vector<std::string> phases;
};

class SupervisorTest : public ::testing::Test {
 protected:
  SupervisorTest() { make({"boot-1", "", {}, ""}); }

  void make(Boot boot) {
    supervisor_.reset();
    supervisor_ = std::make_unique<Supervisor>(
        scheduler_, log_, sessions_, process_,
        [this] { return std::make_unique<testing::FakeRoom>(scheduler_, script_); },
        std::move(boot));
  }

  static Request request(Action action, Scope scope = Scope::kDaemon, Flags flags = {}) {
    Request request;
    request.action = action;
    request.scope = scope;
    request.flags = flags;
    request.requester = {"webrtc", "peer-1", "lan"};
    return request;
  }
  Admission admit(const Request& request) {
    auto taken = supervisor_->admit(request);
    if (auto* refusal = std::get_if<Refusal>(&taken)) {
      ADD_FAILURE() << refusal->error;
      return {};
    }
    return std::get<Admission>(taken);
  }
  Refusal refuse(const Request& request) {
    auto taken = supervisor_->admit(request);
    if (std::holds_alternative<Admission>(taken)) ADD_FAILURE() << "was admitted";
    return std::holds_alternative<Refusal>(taken) ? std::get<Refusal>(taken) : Refusal{};
  }
  /// Admits, acknowledges and lets everything happen that needs no time.
  Admission ask(const Request& request) {
    auto admission = admit(request);
    supervisor_->acknowledged(admission.id, AckOutcome::kSent);
    scheduler_.run_posted();
    return admission;
  }
  void run() {
    ask(request(Action::kStart));
    ASSERT_EQ(supervisor_->status().room, RoomState::kRunning);
    events_.clear();
  }
  Receipt receipt(const std::string& id) {
    const auto found = supervisor_->receipt(id);
    if (!found) ADD_FAILURE() << "no receipt " << id;
    return found.value_or(Receipt{});
  }
  static Cause cause(std::string_view code, std::optional<Scope> cure,
                     Verdict verdict = Verdict::kUnhealthy) {
    Cause cause;
    cause.code = code;
    cause.part = "motor bus";
    cause.verdict = verdict;
    cause.detail = "no answer";
    cause.hint = "check the cable";
    cause.cure = cure;
    return cause;
  }

  ManualScheduler scheduler_;
  Events events_;
  testing::RoomScript script_{&events_, true, true, true, {}, {}, {}, 0};
  testing::FakeSessions sessions_{events_};
  testing::FakeProcess process_{events_};
  testing::MemoryLog log_;
  std::unique_ptr<Supervisor> supervisor_;
};

// --- states x intents: the whole table of recovery.md

enum class Column { kAbsent, kStarting, kRunning, kStopping };
struct Cell {
  Action intent;
  Column room;
  Events then;  ///< what happens once everything that was held back is let go
  RoomState ends;
  bool merged;
  bool no_effect;
};

class Table : public SupervisorTest, public ::testing::WithParamInterface<Cell> {};

TEST_P(Table, DoesWhatThePageSays) {
  const auto& cell = GetParam();
  switch (cell.room) {
    case Column::kAbsent:
      break;
    case Column::kStarting:
      script_.starts = false;
      ask(request(Action::kStart));
      ASSERT_EQ(supervisor_->status().room, RoomState::kStarting);
      script_.starts = true;
      break;
    case Column::kRunning:
      run();
      break;
    case Column::kStopping:
      run();
      admit(request(Action::kStop));
      supervisor_->acknowledged(supervisor_->status().transition_id.value(), AckOutcome::kSent);
      ASSERT_EQ(supervisor_->status().room, RoomState::kStopping);
      break;
  }
  events_.clear();
  const auto admission = ask(request(cell.intent));
  EXPECT_EQ(admission.merged, cell.merged);
  EXPECT_EQ(admission.no_effect, cell.no_effect);
  // A start that is held back is let go by its deadline, when nothing ended it before.
  if (cell.room == Column::kStarting) scheduler_.advance(11s);
  scheduler_.advance(3s);
  EXPECT_EQ(events_, cell.then);
  EXPECT_EQ(supervisor_->status().room, cell.ends);
}

std::string cell_name(const ::testing::TestParamInfo<Cell>& info) {
  constexpr const char* kColumns[] = {"Absent", "Starting", "Running", "Stopping"};
  return std::string(name(info.param.intent)) + kColumns[static_cast<int>(info.param.room)];
}

INSTANTIATE_TEST_SUITE_P(
    AllCells, Table,
    ::testing::Values(
        Cell{Action::kStart, Column::kAbsent, {"start"}, RoomState::kRunning, false, false},
        // The start that it joined misses its deadline here, and so both fail.
        Cell{Action::kStart, Column::kStarting, {"stop"}, RoomState::kAbsent, true, false},
        Cell{Action::kStart, Column::kRunning, {}, RoomState::kRunning, false, true},
        Cell{Action::kStart, Column::kStopping, {"start"}, RoomState::kRunning, false, false},
        Cell{Action::kStop, Column::kAbsent, {}, RoomState::kAbsent, false, true},
        Cell{Action::kStop, Column::kStarting, {"stop"}, RoomState::kAbsent, false, false},
        Cell{Action::kStop, Column::kRunning, {"stop"}, RoomState::kAbsent, false, false},
        Cell{Action::kStop, Column::kStopping, {}, RoomState::kAbsent, true, false},
        Cell{Action::kRestart,
             Column::kAbsent,
             {"end_sessions", "start"},
             RoomState::kRunning,
             false,
             false},
        Cell{Action::kRestart, Column::kStarting, {"stop"}, RoomState::kAbsent, true, false},
        Cell{Action::kRestart,
             Column::kRunning,
             {"end_sessions", "stop", "start"},
             RoomState::kRunning,
             false,
             false},
        Cell{Action::kRestart,
             Column::kStopping,
             {"end_sessions", "start"},
             RoomState::kRunning,
             false,
             false},
        Cell{Action::kExit,
             Column::kAbsent,
             {"end_sessions", "exit 0"},
             RoomState::kAbsent,
             false,
             false},
        Cell{Action::kExit,
             Column::kStarting,
             {"stop", "end_sessions", "exit 0"},
             RoomState::kAbsent,
             false,
             false},
        Cell{Action::kExit,
             Column::kRunning,
             {"end_sessions", "stop", "exit 0"},
             RoomState::kAbsent,
             false,
             false},
        Cell{Action::kExit,
             Column::kStopping,
             {"end_sessions", "exit 0"},
             RoomState::kAbsent,
             false,
             false}),
    cell_name);

TEST(Decision, IsTheTableWhateverIsUnderWay) {
  const std::optional<Intent> starting = Intent{Action::kStart, Scope::kDaemon};
  const std::optional<Intent> stopping = Intent{Action::kStop, Scope::kDaemon};
  using enum Decision;
  EXPECT_EQ(decide({Action::kStart}, RoomState::kStarting, starting), kJoin);
  EXPECT_EQ(decide({Action::kStop}, RoomState::kStarting, starting), kAfter);
  EXPECT_EQ(decide({Action::kExit}, RoomState::kStarting, starting), kCancel);
  EXPECT_EQ(decide({Action::kRestart}, RoomState::kStopping, stopping), kAfter);
  EXPECT_EQ(decide({Action::kStop}, RoomState::kStopping, stopping), kJoin);
  // Narrower joins, wider waits.
  const std::optional<Intent> daemon = Intent{Action::kRestart, Scope::kDaemon};
  EXPECT_EQ(decide({Action::kRestart, Scope::kBackend}, RoomState::kStopping, daemon), kJoin);
  EXPECT_EQ(decide({Action::kRestart, Scope::kDaemon}, RoomState::kRunning, daemon), kJoin);
  EXPECT_EQ(decide({Action::kRestart, Scope::kProcess}, RoomState::kStopping, daemon), kAfter);
}

// --- ack before act

TEST_F(SupervisorTest, NothingHappensBeforeTheAckIsOut) {
  run();
  const auto admission = admit(request(Action::kRestart));
  scheduler_.advance(500ms);
  EXPECT_THAT(events_, IsEmpty());
  EXPECT_EQ(supervisor_->status().state, "running");
  supervisor_->acknowledged(admission.id, AckOutcome::kSent);
  scheduler_.run_posted();
  EXPECT_THAT(events_, ElementsAre("end_sessions", "stop", "start"));
  EXPECT_EQ(receipt(admission.id).ack, "sent");
}

TEST_F(SupervisorTest, AnAckThatNeverGetsOutDelaysByASecondOnly) {
  run();
  const auto admission = admit(request(Action::kRestart));
  scheduler_.advance(999ms);
  EXPECT_THAT(events_, IsEmpty());
  scheduler_.advance(1ms);
  EXPECT_THAT(events_, ElementsAre("end_sessions", "stop", "start"));
  EXPECT_EQ(receipt(admission.id).ack, "failed");
}

TEST_F(SupervisorTest, JoinedRequestsGetTheirAcksOutBeforeTheTeardownToo) {
  run();
  const auto first = admit(request(Action::kRestart));
  const auto second = admit(request(Action::kRestart));
  EXPECT_TRUE(second.merged);
  supervisor_->acknowledged(first.id, AckOutcome::kSent);
  scheduler_.run_posted();
  EXPECT_THAT(events_, IsEmpty());
  supervisor_->acknowledged(second.id, AckOutcome::kSent);
  scheduler_.run_posted();
  EXPECT_THAT(events_, ElementsAre("end_sessions", "stop", "start"));
  EXPECT_EQ(receipt(second.id).merged_into, first.id);
  EXPECT_EQ(receipt(second.id).outcome, "done");
}

TEST_F(SupervisorTest, AConfirmingCallerIsWaitedForASecond) {
  run();
  auto wanted = request(Action::kRestart);
  wanted.confirm = true;
  const auto admission = admit(wanted);
  supervisor_->acknowledged(admission.id, AckOutcome::kSent);
  scheduler_.advance(300ms);
  EXPECT_THAT(events_, IsEmpty());
  EXPECT_TRUE(supervisor_->confirm(admission.id));
  scheduler_.run_posted();
  EXPECT_THAT(events_, ElementsAre("end_sessions", "stop", "start"));
  EXPECT_EQ(receipt(admission.id).ack, "confirmed");
  EXPECT_FALSE(supervisor_->confirm("unknown"));

  const auto silent = admit(wanted);
  supervisor_->acknowledged(silent.id, AckOutcome::kSent);
  events_.clear();
  scheduler_.advance(1s);
  EXPECT_THAT(events_, ElementsAre("end_sessions", "stop", "start"));
}

// --- flags and scopes

TEST_F(SupervisorTest, FlagsAreOffUnlessAsked) {
  run();
  ask(request(Action::kRestart, Scope::kDaemon, {true, true}));
  EXPECT_THAT(events_, ElementsAre("sleep", "end_sessions", "stop", "start+wake"));
}

TEST_F(SupervisorTest, FlagsOfJoinedRequestsAreOred) {
  run();
  const auto first = admit(request(Action::kRestart, Scope::kDaemon, {true, false}));
  const auto second = admit(request(Action::kRestart, Scope::kBackend, {false, true}));
  supervisor_->acknowledged(first.id, AckOutcome::kSent);
  supervisor_->acknowledged(second.id, AckOutcome::kSent);
  scheduler_.run_posted();
  EXPECT_THAT(events_, ElementsAre("sleep", "end_sessions", "stop", "start+wake"));
}

TEST_F(SupervisorTest, ScopeBackendKeepsThePeers) {
  run();
  ProgressSeen seen;
  supervisor_->add_observer(seen);
  auto wanted = request(Action::kRestart, Scope::kBackend);
  wanted.id = "b1";
  ask(wanted);
  EXPECT_THAT(events_, ElementsAre("stop", "start"));
  EXPECT_THAT(seen.phases, ElementsAre("b1 stopping", "b1 starting", "b1 done"));
  supervisor_->remove_observer(seen);
}

TEST_F(SupervisorTest, ScopeMotorTouchesOneServo) {
  run();
  auto wanted = request(Action::kRestart, Scope::kMotor);
  EXPECT_EQ(refuse(wanted).reason, RefusalReason::kUnknownMotor);
  wanted.motor = "stewart_9";
  EXPECT_EQ(refuse(wanted).reason, RefusalReason::kUnknownMotor);
  wanted.motor = "stewart_3";
  const auto admission = ask(wanted);
  EXPECT_THAT(events_, ElementsAre("motor stewart_3"));
  EXPECT_EQ(receipt(admission.id).outcome, "done");
}

TEST_F(SupervisorTest, AWiderRequestWaitsInTheOneSlot) {
  run();
  script_.starts = false;
  ask(request(Action::kRestart, Scope::kBackend));
  const auto wider = admit(request(Action::kRestart, Scope::kDaemon));
  const auto widest = admit(request(Action::kRestart, Scope::kProcess));
  EXPECT_FALSE(wider.merged);
  EXPECT_TRUE(widest.merged);
  EXPECT_EQ(receipt(widest.id).merged_into, wider.id);
  supervisor_->acknowledged(wider.id, AckOutcome::kSent);
  supervisor_->acknowledged(widest.id, AckOutcome::kSent);
  events_.clear();
  script_.starts = true;
  scheduler_.advance(11s);
  EXPECT_THAT(events_, ElementsAre("stop", "end_sessions", "reexecute " + wider.id, "start"));
}

TEST_F(SupervisorTest, AnIdIsActedOnOnce) {
  run();
  auto wanted = request(Action::kRestart);
  wanted.id = "once";
  const auto first = ask(wanted);
  EXPECT_FALSE(first.duplicate);
  scheduler_.advance(3s);
  events_.clear();
  const auto again = ask(wanted);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.id, "once");
  scheduler_.advance(3s);
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(SupervisorTest, AFloodCostsMergesNotRestarts) {
  run();
  std::vector<std::string> ids;
  for (int i = 0; i < 2000; ++i) ids.push_back(admit(request(Action::kRestart)).id);
  for (const auto& id : ids) supervisor_->acknowledged(id, AckOutcome::kSent);
  scheduler_.advance(3s);
  EXPECT_EQ(std::count(events_.begin(), events_.end(), "start"), 1);
  EXPECT_LE(supervisor_->receipts(10000).size(), ReceiptLog::kKept);
}

// --- deadlines

TEST_F(SupervisorTest, AStopThatMissesItsDeadlineBecomesANewProcess) {
  run();
  script_.stops = false;
  const auto admission = ask(request(Action::kRestart));
  scheduler_.advance(5s);
  EXPECT_THAT(events_,
              ElementsAre("end_sessions", "stop", "abandon", "reexecute " + admission.id, "start"));
  const auto told = receipt(admission.id);
  EXPECT_THAT(told.notes, ElementsAre(HasSubstr("abandoned"), "cannot re-execute"));
}

TEST_F(SupervisorTest, AStartThatMissesItsDeadlineFailsAndSaysSo) {
  script_.starts = false;
  const auto admission = ask(request(Action::kStart));
  scheduler_.advance(10s);
  EXPECT_EQ(supervisor_->status().state, "error");
  EXPECT_THAT(receipt(admission.id).error.value(), HasSubstr("within 10 s"));
  EXPECT_EQ(script_.alive, 0);
}

TEST_F(SupervisorTest, SessionsThatDoNotEndDelayTheOthersByAMomentOnly) {
  run();
  sessions_.ends = false;
  ask(request(Action::kRestart));
  scheduler_.advance(150ms);
  EXPECT_THAT(events_, ElementsAre("end_sessions", "stop", "start"));
}

// --- failing starts, health, cure check

TEST_F(SupervisorTest, ABrokenConfigurationIsACauseUntilItIsMended) {
  script_.start_error = Error{Errc::kInvalid, "hardware.yaml:3: unknown motor"};
  supervisor_->boot(true, false);
  scheduler_.run_posted();
  auto status = supervisor_->status();
  EXPECT_EQ(status.state, "error");
  EXPECT_EQ(status.error, "hardware.yaml:3: unknown motor");
  EXPECT_EQ(status.health.verdict, Verdict::kUnhealthy);
  ASSERT_EQ(status.health.causes.size(), 1U);
  EXPECT_EQ(status.health.causes[0].code, code::kConfigInvalid);

  const auto vain = ask(request(Action::kRestart));
  EXPECT_EQ(receipt(vain.id).outcome, "failed");
  EXPECT_EQ(receipt(vain.id).cured, false);

  script_.start_error.reset();
  const auto cure = ask(request(Action::kRestart));
  EXPECT_EQ(receipt(cure.id).outcome, "done");
  EXPECT_EQ(receipt(cure.id).cured, true);
  EXPECT_EQ(supervisor_->status().state, "running");
  EXPECT_TRUE(supervisor_->status().health.causes.empty());
}

TEST_F(SupervisorTest, BrokenSettingsNeedANewProcessAndGetOne) {
  make({"boot-1", "", {"daruma.toml:2: unknown key robot_nam"}, "daruma.toml"});
  supervisor_->boot(true, true);
  scheduler_.run_posted();
  EXPECT_THAT(events_, IsEmpty());
  EXPECT_EQ(supervisor_->status().state, "error");
  const auto admission = ask(request(Action::kRestart));
  EXPECT_EQ(admission.scope, Scope::kProcess);
  EXPECT_THAT(events_, ElementsAre("end_sessions", "reexecute " + admission.id));
}

TEST_F(SupervisorTest, CausesOfTheRoomComeAndGoWithinASecond) {
  run();
  ProgressSeen seen;
  supervisor_->add_observer(seen);
  script_.causes = {cause("bus_silent", Scope::kBackend)};
  scheduler_.advance(200ms);
  EXPECT_EQ(supervisor_->status().state, "error");
  EXPECT_EQ(supervisor_->status().error, "no answer");
  script_.causes.clear();
  scheduler_.advance(200ms);
  EXPECT_EQ(supervisor_->status().state, "running");
  EXPECT_EQ(seen.statuses, 2);
  supervisor_->remove_observer(seen);
}

TEST_F(SupervisorTest, AutoGoesOneScopeWiderEachTimeAndEndsWithWouldNotHelp) {
  run();
  script_.causes = {cause("bus_silent", Scope::kBackend)};
  scheduler_.advance(200ms);
  for (const auto scope : {Scope::kBackend, Scope::kDaemon, Scope::kProcess}) {
    const auto admission = ask(request(Action::kRestart, Scope::kAuto));
    EXPECT_EQ(admission.scope, scope);
    scheduler_.advance(3s);
    EXPECT_EQ(receipt(admission.id).cured, false);
    EXPECT_EQ(receipt(admission.id).outcome, "done");
  }
  const auto refusal = refuse(request(Action::kRestart, Scope::kAuto));
  EXPECT_EQ(refusal.reason, RefusalReason::kWouldNotHelp);
  EXPECT_EQ(refusal.hint, "check the cable");
}

TEST_F(SupervisorTest, TheCureCheckEndsWhenTheCauseGoes) {
  run();
  script_.causes = {cause("bus_silent", Scope::kBackend)};
  scheduler_.advance(200ms);
  const auto admission = ask(request(Action::kRestart, Scope::kBackend));
  EXPECT_EQ(receipt(admission.id).outcome, "");
  EXPECT_EQ(supervisor_->status().transition_id, std::nullopt);
  script_.causes.clear();
  scheduler_.advance(200ms);
  EXPECT_EQ(receipt(admission.id).outcome, "done");
  EXPECT_EQ(receipt(admission.id).cured, true);
}

TEST_F(SupervisorTest, PhysicalCausesAreNotRestartedFor) {
  run();
  script_.causes = {cause("voltage_high", std::nullopt, Verdict::kDegraded)};
  scheduler_.advance(200ms);
  EXPECT_EQ(supervisor_->status().state, "running");
  EXPECT_EQ(refuse(request(Action::kRestart, Scope::kAuto)).reason, RefusalReason::kWouldNotHelp);
}

TEST_F(SupervisorTest, AStalledControlLoopTakesTheProcessAfterTwoSeconds) {
  run();
  script_.causes = {cause(code::kControlStalled, Scope::kBackend)};
  scheduler_.advance(1900ms);
  EXPECT_THAT(events_, IsEmpty());
  scheduler_.advance(400ms);
  EXPECT_THAT(events_, ::testing::Contains(HasSubstr("reexecute")));
}

TEST_F(SupervisorTest, AFailedWakeUpIsAnErrorInTheReceiptAndTheRoomRuns) {
  script_.wake_error = "the motors have no power";
  const auto admission = ask(request(Action::kRestart, Scope::kDaemon, {false, true}));
  EXPECT_EQ(receipt(admission.id).error, "the motors have no power");
  EXPECT_EQ(supervisor_->status().room, RoomState::kRunning);
}

TEST_F(SupervisorTest, DryRunDoesNothingAndTellsFromReceipts) {
  run();
  const auto first = std::get<DryRun>(supervisor_->dry_run(request(Action::kRestart)));
  EXPECT_EQ(first.p50_ms, std::nullopt);
  EXPECT_FALSE(first.peers_kept);
  ask(request(Action::kRestart));
  events_.clear();
  const auto plan = std::get<DryRun>(supervisor_->dry_run(request(Action::kRestart)));
  EXPECT_EQ(plan.p50_ms, 0);
  EXPECT_THAT(events_, IsEmpty());
  const auto backend =
      std::get<DryRun>(supervisor_->dry_run(request(Action::kRestart, Scope::kBackend)));
  EXPECT_TRUE(backend.peers_kept);
}

// --- receipts over the death of the process

TEST_F(SupervisorTest, WhatADeadProcessLeftOpenIsInterrupted) {
  run();
  script_.starts = false;
  const auto admission = ask(request(Action::kRestart));
  EXPECT_EQ(log_.find(admission.id)->outcome, "");
  script_.starts = true;
  make({"boot-2", "", {}, ""});
  supervisor_->boot(true, false);
  EXPECT_EQ(receipt(admission.id).outcome, "interrupted");
}

TEST_F(SupervisorTest, ASuccessorEndsTheReceiptAndGoesByItsFlags) {
  run();
  const auto admission = ask(request(Action::kRestart, Scope::kProcess));
  auto left = log_.find(admission.id).value();
  left.outcome.clear();
  left.scope = Scope::kProcess;
  ASSERT_TRUE(log_.put(left));
  events_.clear();
  make({"boot-2", admission.id, {}, ""});
  supervisor_->boot(true, true);
  scheduler_.run_posted();
  EXPECT_THAT(events_, ElementsAre("start"));
  EXPECT_EQ(receipt(admission.id).outcome, "done");
  EXPECT_EQ(receipt(admission.id).scope, Scope::kProcess);
}

TEST_F(SupervisorTest, TheFirstStartLeavesNoReceipt) {
  supervisor_->boot(true, true);
  scheduler_.run_posted();
  EXPECT_THAT(events_, ElementsAre("start+wake"));
  EXPECT_THAT(supervisor_->receipts(20), IsEmpty());
}

TEST_F(SupervisorTest, ThreeFailedStartsInAMinuteAreACrashLoop) {
  script_.starts = false;
  for (int i = 0; i < 3; ++i) {
    make({"boot", "", {}, ""});
    supervisor_->boot(true, false);
    scheduler_.advance(5s);  // the process dies while it starts
  }
  events_.clear();
  script_.starts = true;
  make({"boot", "", {}, ""});
  supervisor_->boot(true, false);
  scheduler_.advance(1s);
  EXPECT_THAT(events_, IsEmpty());
  EXPECT_EQ(supervisor_->status().health.causes.at(0).code, code::kCrashLoop);
  EXPECT_EQ(supervisor_->status().state, "error");
  ask(request(Action::kRestart));
  EXPECT_EQ(supervisor_->status().state, "running");
  EXPECT_TRUE(supervisor_->status().health.causes.empty());
}

TEST_F(SupervisorTest, FailuresBeforeASuccessAreForgotten) {
  script_.start_error = Error{Errc::kIo, "no"};
  for (int i = 0; i < 3; ++i) ask(request(Action::kRestart));
  script_.start_error.reset();
  ask(request(Action::kRestart));
  events_.clear();
  make({"boot", "", {}, ""});
  supervisor_->boot(true, false);
  scheduler_.run_posted();
  EXPECT_THAT(events_, ElementsAre("start"));
}

TEST_F(SupervisorTest, LeavingDoesNotWaitForTheSleepMoveOfARestart) {
  run();
  script_.sleeps = false;
  ask(request(Action::kRestart, Scope::kDaemon, {true, false}));
  EXPECT_THAT(events_, ElementsAre("sleep"));
  ask(request(Action::kExit));
  scheduler_.run_posted();
  EXPECT_THAT(events_, ElementsAre("sleep", "stop", "end_sessions", "exit 0"));
}

TEST_F(SupervisorTest, OldFailuresAreForgotten) {
  script_.starts = false;
  for (int i = 0; i < 3; ++i) {
    make({"boot", "", {}, ""});
    supervisor_->boot(true, false);
    scheduler_.advance(5s);
  }
  scheduler_.advance(61s);
  script_.starts = true;
  make({"boot", "", {}, ""});
  supervisor_->boot(true, false);
  scheduler_.run_posted();
  EXPECT_EQ(supervisor_->status().state, "running");
}

TEST_F(SupervisorTest, AStartThatSucceededDoesNotCount) {
  supervisor_->boot(true, false);
  scheduler_.run_posted();
  ASSERT_EQ(log_.starts().size(), 1U);
  EXPECT_TRUE(log_.starts()[0].succeeded);
}

TEST_F(SupervisorTest, LeavingDuringAStartIsNoFailure) {
  script_.starts = false;
  supervisor_->boot(true, false);
  ask(request(Action::kExit));
  scheduler_.advance(2s);
  EXPECT_THAT(events_, ElementsAre("start", "stop", "end_sessions", "exit 0"));
  EXPECT_TRUE(log_.starts().back().succeeded);
}

TEST_F(SupervisorTest, AFolderThatCannotBeWrittenIsACauseNotAFailure) {
  log_.error = Error{Errc::kIo, "no space left"};
  run();
  EXPECT_EQ(supervisor_->status().state, "running");
  EXPECT_EQ(supervisor_->status().health.causes.at(0).code, code::kStateFolder);
  log_.error.reset();
  ask(request(Action::kRestart));
  EXPECT_TRUE(supervisor_->status().health.causes.empty());
}

TEST_F(SupervisorTest, NothingIsTakenWhileShuttingDown) {
  run();
  script_.stops = false;
  ask(request(Action::kExit));
  EXPECT_EQ(refuse(request(Action::kRestart)).reason, RefusalReason::kShuttingDown);
}

TEST_F(SupervisorTest, AThousandRestartsLeaveOneRoom) {
  run();
  for (int i = 0; i < 1000; ++i)
    ask(request(Action::kRestart, i % 2 ? Scope::kBackend : Scope::kDaemon));
  EXPECT_EQ(script_.alive, 1);
  EXPECT_EQ(supervisor_->status().generation, 1001U);
}

TEST(HealthBoard, IsBounded) {
  HealthBoard board(TimePoint{});
  Cause cause;
  cause.code = "servo_silent";
  for (int i = 0; i < 1000; ++i) {
    cause.part = std::to_string(i);
    board.raise(cause, TimePoint{} + 1s);
  }
  EXPECT_EQ(board.health().causes.size(), HealthBoard::kMaxCauses);
}

}  // namespace
}  // namespace daruma::lifecycle
