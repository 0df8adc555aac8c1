#include "daruma/protocol/topics.hpp"

#include <algorithm>

namespace daruma::protocol {
namespace {

bool includes(TopicSet set, Topic topic) { return (set & static_cast<TopicSet>(topic)) != 0; }

}  // namespace

void Topics::add(const std::shared_ptr<Peer>& peer, TopicSet topics) {
  // An entry whose peer has gone may have the address of a new one: it is replaced.
  remove(*peer);
  peers_.push_back({peer, peer.get(), topics});
  tell();
}

void Topics::remove(const Peer& peer) {
  if (std::erase_if(peers_, [&](const Entry& entry) { return entry.key == &peer; }) != 0) tell();
}

void Topics::subscribe(const Peer& peer, Topic topic) { set(peer, topic, true); }

void Topics::unsubscribe(const Peer& peer, Topic topic) { set(peer, topic, false); }

void Topics::set(const Peer& peer, Topic topic, bool listens) {
  const auto bit = static_cast<TopicSet>(topic);
  for (auto& entry : peers_) {
    if (entry.key != &peer || includes(entry.topics, topic) == listens) continue;
    entry.topics = static_cast<TopicSet>(entry.topics ^ bit);
    return tell();
  }
}

bool Topics::heard(Topic topic) const {
  return std::any_of(peers_.begin(), peers_.end(), [&](const Entry& entry) {
    return includes(entry.topics, topic) && !entry.peer.expired();
  });
}

void Topics::publish(Topic topic, const Text& text) {
  // Sending may end a peer, which removes it from the list; so the list is not walked meanwhile.
  std::vector<std::shared_ptr<Peer>> listeners;
  for (const auto& entry : peers_)
    if (includes(entry.topics, topic))
      if (auto peer = entry.peer.lock()) listeners.push_back(std::move(peer));
  for (const auto& peer : listeners) {
    switch (topic) {
      case Topic::kPose:
        peer->send_pose(text);
        break;
      case Topic::kState:
      case Topic::kStatus:
        peer->send_periodic(text);
        break;
      case Topic::kEvents:
      case Topic::kTasks:
        peer->send(text, {});
        break;
    }
  }
}

}  // namespace daruma::protocol
