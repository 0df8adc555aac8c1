#include "daruma/transport/net/http_connection.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/transport/net/beast_web_socket.hpp"
#include "daruma/transport/net/cors.hpp"
#include "daruma/transport/net/percent_encoding.hpp"

namespace daruma::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kReadSize = 16 * 1024;
// After an answer that ends the connection the peer's remaining bytes are read and thrown away, so
// that the answer is not lost in a reset. Bounds of that courtesy:
constexpr Duration kDrainTime = std::chrono::seconds(2);
constexpr std::size_t kDrainBytes = 4 * 1024 * 1024;

constexpr std::string_view kPlain = "text/plain; charset=utf-8";

Response plain(int status, std::string_view text) {
  Response response{.status = status, .content_type = std::string(kPlain)};
  if (!text.empty()) response.body = std::make_shared<const std::string>(text);
  return response;
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string_view reason_phrase(int status) {
  return view(http::obsolete_reason(static_cast<http::status>(status)));
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

/// Header values are ours, but some repeat what a client sent: nothing may begin a new line.
void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value)
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  out += "\r\n";
}

class Connection final : public HttpConnection {
 public:
  Connection(Loop& loop, ConnectionHost& host, Socket socket, std::string remote_ip)
      : loop_(loop), host_(&host), socket_(std::move(socket)) {
    request_.remote_ip = std::move(remote_ip);
  }

  void start() override {
    first_ = true;
    next();
  }
  void abandon() override {
    host_ = nullptr;
    shut();
  }
  State state() const override { return state_; }
  TimePoint since() const override { return since_; }
  TimePoint deadline() const override { return deadline_; }
  void close() override { finish(); }

 private:
  using Parser = http::request_parser<http::string_body>;

  std::shared_ptr<Connection> self() {
    return std::static_pointer_cast<Connection>(shared_from_this());
  }
  const Server::Options& options() const { return host_->options(); }

  void enter(State state, Duration patience) {
    state_ = state;
    since_ = loop_.now();
    deadline_ = since_ + patience;
  }

  // --- reading -----------------------------------------------------------------------------------
  void next();
  void read();
  void on_read(error_code error, std::size_t bytes);
  void parse();
  bool begin_request();
  void fill_request();
  void fill_target(std::string_view target);
  void refuse_unreadable(error_code error);
  std::optional<Response> early_answer(bool too_large);
  protocol::OriginGuard::Headers guarded_headers() const;
  void send_continue();

  // --- answering ---------------------------------------------------------------------------------
  void handle();
  void upgrade();
  Response too_large_answer() const {
    return detail(413,
                  fmt::format("Request body too large; maximum is {} bytes", options().max_body));
  }
  Response with_cors(Response response) const {
    if (options().cors) add_cors_headers(request_, response);
    return response;
  }
  void answer(std::uint64_t number, Response response, protocol::Delivered delivered);
  void respond(Response response, protocol::Delivered delivered = {});
  void write_head(const Response& response, std::size_t length);
  void on_written(error_code error);
  void drain();

  void finish();
  void shut();

  Loop& loop_;
  ConnectionHost* host_;  ///< null once the server or the connection has ended
  Socket socket_;
  State state_ = State::kIdle;
  TimePoint since_{};
  TimePoint deadline_{};
  bool first_ = true;
  bool header_seen_ = false;
  bool keep_alive_ = false;
  bool head_only_ = false;
  std::uint64_t number_ = 0;  ///< of the request that is being answered
  std::size_t drained_ = 0;
  /// Bytes of requests not yet parsed; at most max_header + kReadSize, as the parser stops there.
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Request request_;
  std::string head_;
  protocol::Text body_;
  protocol::Delivered delivered_;
};

void Connection::next() {
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(static_cast<std::uint32_t>(options().max_header));
  parser_->body_limit(options().max_body);
  header_seen_ = false;
  if (buffer_.size() > 0) {
    enter(State::kReading, options().header_timeout);
    return parse();
  }
  enter(State::kIdle, first_ ? options().header_timeout : options().idle_timeout);
  first_ = false;
  read();
}

void Connection::read() {
  socket_.async_read_some(
      buffer_.prepare(kReadSize),
      [self = self()](error_code error, std::size_t bytes) { self->on_read(error, bytes); });
}

