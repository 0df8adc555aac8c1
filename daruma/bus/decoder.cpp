#include "daruma/bus/decoder.hpp"

#include <algorithm>

namespace daruma::bus {
namespace {

constexpr std::size_t kHeader = 7;  // FF FF FD 00, id, length (2)
constexpr std::size_t kCrc = 2;

/// Removes the FD that follows each FF FF FD.
std::vector<std::uint8_t> unstuffed(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out.push_back(bytes[i]);
    const bool marker = i >= 2 && bytes[i] == 0xFD && bytes[i - 1] == 0xFF && bytes[i - 2] == 0xFF;
    if (marker && i + 1 < bytes.size() && bytes[i + 1] == 0xFD) ++i;
  }
  return out;
}

}  // namespace

void Decoder::feed(std::span<const std::uint8_t> bytes) {
  // What was consumed makes room first, so the buffer stays as long as what waits and what came.
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void Decoder::clear() {
  statistics_.skipped_bytes += pending();
  buffer_.clear();
  begin_ = 0;
}

std::optional<Packet> Decoder::next() {
  while (find_header()) {
    const auto bytes = waiting();
    if (bytes.size() < kHeader) return std::nullopt;
    const std::size_t length = bytes[5] | static_cast<std::size_t>(bytes[6]) << 8;
    const std::size_t size = kHeader + length;
    // Shortest: an instruction without parameters. The id FF would be a header's first byte.
    if (length < 1 + kCrc || size > kLongest || bytes[4] == 0xFF) {
      ++statistics_.bad_length;
      skip(1);
      continue;
    }
    if (bytes.size() < size) return std::nullopt;
    const std::uint16_t sent = static_cast<std::uint16_t>(bytes[size - 2] | bytes[size - 1] << 8);
    if (crc16(bytes.first(size - kCrc)) != sent) {
      ++statistics_.bad_crc;
      skip(1);
      continue;
    }
    if (auto packet = take(size)) return packet;
  }
  return std::nullopt;
}

bool Decoder::find_header() {
  static constexpr std::uint8_t kStart[] = {0xFF, 0xFF, 0xFD, 0x00};
  const auto bytes = waiting();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto rest = bytes.subspan(i, std::min<std::size_t>(4, bytes.size() - i));
    if (std::equal(rest.begin(), rest.end(), kStart)) {
      skip(i);
      return true;  // a header, or the beginning of one
    }
  }
  skip(bytes.size());
  return false;
}

std::optional<Packet> Decoder::take(std::size_t size) {
  const auto content = unstuffed(waiting().subspan(kHeader, size - kHeader - kCrc));
  Packet packet;
  packet.id = waiting()[4];
  drop(size);
  packet.instruction = static_cast<Instruction>(content.front());
  std::size_t first = 1;
  if (packet.is_status()) {
    if (content.size() < 2) {
      ++statistics_.bad_length;
      return std::nullopt;
    }
    packet.error = content[1];
    first = 2;
  }
  packet.parameters.assign(content.begin() + static_cast<std::ptrdiff_t>(first), content.end());
  ++statistics_.packets;
  return packet;
}

void Decoder::skip(std::size_t bytes) {
  statistics_.skipped_bytes += bytes;
  drop(bytes);
}

void Decoder::drop(std::size_t bytes) { begin_ += bytes; }

}  // namespace daruma::bus
