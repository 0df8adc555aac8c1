#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "daruma/base/unique_function.hpp"
#include "daruma/protocol/peer.hpp"

namespace daruma::protocol {

/// What a peer may listen to. A set, because a peer listens to several.
enum class Topic : std::uint8_t {
  kState = 1,   ///< 50 Hz joints and pose; WebSocket clients
  kStatus = 2,  ///< `daemon_status` each second; WebSocket clients
  kEvents = 4,  ///< broadcasts for everybody: state changes, uploads played, updates
  kPose = 8,    ///< frames of the `pose` channel; only who subscribed
  kTasks = 16,  ///< ends of tasks, recordings; WebSocket clients, none is left out
};
using TopicSet = std::uint8_t;
constexpr TopicSet operator|(Topic a, Topic b) {
  return static_cast<TopicSet>(static_cast<TopicSet>(a) | static_cast<TopicSet>(b));
}
constexpr TopicSet operator|(TopicSet set, Topic topic) {
  return static_cast<TopicSet>(set | static_cast<TopicSet>(topic));
}

/// Who is connected and what each listens to. Publishers never see a list of clients.
/// Holds peers weakly: a transport owns its peers and removes them when they end. Loop thread only.
class Topics {
 public:
  void add(const std::shared_ptr<Peer>& peer, TopicSet topics);
  void remove(const Peer& peer);
  void subscribe(const Peer& peer, Topic topic);
  void unsubscribe(const Peer& peer, Topic topic);

  /// True when somebody listens: lets a publisher skip the work of building a message.
  bool heard(Topic topic) const;
  void publish(Topic topic, const Text& text);
  std::size_t peers() const { return peers_.size(); }

  /// `changed` is called after whoever listens, or to what, has changed. One at a time; null: none.
  void on_change(UniqueFunction<void()> changed) { changed_ = std::move(changed); }

 private:
  struct Entry {
    std::weak_ptr<Peer> peer;
    const Peer* key;
    TopicSet topics;
  };
  void set(const Peer& peer, Topic topic, bool listens);
  void tell() {
    if (changed_) changed_();
  }

  std::vector<Entry> peers_;
  UniqueFunction<void()> changed_;
};

}  // namespace daruma::protocol
