#include "daruma/protocol/ip_address.hpp"

#include <algorithm>
#include <string>

#include <arpa/inet.h>

namespace daruma::protocol {
namespace {

// RFC 4291 2.5.5.2
constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN + 16 || text.find('\0') != text.npos) return std::nullopt;
  IpAddress address;
  const std::string literal(text.find(':') == text.npos ? text : text.substr(0, text.find('%')));
  if (inet_pton(AF_INET6, literal.c_str(), address.bytes_.data()) == 1) return address;
  if (inet_pton(AF_INET, literal.c_str(), address.bytes_.data() + kV4Prefix.size()) != 1)
    return std::nullopt;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), address.bytes_.begin());
  return address;
}

bool IpAddress::is_v4() const {
  return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes_.begin());
}

bool IpAddress::is_loopback() const {
  constexpr std::array<std::uint8_t, 16> kOne{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return is_v4() ? bytes_[12] == 127 : bytes_ == kOne;
}

bool IpAddress::is_private() const {
  if (!is_v4()) return (bytes_[0] & 0xFEU) == 0xFCU;
  return bytes_[12] == 10 || (bytes_[12] == 172 && (bytes_[13] & 0xF0U) == 16) ||
         (bytes_[12] == 192 && bytes_[13] == 168);
}

bool IpAddress::is_link_local() const {
  if (!is_v4()) return bytes_[0] == 0xFE && (bytes_[1] & 0xC0U) == 0x80U;
  return bytes_[12] == 169 && bytes_[13] == 254;
}

}  // namespace daruma::protocol
