#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace daruma {

/// Newest value from one writer thread to one reader thread; neither waits, nothing allocates.
/// T is copied; keep it plain data.
template <class T>
class TripleBuffer {
 public:
  TripleBuffer() = default;
  explicit TripleBuffer(const T& initial) : slots_{initial, initial, initial} {}

  /// Writer thread only.
  void write(const T& value) {
    slots_[back_] = value;
    back_ = middle_.exchange(static_cast<std::uint8_t>(back_ | kFresh), std::memory_order_acq_rel) &
            kIndex;
  }

  /// Reader thread only. True when a value came since the last call; read() then shows it.
  bool update() {
    if ((middle_.load(std::memory_order_relaxed) & kFresh) == 0) return false;
    front_ = middle_.exchange(front_, std::memory_order_acq_rel) & kIndex;
    return true;
  }

  /// Reader thread only. The newest value that update() has seen.
  const T& read() const { return slots_[front_]; }

 private:
  static constexpr std::uint8_t kFresh = 4;
  static constexpr std::uint8_t kIndex = 3;
  std::array<T, 3> slots_{};
  std::uint8_t front_ = 0;
  std::atomic<std::uint8_t> middle_{1};
  std::uint8_t back_ = 2;
};

}  // namespace daruma
