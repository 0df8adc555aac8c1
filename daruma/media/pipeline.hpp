#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>

#define GST_USE_UNSTABLE_API  // all of WebRTC is, in 1.22
#include <gst/webrtc/webrtc.h>

#include "daruma/base/loop.hpp"
#include "daruma/base/result.hpp"
#include "daruma/media/gst_ptr.hpp"
#include "daruma/media/inbox.hpp"
#include "daruma/media/peer_connection.hpp"

namespace daruma::media {

/// What a pipeline tells, on the loop.
class PipelineEvents {
 public:
  virtual ~PipelineEvents() = default;
  virtual void offer_made(const std::string& sdp) = 0;
  virtual void candidate_found(const std::string& candidate, unsigned section) = 0;
  virtual void channel_opened(Channel channel) = 0;
  /// The inbox has messages.
  virtual void messages_waiting() = 0;
  /// The other side made a channel of its own.
  virtual void foreign_channel() = 0;
  virtual void connection_changed() = 0;
  virtual void lost(const std::string& reason) = 0;
};

/// The way from GStreamer's threads to the loop. Held weakly by every callback: when the owner lets
/// go of it, nothing is called any more.
struct Gate {
  explicit Gate(PipelineEvents& events)
      : target(&events), inbox(PeerConnection::kMaxInbox, PeerConnection::kMessageOverhead) {}
  PipelineEvents* const target;  ///< loop only
  bool open = true;              ///< loop only; the owner has not stopped
  Inbox inbox;
};

/// Told once close_notify has been handed on to the socket.
class Notice {
 public:
  void set() {
    if (!set_.exchange(true)) signal_.release();
  }
  bool wait_for(Duration at_most) { return signal_.try_acquire_for(at_most); }

 private:
  std::atomic<bool> set_{false};
  std::binary_semaphore signal_{0};
};

/// What every GStreamer callback gets: it copies, posts and returns.
struct Hop {
  Loop* loop;
  std::weak_ptr<Gate> gate;
  std::shared_ptr<Notice> goodbye = {};
  template <class F>
  void post(F f) const {
    loop->post([gate = gate, f = std::move(f)]() mutable {
      if (const auto held = gate.lock(); held && held->open) f(*held->target);
    });
  }
};

/// The GStreamer side of one peer connection: a pipeline with a webrtcbin and, as long as there is
/// no media, channels only. Sections for media join in build(), before the first offer; they never
/// join later (a second offer can kill the shared transport in 1.22).
///
///     build(): NULL -> READY, channel `data`;  play(): PLAYING -> offer ...;  close(): NULL
class Pipeline {
 public:
  /// Blocks for some milliseconds; pool thread.
  static Result<std::shared_ptr<Pipeline>> build(const Hop& hop);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Loop thread; these return at once.
  void set_answer(SdpPtr answer);
  void add_candidate(const std::string& candidate, unsigned section);
  bool send(Channel channel, const std::string& text);
  std::size_t buffered_bytes(Channel channel) const;
  bool failed() const;

  // Pool thread; these may block.
  /// Starts; the offer follows.
  void play();
  void open_pose();
  /// Tells the other side that this is the end; returns when that has left, or after `at_most`.
  void say_goodbye(Duration at_most);
  /// Stops everything; nothing is called back any more.
  void close();

 private:
  explicit Pipeline(Hop hop) : hop_(std::move(hop)) {}
  Status make_elements();
  void connect_signals();
  Status make_data_channel();
  /// The source pad of the one element that this factory has made; empty when there is none yet.
  GstPtr<GstPad> pad_of(const char* factory) const;
  void connect_channel(GstWebRTCDataChannel* channel, Channel kind);
  GstWebRTCDataChannel* channel(Channel kind) const;

  const Hop hop_;
  GstPtr<GstElement> pipeline_;
  GstPtr<GstElement> webrtc_;
  /// webrtcbin forgets what it was asked when it is closed before it came to that.
  PromisePtr answer_;
  GObjectPtr<GstWebRTCDataChannel> data_;
  GObjectPtr<GstWebRTCDataChannel> pose_;
  // Set with release when pose_ is: the pool makes it, the loop reads it.
  std::atomic<bool> has_pose_{false};
  // play(), open_pose() and close() may come from two pool threads at once.
  std::mutex state_mutex_;
  bool closed_ = false;
};

}  // namespace daruma::media
