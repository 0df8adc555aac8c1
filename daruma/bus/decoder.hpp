#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daruma/bus/packet.hpp"

namespace daruma::bus {

/// Finds packets in whatever comes over a wire: in pieces of any size, with noise between and
/// within them. After garbage it goes on at the next header; what looked like a packet and was none
/// gives back all its bytes but the first, so a true packet inside it is not lost.
///
///     searching --header--> measuring --length--> collecting --CRC right--> a packet
///         ^                     |  length absurd       |  CRC wrong
///         +---------------------+----------------------+   (one byte skipped, counted)
///
/// Never throws, never waits, keeps at most kLongest bytes. One thread at a time.
class Decoder {
 public:
  /// Longest packet that is believed, whole. The longest true one on this robot is a fast sync read
  /// of nine servos; a longer length is noise, and waiting for it would swallow what follows.
  static constexpr std::size_t kLongest = 512;

  struct Statistics {
    std::uint64_t packets = 0;
    std::uint64_t bad_crc = 0;
    std::uint64_t bad_length = 0;
    std::uint64_t skipped_bytes = 0;  ///< bytes that belonged to no packet
  };

  /// Adds bytes that arrived.
  void feed(std::span<const std::uint8_t> bytes);
  /// The next whole packet, if there is one. Call until empty after every feed().
  std::optional<Packet> next();
  /// Forgets what waits: before a new question, late bytes of the last answer are noise.
  void clear();
  /// Bytes that wait for the rest of their packet.
  std::size_t pending() const { return buffer_.size() - begin_; }
  const Statistics& statistics() const { return statistics_; }

 private:
  std::span<const std::uint8_t> waiting() const { return std::span(buffer_).subspan(begin_); }
  bool find_header();
  void skip(std::size_t bytes);
  void drop(std::size_t bytes);
  std::optional<Packet> take(std::size_t size);

  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;
  Statistics statistics_;
};

}  // namespace daruma::bus
