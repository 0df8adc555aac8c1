#include "daruma/transport/webrtc/robot_session.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "daruma/base/ids.hpp"
#include "daruma/protocol/chunking.hpp"
#include "daruma/protocol/json_text.hpp"

namespace daruma::webrtc {

using media::Channel;
using protocol::Delivered;
using protocol::Text;

namespace {

/// 32 hex digits, the name of a message that is sent in chunks.
std::string chunk_id() {
  auto id = make_uuid();
  std::erase(id, '-');
  return id;
}

}  // namespace

RobotSession::RobotSession(Door& door, std::string session_id, std::string remote_ip)
    : door_(door), id_(std::move(session_id)), remote_ip_(std::move(remote_ip)) {}

void RobotSession::start() {
  context_ = {id_, protocol::Transport::kWebRtc, protocol::reach_of(remote_ip_), weak_from_this()};
  connection_ = door_.connections_.make(weak_from_this());
  connect_timer_ = door_.scheduler_.after(Door::kConnectWithin, [this] {
    end("not connected in time", true, "ice_negotiation_timeout");
  });
  released_ = !door_.hold_;
  if (!released_) hold_timer_ = door_.scheduler_.after(Door::kHoldAtMost, [this] { release(); });
  connection_->start();
}

void RobotSession::release() {
  hold_timer_.cancel();
  released_ = true;
  if (offer_.empty()) return;
  door_.hub_.send_offer(id_, std::exchange(offer_, {}));
  for (const auto& candidate : std::exchange(held_candidates_, {}))
    door_.hub_.send_candidate(id_, candidate.text, candidate.index);
}

void RobotSession::on_offer(const std::string& sdp) {
  offer_ = sdp;
  if (released_) release();
}

void RobotSession::on_candidate(const std::string& candidate, unsigned sdp_m_line_index) {
  if (released_) return door_.hub_.send_candidate(id_, candidate, sdp_m_line_index);
  if (held_candidates_.size() < kMaxHeldCandidates)
    held_candidates_.push_back({candidate, sdp_m_line_index});
}

void RobotSession::on_open(Channel channel) {
  if (channel == Channel::kPose) {
    pose_open_ = true;
    return;
  }
  open_ = true;
  connect_timer_.cancel();
  door_.topics_.add(shared_from_this(), static_cast<protocol::TopicSet>(protocol::Topic::kEvents));
  spdlog::info("webrtc: session {} open, from {}", id_, remote_ip_);
}

void RobotSession::on_text(std::string text) {
  door_.dispatcher_.submit(
      context_, text, [weak = weak_from_this()](boost::json::object message, Delivered delivered) {
        if (const auto self = weak.lock()) return self->answer(message, std::move(delivered));
        if (delivered) delivered(false);
      });
}

void RobotSession::answer(const boost::json::object& message, Delivered delivered) {
  send(protocol::message_text(message), std::move(delivered));
}

void RobotSession::on_binary(std::size_t bytes) {
  if (binaries_.admit(door_.scheduler_.now()))
    spdlog::warn("webrtc: session {} sent a binary message of {} bytes, ignored", id_, bytes);
}

void RobotSession::on_gone(std::string_view reason) {
  end(reason, true, open_ ? "" : "peer_connection_failed");
}

void RobotSession::send(const Text& text, Delivered delivered) {
  const bool sent = open_ && send_whole(*text);
  if (!sent && open_) {
    // Not from inside the caller's own use of this peer.
    door_.scheduler_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->end("it does not read what it is sent", true);
    });
  }
  if (!delivered) return;
  if (!sent) return delivered(false);
  flush_later(std::move(delivered));
}

bool RobotSession::send_whole(const std::string& text) {
  if (text.size() <= protocol::kLongestWholeMessage) return connection_->send(Channel::kData, text);
  const auto frames = protocol::chunk_message(text, chunk_id());
  return std::all_of(frames.begin(), frames.end(), [this](const std::string& frame) {
    return connection_->send(Channel::kData, frame);
  });
}

void RobotSession::flush_later(Delivered delivered) {
  if (flushes_.size() == kMaxFlushes) return delivered(true);
  flushes_.push_back({door_.scheduler_.now() + kFlush, std::move(delivered)});
  if (flushes_.size() == 1) flush_timer_ = door_.scheduler_.after(kFlush, [this] { flush_due(); });
}

void RobotSession::flush_due() {
  const auto self = shared_from_this();  // an ack may be what ends this session
  const auto now = door_.scheduler_.now();
  while (!flushes_.empty() && flushes_.front().due <= now) {
    auto delivered = std::move(flushes_.front().delivered);
    flushes_.pop_front();
    delivered(true);
  }
  if (!flushes_.empty())
    flush_timer_ = door_.scheduler_.after(flushes_.front().due - now, [this] { flush_due(); });
}

void RobotSession::send_pose(const Text& text) {
  if (!open_) return;
  if (!pose_asked_) {
    pose_asked_ = true;
    connection_->open_pose();
  }
  // Late frames are worth nothing: the next one is 33 ms away.
  if (pose_open_ && connection_->buffered_bytes(Channel::kPose) < kMaxPoseBuffered)
    connection_->send(Channel::kPose, *text);
}

void RobotSession::end(std::string_view reason, bool tells, std::string_view error,
                       UniqueFunction<void()> told) {
  if (ended_) {
    if (told) told();
    return;
  }
  ended_ = true;
  const auto self = shared_from_this();
  spdlog::info("webrtc: session {} ended: {}", id_, reason);
  open_ = false;
  connect_timer_.cancel();
  hold_timer_.cancel();
  flush_timer_.cancel();
  door_.topics_.remove(*this);
  door_.forget(id_);
  // `self` lives until the other side was told; the door outlives its loop's calls.
  connection_->stop(
      [self, tells, error = std::string(error), told = std::move(told)]() mutable {
        if (tells) self->door_.hub_.end_session(self->id_, error);
        if (told) told();
      },
      {});
  for (auto& flush : std::exchange(flushes_, {})) flush.delivered(false);
}

}  // namespace daruma::webrtc
