#include "daruma/transport/net/test_client.hpp"

#include <stdexcept>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace daruma::net::test {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

std::string lower(beast::string_view text) {
  std::string result(text.data(), text.size());
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

/// Runs one asynchronous operation to its end; throws when that takes longer than `patience`.
template <class Start>
error_code await(asio::io_context& context, Start start,
                 std::chrono::milliseconds patience = kPatience) {
  // Shared: an operation that is given up may still end later.
  const auto result = std::make_shared<std::optional<error_code>>();
  start([result](error_code error, auto&&...) { *result = error; });
  context.restart();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!*result && context.run_one_until(deadline) > 0) {
  }
  if (!*result) throw std::runtime_error("nothing happened in time");
  return **result;
}

void must(error_code error) {
  if (error) throw std::runtime_error(error.message());
}

tcp::endpoint endpoint(const std::string& address, std::uint16_t port) {
  return {asio::ip::make_address(address), port};
}

}  // namespace

bool LoopThread::eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (call([&] { return condition(); })) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

std::string Answer::header(std::string_view name) const {
  std::string joined;
  for (const auto& [key, value] : headers)
    if (key == name) joined += (joined.empty() ? "" : "|") + value;
  return joined;
}

struct HttpClient::Impl {
  asio::io_context context;
  tcp::socket socket{context};
  beast::flat_buffer buffer;
};

HttpClient::HttpClient(std::uint16_t port, const std::string& address)
    : impl_(std::make_unique<Impl>()) {
  impl_->socket.connect(endpoint(address, port));
}
HttpClient::~HttpClient() = default;

void HttpClient::write(std::string_view bytes) {
  must(await(impl_->context, [&](auto handler) {
    asio::async_write(impl_->socket, asio::buffer(bytes), handler);
  }));
}

Answer HttpClient::read(bool head) {
  http::response_parser<http::string_body> parser;
  parser.skip(head);
  parser.body_limit(boost::none);
  must(await(impl_->context, [&](auto handler) {
    http::async_read(impl_->socket, impl_->buffer, parser, handler);
  }));
  Answer answer;
  answer.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get())
    answer.headers.emplace_back(lower(field.name_string()), std::string(field.value()));
  answer.body = parser.get().body();
  return answer;
}

int HttpClient::read_interim() {
  http::response_parser<http::empty_body> parser;
  must(await(impl_->context, [&](auto handler) {
    http::async_read_header(impl_->socket, impl_->buffer, parser, handler);
  }));
  return static_cast<int>(parser.get().result_int());
}

bool HttpClient::ended() {
  std::string sink(65536, '\0');
  while (true) {
    const auto error = await(impl_->context, [&](auto handler) {
      impl_->socket.async_read_some(asio::buffer(sink), handler);
    });
    if (error) return true;
  }
}

bool HttpClient::silent_for(std::chrono::milliseconds time) {
  std::string sink(1, '\0');
  try {
    await(
        impl_->context,
        [&](auto handler) { impl_->socket.async_wait(tcp::socket::wait_read, handler); }, time);
  } catch (const std::runtime_error&) {
    impl_->socket.cancel();
    impl_->context.restart();
    impl_->context.poll();
    return true;
  }
  return false;
}

Answer fetch(std::uint16_t port, std::string_view method, std::string_view target,
             const std::vector<std::pair<std::string, std::string>>& headers,
             std::string_view body) {
  std::string request = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
  bool has_host = false;
  for (const auto& [name, value] : headers) {
    request += name + ": " + value + "\r\n";
    has_host = has_host || lower(name) == "host";
  }
  if (!has_host) request += "host: localhost\r\n";
  if (!body.empty()) request += "content-length: " + std::to_string(body.size()) + "\r\n";
  request += "\r\n";
  request += body;
  HttpClient client(port);
  client.write(request);
  return client.read(method == "HEAD");
}

struct WsClient::Impl {
  asio::io_context context;
  websocket::stream<tcp::socket> stream{context};
  beast::flat_buffer buffer;
  websocket::response_type response;

  error_code handshake(std::uint16_t port, const Options& options) {
    auto& socket = stream.next_layer();
    const auto remote = endpoint(options.address, port);
    socket.open(remote.protocol());
    if (options.receive_buffer > 0)
      socket.set_option(tcp::socket::receive_buffer_size(options.receive_buffer));
    socket.connect(remote);
    websocket::permessage_deflate deflate;
    deflate.client_enable = options.compress;
    stream.set_option(deflate);
    stream.set_option(
        websocket::stream_base::decorator([&options](websocket::request_type& request) {
          // A Host of the caller replaces the one of the handshake; two of a name stay two.
          for (const auto& [name, value] : options.headers)
            if (lower(name) == "host") request.erase(http::field::host);
          for (const auto& [name, value] : options.headers) request.insert(name, value);
        }));
    stream.read_message_max(64 * 1024 * 1024);
    return await(context, [&](auto handler) {
      stream.async_handshake(response, "localhost", options.target, handler);
    });
  }
};

WsClient::WsClient(std::uint16_t port, Options options) : impl_(std::make_unique<Impl>()) {
  must(impl_->handshake(port, options));
}
WsClient::~WsClient() = default;

int WsClient::status_of(std::uint16_t port, Options options) {
  Impl impl;
  if (const auto error = impl.handshake(port, options);
      error && error != websocket::error::upgrade_declined)
    throw std::runtime_error(error.message());
  return static_cast<int>(impl.response.result_int());
}

void WsClient::text(std::string_view text) {
  impl_->stream.text(true);
  must(await(impl_->context,
             [&](auto handler) { impl_->stream.async_write(asio::buffer(text), handler); }));
}

void WsClient::binary(std::string_view bytes) {
  impl_->stream.binary(true);
  must(await(impl_->context,
             [&](auto handler) { impl_->stream.async_write(asio::buffer(bytes), handler); }));
}

void WsClient::raw(std::string_view bytes) {
  must(await(impl_->context, [&](auto handler) {
    asio::async_write(impl_->stream.next_layer(), asio::buffer(bytes), handler);
  }));
}

std::optional<std::string> WsClient::read() {
  impl_->buffer.clear();
  const auto error = await(impl_->context,
                           [&](auto handler) { impl_->stream.async_read(impl_->buffer, handler); });
  if (error) return std::nullopt;
  return beast::buffers_to_string(impl_->buffer.data());
}

std::uint16_t WsClient::closed() {
  while (read()) {
  }
  const auto code = impl_->stream.reason().code;
  return code == websocket::close_code::none ? std::uint16_t{1006}
                                             : static_cast<std::uint16_t>(code);
}

void WsClient::close(std::uint16_t code) {
  await(impl_->context, [&](auto handler) {
    impl_->stream.async_close(static_cast<websocket::close_code>(code), handler);
  });
}

bool WsClient::compressed() const {
  return !impl_->response[http::field::sec_websocket_extensions].empty();
}

}  // namespace daruma::net::test
