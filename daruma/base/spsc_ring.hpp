#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace daruma {

/// Bounded queue from one writer thread to one reader thread; neither waits, nothing allocates.
/// A push into a full ring is refused and counted.
template <class T, std::size_t N>
class SpscRing {
  static_assert((N & (N - 1)) == 0, "capacity is a power of two");

 public:
  /// Writer thread only. False, and counted, when the ring is full.
  bool try_push(const T& value) {
    const auto head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == N) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    slots_[head & (N - 1)] = value;
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  /// Reader thread only.
  std::optional<T> try_pop() {
    const auto tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) return std::nullopt;
    T value = slots_[tail & (N - 1)];
    tail_.store(tail + 1, std::memory_order_release);
    return value;
  }

  /// How many pushes were refused so far. From any thread.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  std::array<T, N> slots_{};
  std::atomic<std::size_t> head_{0};
  std::atomic<std::size_t> tail_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace daruma
