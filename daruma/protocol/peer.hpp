#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "daruma/base/unique_function.hpp"

namespace daruma::protocol {

/// Text on its way to one or many peers; shared, so that a broadcast copies nothing.
using Text = std::shared_ptr<const std::string>;

/// The way in that a peer uses.
enum class Transport { kWebRtc, kWebSocket, kHttp };
/// `webrtc`, `websocket`, `http`: the word in receipts and logs.
std::string_view name(Transport transport);

/// Where a peer comes from, as far as its address says. Decides `--restart-from`.
enum class Reach { kLocal, kLan, kRelay };
/// `local`, `lan`, `relay`.
std::string_view name(Reach reach);
/// Loopback is local, every other address is lan. A relay transport says kRelay itself.
Reach reach_of(std::string_view ip_address);

/// Called once when a message has left: true when it was handed to the other side as far as this
/// transport can tell, false when the peer went away first. Bounded in time by the transport.
using Delivered = UniqueFunction<void(bool)>;

/// One connected client that can be written to. Implemented by transports. Loop thread only.
class Peer {
 public:
  virtual ~Peer() = default;
  /// Unique among all peers of this process, for ever.
  virtual const std::string& id() const = 0;
  /// Queues a message. Never blocks; the queue is bounded and says so by dropping its oldest
  /// (WebSocket) or by ending the peer (WebRTC). After the peer is gone: `delivered(false)`.
  virtual void send(const Text& text, Delivered delivered) = 0;
  /// The same for state that comes again soon: the first to be dropped when the queue is full.
  virtual void send_periodic(const Text& text) { send(text, {}); }
  /// Sends one frame on the peer's `pose` channel, opening it first when needed; the newest wins.
  /// Does nothing on transports without one.
  virtual void send_pose(const Text&) {}
  /// Closes the `pose` stream's sending side (the channel itself stays). See webrtc contract.
  virtual void end_pose() {}
};

}  // namespace daruma::protocol
