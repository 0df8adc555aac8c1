#include "daruma/services/daemon/pose_subscriptions.hpp"

namespace daruma::services {
using protocol::Command;
using protocol::PeerContext;
using protocol::Reply;
using protocol::Topic;

void register_pose_subscriptions(protocol::Handlers& handlers, protocol::Topics& topics) {
  handlers.on("subscribe_pose", [&topics](const Command&, const PeerContext& context, Reply reply) {
    const auto peer = context.peer.lock();
    if (peer && context.transport == protocol::Transport::kWebRtc) {
      topics.subscribe(*peer, Topic::kPose);
    }
    reply.ok();
  });
  handlers.on("unsubscribe_pose",
              [&topics](const Command&, const PeerContext& context, Reply reply) {
                if (const auto peer = context.peer.lock()) {
                  topics.unsubscribe(*peer, Topic::kPose);
                  peer->end_pose();
                }
                reply.ok();
              });
}

}  // namespace daruma::services
