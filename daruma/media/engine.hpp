#pragma once

#include <vector>

#include "daruma/base/loop.hpp"
#include "daruma/media/peer_connection.hpp"

namespace daruma::media {

/// GStreamer in this process: starts it, loads what sessions need, makes peer connections.
///
///     cold --warm()--> warming --pool done--> ready
///
/// Until somebody is about to ask for a session nothing of GStreamer is loaded, which is half of
/// the daemon's memory. warm() takes 1 ms on the loop and then, on the pool, loads the plugins (30
/// ms) and makes the DTLS key (RSA: 0.1 to 0.5 s on a PC). One a process, because GStreamer is.
/// Loop thread only.
class Engine final : public PeerConnections {
 public:
  explicit Engine(Loop& loop) : loop_(loop) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Looks whether the plugins are there; kUnavailable names those that are missing and the Debian
  /// packages that have them.
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
