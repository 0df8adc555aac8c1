#include "daruma/transport/net/listener.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

namespace daruma::net {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// The kernel's own default bound (net.core.somaxconn).
constexpr int kBacklog = 4096;
// Without descriptors or memory there is nothing to do but to wait for some.
constexpr Duration kPause = std::chrono::milliseconds(100);
// Connections taken in one go, so that a flood of them leaves the loop to others in between.
constexpr int kBatch = 64;

void switch_on(int descriptor, int level, int option) {
  const int on = 1;
  ::setsockopt(descriptor, level, option, &on, sizeof(on));
}

int listen_on(const tcp::endpoint& endpoint) {
  const int descriptor = ::socket(endpoint.protocol().family(),
                                  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (descriptor < 0) return -1;
  switch_on(descriptor, SOL_SOCKET, SO_REUSEADDR);
  if (endpoint.address().is_v6()) switch_on(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
  if (::bind(descriptor, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0 &&
      ::listen(descriptor, kBacklog) == 0)
    return descriptor;
  const int reason = errno;
  ::close(descriptor);
  errno = reason;
  return -1;
}

}  // namespace

Status Listener::open(const std::string& address, std::uint16_t port) {
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address == "localhost" ? "127.0.0.1" : address, error);
  if (error) return fail(Errc::kInvalid, fmt::format("{} is not an IP address", address));
  const tcp::endpoint endpoint(ip, port);
  const int descriptor = listen_on(endpoint);
  if (descriptor < 0)
    return fail(Errc::kIo, fmt::format("cannot listen on {} port {}: {}", address, port,
                                       std::strerror(errno)));
  protocol_ = endpoint.protocol();
  acceptor_.assign(protocol_, descriptor, error);
  if (error) {
    ::close(descriptor);
    return fail(Errc::kIo,
                fmt::format("cannot watch {} port {}: {}", address, port, error.message()));
  }
  port_ = acceptor_.local_endpoint(error).port();
  return {};
}

void Listener::accept(OnSocket on_socket) {
  on_socket_ = std::move(on_socket);
  wait();
}

void Listener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  on_socket_ = nullptr;
}

void Listener::wait() {
  acceptor_.async_wait(Acceptor::wait_read,
                       [self = shared_from_this()](boost::system::error_code error) {
                         if (!error) self->take_all();
                       });
}

void Listener::take_all() {
  for (int taken = 0; acceptor_.is_open(); ++taken) {
    if (taken == kBatch) return wait();
    const int descriptor =
        ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) break;
    switch_on(descriptor, IPPROTO_TCP, TCP_NODELAY);
    boost::system::error_code error;
    Socket socket(loop_.context());
    socket.assign(protocol_, descriptor, error);
    if (error) {
      ::close(descriptor);
      continue;
    }
    const auto remote = socket.remote_endpoint(error);
    if (!error) on_socket_(std::move(socket), remote.address().to_string());
  }
  if (!acceptor_.is_open()) return;
  if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return wait();
  const int reason = errno;
  if (error_log_.admit(loop_.now()))
    spdlog::error("port {}: cannot accept: {}", port_, std::strerror(reason));
  pause_ = loop_.after(kPause, [self = shared_from_this()] { self->wait(); });
}

}  // namespace daruma::net
