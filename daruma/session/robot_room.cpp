#include "daruma/session/robot_room.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "daruma/session/behaviours.hpp"
#include "daruma/session/state_messages.hpp"

namespace daruma::session {

using control::MoveOutcome;
using control::Phase;
using lifecycle::RoomReport;

Status check_launch(const model::LaunchConfig& config) {
  if (config.check_collision) {
    return fail(Errc::kUnavailable,
                config.kinematics_engine == "Placo"
                    ? "collision checking needs the Placo engine, which this daemon does not have"
                    : "Collision checking is only available with Placo Kinematics");
  }
  // The mock-up wins over --sim when both are given (contract http-api 1.2).
  if (config.sim && !config.mockup_sim) {
    return fail(Errc::kUnavailable,
                "this daemon has no MuJoCo simulator (--sim); --mockup-sim simulates the motors");
  }
  if (!config.mockup_sim) {
    return fail(Errc::kUnavailable,
                "this daemon cannot drive the motor bus yet; --mockup-sim simulates the motors");
  }
  if (!(config.control_rate_hz >= 1 && config.control_rate_hz <= 200)) {
    return fail(Errc::kInvalid,
                fmt::format("the control rate is {} Hz, allowed 1 to 200", config.control_rate_hz));
  }
  return {};
}

RobotRoom::RobotRoom(House& house) : house_(house), self_(std::make_shared<RobotRoom*>(this)) {
  house_.room = this;
}

RobotRoom::~RobotRoom() {
  close_doors();
  // The next one may have been made already.
  if (house_.room == this) house_.room = nullptr;
}

void RobotRoom::later(UniqueFunction<void()> call) {
  house_.loop.post([call = std::move(call), alive = std::weak_ptr(self_)]() mutable {
    if (!alive.expired()) call();
  });
}

void RobotRoom::start(const lifecycle::StartOptions& options, Started done) {
  state_ = State::kReading;
  started_ = std::move(done);
  wake_up_ = options.wake_up;
  when_it_answers_ = options.answers;
  if (auto possible = check_launch(house_.config); !possible) {
    return finish_start(tl::unexpected(possible.error()));
  }
  if (house_.config.kinematics_engine != "AnalyticalKinematics" && !house_.told_engine) {
    // The desktop app always asks for Placo; a refusal would lock its users out.
    spdlog::warn("the kinematics engine {} is not built in; the analytical one is used",
                 house_.config.kinematics_engine);
    house_.told_engine = true;
  }
  read_hardware();
}

void RobotRoom::read_hardware() {
  house_.loop.on_pool(
      [read = house_.read_hardware, &loop = house_.loop, alive = std::weak_ptr(self_)]() mutable {
        auto hardware = (*read)();
        loop.post([hardware = std::move(hardware), alive = std::move(alive)]() {
          const auto self = alive.lock();
          if (self && (*self)->state_ == State::kReading) (*self)->open(hardware);
        });
      });
}

void RobotRoom::open(const Result<model::HardwareConfig>& hardware) {
  if (!hardware) return finish_start(tl::unexpected(hardware.error()));
  auto backend = house_.make_backend(*hardware);
  if (!backend) return finish_start(tl::unexpected(backend.error()));
  const bool simulated = (*backend)->simulated();
  const auto period = std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(1 / house_.config.control_rate_hz));
  try {
    thread_ = std::make_unique<control::ControlThread>(std::move(*backend), period);
    // A descriptor of our own: Asio closes the one that it is given.
    const int fd = ::dup(thread_->link().notification());
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "dup");
    notification_.emplace(house_.loop.context(), fd);
  } catch (const std::exception& e) {
    return finish_start(
        fail(Errc::kIo, fmt::format("the control thread cannot start: {}", e.what())));
  }
  state_ = State::kOpening;
  robot_ = std::make_unique<Robot>(thread_->link(), house_.loop, simulated);
  listen();
}

void RobotRoom::listen() {
  notification_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [alive = std::weak_ptr(self_)](const boost::system::error_code& error) {
                              const auto self = alive.lock();
                              if (!self || error) return;
                              RobotRoom& room = **self;
                              room.thread_->link().acknowledge();
                              room.listen();
                              room.on_news();
                            });
}

void RobotRoom::on_news() {
  on_phase();
  if (state_ == State::kOpening && robot_->snapshot().ready) on_first_cycle();
  if (state_ != State::kWaking && state_ != State::kRunning) return;
  robot_->on_news();
  if (publisher_) publisher_->on_news();
}

void RobotRoom::on_phase() {
  const auto phase = thread_->link().phase();
  if (phase == Phase::kOpening || phase == Phase::kTicking) return;
  if (state_ == State::kStopping) return finish_stop();
  if (phase != Phase::kFailed) return;
  thread_->join();
  if (state_ == State::kOpening) {
    finish_start(tl::unexpected(thread_->link().error()));
  } else if (state_ == State::kWaking || state_ == State::kRunning) {
    robot_->cancel_moves();
  }
}

