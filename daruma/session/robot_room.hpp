#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "daruma/control/thread.hpp"
#include "daruma/session/commands.hpp"
#include "daruma/session/player.hpp"
#include "daruma/session/publisher.hpp"
#include "daruma/session/robot.hpp"
#include "daruma/session/room_factory.hpp"

namespace daruma::session {

/// Refuses with a sentence what this build cannot do, whatever the hardware says.
Status check_launch(const model::LaunchConfig& config);

/// One running robot: a driver on its control thread, the handlers of its commands, its publisher.
///
///     new --start--> reading --file ok--> opening --first full cycle--> [waking] --> running
///                       |                    |
///                       +-----error----------+--> failed
///     any of them --stop--> stopping --thread ended--> stopped
///     any of them --abandon--> abandoned
///
/// Handlers are mounted from the first full cycle until stop(). Loop thread only.
class RobotRoom final : public lifecycle::Room {
 public:
  explicit RobotRoom(House& house);
  ~RobotRoom() override;
  RobotRoom(const RobotRoom&) = delete;
  RobotRoom& operator=(const RobotRoom&) = delete;

  void start(const lifecycle::StartOptions& options, Started done) override;
  void goto_sleep(Slept done) override;
  void stop(Stopped done) override;
  void abandon() override;
  Duration longest_move() const override;
  bool has_motor(std::string_view name) const override;
  void restart_motor(std::string_view name, UniqueFunction<void(Status)> done) override;
  std::vector<lifecycle::Cause> causes() const override;

  /// Takes the handlers away, answers everyone who waits for a move and hands a recording over.
  /// stop() and abandon() do it too; earlier when peers are ended before the room.
  void close_doors();
  /// Null before there is a driver.
  boost::json::value backend_status() const;

 private:
  enum class State {
    kNew,
    kReading,
    kOpening,
    kWaking,
    kRunning,
    kFailed,
    kStopping,
    kStopped,
    kAbandoned
  };

  /// Calls it on the loop, later, if this room still exists then.
  void later(UniqueFunction<void()> call);
  void read_hardware();
  void open(const Result<model::HardwareConfig>& hardware);
  void listen();
  void on_news();
  void on_phase();
  void on_first_cycle();
  void wake_up();
  void finish_start(Result<lifecycle::RoomReport> result);
  void sleep_ended(control::MoveOutcome outcome);
  void finish_sleep(std::vector<std::string> notes);
  void finish_stop();
  void tell_scheduling();
  void add_loop_causes(std::vector<lifecycle::Cause>& causes) const;
  void add_motor_causes(std::vector<lifecycle::Cause>& causes) const;

  House& house_;
  State state_ = State::kNew;
  bool wake_up_ = false;
  std::function<void()> when_it_answers_;
  Started started_;
  Slept slept_;
  Stopped stopped_;
  lifecycle::RoomReport report_;
  std::shared_ptr<RobotRoom*> self_;  ///< what later() holds weakly

  std::unique_ptr<control::ControlThread> thread_;
  std::optional<boost::asio::posix::stream_descriptor> notification_;
  std::unique_ptr<Robot> robot_;
  MoveAnswers answers_;
  std::shared_ptr<Player> player_;
  std::unique_ptr<Publisher> publisher_;
  protocol::Handlers handlers_;
  bool mounted_ = false;
};

}  // namespace daruma::session
