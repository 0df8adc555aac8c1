#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include <boost/json/value.hpp>

#include "daruma/backend/port.hpp"
#include "daruma/base/loop.hpp"
#include "daruma/base/unique_function.hpp"
#include "daruma/lifecycle/room.hpp"
#include "daruma/model/hardware_config.hpp"
#include "daruma/model/launch_config.hpp"
#include "daruma/protocol/dispatcher.hpp"
#include "daruma/protocol/topics.hpp"

namespace daruma::session {

class RobotRoom;

/// What rooms need of the house, and what one leaves for the next. Loop thread only.
struct House {
  using MakeBackend =
      UniqueFunction<Result<std::unique_ptr<backend::Backend>>(const model::HardwareConfig&)>;
  /// Called on the pool; must not touch what belongs to the loop.
  using ReadHardware = UniqueFunction<Result<model::HardwareConfig>()>;

  Loop& loop;
  protocol::Dispatcher& dispatcher;
  protocol::Topics& topics;
  const model::LaunchConfig& config;
  MakeBackend make_backend;
  /// Shared, because a read that is under way may outlive the house.
  std::shared_ptr<ReadHardware> read_hardware;

  /// Frames of the channel `pose` so far.
  std::uint64_t pose_sequence = 0;
  /// Measured torque when the last room stopped; none before the first.
  std::optional<std::array<bool, model::kJointCount>> torque_at_stop{};
  /// What is the same at every start is said in the log once.
  bool told_engine = false;
  bool told_scheduling = false;
  RobotRoom* room = nullptr;
};

/// Makes rooms, one at a time. Lives as long as the process; outlives its rooms. Loop thread only.
class RoomFactory {
 public:
  RoomFactory(Loop& loop, protocol::Dispatcher& dispatcher, protocol::Topics& topics,
              const model::LaunchConfig& config, House::MakeBackend make_backend,
              House::ReadHardware read_hardware);

  /// For the supervisor. The room before it has been destroyed.
  std::unique_ptr<lifecycle::Room> make();
  /// The room is about to end, and its peers before it: see RobotRoom::close_doors().
  void close_doors();
  /// `backend_status` of the daemon's status; null while no room has a driver.
  boost::json::value backend_status() const;

 private:
  House house_;
};

}  // namespace daruma::session
