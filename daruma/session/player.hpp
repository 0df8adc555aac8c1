#pragma once

#include <deque>
#include <memory>
#include <string>

#include "daruma/base/loop.hpp"
#include "daruma/protocol/dispatcher.hpp"
#include "daruma/protocol/topics.hpp"
#include "daruma/session/robot.hpp"
#include "daruma/session/uploads.hpp"

namespace daruma::session {

/// Moves that clients upload, and recorded ones that lie on the disk: takes them apart on the pool,
/// plays them on the robot at the control rate, whatever frequency was asked for, and tells
/// everybody when an uploaded one begins and ends. Sounds are taken by the rules of uploads; as
/// long as there is no speaker only their names are kept. Shapes and texts: contract
/// commands.md 2.3, 2.10. Loop thread only.
class Player : public std::enable_shared_from_this<Player> {
 public:
  /// Uploaded moves and sounds that wait to be played; the oldest give way.
  static constexpr std::size_t kMaxReady = 8;

  Player(Loop& loop, Robot& robot, protocol::Topics& topics);
  void register_in(protocol::Handlers& handlers);

 private:
  using Move = std::shared_ptr<const motion::RecordedMove>;
  /// An upload that is complete. A move that is still taken apart has neither move nor error.
  struct Ready {
    std::string id;
    Move move;
    std::string error;
    bool is_read = false;
    /// play_uploaded_move came before the move was read.
    UniqueFunction<void()> then;
  };
  struct Playback {
    std::string id;
    double initial_goto_s = 0;
    double lead_s = 0;
  };

  void register_uploads(protocol::Handlers& handlers);
  void finish_move(const std::string& id);
  void move_read(const std::string& id, Result<motion::RecordedMove> move);
  void play_uploaded(const Playback& playback);
  void begin(const Playback& playback, const Move& move);
  void play_recorded(const protocol::Command& command, protocol::Reply reply);
  void preload(const std::string& dataset, protocol::Reply reply);
  Status play(const Move& move, double initial_goto_s, double wait_s, Robot::Moved moved);
  std::deque<Ready>::iterator find(const std::string& id);
  void tell(std::string_view type, const std::string& id, boost::json::object extra);

  Loop& loop_;
  Robot& robot_;
  protocol::Topics& topics_;
  UploadSlots moves_;
  UploadSlots sounds_;
  std::deque<Ready> ready_;               ///< at most kMaxReady
  std::deque<std::string> ready_sounds_;  ///< ids; at most kMaxReady
  std::string playing_;                   ///< id of the uploaded move that plays
};

}  // namespace daruma::session
