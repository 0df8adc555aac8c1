#pragma once

#include "daruma/protocol/dispatcher.hpp"
#include "daruma/protocol/topics.hpp"

namespace daruma::services {

/// `subscribe_pose` and `unsubscribe_pose`. They belong to the house: a subscription outlives the
/// room whose frames it carries. Both are acknowledged on transports without a `pose` channel too,
/// as clients of the reference expect.
void register_pose_subscriptions(protocol::Handlers& handlers, protocol::Topics& topics);

}  // namespace daruma::services
