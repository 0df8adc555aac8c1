#pragma once

#include <atomic>
#include <memory>
#include <unordered_map>

#include <boost/json/object.hpp>

#include "daruma/base/log.hpp"
#include "daruma/base/scheduler.hpp"
#include "daruma/protocol/dispatcher.hpp"

namespace daruma::services {

/// Lines of the log after `after`, the newest `limit` at most, for who asks instead of listening:
/// `{"newest":n,"lines":[{"sequence":n,"timestamp":"..","line":".."}]}`. Any thread.
boost::json::object log_json(const log::Ring& ring, std::uint64_t after, std::size_t limit);

/// `subscribe_logs` and `unsubscribe_logs`: the daemon's own log, line by line, to whoever asked;
/// the last 100 lines first. Reads the log ring, so it works without a journal. Loop thread only.
class LogStreams {
 public:
  /// Lines a fresh subscriber gets at once (contract commands.md 2.9).
  static constexpr std::size_t kBacklog = 100;
  /// Lines sent to one subscriber in one go; what comes faster than that is skipped and said so.
  static constexpr std::size_t kBurst = 200;

  LogStreams(Scheduler& scheduler, std::shared_ptr<log::Ring> ring);
  ~LogStreams();
  LogStreams(const LogStreams&) = delete;
  LogStreams& operator=(const LogStreams&) = delete;

  void register_in(protocol::Handlers& handlers);

 private:
  struct Stream {
    std::weak_ptr<protocol::Peer> peer;
    std::uint64_t sent = 0;  ///< sequence of the newest line that was sent
  };
  /// Shared with the ring's listener, which any thread calls.
  struct Signal {
    std::atomic<bool> pending{false};
  };

  void subscribe(const protocol::PeerContext& context);
  void pump();
  void send_fresh(Stream& stream, protocol::Peer& peer, std::size_t limit);
  void listen();

  Scheduler& scheduler_;
  std::shared_ptr<log::Ring> ring_;
  std::shared_ptr<Signal> signal_ = std::make_shared<Signal>();
  std::unordered_map<std::string, Stream> streams_;
  Timer pump_timer_;
};

}  // namespace daruma::services
