#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daruma/backend/mockup/mockup.hpp"
#include "daruma/lifecycle/supervisor.hpp"
#include "daruma/media/peer_connection.hpp"
#include "daruma/services/daemon/lifecycle_commands.hpp"
#include "daruma/services/daemon/status_publisher.hpp"
#include "daruma/services/receipts/receipt_file.hpp"
#include "daruma/session/room_factory.hpp"
#include "daruma/transport/http/api.hpp"
#include "daruma/transport/net/server.hpp"
#include "daruma/transport/net/test_client.hpp"
#include "daruma/transport/webrtc/door.hpp"
#include "daruma/transport/websocket/sdk_door.hpp"

namespace daruma::component {

/// What happened, in order, whoever saw it. From any thread.
class Story {
 public:
  void add(std::string event);
  std::vector<std::string> events() const;
  std::size_t count(std::string_view event) const;
  /// Position of the first event that begins so, or a number beyond all.
  std::size_t position(std::string_view event) const;

 private:
  mutable std::mutex mutex_;  // leaf
  std::vector<std::string> events_;
};

/// The other side of WebRTC, scripted: offers at once, opens when it is answered, keeps what is
/// sent. Everything above it is real.
class ScriptedConnections final : public media::PeerConnections {
 public:
  ScriptedConnections(Scheduler& scheduler, Story& story) : scheduler_(scheduler), story_(story) {}
  Status usable() const override { return {}; }
  void warm() override {}
  std::unique_ptr<media::PeerConnection> make(std::weak_ptr<media::PeerEvents> events) override;
  /// As if the newest browser had sent this on `data`.
  void say(const std::string& text);

 private:
  Scheduler& scheduler_;
  Story& story_;
  std::weak_ptr<media::PeerEvents> newest_;
};

/// A whole daemon but for its process: real transports on loopback, the real supervisor, real rooms
/// on the mock-up. Parts belong to the loop of `thread`.
class House final : private lifecycle::Sessions, private lifecycle::LifecycleObserver {
 public:
  House();
  ~House() override;

  net::test::LoopThread& thread() { return thread_; }
  Story& story() { return story_; }
  std::uint16_t http_port() const { return http_->port(); }
  std::uint16_t signalling_port() const { return signalling_->port(); }
  lifecycle::LifecycleStatus status();
  std::optional<lifecycle::Receipt> receipt(const std::string& id);
  void say_on_data(const std::string& text);
  /// The same, for conditions of eventually(), which run on the loop.
  void say_from_loop(const std::string& text) { connections_->say(text); }
  std::size_t webrtc_peers() const { return webrtc_->sessions(); }
  /// What the next starts find instead of the hardware configuration.
  void break_hardware(std::optional<std::string> problem);
  bool eventually(const std::function<bool()>& condition) { return thread_.eventually(condition); }
  lifecycle::Supervisor& supervisor() { return *supervisor_; }

 private:
  class Process;
  void end_all(UniqueFunction<void()> done) override;
  void on_status() override;
  void build();
  void open_doors();
  std::unique_ptr<lifecycle::Room> make_room();

  Story story_;
  std::filesystem::path folder_;
  std::mutex problem_mutex_;  // leaf; the hardware is read on the pool
  std::optional<std::string> problem_;
  model::LaunchConfig config_;
  protocol::OriginGuard guard_;
  net::test::LoopThread thread_;
  protocol::Topics topics_;
  protocol::Dispatcher dispatcher_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<services::ReceiptFile> receipts_;
  std::unique_ptr<session::RoomFactory> rooms_;
  std::unique_ptr<ScriptedConnections> connections_;
  std::unique_ptr<websocket::SdkDoor> sdk_;
  std::unique_ptr<webrtc::Door> webrtc_;
  std::unique_ptr<lifecycle::Supervisor> supervisor_;
  std::unique_ptr<services::StatusPublisher> publisher_;
  std::unique_ptr<services::LifecycleCommands> commands_;
  std::unique_ptr<http::Api> api_;
  std::unique_ptr<net::Server> http_;
  std::unique_ptr<net::Server> signalling_;
};

}  // namespace daruma::component
