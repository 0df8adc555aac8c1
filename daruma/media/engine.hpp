#pragma once

#include <vector>

#include "daruma/base/loop.hpp"
#include "daruma/media/peer_connection.hpp"

namespace daruma::media {

/// GStreamer in this process: starts it, loads what sessions need, makes peer connections.
///
///     cold --warm()--> warming --pool done--> ready
///
/// Memory stays small until somebody asks for a session: start() costs 1 ms and 1.5 MB; warm()
/// loads the plugins and makes the DTLS key (an RSA key: 0.1 to 0.5 s on a PC). One a process,
/// because GStreamer is. Loop thread only.
class Engine final : public PeerConnections {
 public:
  explicit Engine(Loop& loop) : loop_(loop) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Initialises GStreamer; kUnavailable names what is missing and the Debian packages that have
  /// it. Before other threads read the environment.
  Status start();

  Status usable() const override { return usable_; }
  void warm() override;
  std::unique_ptr<PeerConnection> make(std::weak_ptr<PeerEvents> events) override;

  /// Calls on the loop once the engine is ready, or failed; warms it when nobody has. Never from
  /// inside.
  void when_ready(UniqueFunction<void(const Status&)> call);

 private:
  enum class Stage { kCold, kWarming, kReady };
  void warmed(Status status);

  Loop& loop_;
  Stage stage_ = Stage::kCold;
  Status usable_ = fail(Errc::kUnavailable, "media was not started");
  /// At most one for each connection.
  std::vector<UniqueFunction<void(const Status&)>> waiting_;
};

}  // namespace daruma::media
