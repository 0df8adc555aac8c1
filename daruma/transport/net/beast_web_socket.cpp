#include "daruma/transport/net/beast_web_socket.hpp"

#include <algorithm>
#include <array>
#include <deque>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include "daruma/protocol/peer.hpp"

namespace daruma::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;

namespace {

// The whole of a close: what is queued, the frame, the peer's answer.
constexpr Duration kCloseTime = std::chrono::seconds(1);
// A buffer that one large message has blown up is given back.
constexpr std::size_t kKeptBuffer = 64 * 1024;
// RFC 6455 5.5: a control frame carries 125 bytes, two of them the code.
constexpr std::size_t kLongestReason = 123;
constexpr std::uint16_t kAbnormal = 1006;
constexpr std::uint16_t kNoCode = 1005;

/// The socket below a WebSocket. Beast's own teardown closes after the first piece that it reads,
/// and the kernel then resets the connection: a peer in the middle of a frame that is too large
/// would never see the close frame that says so. This one reads on until the peer ends, 1 s at
/// most.
struct PatientSocket : Socket {
  explicit PatientSocket(Socket&& socket) : Socket(std::move(socket)) {}
};

template <class Handler>
class Teardown : public std::enable_shared_from_this<Teardown<Handler>> {
 public:
  Teardown(PatientSocket& socket, Handler handler)
      : socket_(socket), timer_(socket.get_executor()), handler_(std::move(handler)) {}

  void start() {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    timer_.expires_after(kCloseTime);
    timer_.async_wait([self = this->shared_from_this()](error_code error) {
      error_code closed;
      if (!error) self->socket_.close(closed);
    });
    read();
  }

 private:
  void read() {
    socket_.async_read_some(asio::buffer(sink_),
                            [self = this->shared_from_this()](error_code error, std::size_t) {
                              if (!error) return self->read();
                              self->timer_.cancel();
                              error_code closed;
                              self->socket_.close(closed);
                              self->handler_(error_code{});
                            });
  }

  PatientSocket& socket_;  // the handler keeps its owner
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, asio::io_context::executor_type>
      timer_;
  Handler handler_;
  std::array<char, 16 * 1024> sink_;
};

/// Found by Beast through its argument.
template <class Handler>
void async_teardown(beast::role_type, PatientSocket& socket, Handler&& handler) {
  std::make_shared<Teardown<std::decay_t<Handler>>>(socket, std::forward<Handler>(handler))
      ->start();
}

class BeastWebSocket final : public WebSocket, public std::enable_shared_from_this<BeastWebSocket> {
 public:
  BeastWebSocket(Loop& loop, Socket socket, std::string remote_ip, const Options& options)
      : loop_(loop),
        stream_(PatientSocket(std::move(socket))),
        options_(options),
        remote_ip_(std::move(remote_ip)) {}

  template <class Handshake>
  void accept(const Handshake& handshake, UniqueFunction<void(std::shared_ptr<WebSocket>)> opened);

  const std::string& remote_ip() const override { return remote_ip_; }
  void send(protocol::Text text, protocol::Delivered delivered, Keep keep) override;
  void close(std::uint16_t code, std::string_view reason) override;
  std::uint64_t dropped() const override { return dropped_; }

 private:
  using Stream = websocket::stream<PatientSocket, true>;
  enum class State : std::uint8_t { kOpen, kDraining, kClosing, kClosed };
  struct Item {
    protocol::Text text;
    protocol::Delivered delivered;
    Keep keep = Keep::kAlways;
  };

  void configure();
  void read();
  void on_read(error_code error);
  void hand_on();
  void drop_one();
  void write_soon();
  void write();
  void cork(bool on);
  void on_written(error_code error);
  void begin_close();
  void watch(Duration patience);
  void on_watch();
  std::uint16_t code_of(error_code error) const;
  void finish(std::uint16_t code);
  static void report(Item& item, bool sent) {
    if (auto delivered = std::move(item.delivered)) delivered(sent);
  }

