#include "daruma/transport/net/server.hpp"

#include <algorithm>
#include <ctime>
#include <unordered_map>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/protocol/log_limiter.hpp"
#include "daruma/transport/net/http_connection.hpp"
#include "daruma/transport/net/listener.hpp"

namespace daruma::net {
namespace {

// With port 0 the first address chooses; another one may be taken on the second address.
constexpr int kPortAttempts = 20;

std::string http_date(WallTime now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  static constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday,
                     kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace

class Server::Impl final : public ConnectionHost, public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, Options options, const protocol::OriginGuard& guard, OnRequest on_request,
       OnUpgrade on_upgrade)
      : loop_(loop),
        options_(std::move(options)),
        guard_(guard),
        on_request_(std::move(on_request)),
        on_upgrade_(std::move(on_upgrade)) {}

  Status start();
  void stop();
  void abandon();
  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return connections_.size(); }

  const Options& options() const override { return options_; }
  std::optional<protocol::OriginGuard::Refusal> refuse(
      const protocol::OriginGuard::Headers& headers, bool checks_origin) const override {
    return guard_.refuse(headers, checks_origin);
  }
  void request(const Request& request, Responder responder) override;
  Upgrade upgrade(const Request& request) override;
  const std::string& date() override;
  bool stopping() const override { return stopping_; }
  void gone(HttpConnection& connection) override { connections_.erase(&connection); }

 private:
  Status open_all(std::uint16_t port);
  void close_listeners();
  void take(Socket socket, std::string remote_ip);
  bool make_room();
  void sweep();
  void close_if(const std::function<bool(const HttpConnection&)>& condition);

  Loop& loop_;
  const Options options_;
  const protocol::OriginGuard& guard_;
  OnRequest on_request_;
  OnUpgrade on_upgrade_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::uint16_t port_ = 0;
  bool stopping_ = false;
  /// Bound: options_.max_connections.
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections_;
  protocol::LogLimiter full_log_;
  Timer sweep_timer_;
  bool sweeping_ = false;
  std::string date_;
  TimePoint date_until_{};
};

Status Server::Impl::start() {
  stopping_ = false;
  for (int attempt = 1;; ++attempt) {
    auto opened = open_all(options_.port);
    if (opened) break;
    close_listeners();
    if (options_.port != 0 || opened.error().code != Errc::kIo || attempt == kPortAttempts)
      return tl::unexpected<Error>(
          Error{opened.error().code, fmt::format("{}: {}", options_.name, opened.error().context)});
  }
  port_ = listeners_.front()->port();
  for (const auto& listener : listeners_)
    listener->accept([weak = weak_from_this()](Socket socket, std::string remote_ip) {
      if (const auto self = weak.lock()) self->take(std::move(socket), std::move(remote_ip));
    });
  return {};
}

Status Server::Impl::open_all(std::uint16_t port) {
  for (const auto& address : options_.addresses) {
    auto listener = std::make_shared<Listener>(loop_);
    if (auto opened = listener->open(address, port); !opened) return opened;
    port = listener->port();
    listeners_.push_back(std::move(listener));
  }
  if (listeners_.empty()) return fail(Errc::kInvalid, "no address to listen on");
  return {};
}

void Server::Impl::close_listeners() {
  for (const auto& listener : listeners_) listener->close();
  listeners_.clear();
}

void Server::Impl::stop() {
  stopping_ = true;
  close_listeners();
  close_if([](const HttpConnection& connection) {
    return connection.state() == HttpConnection::State::kIdle ||
           connection.state() == HttpConnection::State::kReading;
  });
}

void Server::Impl::abandon() {
  stopping_ = true;
  close_listeners();
  sweep_timer_.cancel();
  for (auto& [key, connection] : connections_) connection->abandon();
  connections_.clear();
}

void Server::Impl::take(Socket socket, std::string remote_ip) {
  if (connections_.size() >= options_.max_connections && !make_room()) {
    // Every connection is at work. The socket closes as it goes out of scope.
    if (const auto left_out = full_log_.admit(loop_.now()))
      spdlog::warn("{}: all {} connections are at work, one of {} refused ({} more left out)",
                   options_.name, options_.max_connections, remote_ip, *left_out);
    return;
  }
  auto connection = HttpConnection::make(loop_, *this, std::move(socket), std::move(remote_ip));
  auto* key = connection.get();
  connections_.emplace(key, std::move(connection));
  key->start();
  if (!sweeping_) sweep();
}

bool Server::Impl::make_room() {
  std::shared_ptr<HttpConnection> longest;
  for (const auto& [key, connection] : connections_) {
    const bool waits = key->state() == HttpConnection::State::kIdle ||
                       key->state() == HttpConnection::State::kReading ||
                       key->state() == HttpConnection::State::kDraining;
    if (waits && (!longest || key->since() < longest->since())) longest = connection;
  }
  if (!longest) return false;
  longest->close();
  return true;
}

/// Closes what is overdue; runs only while there are connections.
void Server::Impl::sweep() {
  close_if([now = loop_.now()](const HttpConnection& connection) {
    return connection.deadline() <= now;
  });
  sweeping_ = !connections_.empty();
  if (!sweeping_) return;
  const Duration shortest = std::min(options_.header_timeout, options_.idle_timeout);
  const Duration period =
      std::clamp<Duration>(shortest / 4, std::chrono::milliseconds(20), std::chrono::seconds(1));
  sweep_timer_ = loop_.after(period, [this] { sweep(); });
}

void Server::Impl::close_if(const std::function<bool(const HttpConnection&)>& condition) {
  std::vector<std::shared_ptr<HttpConnection>> found;
  for (const auto& [key, connection] : connections_)
    if (condition(*connection)) found.push_back(connection);
  for (const auto& connection : found) connection->close();
}

void Server::Impl::request(const Request& request, Responder responder) {
  try {
    on_request_(request, std::move(responder));
  } catch (const std::exception& e) {
    // The responder answered 500 when it was dropped.
    spdlog::error("{}: {} {}: {}", options_.name, request.method, request.path, e.what());
  }
}

Server::Upgrade Server::Impl::upgrade(const Request& request) {
  try {
    return on_upgrade_(request);
  } catch (const std::exception& e) {
    spdlog::error("{}: WebSocket {}: {}", options_.name, request.path, e.what());
    Upgrade refused;
    refused.refuse_status = 500;
    return refused;
  }
}

const std::string& Server::Impl::date() {
  const auto now = loop_.now();
  if (now >= date_until_) {
    const auto wall = loop_.wall_now();
    date_ = http_date(wall);
    const auto into_second = wall.time_since_epoch() % std::chrono::seconds(1);
    date_until_ = now + (std::chrono::seconds(1) - into_second);
  }
  return date_;
}

Server::Server(Loop& loop, Options options, const protocol::OriginGuard& guard,
               OnRequest on_request, OnUpgrade on_upgrade)
    : impl_(std::make_shared<Impl>(loop, std::move(options), guard, std::move(on_request),
                                   std::move(on_upgrade))) {}

Server::~Server() { impl_->abandon(); }
Status Server::start() { return impl_->start(); }
std::uint16_t Server::port() const { return impl_->port(); }
void Server::stop() { impl_->stop(); }
std::size_t Server::connections() const { return impl_->connections(); }

}  // namespace daruma::net
