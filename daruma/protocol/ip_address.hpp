#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace daruma::protocol {

/// An address literal, IPv4 kept as its IPv4-mapped IPv6 form. Pure; any thread.
class IpAddress {
 public:
  /// A complete dotted quad or an IPv6 literal without brackets; a zone (`%eth0`) is ignored.
  /// Short forms such as `127.1` are no addresses here.
  static std::optional<IpAddress> parse(std::string_view text);

  /// 127.0.0.0/8 and ::1.
  bool is_loopback() const;
  /// 10/8, 172.16/12, 192.168/16 and fc00::/7 (RFC 1918, RFC 4193).
  bool is_private() const;
  /// 169.254/16 and fe80::/10.
  bool is_link_local() const;

 private:
  bool is_v4() const;
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace daruma::protocol