  Loop& loop_;
  Stream stream_;
  const Options options_;
  const std::string remote_ip_;
  State state_ = State::kOpen;
  /// At most options_.max_message.
  beast::flat_buffer buffer_;
  /// Bound: options_.queue.
  std::deque<Item> queue_;
  Item writing_;
  bool write_pending_ = false;
  bool write_posted_ = false;
  bool corked_ = false;
  std::uint64_t dropped_ = 0;
  bool heard_ = false;         ///< something came since the last look
  bool ping_pending_ = false;  ///< a ping went out and nothing came since
  Timer watch_timer_;
  Timer close_timer_;
  websocket::close_reason reason_;
};

void BeastWebSocket::configure() {
  websocket::permessage_deflate deflate;
  // Over loopback compression only costs. Small windows bound what each client costs us.
  deflate.server_enable =
      options_.compress && protocol::reach_of(remote_ip_) != protocol::Reach::kLocal;
  deflate.compLevel = 1;
  deflate.memLevel = 4;
  deflate.server_max_window_bits = 12;
  stream_.set_option(deflate);
  // Bounds the handshake's answer and the end of a failed connection; silence is watched here.
  stream_.set_option(
      websocket::stream_base::timeout{kCloseTime, websocket::stream_base::none(), false});
  stream_.set_option(websocket::stream_base::decorator(
      [](websocket::response_type& response) { response.set(http::field::server, "daruma"); }));
  stream_.read_message_max(options_.max_message);
  stream_.auto_fragment(false);
  stream_.text(true);
  stream_.control_callback([this](websocket::frame_type, beast::string_view) { heard_ = true; });
}

template <class Handshake>
void BeastWebSocket::accept(const Handshake& handshake,
                            UniqueFunction<void(std::shared_ptr<WebSocket>)> opened) {
  configure();
  stream_.async_accept(
      handshake, [self = shared_from_this(), opened = std::move(opened)](error_code error) mutable {
        if (error) return;
        if (opened) opened(self);
        self->watch(self->options_.ping_after);
        self->read();
      });
}

void BeastWebSocket::read() {
  stream_.async_read(buffer_, [self = shared_from_this()](error_code error, std::size_t) {
    self->on_read(error);
  });
}

void BeastWebSocket::on_read(error_code error) {
  if (state_ == State::kClosed) return;
  if (error) {
    // While closing, async_close reports the end.
    if (state_ != State::kClosing) finish(code_of(error));
    return;
  }
  heard_ = true;
  if (state_ == State::kOpen) hand_on();
  buffer_.consume(buffer_.size());
  if (buffer_.capacity() > kKeptBuffer) buffer_.shrink_to_fit();
  if (state_ != State::kClosed) read();
}

void BeastWebSocket::hand_on() {
  const auto data = buffer_.cdata();
  try {
    if (stream_.got_text()) {
      if (on_text) on_text({static_cast<const char*>(data.data()), data.size()});
    } else if (on_binary) {
      on_binary(data.size());
    }
  } catch (const std::exception& e) {
    spdlog::error("WebSocket message of {}: {}", remote_ip_, e.what());
  }
}

void BeastWebSocket::send(protocol::Text text, protocol::Delivered delivered, Keep keep) {
  if (state_ != State::kOpen || !text) {
    if (delivered) delivered(false);
    return;
  }
  if (queue_.size() >= options_.queue) {
    if (!options_.drop_oldest) {
      if (delivered) delivered(false);
      return close(websocket::close_code::policy_error, "too slow");
    }
    drop_one();
  }
  queue_.push_back({std::move(text), std::move(delivered), keep});
  write_soon();
}

/// What is sent in one go leaves in one packet: a control cycle's two messages cost the kernel, and
/// the client's, half.
void BeastWebSocket::write_soon() {
  if (write_pending_ || write_posted_) return;
  write_posted_ = true;
  asio::post(stream_.get_executor(), [self = shared_from_this()] {
    self->write_posted_ = false;
    if (!self->write_pending_ && !self->queue_.empty()) self->write();
  });
}

/// While it is on, only full packets leave.
void BeastWebSocket::cork(bool on) {
  if (corked_ == on) return;
  corked_ = on;
  const int value = on ? 1 : 0;
  ::setsockopt(stream_.next_layer().native_handle(), IPPROTO_TCP, TCP_CORK, &value, sizeof value);
}

void BeastWebSocket::drop_one() {
  auto victim = std::find_if(queue_.begin(), queue_.end(),
                             [](const Item& item) { return item.keep == Keep::kUntilNewer; });
  if (victim == queue_.end()) victim = queue_.begin();
  if (victim == queue_.end()) return;
  Item item = std::move(*victim);
  queue_.erase(victim);
  ++dropped_;
  report(item, false);
}

void BeastWebSocket::write() {
  writing_ = std::move(queue_.front());
  queue_.pop_front();
  write_pending_ = true;
  if (!queue_.empty()) cork(true);
  stream_.async_write(
      asio::buffer(*writing_.text),
      [self = shared_from_this()](error_code error, std::size_t) { self->on_written(error); });
}

void BeastWebSocket::on_written(error_code error) {
  write_pending_ = false;
  Item item = std::move(writing_);
  report(item, !error);
  if (state_ == State::kClosed) return;
  if (error) {
    // The read that is under way reports what happened.
    error_code ignored;
    stream_.next_layer().close(ignored);
    return;
  }
  if (!queue_.empty()) return write();
  cork(false);
  if (state_ == State::kDraining) begin_close();
}

void BeastWebSocket::close(std::uint16_t code, std::string_view reason) {
  if (state_ != State::kOpen) return;
  state_ = State::kDraining;
  reason_.code = static_cast<websocket::close_code>(code);
  const auto text = reason.substr(0, kLongestReason);
  reason_.reason.assign(text.data(), text.size());
  close_timer_ = loop_.after(kCloseTime, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->finish(kAbnormal);
  });
  if (!write_pending_ && queue_.empty()) begin_close();
}

