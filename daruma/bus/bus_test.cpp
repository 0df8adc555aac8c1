#include <random>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daruma/bus/decoder.hpp"

namespace daruma::bus {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes hex(const std::string& text) {
  Bytes out;
  std::istringstream stream(text);
  unsigned byte = 0;
  while (stream >> std::hex >> byte) out.push_back(static_cast<std::uint8_t>(byte));
  return out;
}

const Bytes kAll{10, 11, 12, 13, 14, 15, 16, 17, 18};

Bytes sync_write_of(std::uint16_t address, std::uint16_t size, const Bytes& ids,
                    const std::vector<unsigned>& values) {
  Bytes data;
  for (const unsigned value : values) {
    for (unsigned i = 0; i < size; ++i) data.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  return encode_sync_write(address, size, ids, data);
}

TEST(Packet, GoldenPackets) {
  // Source: contract robot.md 1.4.
  EXPECT_EQ(encode_ping(10), hex("FF FF FD 00 0A 03 00 01 1A 52"));
  EXPECT_EQ(encode_reboot(10), hex("FF FF FD 00 0A 03 00 08 2C 52"));
  EXPECT_EQ(encode_read(10, 7, 1), hex("FF FF FD 00 0A 07 00 02 07 00 01 00 18 07"));
  EXPECT_EQ(encode_sync_read(132, 4, kAll),
            hex("FF FF FD 00 FE 10 00 82 84 00 04 00 0A 0B 0C 0D 0E 0F 10 11 12 90 27"));
  EXPECT_EQ(encode_sync_read(144, 2, kAll),
            hex("FF FF FD 00 FE 10 00 82 90 00 02 00 0A 0B 0C 0D 0E 0F 10 11 12 04 5E"));
  EXPECT_EQ(encode_sync_read(11, 1, Bytes{11, 12, 13, 14, 15, 16}),
            hex("FF FF FD 00 FE 0D 00 82 0B 00 01 00 0B 0C 0D 0E 0F 10 E9 B7"));
  EXPECT_EQ(
      sync_write_of(64, 1, kAll, {1, 1, 1, 1, 1, 1, 1, 1, 1}),
      hex("FF FF FD 00 FE 19 00 83 40 00 01 00 0A 01 0B 01 0C 01 0D 01 0E 01 0F 01 10 01 11 01 "
          "12 01 3A 04"));
  EXPECT_EQ(
      sync_write_of(116, 4, {11, 12, 13, 14, 15, 16}, {2456, 1639, 2456, 1639, 2456, 1639}),
      hex("FF FF FD 00 FE 25 00 83 74 00 04 00 0B 98 09 00 00 0C 67 06 00 00 0D 98 09 00 00 0E "
          "67 06 00 00 0F 98 09 00 00 10 67 06 00 00 7E 92"));
  EXPECT_EQ(sync_write_of(116, 4, {17, 18}, {0x078E, 0x0871}),
            hex("FF FF FD 00 FE 11 00 83 74 00 04 00 11 8E 07 00 00 12 71 08 00 00 C0 78"));
  EXPECT_EQ(encode_write(11, 80, hex("00 00 00 00 2C 01")),
            hex("FF FF FD 00 0B 0B 00 03 50 00 00 00 00 00 2C 01 17 B5"));
  EXPECT_EQ(encode_read(17, 70, 1), hex("FF FF FD 00 11 07 00 02 46 00 01 00 59 23"));
}

TEST(Packet, TheCrcTableIsTheVendors) {
  const std::uint16_t wanted[] = {0x0000, 0x8005, 0x800F, 0x000A, 0x801B};
  for (std::uint8_t i = 0; i < 5; ++i) EXPECT_EQ(crc16(Bytes{i}), wanted[i]);
}

Packet random_packet(std::mt19937& random) {
  // Mostly the bytes that headers and stuffing are made of.
  const std::uint8_t kAwkward[] = {0xFF, 0xFF, 0xFD, 0x00, 0x55};
  Packet packet;
  packet.id = static_cast<std::uint8_t>(random() % 253);
  packet.instruction = random() % 2 ? Instruction::kStatus : Instruction::kWrite;
  if (packet.is_status()) packet.error = static_cast<std::uint8_t>(random());
  const auto size = random() % 60;
  for (unsigned i = 0; i < size; ++i) {
    packet.parameters.push_back(random() % 3 ? kAwkward[random() % 5]
                                             : static_cast<std::uint8_t>(random()));
  }
  return packet;
}

bool same(const Packet& a, const Packet& b) {
  return a.id == b.id && a.instruction == b.instruction && a.error == b.error &&
         a.parameters == b.parameters;
}

TEST(Decoder, AnySplitOfAnyStreamGivesTheSamePackets) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<Packet> sent;
    Bytes stream;
    for (int i = 0; i < 8; ++i) {
      sent.push_back(random_packet(random));
      const auto bytes = encode(sent.back());
      stream.insert(stream.end(), bytes.begin(), bytes.end());
    }
    Decoder decoder;
    std::vector<Packet> got;
    for (std::size_t at = 0; at < stream.size();) {
      const auto size = std::min<std::size_t>(1 + random() % 40, stream.size() - at);
      decoder.feed(std::span(stream).subspan(at, size));
      while (auto packet = decoder.next()) got.push_back(std::move(*packet));
      at += size;
    }
    ASSERT_EQ(got.size(), sent.size());
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_TRUE(same(got[i], sent[i])) << round;
    EXPECT_EQ(decoder.statistics().skipped_bytes, 0U);
    EXPECT_EQ(decoder.pending(), 0U);
  }
}

