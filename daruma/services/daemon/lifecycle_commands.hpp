#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <boost/json/object.hpp>

#include "daruma/lifecycle/port.hpp"
#include "daruma/protocol/dispatcher.hpp"
#include "daruma/services/daemon/status_publisher.hpp"

namespace daruma::services {

/// The words of the wire for the lifecycle: `restart_daemon`, `restart_confirm`, `start_daemon`,
/// `stop_daemon`, `get_health`, `get_daemon_status`, `get_restart_receipt(s)`. Holds the
/// lifecycle's port and nothing of the robot, so it works whatever state the robot is in. Loop
/// thread only.
class LifecycleCommands final : public lifecycle::LifecycleObserver {
 public:
  /// Turns a receipt into what the wire shows; services/receipts has the one implementation.
  using ReceiptJson = boost::json::object (*)(const lifecycle::Receipt&);

  /// `restart_from`: words of `--restart-from`; requests from elsewhere are refused.
  LifecycleCommands(lifecycle::LifecyclePort& lifecycle, StatusPublisher& status,
                    std::vector<std::string> restart_from, ReceiptJson receipt_json);
  ~LifecycleCommands() override;
  LifecycleCommands(const LifecycleCommands&) = delete;
  LifecycleCommands& operator=(const LifecycleCommands&) = delete;

  void register_in(protocol::Handlers& handlers);

  void on_progress(const std::string& id, lifecycle::Scope scope, std::string_view phase,
                   long long elapsed_ms, const std::optional<std::string>& error) override;

 private:
  /// Callers that may wait for progress at the same time; beyond it they poll the receipt.
  static constexpr std::size_t kMaxWatchers = 256;

  void restart(const protocol::Command& command, const protocol::PeerContext& peer,
               protocol::Reply reply);
  void start_or_stop(lifecycle::Action action, lifecycle::Flags flags,
                     const protocol::PeerContext& peer, protocol::Reply reply);
  void dry_run(const lifecycle::Request& request, protocol::Reply reply);
  bool refuse(const protocol::PeerContext& peer, const lifecycle::Request& request,
              protocol::Reply& reply);
  void answer(const lifecycle::Admission& admission, boost::json::object ack,
              protocol::Reply reply);

  lifecycle::LifecyclePort& lifecycle_;
  StatusPublisher& status_;
  std::vector<std::string> restart_from_;
  ReceiptJson receipt_json_;
  std::unordered_map<std::string, std::weak_ptr<protocol::Peer>> watchers_;
};

}  // namespace daruma::services