void Connection::on_read(error_code error, std::size_t bytes) {
  if (host_ == nullptr) return;
  if (error) return finish();
  buffer_.commit(bytes);
  if (state_ == State::kIdle)
    enter(State::kReading, options().header_timeout);
  else if (header_seen_)
    enter(State::kReading, options().idle_timeout);
  parse();
}

void Connection::parse() {
  error_code error;
  while (buffer_.size() > 0 && !parser_->is_done()) {
    const auto used = parser_->put(buffer_.data(), error);
    buffer_.consume(used);
    if (!header_seen_ && (parser_->is_header_done() || error == http::error::body_limit)) {
      if (!begin_request()) return;
      auto early = early_answer(error == http::error::body_limit);
      if (early) {
        keep_alive_ = keep_alive_ && parser_->is_done();
        return respond(std::move(*early));
      }
    }
    if (error == http::error::need_more) break;
    if (error) return refuse_unreadable(error);
  }
  if (parser_->is_done()) return handle();
  if (header_seen_ && beast::iequals(parser_->get()[http::field::expect], "100-continue"))
    return send_continue();
  read();
}

/// Takes over the header. False when the request has been answered.
bool Connection::begin_request() {
  header_seen_ = true;
  ++number_;
  // A body over the limit is found before the parser calls the header done.
  keep_alive_ = parser_->is_header_done() && parser_->keep_alive();
  if (parser_->get().method() == http::verb::unknown) {
    refuse_unreadable(http::error::bad_method);
    return false;
  }
  fill_request();
  head_only_ = request_.method == "HEAD";
  deadline_ = loop_.now() + options().idle_timeout;
  return true;
}

void Connection::fill_request() {
  const auto& message = parser_->get();
  request_.method = view(message.method_string());
  fill_target(view(message.target()));
  request_.content_type = view(message[http::field::content_type]);
  request_.body.clear();
  request_.headers.clear();
  for (const auto& field : message)
    request_.headers.emplace_back(lower(view(field.name_string())), view(field.value()));
}

void Connection::fill_target(std::string_view target) {
  // Absolute form (`GET http://host/path`), as proxies send it.
  if (!target.starts_with('/'))
    if (const auto authority = target.find("://"); authority != target.npos) {
      const auto path = target.find('/', authority + 3);
      target = path == target.npos ? "/" : target.substr(path);
    }
  target = target.substr(0, target.find('#'));
  const auto mark = target.find('?');
  request_.path = percent_decode(target.substr(0, mark), false);
  if (request_.path.empty()) request_.path = "/";
  request_.query = mark == target.npos ? std::string_view{} : target.substr(mark + 1);
}

protocol::OriginGuard::Headers Connection::guarded_headers() const {
  protocol::OriginGuard::Headers headers;
  for (const auto& [name, value] : request_.headers) {
    if (name == "host") headers.host.push_back(value);
    if (name == "origin") headers.origin.push_back(value);
  }
  return headers;
}

/// What can be answered from the header alone, in the order of the layers: CORS, guard, body limit.
std::optional<Response> Connection::early_answer(bool too_large) {
  if (beast::websocket::is_upgrade(parser_->get())) return std::nullopt;
  if (options().cors)
    if (auto answered = preflight(request_)) return answered;
  const bool checks_origin =
      request_.method != "GET" && request_.method != "HEAD" && request_.method != "OPTIONS";
  if (const auto refusal = host_->refuse(guarded_headers(), checks_origin))
    return with_cors(detail(refusal->status, refusal->detail));
  if (too_large) return with_cors(too_large_answer());
  return std::nullopt;
}

void Connection::refuse_unreadable(error_code error) {
  keep_alive_ = false;
  head_only_ = false;
  // A chunked body that grew beyond the limit; announced lengths were refused before.
  if (error == http::error::body_limit) return respond(with_cors(too_large_answer()));
  if (error == http::error::header_limit)
    return respond(plain(431, "Request header fields too large."));
  respond(plain(400, "Invalid HTTP request received."));
}

void Connection::send_continue() {
  // Asked for once; the field goes, so that the next part of the body does not ask again.
  parser_->get().erase(http::field::expect);
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(kContinue),
                    [self = self()](error_code error, std::size_t) {
                      if (self->host_ == nullptr) return;
                      if (error) return self->finish();
                      self->read();
                    });
}

