#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "daruma/base/loop.hpp"

/// Clients for the tests of all transports. Every wait has a deadline, after which it throws.
namespace daruma::net::test {

inline constexpr auto kPatience = std::chrono::seconds(10);

/// A Loop that runs on a thread of its own until it is destroyed.
class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.run(); }) {
    call([] {});
  }
  ~LoopThread() {
    loop_.stop();
    thread_.join();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  Loop& loop() { return loop_; }
  /// Runs `f` on the loop and returns what it returns.
  template <class F>
  std::invoke_result_t<F&> call(F f) {
    std::packaged_task<std::invoke_result_t<F&>()> task(std::move(f));
    auto result = task.get_future();
    loop_.post([&task] { task(); });
    return result.get();
  }
  /// Asks on the loop until the answer is true; false after kPatience.
  bool eventually(const std::function<bool()>& condition);

 private:
  Loop loop_;
  std::thread thread_;
};

struct Answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< lower-case names
  std::string body;

  /// All values of a header joined by `|`; empty when there is none.
  std::string header(std::string_view name) const;
};

/// A TCP connection to 127.0.0.1 (or another address) that speaks whatever bytes it is told to.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port, const std::string& address = "127.0.0.1");
  ~HttpClient();
  void write(std::string_view bytes);
  /// Reads one answer. `head`: it has no body whatever its length says.
  Answer read(bool head = false);
  /// Reads an interim answer (1xx) and returns its status.
  int read_interim();
  /// Waits until the server ends the connection; what it still sent is thrown away.
  bool ended();
  /// True when nothing came for that long.
  bool silent_for(std::chrono::milliseconds time);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One request on a connection of its own; `host: localhost` unless `headers` has a host.
Answer fetch(std::uint16_t port, std::string_view method, std::string_view target,
             const std::vector<std::pair<std::string, std::string>>& headers = {},
             std::string_view body = {});

class WsClient {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    std::string target = "/";
    std::vector<std::pair<std::string, std::string>> headers{};
    bool compress = false;
    int receive_buffer = 0;  ///< bytes; 0: the system's
  };
  /// Throws with the refusal's status in refused() when the handshake is refused.
  WsClient(std::uint16_t port, Options options);
  explicit WsClient(std::uint16_t port) : WsClient(port, Options()) {}
  ~WsClient();
  /// The status with which a handshake ends; 101 when accepted.
  static int status_of(std::uint16_t port, Options options);

  void text(std::string_view text);
  void binary(std::string_view bytes);
  /// Bytes past the framing.
  void raw(std::string_view bytes);
  /// The next text message; nullopt when the connection ended first.
  std::optional<std::string> read();
  /// Reads until the end and returns the close code; 1006 without a close frame.
  std::uint16_t closed();
  void close(std::uint16_t code);
  bool compressed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daruma::net::test
