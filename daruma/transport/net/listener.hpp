#pragma once

#include <memory>
#include <string>

#include <boost/asio/basic_socket_acceptor.hpp>

#include "daruma/base/loop.hpp"
#include "daruma/base/result.hpp"
#include "daruma/protocol/log_limiter.hpp"
#include "daruma/transport/net/socket.hpp"

namespace daruma::net {

/// One listening address. Every descriptor is close-on-exec from its first moment (Asio's own are
/// not), because the process re-executes itself and starts others. Loop thread only.
class Listener : public std::enable_shared_from_this<Listener> {
 public:
  using OnSocket = UniqueFunction<void(Socket socket, std::string remote_ip)>;

  explicit Listener(Loop& loop) : loop_(loop), acceptor_(loop.context()) {}
  /// Binds (SO_REUSEADDR; IPv6 only for IPv6 addresses) and listens. kInvalid: no address literal.
  Status open(const std::string& address, std::uint16_t port);
  std::uint16_t port() const { return port_; }
  void accept(OnSocket on_socket);
  void close();

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp,
                                                      boost::asio::io_context::executor_type>;
  void wait();
  void take_all();

  Loop& loop_;
  Acceptor acceptor_;
  boost::asio::ip::tcp protocol_ = boost::asio::ip::tcp::v4();
  std::uint16_t port_ = 0;
  OnSocket on_socket_;
  protocol::LogLimiter error_log_;
  Timer pause_;
};

}  // namespace daruma::net