void Connection::handle() {
  if (beast::websocket::is_upgrade(parser_->get())) return upgrade();
  enter(State::kAnswering, std::chrono::hours(24));
  request_.body = std::move(parser_->get().body());
  host_->request(request_, Responder([self = self(), number = number_](
                                         Response response, protocol::Delivered delivered) {
                   self->answer(number, std::move(response), std::move(delivered));
                 }));
}

void Connection::upgrade() {
  keep_alive_ = false;
  const auto headers = guarded_headers();
  if (headers.origin.size() > 1)
    return respond(plain(400,
                         "Failed to open a WebSocket connection: invalid Origin header: multiple "
                         "values.\n"));
  if (host_->refuse(headers, true)) return respond(plain(403, ""));
  // RFC 6455 4.1: a client sends nothing before it has seen the answer.
  if (buffer_.size() > 0) return respond(plain(400, "Invalid HTTP request received."));
  auto decision = host_->upgrade(request_);
  if (host_ == nullptr) return;
  if (!decision.accept) return respond(plain(decision.refuse_status, ""));
  auto* host = host_;
  host_ = nullptr;
  state_ = State::kClosed;
  accept_web_socket(loop_, std::move(socket_), parser_->get(), request_.remote_ip,
                    std::move(decision));
  host->gone(*this);
}

void Connection::answer(std::uint64_t number, Response response, protocol::Delivered delivered) {
  if (host_ == nullptr || number != number_ || state_ != State::kAnswering) {
    if (delivered) delivered(false);
    return;
  }
  // The reference answers its own unhandled errors outside of the CORS layer; ours stay readable.
  respond(with_cors(std::move(response)), std::move(delivered));
}

void Connection::respond(Response response, protocol::Delivered delivered) {
  if (host_->stopping()) keep_alive_ = false;
  enter(State::kWriting, options().idle_timeout);
  const std::size_t length = response.body ? response.body->size() : 0;
  write_head(response, length);
  body_ = head_only_ || !has_body(response.status) ? nullptr : std::move(response.body);
  delivered_ = std::move(delivered);
  const std::array<asio::const_buffer, 2> buffers{
      asio::buffer(head_), body_ ? asio::buffer(*body_) : asio::const_buffer{}};
  asio::async_write(socket_, buffers,
                    [self = self()](error_code error, std::size_t) { self->on_written(error); });
}

void Connection::write_head(const Response& response, std::size_t length) {
  head_.clear();
  fmt::format_to(std::back_inserter(head_), "HTTP/1.1 {} {}\r\ndate: {}\r\nserver: daruma\r\n",
                 response.status, reason_phrase(response.status), host_->date());
  if (!response.content_type.empty() && response.status != 304 && response.status != 204)
    append_header(head_, "content-type", response.content_type);
  if (has_body(response.status))
    fmt::format_to(std::back_inserter(head_), "content-length: {}\r\n", length);
  for (const auto& [name, value] : response.headers) append_header(head_, name, value);
  if (!keep_alive_)
    head_ += "connection: close\r\n";
  else if (parser_->get().version() < 11)
    head_ += "connection: keep-alive\r\n";
  head_ += "\r\n";
}

void Connection::on_written(error_code error) {
  auto delivered = std::move(delivered_);
  delivered_ = nullptr;
  body_ = nullptr;
  if (delivered) delivered(!error);
  if (host_ == nullptr) return;
  if (error) return finish();
  if (keep_alive_ && !host_->stopping()) return next();
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  enter(State::kDraining, kDrainTime);
  buffer_.clear();
  drain();
}

void Connection::drain() {
  socket_.async_read_some(buffer_.prepare(kReadSize),
                          [self = self()](error_code error, std::size_t bytes) {
                            self->drained_ += bytes;
                            if (self->host_ == nullptr) return;
                            if (error || self->drained_ > kDrainBytes) return self->finish();
                            self->drain();
                          });
}

void Connection::finish() {
  if (host_ == nullptr) return;
  auto* host = host_;
  host_ = nullptr;
  const auto keep = shared_from_this();
  shut();
  host->gone(*this);
}

void Connection::shut() {
  state_ = State::kClosed;
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace

std::shared_ptr<HttpConnection> HttpConnection::make(Loop& loop, ConnectionHost& host,
                                                     Socket socket, std::string remote_ip) {
  return std::make_shared<Connection>(loop, host, std::move(socket), std::move(remote_ip));
}

}  // namespace daruma::net
