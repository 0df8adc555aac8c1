#include "daruma/bus/packet.hpp"

#include <algorithm>
#include <array>

namespace daruma::bus {
namespace {

constexpr std::array<std::uint16_t, 256> make_crc_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned i = 0; i < table.size(); ++i) {
    unsigned crc = i << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) ? (crc << 1) ^ 0x8005U : crc << 1;
    table[i] = static_cast<std::uint16_t>(crc);
  }
  return table;
}

constexpr auto kCrcTable = make_crc_table();

std::uint8_t low(unsigned value) { return static_cast<std::uint8_t>(value & 0xFF); }
std::uint8_t high(unsigned value) { return static_cast<std::uint8_t>((value >> 8) & 0xFF); }

/// Appends bytes; wherever FF FF FD comes out, one more FD follows, so that no header can appear
/// inside.
class Stuffer {
 public:
  explicit Stuffer(std::vector<std::uint8_t>& out) : out_(out), begin_(out.size()) {}
  void put(std::uint8_t byte) {
    out_.push_back(byte);
    const auto n = out_.size();
    if (byte == 0xFD && n - begin_ >= 3 && out_[n - 2] == 0xFF && out_[n - 3] == 0xFF) {
      out_.push_back(0xFD);
    }
  }

 private:
  std::vector<std::uint8_t>& out_;
  std::size_t begin_;
};

Packet instruction(std::uint8_t id, Instruction kind, std::initializer_list<unsigned> words) {
  Packet packet{id, kind, 0, {}};
  for (const unsigned word : words) {
    packet.parameters.push_back(low(word));
    packet.parameters.push_back(high(word));
  }
  return packet;
}

}  // namespace

std::uint16_t crc16(std::span<const std::uint8_t> bytes, std::uint16_t crc) {
  for (const auto byte : bytes) {
    crc = static_cast<std::uint16_t>((crc << 8) ^ kCrcTable[((crc >> 8) ^ byte) & 0xFF]);
  }
  return crc;
}

std::vector<std::uint8_t> encode(const Packet& packet) {
  std::vector<std::uint8_t> out{0xFF, 0xFF, 0xFD, 0x00, packet.id, 0, 0};
  out.reserve(packet.parameters.size() + 16);
  Stuffer stuffer(out);
  stuffer.put(static_cast<std::uint8_t>(packet.instruction));
  if (packet.is_status()) stuffer.put(packet.error);
  for (const auto byte : packet.parameters) stuffer.put(byte);
  const auto length = static_cast<unsigned>(out.size() - 7 + 2);
  out[5] = low(length);
  out[6] = high(length);
  const auto crc = crc16(out);
  out.push_back(low(crc));
  out.push_back(high(crc));
  return out;
}

std::vector<std::uint8_t> encode_ping(std::uint8_t id) {
  return encode(instruction(id, Instruction::kPing, {}));
}

std::vector<std::uint8_t> encode_reboot(std::uint8_t id) {
  return encode(instruction(id, Instruction::kReboot, {}));
}

std::vector<std::uint8_t> encode_read(std::uint8_t id, std::uint16_t address, std::uint16_t size) {
  return encode(instruction(id, Instruction::kRead, {address, size}));
}

std::vector<std::uint8_t> encode_write(std::uint8_t id, std::uint16_t address,
                                       std::span<const std::uint8_t> data) {
  auto packet = instruction(id, Instruction::kWrite, {address});
  packet.parameters.insert(packet.parameters.end(), data.begin(), data.end());
  return encode(packet);
}

std::vector<std::uint8_t> encode_sync_read(std::uint16_t address, std::uint16_t size,
                                           std::span<const std::uint8_t> ids) {
  auto packet = instruction(kBroadcastId, Instruction::kSyncRead, {address, size});
  packet.parameters.insert(packet.parameters.end(), ids.begin(), ids.end());
  return encode(packet);
}

std::vector<std::uint8_t> encode_sync_write(std::uint16_t address, std::uint16_t size,
                                            std::span<const std::uint8_t> ids,
                                            std::span<const std::uint8_t> data) {
  auto packet = instruction(kBroadcastId, Instruction::kSyncWrite, {address, size});
  for (std::size_t i = 0; i < ids.size() && (i + 1) * size <= data.size(); ++i) {
    packet.parameters.push_back(ids[i]);
    const auto part = data.subspan(i * size, size);
    packet.parameters.insert(packet.parameters.end(), part.begin(), part.end());
  }
  return encode(packet);
}

}  // namespace daruma::bus