TEST(Decoder, FindsEveryPacketBetweenNoise) {
  std::mt19937 random(8);
  for (int round = 0; round < 500; ++round) {
    Bytes stream;
    for (auto i = random() % 50; i > 0; --i) {
      // Noise without 00 holds no whole header, so it cannot swallow what follows.
      stream.push_back(static_cast<std::uint8_t>(1 + random() % 255));
    }
    const auto sent = random_packet(random);
    const auto bytes = encode(sent);
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    Decoder decoder;
    decoder.feed(stream);
    const auto got = decoder.next();
    ASSERT_TRUE(got) << round;
    EXPECT_TRUE(same(*got, sent));
  }
}

TEST(Decoder, AFlippedBitCostsOnePacketAndNotTheNext) {
  const Packet first{10, Instruction::kStatus, 0, {1, 2, 3, 4}};
  const Packet second{11, Instruction::kStatus, 0x80, {5, 6, 7, 8}};
  const auto head = encode(first);
  for (std::size_t bit = 0; bit < head.size() * 8; ++bit) {
    Bytes stream = head;
    stream[bit / 8] = static_cast<std::uint8_t>(stream[bit / 8] ^ (1U << (bit % 8)));
    const auto tail = encode(second);
    for (int i = 0; i < 60; ++i) stream.insert(stream.end(), tail.begin(), tail.end());
    Decoder decoder;
    decoder.feed(stream);
    std::size_t good = 0;
    while (const auto packet = decoder.next()) {
      ASSERT_TRUE(same(*packet, second)) << bit;
      ++good;
    }
    // A damaged length may claim the packets that it covers, until its CRC proves it wrong; then
    // they are read again.
    EXPECT_GE(good + decoder.pending() / tail.size(), 60U) << bit;
  }
}

TEST(Decoder, ALieAboutTheLengthIsNotWaitedFor) {
  Decoder decoder;
  decoder.feed(hex("FF FF FD 00 0A FF 7F 55"));
  EXPECT_FALSE(decoder.next());
  EXPECT_EQ(decoder.statistics().bad_length, 1U);
  decoder.feed(encode_ping(3));
  EXPECT_TRUE(decoder.next());
}

TEST(Decoder, RandomBytesNeverGrowIt) {
  std::mt19937 random(9);
  Decoder decoder;
  for (int i = 0; i < 200'000; ++i) {
    Bytes bytes(1 + random() % 32);
    for (auto& byte : bytes) {
      byte = random() % 4 ? static_cast<std::uint8_t>(random()) : std::uint8_t{0xFF};
    }
    decoder.feed(bytes);
    while (decoder.next()) {
    }
    ASSERT_LE(decoder.pending(), Decoder::kLongest + 32);
  }
}

TEST(Decoder, ForgetsLateBytes) {
  Decoder decoder;
  auto half = encode_ping(3);
  half.resize(5);
  decoder.feed(half);
  decoder.clear();
  EXPECT_EQ(decoder.pending(), 0U);
  decoder.feed(encode_ping(4));
  EXPECT_EQ(decoder.next()->id, 4);
}

}  // namespace
}  // namespace daruma::bus
