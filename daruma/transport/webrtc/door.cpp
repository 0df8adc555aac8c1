#include "daruma/transport/webrtc/door.hpp"

#include <spdlog/spdlog.h>

#include "daruma/transport/webrtc/robot_session.hpp"

namespace daruma::webrtc {

Door::Door(Scheduler& scheduler, protocol::Dispatcher& dispatcher, protocol::Topics& topics,
           media::PeerConnections& connections)
    : scheduler_(scheduler),
      dispatcher_(dispatcher),
      topics_(topics),
      connections_(connections),
      hub_(*this, [this] { return scheduler_.now(); }) {}

Door::~Door() = default;

net::Server::Upgrade Door::upgrade(const net::Request&) {
  net::Server::Upgrade upgrade;
  upgrade.accept = hub_.peers() < SignallingHub::kMaxPeers;
  upgrade.refuse_status = 503;
  upgrade.options.max_message = SignallingHub::kMaxMessage;
  upgrade.options.queue = 1000;
  upgrade.options.drop_oldest = false;  // a lost offer is a lost session
  upgrade.options.ping_after = std::chrono::seconds(30);
  upgrade.opened = [this](std::shared_ptr<net::WebSocket> socket) { opened(socket); };
  return upgrade;
}

void Door::opened(const std::shared_ptr<net::WebSocket>& socket) {
  connections_.warm();
  const std::weak_ptr<net::WebSocket> weak = socket;
  const auto id = hub_.join([weak](protocol::Text text) {
    if (const auto open = weak.lock()) open->send(std::move(text));
  });
  if (id.empty()) return socket->close(1013, "too many peers");
  sockets_[id] = socket;
  remote_ips_[id] = socket->remote_ip();
  socket->on_text = [this, id](std::string_view text) { hub_.receive(id, text); };
  socket->on_binary = [this, id](std::size_t bytes) { hub_.note_binary(id, bytes); };
  socket->on_closed = [this, id](std::uint16_t) {
    hub_.leave(id);
    remote_ips_.erase(id);
    sockets_.erase(id);
  };
}

Status Door::start_session(const std::string& session_id, const std::string& consumer_id) {
  if (const auto usable = connections_.usable(); !usable) return usable;
  if (sessions_.size() >= kMaxRobotSessions)
    return fail(Errc::kBusy, "The robot has too many sessions");
  auto session = std::make_shared<RobotSession>(*this, session_id, remote_ips_[consumer_id]);
  sessions_[session_id] = session;
  session->start();
  return {};
}

std::shared_ptr<RobotSession> Door::find(const std::string& session_id) const {
  const auto found = sessions_.find(session_id);
  return found == sessions_.end() ? nullptr : found->second;
}

void Door::on_answer(const std::string& session_id, const std::string& sdp) {
  if (const auto session = find(session_id)) session->set_answer(sdp);
}

void Door::on_candidate(const std::string& session_id, const std::string& candidate,
                        unsigned sdp_m_line_index) {
  if (const auto session = find(session_id)) session->add_candidate(candidate, sdp_m_line_index);
}

void Door::on_session_ended(const std::string& session_id) {
  if (const auto session = find(session_id)) session->end("the consumer ended it", false);
}

void Door::end_sessions(UniqueFunction<void()> told) {
  struct Telling {
    std::size_t left;
    UniqueFunction<void()> told;
    Timer timer;
    void finish() {
      if (!told) return;
      timer.cancel();
      std::exchange(told, nullptr)();
    }
  };
  if (sessions_.empty()) return scheduler_.post(std::move(told));
  auto telling = std::make_shared<Telling>(Telling{sessions_.size(), std::move(told), {}});
  telling->timer = scheduler_.after(kTellWithin, [telling] { telling->finish(); });
  const auto ending = sessions_;
  for (const auto& [id, session] : ending)
    session->end("the robot restarts", true, "robot_stopping", [telling] {
      if (--telling->left == 0) telling->finish();
    });
}

void Door::hold_offers(bool hold) {
  if (hold_ == hold) return;
  hold_ = hold;
  if (hold) return;
  const auto waiting = sessions_;
  for (const auto& [id, session] : waiting) session->release();
}

}  // namespace daruma::webrtc
