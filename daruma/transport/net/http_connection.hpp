#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daruma/base/loop.hpp"
#include "daruma/transport/net/server.hpp"
#include "daruma/transport/net/socket.hpp"

namespace daruma::net {

class HttpConnection;

/// What a connection needs of its server.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  virtual const Server::Options& options() const = 0;
  virtual std::optional<protocol::OriginGuard::Refusal> refuse(
      const protocol::OriginGuard::Headers& headers, bool checks_origin) const = 0;
  virtual void request(const Request& request, Responder responder) = 0;
  virtual Server::Upgrade upgrade(const Request& request) = 0;
  /// The `date` header's value.
  virtual const std::string& date() = 0;
  /// No keep-alive any more.
  virtual bool stopping() const = 0;
  /// The connection is closed or has become a WebSocket.
  virtual void gone(HttpConnection& connection) = 0;
};

/// One HTTP connection: reads a request, has it answered, reads the next.
///
///     idle --bytes--> reading --whole request--> answering --answered--> writing --+--> idle
///       |                |                                                         |
///       |                +--bad, too large, refused early--> writing --> draining <+ (close)
///       +--deadline, peer closed--> closed <---deadline, peer closed----+
///
/// Deadlines are looked at by the server's sweep, not by a timer each: a timer per request would be
/// the dearest part of a small request. Loop thread only.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  enum class State : std::uint8_t { kIdle, kReading, kAnswering, kWriting, kDraining, kClosed };

  static std::shared_ptr<HttpConnection> make(Loop& loop, ConnectionHost& host, Socket socket,
                                              std::string remote_ip);
  virtual ~HttpConnection() = default;

  virtual void start() = 0;
  /// At once; nothing of the host is called any more.
  virtual void abandon() = 0;
  virtual State state() const = 0;
  /// When the connection entered its present wait, and when that is too long.
  virtual TimePoint since() const = 0;
  virtual TimePoint deadline() const = 0;
  /// Closes and tells the host.
  virtual void close() = 0;
};

}  // namespace daruma::net
