#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace daruma::bus {

/// Instructions of Dynamixel protocol 2.0 that this robot uses.
/// Source: contract robot.md 1.4 (the vendor's protocol description).
enum class Instruction : std::uint8_t {
  kPing = 0x01,
  kRead = 0x02,
  kWrite = 0x03,
  kReboot = 0x08,
  kStatus = 0x55,  ///< what a servo answers with
  kSyncRead = 0x82,
  kSyncWrite = 0x83,
  kFastSyncRead = 0x8A,
};

/// Addresses every servo at once.
inline constexpr std::uint8_t kBroadcastId = 0xFE;
inline constexpr std::uint8_t kMaxId = 252;

/// Error number of a status packet, bits 0..6; bit 7 is the alert flag.
enum class ServoError : std::uint8_t {
  kNone = 0,
  kResultFail = 1,
  kInstruction = 2,
  kCrc = 3,
  kDataRange = 4,
  kDataLength = 5,
  kDataLimit = 6,
  kAccess = 7,
};

/// One packet of either direction, unstuffed. In a status packet the error byte is taken out of the
/// parameters.
struct Packet {
  std::uint8_t id = 0;
  Instruction instruction = Instruction::kPing;
  std::uint8_t error = 0;  ///< status packets only
  std::vector<std::uint8_t> parameters;

  bool is_status() const { return instruction == Instruction::kStatus; }
  /// Some bit of the servo's hardware error register is set.
  bool alert() const { return (error & 0x80) != 0; }
  ServoError servo_error() const { return static_cast<ServoError>(error & 0x7F); }
};

/// CRC-16 of protocol 2.0: polynomial 0x8005, initial 0, not reflected, over everything from the
/// header to the byte before the CRC. `crc` continues an earlier result.
std::uint16_t crc16(std::span<const std::uint8_t> bytes, std::uint16_t crc = 0);

/// The bytes of a packet, header, stuffing and CRC included. Pure, any thread.
std::vector<std::uint8_t> encode(const Packet& packet);

std::vector<std::uint8_t> encode_ping(std::uint8_t id);
std::vector<std::uint8_t> encode_reboot(std::uint8_t id);
std::vector<std::uint8_t> encode_read(std::uint8_t id, std::uint16_t address, std::uint16_t size);
std::vector<std::uint8_t> encode_write(std::uint8_t id, std::uint16_t address,
                                       std::span<const std::uint8_t> data);
std::vector<std::uint8_t> encode_sync_read(std::uint16_t address, std::uint16_t size,
                                           std::span<const std::uint8_t> ids);
/// `data` holds `size` bytes for each id, in the order of `ids`.
std::vector<std::uint8_t> encode_sync_write(std::uint16_t address, std::uint16_t size,
                                            std::span<const std::uint8_t> ids,
                                            std::span<const std::uint8_t> data);

}  // namespace daruma::bus
