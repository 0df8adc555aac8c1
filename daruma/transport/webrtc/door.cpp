#include "daruma/transport/webrtc/door.hpp"

#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/base/ids.hpp"

namespace daruma::webrtc {
namespace {

constexpr std::uint16_t kGoingAway = 1001;
constexpr std::uint16_t kTryAgainLater = 1013;

}  // namespace

/// One call of end_sessions(). Kept alive by the connections it waits for.
struct Door::Ending {
  std::vector<std::string> left;
  UniqueFunction<void()> told;
  Timer timer;
};

Door::Door(Scheduler& scheduler, protocol::Dispatcher& dispatcher, protocol::Topics& topics,
           media::PeerConnections& connections)
    : scheduler_(scheduler),
      dispatcher_(dispatcher),
      topics_(topics),
      connections_(connections),
      signalling_(
          *this, {{"name", "reachymini"}},
          [this](const std::string& peer, const protocol::Text& text) {
            if (const auto found = sockets_.find(peer); found != sockets_.end())
              found->second->send(text);
          },
          [&scheduler] { return scheduler.now(); }) {}

Door::~Door() {
  for (auto& [peer, socket] : sockets_) {
    socket->on_text = nullptr;
    socket->on_binary = nullptr;
    socket->on_closed = nullptr;
    socket->close(kGoingAway, "");
  }
}

net::Server::Upgrade Door::upgrade(const net::Request&) {
  net::Server::Upgrade upgrade;
  upgrade.refuse_status = 503;
  if (signalling_.full()) return upgrade;
  upgrade.accept = true;
  upgrade.options.max_message = kMaxMessage;
  upgrade.options.queue = kQueue;
  upgrade.options.drop_oldest = false;  // a client cannot do with a part of a negotiation
  upgrade.options.ping_after = std::chrono::seconds(30);
  upgrade.options.compress = false;
  upgrade.opened = [this](const std::shared_ptr<net::WebSocket>& socket) { opened(socket); };
  return upgrade;
}

void Door::opened(const std::shared_ptr<net::WebSocket>& socket) {
  if (signalling_.full()) return socket->close(kTryAgainLater, "too many peers");
  connections_.warm();
  const std::string peer = make_uuid();
  sockets_[peer] = socket;
  socket->on_text = [this, peer](std::string_view text) { signalling_.receive(peer, text); };
  socket->on_binary = [this, peer](std::size_t bytes) { signalling_.receive_binary(peer, bytes); };
  socket->on_closed = [this, peer](std::uint16_t) { closed(peer); };
  signalling_.join(peer);
}

void Door::closed(const std::string& peer) {
  // The functions of the socket, of which this is one, go with it.
  const std::string id = peer;
  const auto found = sockets_.find(id);
  if (found == sockets_.end()) return;
  const auto socket = std::move(found->second);
  sockets_.erase(found);
  signalling_.leave(id);
}

std::optional<std::string> Door::refusal() const {
  if (const auto usable = connections_.usable(); !usable) return usable.error().context;
  if (sessions_.size() >= kMaxSessions || *freeing_ >= kMaxFreeing)
    return fmt::format("The robot has {} sessions, which is all it can have", sessions_.size());
  return std::nullopt;
}

void Door::session_started(const std::string& session, const std::string& consumer) {
  const auto socket = sockets_.find(consumer);
  const std::string remote_ip = socket == sockets_.end() ? "" : socket->second->remote_ip();
  spdlog::info("WebRTC session {} was asked for from {}", session, remote_ip);
  Entry& entry = sessions_[session];
  entry.session = std::make_shared<Session>(
      Session::Surroundings{scheduler_, dispatcher_, topics_, *this}, session, remote_ip);
  if (hold_)
    entry.hold_timer =
        scheduler_.after(kLongestHold, [held = std::weak_ptr<Session>(entry.session)] {
          if (const auto alive = held.lock()) alive->release();
        });
  entry.session->start(connections_, hold_);
}

void Door::answered(const std::string& session, const std::string& sdp) {
  if (auto* found = find(session)) found->answer(sdp);
}

void Door::candidate_came(const std::string& session, const IceCandidate& candidate) {
  if (auto* found = find(session)) found->add_candidate(candidate);
}

void Door::session_ended(const std::string& session) {
  if (find(session) == nullptr) return;
  spdlog::info("WebRTC session {} was ended by its consumer", session);
  drop(session);
}

void Door::offer_made(const Session& session, const std::string& sdp) {
  signalling_.offer(session.id(), sdp);
}

void Door::candidate_found(const Session& session, const IceCandidate& candidate) {
  signalling_.candidate(session.id(), candidate);
}

void Door::failed(const Session& session, std::string_view reason) {
  const std::string id = session.id();
  spdlog::info("WebRTC session {} ends: {}", id, reason);
  signalling_.end(id);
  drop(id);
}

Session* Door::find(const std::string& session) {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : found->second.session.get();
}

UniqueFunction<void()> Door::count_freeing() {
  ++*freeing_;
  const std::shared_ptr<std::size_t> one(freeing_.get(),
                                         [count = freeing_](std::size_t*) { --*count; });
  return [one] {};
}

void Door::drop(const std::string& session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  const auto dropped = std::move(found->second.session);
  sessions_.erase(found);
  dropped->stop({}, count_freeing());
}

void Door::end_sessions(UniqueFunction<void()> told_all) {
  std::vector<std::shared_ptr<Session>> leaving;
  for (const auto& [id, entry] : sessions_)
    if (!entry.session->held() && !entry.session->finishing()) leaving.push_back(entry.session);
  if (leaving.empty()) return scheduler_.post(std::move(told_all));
  auto ending = std::make_shared<Ending>();
  ending->told = std::move(told_all);
  ending->timer = scheduler_.after(kEndWithin, [this, weak = std::weak_ptr<Ending>(ending)] {
    const auto late = weak.lock();
    if (!late) return;
    for (const auto& id : std::exchange(late->left, {})) {
      signalling_.end(id);
      drop(id);
    }
    if (auto done = std::move(late->told)) done();
  });
  for (const auto& session : leaving) ending->left.push_back(session->id());
  for (const auto& session : leaving)
    session->finish([this, ending, id = session->id()] { told(ending, id); }, count_freeing());
}

void Door::told(const std::shared_ptr<Ending>& ending, const std::string& session) {
  if (std::erase(ending->left, session) == 0) return;
  signalling_.end(session);
  sessions_.erase(session);
  if (!ending->left.empty()) return;
  ending->timer.cancel();
  if (auto done = std::move(ending->told)) done();
}

void Door::hold_offers(bool hold) {
  hold_ = hold;
  if (hold) return;
  for (auto& [id, entry] : sessions_) {
    entry.hold_timer.cancel();
    entry.session->release();
  }
}

}  // namespace daruma::webrtc
