#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "daruma/base/result.hpp"
#include "daruma/base/unique_function.hpp"

namespace daruma::media {

/// The two channels of a session. `data`: reliable, ordered, made before the offer. `pose`:
/// unordered, no retransmits, made on first use.
enum class Channel : std::uint8_t { kData, kPose };

/// What a peer connection tells; always on the loop, never from inside a call into it, and never
/// after stop() was called. A handler may stop and destroy the connection.
class PeerEvents {
 public:
  virtual ~PeerEvents() = default;
  virtual void on_offer(const std::string& sdp) = 0;
  /// After the offer, never before it.
  virtual void on_candidate(const std::string& candidate, unsigned sdp_m_line_index) = 0;
  virtual void on_open(Channel channel) = 0;
  /// A text message of the `data` channel; may be empty and need not be well-formed UTF-8.
  virtual void on_text(std::string text) = 0;
  /// A binary message of the `data` channel.
  virtual void on_binary(std::size_t bytes) = 0;
  /// The other side is gone, or the connection failed; `reason` is for the log. Call stop() now.
  virtual void on_gone(std::string_view reason) = 0;
};

/// One browser's WebRTC connection; the robot offers. GStreamer is behind this and nowhere else.
/// Destroying one that was not stopped stops it. Loop thread only; nothing here blocks.
class PeerConnection {
 public:
  virtual ~PeerConnection() = default;
  /// Starts to build the connection and to make the offer; on_gone tells when that fails. Once.
  virtual void start() = 0;
  /// The first answer counts; what cannot be used ends in on_gone. Candidates may be inside.
  virtual void set_answer(const std::string& sdp) = 0;
  /// What is not a usable candidate of an offered section is dropped: above all `.local` names,
  /// and candidates beyond kMaxCandidates. May come before the answer.
  virtual void add_candidate(const std::string& candidate, unsigned sdp_m_line_index) = 0;
  /// False when the channel is not open, the text is empty or longer than kMaxSend, or the bytes
  /// outstanding in this channel would exceed kMaxBuffered.
  virtual bool send(Channel channel, const std::string& text) = 0;
  /// Makes the `pose` channel when there is none yet and `data` is open; on_open tells.
  virtual void open_pose() = 0;
  /// Bytes taken by send() that the transport has not taken yet.
  virtual std::size_t buffered_bytes(Channel channel) const = 0;
  /// Ends the connection so that the browser knows. `told` when the other side has been told as far
  /// as the network lets it (2 ms after the notice went out); `freed` when nothing is left of the
  /// connection, some 10 ms later. Both on the loop, once, never from inside stop(), and also after
  /// this object was destroyed. Idempotent: a second call does nothing, its functions are dropped.
  virtual void stop(UniqueFunction<void()> told, UniqueFunction<void()> freed) = 0;

  /// Bound of what may wait in one channel.
  static constexpr std::size_t kMaxBuffered = 4 * 1024 * 1024;
  /// Longest message: what is offered to the other side (RFC 8841 section 6.1, its default).
  static constexpr std::size_t kMaxSend = 64 * 1024;
  /// Candidates of the other side, those inside the answer included; browsers send about ten.
  static constexpr std::size_t kMaxCandidates = 128;
  /// Longest answer.
  static constexpr std::size_t kMaxSdp = 64 * 1024;
  /// Messages that have come in and wait for the loop, each counted with kMessageOverhead. A peer
  /// that sends faster than the loop takes is ended.
  static constexpr std::size_t kMaxInbox = 8 * 1024 * 1024;
  static constexpr std::size_t kMessageOverhead = 128;
};

/// Where peer connections come from. Loop thread only.
class PeerConnections {
 public:
  virtual ~PeerConnections() = default;
  /// kUnavailable, with what to install, when no connection can be made on this machine.
  virtual Status usable() const = 0;
  /// Somebody is about to ask for a connection: does what only the first one would wait for.
  virtual void warm() = 0;
  /// `events` is held weakly.
  virtual std::unique_ptr<PeerConnection> make(std::weak_ptr<PeerEvents> events) = 0;
};

}  // namespace daruma::media
