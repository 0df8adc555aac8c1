#include "daruma/session/room_factory.hpp"

#include "daruma/session/robot_room.hpp"

namespace daruma::session {

RoomFactory::RoomFactory(Loop& loop, protocol::Dispatcher& dispatcher, protocol::Topics& topics,
                         const model::LaunchConfig& config, House::MakeBackend make_backend,
                         House::ReadHardware read_hardware)
    : house_{.loop = loop,
             .dispatcher = dispatcher,
             .topics = topics,
             .config = config,
             .make_backend = std::move(make_backend),
             .read_hardware = std::make_shared<House::ReadHardware>(std::move(read_hardware))} {}

std::unique_ptr<lifecycle::Room> RoomFactory::make() { return std::make_unique<RobotRoom>(house_); }

void RoomFactory::close_doors() {
  if (house_.room != nullptr) house_.room->close_doors();
}

boost::json::value RoomFactory::backend_status() const {
  return house_.room == nullptr ? boost::json::value(nullptr) : house_.room->backend_status();
}

}  // namespace daruma::session
