#include "daruma/transport/webrtc/session.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/base/ids.hpp"
#include "daruma/protocol/chunking.hpp"
#include "daruma/protocol/json_text.hpp"

namespace daruma::webrtc {
using media::Channel;

Session::Session(const Surroundings& around, std::string id, const std::string& remote_ip)
    : around_(around),
      context_{std::move(id), protocol::Transport::kWebRtc, protocol::reach_of(remote_ip), {}} {}

Session::~Session() { stop({}, {}); }

void Session::start(media::PeerConnections& connections, bool held) {
  context_.peer = weak_from_this();
  held_ = held;
  negotiation_timer_ = around_.scheduler.after(
      kNegotiation, [this] { around_.owner.failed(*this, "it did not connect in time"); });
  connection_ = connections.make(weak_from_this());
  connection_->start();
}

void Session::release() {
  if (!held_ || ended_) return;
  held_ = false;
  negotiation_timer_ = around_.scheduler.after(
      kNegotiation, [this] { around_.owner.failed(*this, "it did not connect in time"); });
  if (offer_.empty()) return;
  around_.owner.offer_made(*this, std::exchange(offer_, {}));
  for (const auto& candidate : std::exchange(candidates_, {}))
    around_.owner.candidate_found(*this, candidate);
}

void Session::answer(const std::string& sdp) {
  if (!ended_) connection_->set_answer(sdp);
}

void Session::add_candidate(const IceCandidate& candidate) {
  if (!ended_) connection_->add_candidate(candidate.candidate, candidate.sdp_m_line_index);
}

void Session::finish(UniqueFunction<void()> told, UniqueFunction<void()> freed) {
  if (ended_ || finishing_) return;
  finishing_ = true;
  told_ = std::move(told);
  freed_ = std::move(freed);
  finish_by_ = around_.scheduler.now() + kAckFlush;
  finish_when_quiet();
}

void Session::finish_when_quiet() {
  const auto now = around_.scheduler.now();
  const bool settled = now >= last_reply_ + kAckSettled;
  if (!open_ || now >= finish_by_ || (settled && connection_->buffered_bytes(Channel::kData) == 0))
    return stop({}, {});
  finish_timer_ = around_.scheduler.after(
      settled ? std::chrono::milliseconds(1) : Duration(last_reply_ + kAckSettled - now),
      [this] { finish_when_quiet(); });
}

void Session::stop(UniqueFunction<void()> told, UniqueFunction<void()> freed) {
  if (ended_) return;
  ended_ = true;
  if (finishing_) {
    told = std::move(told_);
    freed = std::move(freed_);
  }
  const bool all_taken = open_ && connection_->buffered_bytes(Channel::kData) == 0;
  open_ = pose_open_ = false;
  negotiation_timer_.cancel();
  awaited_timer_.cancel();
  finish_timer_.cancel();
  around_.topics.remove(*this);
  if (connection_) connection_->stop(std::move(told), std::move(freed));
  report_awaited(finishing_ && all_taken);
}

void Session::on_offer(const std::string& sdp) {
  if (held_)
    offer_ = sdp;
  else
    around_.owner.offer_made(*this, sdp);
}

void Session::on_candidate(const std::string& candidate, unsigned sdp_m_line_index) {
  if (held_)
    candidates_.push_back({candidate, sdp_m_line_index});
  else
    around_.owner.candidate_found(*this, {candidate, sdp_m_line_index});
}

void Session::on_open(Channel channel) {
  if (channel == Channel::kPose) {
    pose_open_ = true;
    if (const auto frame = std::exchange(newest_pose_, nullptr)) send_pose(frame);
    return;
  }
  open_ = true;
  negotiation_timer_.cancel();
  spdlog::info("WebRTC session {} is open", id());
  around_.topics.add(shared_from_this(), static_cast<protocol::TopicSet>(protocol::Topic::kEvents));
}

void Session::on_text(std::string text) {
  around_.dispatcher.submit(
      context_, text,
      [weak = weak_from_this()](boost::json::object message, protocol::Delivered delivered) {
        const auto self = weak.lock();
        if (self) return self->reply(message, std::move(delivered));
        if (delivered) delivered(false);
      });
}

void Session::on_binary(std::size_t bytes) {
  if (const auto suppressed = binaries_.admit(around_.scheduler.now()))
    spdlog::warn("WebRTC binary message of {} bytes from {} ignored{}", bytes, id(),
                 *suppressed == 0 ? "" : fmt::format(" ({} more left out)", *suppressed));
}

void Session::on_gone(std::string_view reason) { around_.owner.failed(*this, reason); }

void Session::reply(const boost::json::object& message, protocol::Delivered delivered) {
  last_reply_ = around_.scheduler.now();
  send(protocol::message_text(message), std::move(delivered));
}

void Session::send(const protocol::Text& text, protocol::Delivered delivered) {
  if (!open_ || !text || !transmit(*text)) {
    if (delivered) delivered(false);
    return;
  }
  if (delivered) await(std::move(delivered));
}

bool Session::transmit(const std::string& text) {
  if (text.size() <= protocol::kLongestWholeMessage) {
    if (connection_->send(Channel::kData, text)) return true;
  } else {
    std::string message_id = make_uuid();
    std::erase(message_id, '-');
    const auto frames = protocol::chunk_message(text, message_id);
    const auto sent = [this](const std::string& frame) {
      return connection_->send(Channel::kData, frame);
    };
    if (std::all_of(frames.begin(), frames.end(), sent)) return true;
  }
  // Not from inside: whoever sends may be walking a list that this changes.
  around_.scheduler.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !self->ended_)
      self->around_.owner.failed(*self, "it does not read what it is sent");
  });
  return false;
}

void Session::await(protocol::Delivered delivered) {
  if (awaited_.size() >= kMaxAwaited) return delivered(false);
  awaited_.push_back({around_.scheduler.now(), std::move(delivered)});
  if (awaited_.size() == 1)
    awaited_timer_ = around_.scheduler.after(kAckSettled, [this] { check_awaited(); });
}

void Session::check_awaited() {
  // Reporting may end the session, and with it this object.
  const auto self = shared_from_this();
  const auto now = around_.scheduler.now();
  const bool taken = connection_->buffered_bytes(Channel::kData) == 0;
  while (!awaited_.empty()) {
    const auto age = now - awaited_.front().sent;
    if (age < kAckSettled || (!taken && age < kAckFlush)) break;
    auto delivered = std::move(awaited_.front().delivered);
    awaited_.pop_front();
    delivered(true);
  }
  if (awaited_.empty() || ended_) return;
  const auto due = awaited_.front().sent + kAckSettled;
  awaited_timer_ = around_.scheduler.after(
      std::max<Duration>(due - now, std::chrono::milliseconds(1)), [this] { check_awaited(); });
}

void Session::report_awaited(bool delivered) {
  for (auto& one : std::exchange(awaited_, {})) one.delivered(delivered);
}

void Session::send_pose(const protocol::Text& frame) {
  if (!open_ || !frame) return;
  if (!pose_open_) {
    newest_pose_ = frame;
    return connection_->open_pose();
  }
  if (connection_->buffered_bytes(Channel::kPose) <= kPoseBacklog)
    connection_->send(Channel::kPose, *frame);
}

void Session::end_pose() { newest_pose_ = nullptr; }

}  // namespace daruma::webrtc
