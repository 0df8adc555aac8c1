#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <spdlog/spdlog.h>

#include "daruma/base/clock.hpp"

namespace daruma::log {

/// One line as a reader of the log sees it.
struct Line {
  std::uint64_t sequence = 0;  ///< counts from 1 in this process
  std::string timestamp;       ///< `2026-01-01T00:00:00.000Z`
  std::string text;            ///< `name - LEVEL - message`, the reference's format
};

/// The last lines of this process, kept so that whoever connects later can read them. From any
/// thread.
class Ring {
 public:
  /// Lines kept. At 200 bytes a line this is 400 kB at most in practice; lines are cut at 4 KiB.
  static constexpr std::size_t kCapacity = 2000;

  /// Lines with a sequence greater than `after`, oldest first, the newest `limit` at most.
  std::vector<Line> since(std::uint64_t after, std::size_t limit) const;
  std::uint64_t newest() const;
  /// Called after a line was added, from the thread that logged: post and return. One listener.
  void set_listener(std::function<void()> listener);

  void add(WallTime time, std::string text);

 private:
  // Guards everything below; a leaf, held for a copy of strings only. Not one of the lock-free
  // ways across threads because any thread logs and any number of readers read.
  mutable std::mutex mutex_;
  std::deque<Line> lines_;
  std::uint64_t newest_ = 0;
  std::function<void()> listener_;
};

/// Sends spdlog's default logger to stderr, to `ring` and, when not empty, to `file` (appended).
/// Level names are the reference's: DEBUG INFO WARNING ERROR CRITICAL.
void start(const std::string& level, const std::string& file, std::shared_ptr<Ring> ring);

}  // namespace daruma::log
