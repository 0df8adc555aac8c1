#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "daruma/base/loop.hpp"
#include "daruma/base/result.hpp"

namespace daruma::media {

/// The two channels of a session. `data`: reliable, ordered, made before the offer. `pose`: unordered,
/// no retransmits, made on first use.
enum class Channel : std::uint8_t { kData, kPose };

/// What a peer connection tells; always on the loop, never from inside a call into it, and never
/// after stop() was called.
class PeerEvents {
 public:
  virtual ~PeerEvents() = default;
  virtual void on_offer(const std::string& sdp) = 0;
  virtual void on_candidate(const std::string& candidate, unsigned sdp_m_line_index) = 0;
  virtual void on_open(Channel channel) = 0;
  /// A text message of the `data` channel. Empty binary messages, binary messages: see on_binary.
  virtual void on_text(std::string text) = 0;
  virtual void on_binary(std::size_t bytes) = 0;
  /// The other side is gone, or the connection failed; `reason` is for the log. Call stop() now.
  virtual void on_gone(std::string_view reason) = 0;
};

/// One browser's WebRTC connection; the robot offers. GStreamer is behind this and nowhere else.
/// Loop thread only; nothing here blocks.
class PeerConnection {
 public:
  virtual ~PeerConnection() = default;
  /// Builds the pipeline and starts to make the offer.
  virtual Status start() = 0;
  virtual void set_answer(const std::string& sdp) = 0;
  /// `.local` names are dropped (webrtcbin-findings rule 1).
  virtual void add_candidate(const std::string& candidate, unsigned sdp_m_line_index) = 0;
  /// False when the channel is not open or the bytes outstanding would exceed kMaxBuffered.
  virtual bool send(Channel channel, const std::string& text) = 0;
  /// Makes the `pose` channel when there is none yet.
  virtual void open_pose() = 0;
  virtual std::size_t buffered_bytes() const = 0;
  /// Ends the connection so that the browser knows (EOS, flush, NULL; on the pool). Idempotent.
  /// `done` on the loop when everything is freed.
  virtual void stop(UniqueFunction<void()> done) = 0;

  /// Bound of what may wait in one peer's channels.
  static constexpr std::size_t kMaxBuffered = 4 * 1024 * 1024;
};

/// Initialises GStreamer, says which elements are missing (kUnavailable, with package names), and
/// makes the DTLS key ahead of the first session on the loop's pool.
Status start(Loop& loop);
/// `events` outlives the connection or the connection is stopped before.
std::unique_ptr<PeerConnection> make_peer_connection(Loop& loop, std::weak_ptr<PeerEvents> events);

}  // namespace daruma::media
