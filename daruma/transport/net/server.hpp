#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daruma/base/loop.hpp"
#include "daruma/base/result.hpp"
#include "daruma/protocol/access.hpp"
#include "daruma/protocol/peer.hpp"
#include "daruma/transport/net/web_socket.hpp"

namespace daruma::net {

/// One HTTP request, whole.
struct Request {
  std::string method;
  std::string path;   ///< percent-decoded and well-formed UTF-8, without query
  std::string query;  ///< raw, without `?`
  std::string content_type;
  std::string body;
  std::string remote_ip;
  std::vector<std::pair<std::string, std::string>> headers;  ///< lower-case names

  /// The first value of a header (lower-case name), or nullptr.
  const std::string* header(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  /// Shared, so that a page or a cached status is not copied. Null: an empty body.
  protocol::Text body{};
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// `{"detail":"<text>"}`, the form of every error of the reference.
Response detail(int status, std::string_view text);

/// Answers one request, once; dropped unanswered it becomes a 500. Move-only. Loop thread only.
class Responder {
 public:
  using Sink = UniqueFunction<void(Response, protocol::Delivered)>;
  Responder() = default;
  explicit Responder(Sink sink) : sink_(std::move(sink)) {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();
  /// `delivered(true)` when the answer was handed to the kernel.
  void send(Response response, protocol::Delivered delivered = {});

 private:
  void drop();
  Sink sink_;
};

/// A listening port for HTTP/1.1 and WebSocket handshakes. Applies the Host/Origin guard, CORS
/// headers, limits and time-outs to every request before a handler sees it. Two of them run: the
/// API port and the signalling port. Loop thread only.
///
/// When all connections are taken, the one that has waited longest for its next request (or for the
/// rest of one) makes room: half-open sockets cannot keep anybody out.
class Server {
 public:
  struct Options {
    std::string name;                    ///< for the log: `http`, `signalling`
    std::vector<std::string> addresses;  ///< IPv4 or IPv6 literals, `localhost`
    std::uint16_t port = 0;              ///< 0: any free one, the same for all addresses
    std::size_t max_body = 1024 * 1024;  ///< larger: 413
    std::size_t max_header = 16 * 1024;  ///< larger: 431
    /// From the first byte of a request (for the first one: from the connection) to the end of its
    /// header.
    Duration header_timeout = std::chrono::seconds(10);
    /// Between two requests; and without progress while a body comes in or an answer goes out.
    Duration idle_timeout = std::chrono::seconds(60);
    std::size_t max_connections = 512;  ///< HTTP only; a WebSocket counts with its owner
    bool cors = true;                   ///< CORS headers and preflights (the API port)
  };
  using OnRequest = UniqueFunction<void(const Request&, Responder)>;
  /// Decides on a WebSocket handshake: return options to accept, or a Response status to refuse.
  struct Upgrade {
    bool accept = false;
    int refuse_status = 403;
    WebSocket::Options options;
    /// Called once the handshake is through; not at all when it fails.
    UniqueFunction<void(std::shared_ptr<WebSocket>)> opened;
  };
  using OnUpgrade = UniqueFunction<Upgrade(const Request&)>;

  /// `guard` outlives the server.
  Server(Loop& loop, Options options, const protocol::OriginGuard& guard, OnRequest on_request,
         OnUpgrade on_upgrade);
  /// Closes everything but WebSockets. No handler is called any more.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Binds and listens; kIo names address and port. May be called again after it failed.
  Status start();
  /// The port in use, after start().
  std::uint16_t port() const;
  /// Stops accepting and ends idle connections, the others after their answer; WebSockets are their
  /// owners' business.
  void stop();
  /// Open HTTP connections.
  std::size_t connections() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace daruma::net
