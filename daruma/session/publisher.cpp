#include "daruma/session/publisher.hpp"

#include <algorithm>

#include "daruma/session/state_messages.hpp"

namespace daruma::session {
namespace {

using protocol::Topic;

protocol::Text shared(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

}  // namespace

Publisher::Publisher(Scheduler& scheduler, protocol::Topics& topics, Robot& robot,
                     control::Link& link, std::uint64_t& pose_sequence)
    : scheduler_(scheduler),
      topics_(topics),
      robot_(robot),
      link_(link),
      pose_sequence_(pose_sequence) {}

Publisher::~Publisher() {
  topics_.on_change(nullptr);
  link_.notify_each_tick = false;
}

void Publisher::start() {
  topics_.on_change([this] { look(); });
  look();
}

void Publisher::look() {
  link_.notify_each_tick = topics_.heard(Topic::kState);
  if (!pose_armed_ && topics_.heard(Topic::kPose)) {
    pose_due_ = scheduler_.now();
    arm_pose();
  }
}

void Publisher::on_news() {
  if (!link_.notify_each_tick) return;
  const auto& now = robot_.snapshot();
  if (now.tick == published_tick_ || !robot_.answers()) return;
  published_tick_ = now.tick;
  topics_.publish(Topic::kState, shared(joint_positions_text(now)));
  topics_.publish(Topic::kState, shared(head_pose_text(now)));
}

void Publisher::arm_pose() {
  pose_armed_ = true;
  // By absolute times, so that the frames keep their rate; what was missed is not made up for.
  pose_due_ = std::max(pose_due_ + kPosePeriod, scheduler_.now());
  pose_timer_ = scheduler_.after(pose_due_ - scheduler_.now(), [this] { publish_pose(); });
}

void Publisher::publish_pose() {
  pose_armed_ = false;
  if (!topics_.heard(Topic::kPose)) return;
  arm_pose();
  if (!robot_.answers()) return;
  topics_.publish(Topic::kPose, shared(pose_frame_text(robot_, ++pose_sequence_)));
}

}  // namespace daruma::session
