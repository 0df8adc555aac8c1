#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "daruma/base/clock.hpp"
#include "daruma/base/unique_function.hpp"
#include "daruma/protocol/peer.hpp"

namespace daruma::net {

/// One open WebSocket. Owned by its own pending operations and by whoever holds the pointer;
/// handlers must not hold it strongly from inside on_*(). Loop thread only.
///
///     open --close()--> draining --queue empty--> closing --peer's close frame--> closed
///       |                  |                         |                              ^
///       +--peer closes, error, bad message, no pong--+------------ 1 s -------------+
class WebSocket {
 public:
  struct Options {
    std::size_t max_message = 1024 * 1024;           ///< larger: close 1009
    std::size_t queue = 100;                         ///< messages; a full queue drops its oldest
    bool drop_oldest = true;                         ///< false: a full queue closes with 1008
    Duration ping_after = std::chrono::seconds(20);  ///< of silence
    Duration pong_within = std::chrono::seconds(20);
    /// Negotiate permessage-deflate when the client asks for it; never with loopback addresses.
    bool compress = true;
  };
  /// Which message a full queue gives up first.
  enum class Keep : std::uint8_t {
    kAlways,      ///< only when there is nothing else to drop
    kUntilNewer,  ///< periodic state: the next one will tell the same
  };
  virtual ~WebSocket() = default;

  /// Set before the first message can come, i.e. inside Server::Upgrade::opened.
  UniqueFunction<void(std::string_view text)> on_text;
  UniqueFunction<void(std::size_t bytes)> on_binary;
  /// Once, last; code 1006 when the connection died without a close frame.
  UniqueFunction<void(std::uint16_t code)> on_closed;

  virtual const std::string& remote_ip() const = 0;
  /// Queues a text frame. `delivered` fires when it was handed to the kernel, or dropped (false).
  virtual void send(protocol::Text text, protocol::Delivered delivered = {},
                    Keep keep = Keep::kAlways) = 0;
  /// Sends what is queued, then a close frame; gives up after 1 s. No message is handed on any
  /// more.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  /// Messages that a full queue has dropped.
  virtual std::uint64_t dropped() const = 0;
};

}  // namespace daruma::net