void RobotRoom::on_first_cycle() {
  const auto& now = robot_->snapshot();
  report_.max_step_deg = now.first_step_deg;
  if (house_.torque_at_stop) report_.torque_kept = now.torque == *house_.torque_at_stop;
  tell_scheduling();
  register_commands(handlers_, *robot_, house_.loop, answers_, house_.topics);
  player_ = std::make_shared<Player>(house_.loop, *robot_, house_.topics);
  player_->register_in(handlers_);
  house_.dispatcher.mount(&handlers_);
  mounted_ = true;
  publisher_ = std::make_unique<Publisher>(house_.loop, house_.topics, *robot_, thread_->link(),
                                           house_.pose_sequence);
  publisher_->start();
  if (when_it_answers_) when_it_answers_();
  if (wake_up_) return wake_up();
  finish_start(report_);
}

void RobotRoom::tell_scheduling() {
  if (house_.told_scheduling) return;
  house_.told_scheduling = true;
  if (thread_->link().real_time) {
    spdlog::info("the control loop runs with real-time priority");
  } else {
    spdlog::info("the control loop runs without real-time priority: the system does not allow it");
  }
}

void RobotRoom::wake_up() {
  state_ = State::kWaking;
  auto given = robot_->set_mode(backend::MotorMode::kEnabled);
  if (given) {
    given = robot_->play(wake_up_plan(robot_->snapshot()), [this](MoveOutcome outcome) {
      if (outcome != MoveOutcome::kCompleted) report_.wake_error = "the wake-up was interrupted";
      finish_start(report_);
    });
  }
  if (given) return;
  report_.wake_error = given.error().context;
  finish_start(report_);
}

void RobotRoom::finish_start(Result<RoomReport> result) {
  if (!started_) return;
  state_ = result ? State::kRunning : State::kFailed;
  later([done = std::move(started_), result = std::move(result)]() mutable {
    done(std::move(result));
  });
  started_ = nullptr;
}

void RobotRoom::goto_sleep(Slept done) {
  slept_ = std::move(done);
  if (state_ != State::kRunning)
    return finish_sleep({"sleep move skipped: the robot is not running"});
  if (!robot_->answers()) {
    return finish_sleep({"sleep move skipped: the motors do not answer"});
  }
  if (at_rest(robot_->snapshot())) {
    return finish_sleep({"sleep move skipped: the robot sleeps already"});
  }
  auto given = robot_->set_mode(backend::MotorMode::kEnabled);
  if (given) {
    given = robot_->play(reset_to_sleep_plan(robot_->snapshot()),
                         [this](MoveOutcome outcome) { sleep_ended(outcome); });
  }
  if (!given) finish_sleep({fmt::format("sleep move skipped: {}", given.error().context)});
}

void RobotRoom::sleep_ended(MoveOutcome outcome) {
  if (outcome == MoveOutcome::kCompleted) return finish_sleep({});
  if (outcome == MoveOutcome::kInterrupted) return finish_sleep({"sleep move interrupted"});
  finish_sleep({"the head did not reach the sleep pose; its motors stay enabled"});
}

void RobotRoom::finish_sleep(std::vector<std::string> notes) {
  if (!slept_) return;
  later([done = std::move(slept_), notes = std::move(notes)]() mutable { done(std::move(notes)); });
  slept_ = nullptr;
}

void RobotRoom::stop(Stopped done) {
  stopped_ = std::move(done);
  started_ = nullptr;
  slept_ = nullptr;
  close_doors();
  state_ = State::kStopping;
  if (!thread_) return finish_stop();
  thread_->request_stop();
  on_phase();
}

void RobotRoom::close_doors() {
  publisher_.reset();
  if (mounted_) house_.dispatcher.unmount();
  mounted_ = false;
  answers_.restarting = true;
  if (!robot_) return;
  if (robot_->recording.on()) publish_recording(robot_->recording, house_.topics);
  robot_->cancel_moves();
}

void RobotRoom::finish_stop() {
  state_ = State::kStopped;
  if (thread_) {
    thread_->join();
    const auto& last = robot_->snapshot();
    if (last.ready) house_.torque_at_stop = last.torque;
  }
  later([done = std::move(stopped_)]() mutable { done({}); });
  stopped_ = nullptr;
}

void RobotRoom::abandon() {
  started_ = nullptr;
  slept_ = nullptr;
  stopped_ = nullptr;
  close_doors();
  state_ = State::kAbandoned;
  if (thread_) thread_->abandon();
}

Duration RobotRoom::longest_move() const { return kLongestMove; }

bool RobotRoom::has_motor(std::string_view name) const {
  return model::joint_index(name).has_value();
}

void RobotRoom::restart_motor(std::string_view name, UniqueFunction<void(Status)> done) {
  const auto joint = model::joint_index(name);
  auto answer = [this, done = std::move(done)](Status status) mutable {
    later([done = std::move(done), status = std::move(status)]() mutable {
      done(std::move(status));
    });
  };
  if (!joint) return answer(fail(Errc::kNotFound, fmt::format("no motor named '{}'", name)));
  if (state_ != State::kRunning || !robot_->answers()) {
    return answer(fail(Errc::kUnavailable, "the motors do not answer"));
  }
  robot_->reapply(static_cast<control::JointMask>(1U << *joint), std::move(answer));
}

boost::json::value RobotRoom::backend_status() const {
  if (!robot_) return nullptr;
  return backend_status_json(*robot_, house_.loop);
}

}  // namespace daruma::session
