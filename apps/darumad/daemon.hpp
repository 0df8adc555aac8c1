#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dead_man.hpp"
#include "process.hpp"
#include "service_manager.hpp"
#include "settings.hpp"
#include <boost/asio/signal_set.hpp>

#include "daruma/backend/mockup/mockup.hpp"
#include "daruma/base/log.hpp"
#include "daruma/base/loop.hpp"
#include "daruma/lifecycle/supervisor.hpp"
#include "daruma/media/engine.hpp"
#include "daruma/protocol/access.hpp"
#include "daruma/protocol/dispatcher.hpp"
#include "daruma/protocol/topics.hpp"
#include "daruma/services/daemon/identity.hpp"
#include "daruma/services/daemon/lifecycle_commands.hpp"
#include "daruma/services/daemon/log_streams.hpp"
#include "daruma/services/daemon/status_publisher.hpp"
#include "daruma/services/receipts/receipt_file.hpp"
#include "daruma/session/room_factory.hpp"
#include "daruma/transport/http/api.hpp"
#include "daruma/transport/net/server.hpp"
#include "daruma/transport/webrtc/door.hpp"
#include "daruma/transport/websocket/sdk_door.hpp"

namespace daruma {

/// The composition root: every part of the process as a member, in the order of dependence, so that
/// they end in the reverse. Decides nothing. Loop thread only.
class Daemon final : private lifecycle::Sessions, private lifecycle::LifecycleObserver {
 public:
  Daemon(Launch launch, std::vector<std::string> arguments, std::shared_ptr<log::Ring> ring);
  ~Daemon() override;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Opens the doors, starts the robot, and runs until the process is to end. Returns its exit
  /// code.
  int run();

 private:
  void end_all(UniqueFunction<void()> done) override;
  void on_status() override;

  Status open_doors();
  void start_media();
  void open_signalling();
  void register_commands();
  void on_signal(int signal);
  void ask(lifecycle::Action action, lifecycle::Flags flags, const char* by);
  http::Sources sources();
  net::Server::Options door(const char* name, int port) const;
  protocol::Dispatcher::Absence absence() const;

  const Launch launch_;
  const model::LaunchConfig& config_ = launch_.config;
  std::shared_ptr<log::Ring> ring_;
  Loop loop_;  // before all that posts to it

  // The house.
  protocol::OriginGuard guard_;
  protocol::Topics topics_;
  protocol::Dispatcher dispatcher_;
  OwnProcess process_;
  services::ReceiptFile receipts_;
  session::RoomFactory rooms_;
  websocket::SdkDoor sdk_door_;
  media::Engine media_;
  webrtc::Door webrtc_door_;
  lifecycle::Supervisor supervisor_;
  services::StatusPublisher status_;
  services::LifecycleCommands lifecycle_commands_;
  services::Identity identity_;
  services::LogStreams log_streams_;
  http::Api api_;
  net::Server http_;
  net::Server signalling_;
  Timer signalling_retry_;
  ServiceManager service_manager_;
  DeadMan dead_man_;
  boost::asio::signal_set signals_;
  bool leaving_ = false;
};

}  // namespace daruma
