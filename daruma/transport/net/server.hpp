#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>
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
  std::string path;   ///< percent-decoded, without query
  std::string query;  ///< raw, without `?`
  std::string content_type;
  std::string body;
  std::string remote_ip;
  std::vector<std::pair<std::string, std::string>> headers;  ///< lower-case names
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  /// Shared, so that a page or a cached status is not copied.
  protocol::Text body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Answers one request, once; dropped unanswered it becomes a 500. Move-only. Loop thread only.
class Responder {
 public:
  using Sink = UniqueFunction<void(Response, protocol::Delivered)>;
  Responder() = default;
  explicit Responder(Sink sink) : sink_(std::move(sink)) {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&&) noexcept = default;
  ~Responder();
  void send(Response response, protocol::Delivered delivered = {});

 private:
  Sink sink_;
};

/// A listening port for HTTP/1.1 and WebSocket handshakes. Applies the Host/Origin guard, CORS
/// headers, limits and time-outs to every request before a handler sees it. Two of them run: the API
/// port and the signalling port. Loop thread only.
class Server {
 public:
  struct Options {
    std::string name;                ///< for the log: `http`, `signalling`
    std::vector<std::string> addresses;
    std::uint16_t port = 0;          ///< 0: any free one
    std::size_t max_body = 1024 * 1024;
    std::size_t max_header = 16 * 1024;
    Duration header_timeout = std::chrono::seconds(10);
    Duration idle_timeout = std::chrono::seconds(60);
    std::size_t max_connections = 512;
    bool cors = true;                ///< CORS headers and preflights (the API port)
  };
  using OnRequest = UniqueFunction<void(const Request&, Responder)>;
  /// Decides on a WebSocket handshake: return options to accept, or a Response status to refuse.
  struct Upgrade {
    bool accept = false;
    int refuse_status = 403;
    WebSocket::Options options;
    UniqueFunction<void(std::shared_ptr<WebSocket>)> opened;
  };
  using OnUpgrade = UniqueFunction<Upgrade(const Request&)>;

  Server(Loop& loop, Options options, const protocol::OriginGuard& guard, OnRequest on_request,
         OnUpgrade on_upgrade);
  ~Server();
  /// Binds and listens; kIo names address and port.
  Status start();
  /// The port in use, after start().
  std::uint16_t port() const;
  /// Stops accepting and ends idle connections; WebSockets are their owners' business.
  void stop();
  std::size_t connections() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace daruma::net
