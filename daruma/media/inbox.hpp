#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

namespace daruma::media {

/// Messages of one peer on their way from GStreamer's thread to the loop, in order and bounded.
/// Two threads: one puts, the other takes.
class Inbox {
 public:
  struct Message {
    std::string text;
    std::size_t bytes = 0;
    bool binary = false;
  };
  /// `limit`: bytes, each message counted with `overhead` more.
  Inbox(std::size_t limit, std::size_t overhead) : limit_(limit), overhead_(overhead) {}

  enum class Put {
    kQueued,  ///< whoever takes is already on his way
    kFirst,   ///< tell whoever takes
    kFull,    ///< the message was dropped, and so are all later ones; told once
    kDropped,
  };
  Put put(Message message) {
    const std::lock_guard lock(mutex_);
    if (overflowed_) return Put::kDropped;
    const std::size_t cost = cost_of(message);
    if (waiting_ + cost > limit_) {
      overflowed_ = true;
      return Put::kFull;
    }
    waiting_ += cost;
    messages_.push_back(std::move(message));
    return messages_.size() == 1 ? Put::kFirst : Put::kQueued;
  }

  /// nullopt when there is none; the next put() is then a kFirst.
  std::optional<Message> take() {
    const std::lock_guard lock(mutex_);
    if (messages_.empty()) return std::nullopt;
    Message message = std::move(messages_.front());
    messages_.pop_front();
    waiting_ -= cost_of(message);
    return message;
  }

 private:
  std::size_t cost_of(const Message& message) const { return message.text.size() + overhead_; }

  const std::size_t limit_;
  const std::size_t overhead_;
  // A leaf, held for the move of one string. Not the ring of base/: its messages have a fixed size.
  std::mutex mutex_;
  std::deque<Message> messages_;
  std::size_t waiting_ = 0;
  bool overflowed_ = false;
};

}  // namespace daruma::media
