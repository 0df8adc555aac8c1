#include "daruma/transport/websocket/sdk_door.hpp"

#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/protocol/command.hpp"
#include "daruma/protocol/json_text.hpp"

namespace daruma::websocket {
namespace json = boost::json;
using net::WebSocket;
using protocol::Command;

namespace {

bool is_answered(const Command& command) {
  return command.spec().origin == protocol::Origin::kDaruma ||
         (command.type() == "restart_daemon" && command.named("id"));
}

}  // namespace

class SdkDoor::Barrier {
 public:
  Barrier(Loop& loop, UniqueFunction<void()> done) : loop_(loop), done_(std::move(done)) {}
  ~Barrier() {
    if (done_) loop_.post(std::move(done_));
  }
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

 private:
  Loop& loop_;
  UniqueFunction<void()> done_;
};

class SdkDoor::Client final : public protocol::Peer {
 public:
  Client(std::string id, std::shared_ptr<WebSocket> socket)
      : id_(std::move(id)), socket_(std::move(socket)) {}

  const std::string& id() const override { return id_; }
  void send(const protocol::Text& text, protocol::Delivered delivered) override {
    if (text) return socket_->send(text, std::move(delivered));
    if (delivered) delivered(false);
  }
  void send_periodic(const protocol::Text& text) override {
    if (text) socket_->send(text, {}, WebSocket::Keep::kUntilNewer);
  }

  WebSocket& socket() { return *socket_; }
  protocol::PeerContext context;
  std::vector<std::shared_ptr<Barrier>> barriers;  ///< bound: calls of close_all in 1 s

 private:
  const std::string id_;
  const std::shared_ptr<WebSocket> socket_;
};

SdkDoor::SdkDoor(Loop& loop, protocol::Dispatcher& dispatcher, protocol::Topics& topics,
                 UniqueFunction<protocol::Text()> status)
    : loop_(loop), dispatcher_(dispatcher), topics_(topics), status_(std::move(status)) {}

SdkDoor::~SdkDoor() {
  for (auto& [key, client] : peers_) {
    topics_.remove(*client);
    auto& socket = client->socket();
    socket.on_text = nullptr;
    socket.on_binary = nullptr;
    socket.on_closed = nullptr;
    socket.close(1001, "going away");
  }
}

net::Server::Upgrade SdkDoor::upgrade(const net::Request& request) {
  net::Server::Upgrade decision;
  if (request.path != kPath) return decision;
  if (peers_.size() >= kMaxPeers) {
    if (const auto left_out = full_log_.admit(loop_.now()))
      spdlog::warn("/ws/sdk: {} clients are connected, one of {} refused ({} more left out)",
                   peers_.size(), request.remote_ip, *left_out);
    decision.refuse_status = 503;
    return decision;
  }
  decision.accept = true;
  decision.options.max_message = protocol::kMaxMessageBytes;
  decision.options.queue = kQueue;
  decision.opened = [this, alive = std::weak_ptr(alive_)](std::shared_ptr<WebSocket> socket) {
    if (!alive.expired()) open(std::move(socket));
  };
  return decision;
}

void SdkDoor::open(std::shared_ptr<WebSocket> socket) {
  // Handshakes that ran at the same time may have filled the door.
  if (peers_.size() >= kMaxPeers) return socket->close(1013, "too many clients");
  const auto ip = socket->remote_ip();
  auto client = std::make_shared<Client>(fmt::format("ws-{}", ++last_id_), socket);
  client->context = {client->id(), protocol::Transport::kWebSocket, protocol::reach_of(ip), client};
  auto* key = client.get();
  peers_.emplace(key, client);
  socket->on_text = [this, key](std::string_view text) { on_text(*key, text); };
  socket->on_binary = [this](std::size_t bytes) { on_binary(bytes); };
  socket->on_closed = [this, key](std::uint16_t) {
    topics_.remove(*key);
    peers_.erase(key);
  };
  if (status_)
    if (auto text = status_()) client->send(text, {});
  using enum protocol::Topic;
  topics_.add(client, kState | kStatus | kEvents | kTasks);
}

void SdkDoor::on_text(Client& client, std::string_view text) {
  const auto command = protocol::decode(text);
  // The dispatcher logs what cannot be decoded; nobody is told.
  if (!command) return dispatcher_.submit(client.context, text, {});
  if (is_answered(*command)) {
    return dispatcher_.submit(
        client.context, *command,
        [peer = client.context.peer](json::object answer, protocol::Delivered delivered) {
          const auto open = peer.lock();
          if (!open) {
            if (delivered) delivered(false);
            return;
          }
          open->send(protocol::message_text(answer), std::move(delivered));
        });
  }
  if (command->type() == "task") {
    return dispatcher_.submit(client.context, *command,
                              [this, uuid = command->text("uuid"), alive = std::weak_ptr(alive_)](
                                  const json::object& answer, protocol::Delivered delivered) {
                                if (!alive.expired()) task_ended(uuid, answer);
                                if (delivered) delivered(true);
                              });
  }
  dispatcher_.submit(client.context, *command,
                     [](const json::object&, protocol::Delivered delivered) {
                       if (delivered) delivered(true);
                     });
}

/// Contract commands.md 5: to all clients, with the robot's local time.
void SdkDoor::task_ended(const std::string& uuid, const json::object& answer) {
  const auto* error = answer.if_contains("error");
  topics_.publish(protocol::Topic::kTasks,
                  protocol::message_text({{"type", "task_progress"},
                                          {"uuid", uuid},
                                          {"finished", true},
                                          {"error", error == nullptr ? json::value() : *error},
                                          {"timestamp", local_iso8601(loop_.wall_now())}}));
}

void SdkDoor::on_binary(std::size_t bytes) {
  if (const auto suppressed = binary_log_.admit(loop_.now()))
    spdlog::warn("WS invalid command: binary frame of {} bytes{}", bytes,
                 *suppressed == 0 ? "" : fmt::format(" ({} more left out)", *suppressed));
}

void SdkDoor::close_all(std::uint16_t code, std::string_view reason, UniqueFunction<void()> done) {
  const auto barrier = std::make_shared<Barrier>(loop_, std::move(done));
  for (auto& [key, client] : peers_) {
    topics_.remove(*client);
    client->barriers.push_back(barrier);
    client->socket().close(code, reason);
  }
}

}  // namespace daruma::websocket
