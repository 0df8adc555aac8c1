#include "daruma/services/daemon/log_streams.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace daruma::services {
namespace json = boost::json;
using protocol::Command;
using protocol::PeerContext;
using protocol::Reply;

namespace {

// Lines that come together are sent together; a person does not see 20 ms.
constexpr Duration kGather = std::chrono::milliseconds(20);

protocol::Text line_message(std::string_view timestamp, std::string_view line) {
  return std::make_shared<const std::string>(json::serialize(
      json::object{{"type", "log_line"}, {"timestamp", timestamp}, {"line", line}}));
}

}  // namespace

json::object log_json(const log::Ring& ring, std::uint64_t after, std::size_t limit) {
  json::array lines;
  for (const auto& line : ring.since(after, limit))
    lines.push_back(json::object{
        {"sequence", line.sequence}, {"timestamp", line.timestamp}, {"line", line.text}});
  return {{"newest", ring.newest()}, {"lines", std::move(lines)}};
}

LogStreams::LogStreams(Scheduler& scheduler, std::shared_ptr<log::Ring> ring)
    : scheduler_(scheduler), ring_(std::move(ring)) {}

LogStreams::~LogStreams() { ring_->set_listener(nullptr); }

void LogStreams::register_in(protocol::Handlers& handlers) {
  handlers.on("subscribe_logs", [this](const Command&, const PeerContext& peer, Reply reply) {
    if (peer.peer.expired()) {
      return reply.send({{"type", "log_stream_error"},
                         {"error", "subscribe_logs requires a peer-aware transport"}});
    }
    reply.nothing();
    subscribe(peer);
  });
  handlers.on("unsubscribe_logs", [this](const Command&, const PeerContext& peer, Reply reply) {
    streams_.erase(peer.peer_id);
    if (streams_.empty()) ring_->set_listener(nullptr);
    reply.nothing();
  });
}

void LogStreams::subscribe(const PeerContext& context) {
  // Streams of peers that left are dropped here too, so the table never outgrows the peers.
  std::erase_if(streams_, [](const auto& entry) { return entry.second.peer.expired(); });
  auto& stream = streams_[context.peer_id];
  stream = {context.peer, 0};
  if (const auto peer = context.peer.lock()) send_fresh(stream, *peer, kBacklog);
  listen();
}

void LogStreams::listen() {
  ring_->set_listener([&scheduler = scheduler_, signal = signal_, this] {
    // Any thread. One post for however many lines come before it runs.
    if (signal->pending.exchange(true)) return;
    scheduler.post([alive = std::weak_ptr<Signal>(signal), this] {
      if (alive.expired()) return;
      pump_timer_ = scheduler_.after(kGather, [this] { pump(); });
    });
  });
}

void LogStreams::pump() {
  signal_->pending = false;
  std::erase_if(streams_, [](const auto& entry) { return entry.second.peer.expired(); });
  for (auto& [id, stream] : streams_) {
    if (const auto peer = stream.peer.lock()) send_fresh(stream, *peer, kBurst);
  }
  if (streams_.empty()) ring_->set_listener(nullptr);
}

void LogStreams::send_fresh(Stream& stream, protocol::Peer& peer, std::size_t limit) {
  const bool backlog = stream.sent == 0;
  const auto lines = ring_->since(stream.sent, limit);
  if (lines.empty()) return;
  const auto skipped = lines.front().sequence - stream.sent - 1;
  if (!backlog && skipped > 0) {
    peer.send(line_message(lines.front().timestamp,
                           fmt::format("daruma - WARNING - {} lines skipped: they came faster than "
                                       "they could be shown",
                                       skipped)),
              {});
  }
  for (const auto& line : lines) peer.send(line_message(line.timestamp, line.text), {});
  stream.sent = lines.back().sequence;
}

}  // namespace daruma::services
