#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daruma/base/scheduler.hpp"
#include "daruma/lifecycle/port.hpp"
#include "daruma/lifecycle/room.hpp"
#include "daruma/lifecycle/transition.hpp"

namespace daruma::lifecycle {

/// What the supervisor knows when the process begins.
struct Boot {
  std::string boot_id;
  /// Receipt of the restart that made this process, when it is a successor.
  std::string successor_of;
  /// What is wrong with the launch configuration, sentences; not empty: no room in this process.
  std::vector<std::string> problems;
  /// The file they are in.
  std::string problem_file;
};

/// Bounds of every wait. Source: recovery.md.
struct Deadlines {
  Duration start = std::chrono::seconds(10);
  Duration stop = std::chrono::seconds(5);
  Duration acknowledge = std::chrono::seconds(1);
  /// A peer that does not drain delays the others by no more; it is ended all the same.
  Duration end_sessions = std::chrono::milliseconds(150);
  Duration check = std::chrono::seconds(2);
  /// How often the room's causes are read.
  Duration watch = std::chrono::milliseconds(100);
  /// A control loop that stands still for so long takes the process with it.
  Duration stalled = std::chrono::seconds(2);
  /// Crash loop: so many failed starts in so long.
  Duration crash_window = std::chrono::seconds(60);
  std::size_t crash_starts = 3;
};

/// Owner of the room: builds it, takes it down, and rebuilds it, one transition at a time, whoever
/// asks and however often. States x intents are in decision.hpp, the steps of one transition in
/// transition.hpp. Runs on the process's loop and on nothing that a restart destroys.
class Supervisor final : public LifecyclePort {
 public:
  using MakeRoom = UniqueFunction<std::unique_ptr<Room>()>;

  Supervisor(Scheduler& scheduler, ReceiptLog& log, Sessions& sessions, Process& process,
             MakeRoom make_room, Boot boot, Deadlines deadlines = {});
  ~Supervisor() override;
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Ends the receipts that an earlier process left open, applies the crash loop rule and, with
  /// `autostart`, builds the first room. A successor goes by its receipt's flags instead of
  /// `wake_up`.
  void boot(bool autostart, bool wake_up);

  std::variant<Admission, Refusal> admit(const Request& request) override;
  void acknowledged(const std::string& id, AckOutcome outcome) override;
  bool confirm(const std::string& id) override;
  std::variant<DryRun, Refusal> dry_run(const Request& request) const override;
  LifecycleStatus status() const override;
  std::optional<Receipt> receipt(std::string_view id) const override;
  std::vector<Receipt> receipts(std::size_t limit) const override;
  void add_observer(LifecycleObserver& observer) override;
  void remove_observer(LifecycleObserver& observer) override;

  /// Causes that others see (receipts, media); the room's own are read from it.
  void raise(Cause cause);
  void clear(std::string_view code, std::string_view part);
  /// False while a transition is past its deadline: the watchdog is not to be fed then.
  bool alive() const;
  /// True while a transition is between the end of the old sessions and the new room.
  bool in_transition() const;

 private:
  using Step = Transition::Step;
  /// Asks for the first start; nobody's request, so it leaves no receipt.
  static constexpr std::string_view kBoot = "boot";

  // Admission (supervisor_admission.cpp).
  std::optional<Refusal> check_request(const Request& request, Scope scope) const;
  std::variant<Scope, Refusal> resolve_scope(const Request& request) const;
  std::variant<Scope, Refusal> narrowest_cure() const;
  std::optional<Admission> repeated(const Request& request);
  Admission begin_with(const Request& request, Scope scope);
  Admission join(Transition& transition, const Request& request, Scope scope);
  Admission wait(const Request& request, Scope scope);
  void skip_sleep(Flags wanted);
  Admission no_effect(const Request& request, Scope scope);
  Receipt new_receipt(const Request& request, Scope scope) const;
  Transition new_transition(const Request& request, Scope scope);
  void expect_ack(Transition& transition, const Receipt& receipt, bool confirms);
  void log_request(const Request& request, const Receipt& receipt, std::string_view outcome) const;

  // The steps of a transition (supervisor.cpp).
  void act_when_acknowledged();
  void act();
  void sleep();
  void end_sessions();
  void stop_room();
  void room_stopped(RoomReport report);
  void stop_missed();
  void after_stop();
  void replace_process();
  void start_room();
  void room_started(Result<RoomReport> started);
  void start_failed(const Error& error);
  void start_missed();
  void cure_motor();
  void motor_missed();
  void check();
  void checked();
  void finish(std::string_view outcome, std::optional<std::string> error = {});
  void next_transition();
  void exit_process();
  void cancel_start();
  void cancel_missed();

  /// Runs `call` unless the transition has gone on to another step, or this has gone, meanwhile.
  template <class F>
  auto in_step(F call);
  void enter(Step step, std::string_view phase, Duration deadline, void (Supervisor::*missed)());
  void end_phase();
  void progress(std::string_view phase, const std::optional<std::string>& error = {});
  void report_progress(Transition& transition, std::string_view outcome);
  void add_notes(const std::vector<std::string>& notes);
  void put(const Receipt& receipt);
  void put_start(bool succeeded);
  void heed(const Status& written);

  // Boot and health (supervisor_health.cpp).
  void settle_open_receipts();
  void adopt(const Receipt& receipt);
  /// Failed in a row, within the window.
  std::size_t recent_failed_starts() const;
  void watch();
  void read_room_causes();
  void clear_room_causes();
  void restart_when_stalled();
  bool still_wrong() const;
  bool stands(const std::vector<std::pair<std::string, std::string>>& causes) const;
  void raise_start_cause(const Error& error);
  void clear_start_causes();
  void notify();
  std::string wire_state() const;
  std::optional<std::string> error_text() const;

  Scheduler& scheduler_;
  ReceiptLog& log_;
  Sessions& sessions_;
  Process& process_;
  MakeRoom make_room_;
  Boot boot_;
  Deadlines deadlines_;

  HealthBoard board_;
  std::set<std::pair<std::string, std::string>> room_causes_;  ///< raised on the room's behalf
  std::vector<LifecycleObserver*> observers_;
  std::uint64_t notified_revision_ = 0;
  std::string notified_state_;
  bool notified_in_transition_ = false;

  RoomState state_ = RoomState::kAbsent;
  std::unique_ptr<Room> room_;
  std::unique_ptr<Transition> current_;
  std::unique_ptr<Transition> waiting_;
  bool ever_started_ = false;
  bool start_failed_ = false;
  bool exiting_ = false;
  std::uint64_t generation_ = 0;
  TimePoint booted_{};
  std::optional<TimePoint> step_deadline_;
  /// Counts steps; an answer that belongs to an earlier one is not listened to.
  std::uint64_t step_count_ = 0;
  /// Held weakly by answers that may come when this has gone.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Timer step_timer_;
  Timer watch_timer_;
};

}  // namespace daruma::lifecycle
