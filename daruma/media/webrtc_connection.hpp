#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daruma/media/engine.hpp"
#include "daruma/media/pipeline.hpp"

namespace daruma::media {

/// A PeerConnection made of a Pipeline, which the pool builds and ends.
///
///     idle --start--> building --built--> offering --answer--> answered
///       |                |                    |                   |
///       +----------------+------- stop -------+-------------------+--> stopped
///
/// After stop() the pool finishes by itself; this object may be gone by then. Loop thread only.
class WebRtcConnection final : public PeerConnection, private PipelineEvents {
 public:
  WebRtcConnection(Loop& loop, Engine& engine, std::weak_ptr<PeerEvents> events);
  ~WebRtcConnection() override;
  WebRtcConnection(const WebRtcConnection&) = delete;
  WebRtcConnection& operator=(const WebRtcConnection&) = delete;

  void start() override;
  void set_answer(const std::string& sdp) override;
  void add_candidate(const std::string& candidate, unsigned sdp_m_line_index) override;
  bool send(Channel channel, const std::string& text) override;
  void open_pose() override;
  std::size_t buffered_bytes(Channel channel) const override;
  void stop(UniqueFunction<void()> told, UniqueFunction<void()> freed) override;

 private:
  /// Channels that a client may make of its own (nobody reads them); one that makes more is ended.
  static constexpr int kMaxForeignChannels = 16;
  /// Messages that are handed on before other things of the loop get their turn.
  static constexpr int kMessagesATurn = 64;

  /// What outlives this object while the pool builds. Loop only.
  struct Ending {
    bool building = false;  ///< the engine or the pool will come back, and look at `stopped`
    bool stopped = false;
    UniqueFunction<void()> told;
    UniqueFunction<void()> freed;
  };
  struct EarlyCandidate {
    std::string text;
    unsigned section;
  };

  void offer_made(const std::string& sdp) override;
  void candidate_found(const std::string& candidate, unsigned section) override;
  void channel_opened(Channel channel) override;
  void messages_waiting() override;
  void foreign_channel() override;
  void connection_changed() override;
  void lost(const std::string& reason) override;

  static void build(Loop& loop, const Hop& hop, const std::shared_ptr<Ending>& ending);
  static void end(Loop& loop, std::shared_ptr<Pipeline> pipeline,
                  const std::shared_ptr<Ending>& ending);
  void lose_soon(std::string reason);
  bool& is_open(Channel channel) { return open_[static_cast<std::size_t>(channel)]; }

  Loop& loop_;
  Engine& engine_;
  const std::weak_ptr<PeerEvents> events_;
  std::shared_ptr<Gate> gate_;  ///< null once stopped
  std::shared_ptr<Ending> ending_ = std::make_shared<Ending>();
  std::shared_ptr<Pipeline> pipeline_;  ///< null until built
  std::string offer_;
  unsigned sections_ = 0;
  bool answered_ = false;
  bool pose_asked_ = false;
  bool open_[2] = {false, false};
  int foreign_channels_ = 0;
  std::size_t candidates_ = 0;
  /// Those that came before the answer; at most kMaxCandidates.
  std::vector<EarlyCandidate> early_;
};

}  // namespace daruma::media
