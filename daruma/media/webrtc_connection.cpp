#include "daruma/media/webrtc_connection.hpp"

#include <chrono>

#include <malloc.h>

#include "daruma/media/candidate.hpp"
#include "daruma/media/sdp.hpp"

namespace daruma::media {
namespace {

using namespace std::chrono_literals;

// How long a pipeline may take to send its close_notify; usually 1 ms, more when its threads are
// kept from running.
constexpr auto kGoodbye = 250ms;

constexpr std::string_view kPrefix = "candidate:";

}  // namespace

WebRtcConnection::WebRtcConnection(Loop& loop, Engine& engine, std::weak_ptr<PeerEvents> events)
    : loop_(loop),
      engine_(engine),
      events_(std::move(events)),
      gate_(std::make_shared<Gate>(static_cast<PipelineEvents&>(*this))) {}

WebRtcConnection::~WebRtcConnection() { stop({}, {}); }

void WebRtcConnection::start() {
  if (!gate_ || ending_->building || pipeline_) return;
  ending_->building = true;
  engine_.when_ready([hop = Hop{&loop_, gate_, std::make_shared<Notice>()},
                      ending = ending_](const Status& ready) {
    if (ending->stopped) return end(*hop.loop, nullptr, ending);
    if (ready) return build(*hop.loop, hop, ending);
    ending->building = false;
    hop.post([why = ready.error().context](PipelineEvents& events) { events.lost(why); });
  });
}

void WebRtcConnection::build(Loop& loop, const Hop& hop, const std::shared_ptr<Ending>& ending) {
  loop.on_pool([&loop, hop, ending] {
    const auto built = Pipeline::build(hop);
    loop.post([&loop, hop, ending, built] {
      ending->building = false;
      if (ending->stopped) return end(loop, built ? *built : nullptr, ending);
      const auto gate = hop.gate.lock();
      if (!gate || !gate->open) return;
      if (!built) return gate->target->lost(built.error().context);
      static_cast<WebRtcConnection*>(gate->target)->pipeline_ = *built;
    });
    // Only now, so that the pipeline is known before it tells anything.
    if (built) (*built)->play();
  });
}

void WebRtcConnection::set_answer(const std::string& sdp) {
  if (!gate_ || answered_) return;
  answered_ = true;
  if (!pipeline_ || offer_.empty()) return lose_soon("it answered what was not offered");
  auto answer = read_answer(sdp, offer_, kMaxCandidates);
  if (!answer) return lose_soon("its answer cannot be used: " + answer.error().context);
  pipeline_->set_answer(std::move(*answer));
  for (const auto& candidate : early_) pipeline_->add_candidate(candidate.text, candidate.section);
  early_ = {};
}

void WebRtcConnection::add_candidate(const std::string& candidate, unsigned sdp_m_line_index) {
  if (!gate_ || sdp_m_line_index >= sections_ || candidates_ >= kMaxCandidates) return;
  if (candidate.compare(0, kPrefix.size(), kPrefix) != 0) return;
  if (!is_usable_candidate(std::string_view(candidate).substr(kPrefix.size()))) return;
  ++candidates_;
  if (answered_)
    pipeline_->add_candidate(candidate, sdp_m_line_index);
  else
    early_.push_back({candidate, sdp_m_line_index});
}

bool WebRtcConnection::send(Channel channel, const std::string& text) {
  if (!gate_ || !is_open(channel) || text.empty() || text.size() > kMaxSend) return false;
  if (pipeline_->buffered_bytes(channel) + text.size() > kMaxBuffered) return false;
  return pipeline_->send(channel, text);
}

void WebRtcConnection::open_pose() {
  if (!gate_ || !is_open(Channel::kData) || pose_asked_) return;
  pose_asked_ = true;
  loop_.on_pool([pipeline = pipeline_] { pipeline->open_pose(); });
}

std::size_t WebRtcConnection::buffered_bytes(Channel channel) const {
  return pipeline_ ? pipeline_->buffered_bytes(channel) : 0;
}

void WebRtcConnection::stop(UniqueFunction<void()> told, UniqueFunction<void()> freed) {
  if (!gate_) return;
  gate_->open = false;
  gate_.reset();
  ending_->stopped = true;
  ending_->told = std::move(told);
  ending_->freed = std::move(freed);
  if (!ending_->building) end(loop_, std::move(pipeline_), ending_);
}

void WebRtcConnection::end(Loop& loop, std::shared_ptr<Pipeline> pipeline,
                           const std::shared_ptr<Ending>& ending) {
  const auto call = [](UniqueFunction<void()>& once) {
    if (auto function = std::move(once)) function();
  };
  loop.on_pool([&loop, pipeline = std::move(pipeline), ending, call]() mutable {
    if (pipeline) pipeline->say_goodbye(kGoodbye);
    // The slow part queues behind the goodbyes of all other peers that are ended now.
    loop.post([&loop, pipeline = std::move(pipeline), ending, call]() mutable {
      call(ending->told);
      loop.on_pool([&loop, pipeline = std::move(pipeline), ending, call]() mutable {
        if (pipeline) pipeline->close();
        pipeline.reset();
        // A session leaves 2 MB of holes in the heap, which grows over them when they are not given
        // back.
        ::malloc_trim(0);
        loop.post([ending, call] { call(ending->freed); });
      });
    });
  });
}

void WebRtcConnection::offer_made(const std::string& sdp) {
  offer_ = sdp;
  sections_ = section_count(sdp);
  if (const auto events = events_.lock()) events->on_offer(sdp);
}

void WebRtcConnection::candidate_found(const std::string& candidate, unsigned section) {
  if (const auto events = events_.lock()) events->on_candidate(candidate, section);
}

void WebRtcConnection::channel_opened(Channel channel) {
  if (!pipeline_ || is_open(channel)) return;
  is_open(channel) = true;
  if (const auto events = events_.lock()) events->on_open(channel);
  // What the other side sent before we knew; an answer to it could not have been sent either.
  if (channel == Channel::kData) messages_waiting();
}

void WebRtcConnection::messages_waiting() {
  const auto gate = gate_;
  const auto events = events_.lock();
  if (!gate || !events || !is_open(Channel::kData)) return;
  for (int i = 0; i < kMessagesATurn; ++i) {
    // A message may end the connection, and with it this object.
    auto message = gate->inbox.take();
    if (!message) return;
    if (message->binary)
      events->on_binary(message->bytes);
    else
      events->on_text(std::move(message->text));
    if (!gate->open) return;
  }
  Hop{&loop_, gate_}.post([](PipelineEvents& target) { target.messages_waiting(); });
}

void WebRtcConnection::foreign_channel() {
  if (++foreign_channels_ > kMaxForeignChannels) lost("it opens too many channels");
}

void WebRtcConnection::connection_changed() {
  if (pipeline_ && pipeline_->failed()) lost("the connection failed");
}

void WebRtcConnection::lost(const std::string& reason) {
  if (const auto events = events_.lock()) events->on_gone(reason);
}

void WebRtcConnection::lose_soon(std::string reason) {
  Hop{&loop_, gate_}.post(
      [reason = std::move(reason)](PipelineEvents& target) { target.lost(reason); });
}

}  // namespace daruma::media
