#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "daruma/base/loop.hpp"
#include "daruma/protocol/dispatcher.hpp"
#include "daruma/protocol/log_limiter.hpp"
#include "daruma/protocol/topics.hpp"
#include "daruma/transport/net/server.hpp"

namespace daruma::websocket {

/// `/ws/sdk`: state, status and events out, commands in. Commands are executed in silence, as
/// clients of the reference expect; answered are Daruma's own commands, and a `restart_daemon` that
/// carries an `id`. Knows no command by itself. Loop thread only.
class SdkDoor {
 public:
  static constexpr std::string_view kPath = "/ws/sdk";
  /// Clients at once; the next one is refused with 503.
  static constexpr std::size_t kMaxPeers = 256;
  /// Outgoing messages kept for a slow reader (contract http-api 9.1); periodic state goes first.
  static constexpr std::size_t kQueue = 100;

  /// `status`: the text a fresh client gets at once; may be empty.
  SdkDoor(Loop& loop, protocol::Dispatcher& dispatcher, protocol::Topics& topics,
          UniqueFunction<protocol::Text()> status);
  ~SdkDoor();
  SdkDoor(const SdkDoor&) = delete;
  SdkDoor& operator=(const SdkDoor&) = delete;

  /// Accepts handshakes for kPath, refuses others with 403.
  net::Server::Upgrade upgrade(const net::Request& request);
  /// Closes the clients of this moment; what was queued still goes out. `done` is called once, from
  /// the loop, when the last one is gone: after 1 s at most, whatever they do. New ones are welcome
  /// at once.
  void close_all(std::uint16_t code, std::string_view reason, UniqueFunction<void()> done);
  std::size_t peers() const { return peers_.size(); }

 private:
  class Client;
  /// Calls `done` when the last client that holds it has gone.
  class Barrier;

  void open(std::shared_ptr<net::WebSocket> socket);
  void on_text(Client& client, std::string_view text);
  void on_binary(std::size_t bytes);
  void task_ended(const std::string& uuid, const boost::json::object& answer);

  Loop& loop_;
  protocol::Dispatcher& dispatcher_;
  protocol::Topics& topics_;
  UniqueFunction<protocol::Text()> status_;
  /// Bound: kMaxPeers, and those that are closing (1 s).
  std::unordered_map<const Client*, std::shared_ptr<Client>> peers_;
  std::uint64_t last_id_ = 0;
  protocol::LogLimiter binary_log_;
  protocol::LogLimiter full_log_;
  /// Tells a handshake that ends after the door that there is nobody any more.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace daruma::websocket
