#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "daruma/base/scheduler.hpp"
#include "daruma/lifecycle/port.hpp"
#include "daruma/model/launch_config.hpp"
#include "daruma/protocol/topics.hpp"

namespace daruma::services {

/// The `daemon_status` message (contract http-api 3.5, plus `health`, `generation`, `boot_id`,
/// `uptime_s`): built here and nowhere else. Pushes it to everybody when something changed, and to
/// WebSocket clients each second while the robot is there: their silence is how programs learn that
/// it is gone. Loop thread only.
class StatusPublisher final : public lifecycle::LifecycleObserver {
 public:
  /// What the room says of itself, or null without one.
  using BackendStatus = UniqueFunction<boost::json::value()>;

  StatusPublisher(Scheduler& scheduler, lifecycle::LifecyclePort& lifecycle,
                  protocol::Topics& topics, const model::LaunchConfig& config);
  ~StatusPublisher() override;
  StatusPublisher(const StatusPublisher&) = delete;
  StatusPublisher& operator=(const StatusPublisher&) = delete;

  void set_backend_status(BackendStatus source) { backend_status_ = std::move(source); }
  void set_robot_name(std::string name);
  void set_hardware_id(std::string id) { hardware_id_ = std::move(id); }
  /// Where WebRTC signalling listens, 0 (null on the wire) while it does not; key
  /// `signalling_port`, for pages that HTTP has brought.
  void set_signalling_port(std::uint16_t port) { signalling_port_ = port; }
  /// Begins the pushes each second.
  void start();

  boost::json::object status();
  /// The same as text; not older than kFreshFor, and never older than the last change.
  protocol::Text text();

  void on_status() override;

 private:
  /// How long a text may serve again: keeps a client that polls thousands of times a second from
  /// costing more than one that does not.
  static constexpr Duration kFreshFor = std::chrono::milliseconds(50);
  static constexpr Duration kPeriod = std::chrono::seconds(1);

  void publish_period();
  void publish_change();

  Scheduler& scheduler_;
  lifecycle::LifecyclePort& lifecycle_;
  protocol::Topics& topics_;
  const model::LaunchConfig& config_;
  BackendStatus backend_status_;
  std::string robot_name_;
  std::string hardware_id_;
  std::uint16_t signalling_port_ = 0;
  protocol::Text text_;
  TimePoint text_made_{};
  bool change_pending_ = false;
  Timer period_;
  Timer change_;
};

}  // namespace daruma::services