void BeastWebSocket::begin_close() {
  state_ = State::kClosing;
  stream_.async_close(reason_, [self = shared_from_this()](error_code error) {
    self->finish(error ? kAbnormal : static_cast<std::uint16_t>(self->reason_.code));
  });
}

void BeastWebSocket::watch(Duration patience) {
  watch_timer_ = loop_.after(patience, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_watch();
  });
}

void BeastWebSocket::on_watch() {
  if (state_ != State::kOpen) return;
  if (heard_) {
    heard_ = ping_pending_ = false;
    return watch(options_.ping_after);
  }
  if (ping_pending_) return finish(kAbnormal);
  ping_pending_ = true;
  stream_.async_ping({}, [self = shared_from_this()](error_code) {});
  watch(options_.pong_within);
}

std::uint16_t BeastWebSocket::code_of(error_code error) const {
  if (error == websocket::error::closed) {
    const auto code = stream_.reason().code;
    return code == websocket::close_code::none ? kNoCode : static_cast<std::uint16_t>(code);
  }
  if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow)
    return websocket::close_code::too_big;
  if (error == websocket::error::bad_frame_payload) return websocket::close_code::bad_payload;
  if (error == websocket::condition::protocol_violation)
    return websocket::close_code::protocol_error;
  return kAbnormal;
}

void BeastWebSocket::finish(std::uint16_t code) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  watch_timer_.cancel();
  close_timer_.cancel();
  error_code ignored;
  stream_.next_layer().close(ignored);
  auto unsent = std::move(queue_);
  queue_.clear();
  for (auto& item : unsent) report(item, false);
  auto closed = std::move(on_closed);
  on_text = nullptr;
  on_binary = nullptr;
  on_closed = nullptr;
  if (closed) closed(code);
}

}  // namespace

void accept_web_socket(
    Loop& loop, Socket socket,
    const boost::beast::http::request<boost::beast::http::string_body>& handshake,
    std::string remote_ip, Server::Upgrade upgrade) {
  std::make_shared<BeastWebSocket>(loop, std::move(socket), std::move(remote_ip), upgrade.options)
      ->accept(handshake, std::move(upgrade.opened));
}

}  // namespace daruma::net
