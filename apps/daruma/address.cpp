#include "address.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace daruma::client {
namespace {

tl::unexpected<Error> not_an_address(std::string_view text, std::string_view why) {
  return fail(Errc::kInvalid, fmt::format("'{}' is not HOST or HOST:PORT: {}", text, why));
}

bool host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

bool ipv6_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
         c == '.';
}

Result<int> parse_port(std::string_view whole, std::string_view digits) {
  int port = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, port);
  if (error != std::errc{} || stopped != end || port < 1 || port > 65535) {
    return not_an_address(whole, "a port is a number from 1 to 65535");
  }
  return port;
}

}  // namespace

std::string Address::text() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string Address::base_url() const { return "http://" + text(); }

Result<Address> parse_address(std::string_view text) {
  Address address;
  auto host = text;
  std::string_view port;
  bool ipv6 = false;
  if (!text.empty() && text.front() == '[') {
    const auto closing = text.find(']');
    if (closing == std::string_view::npos) return not_an_address(text, "the bracket is not closed");
    host = text.substr(1, closing - 1);
    port = text.substr(closing + 1);
    if (!port.empty() && port.front() != ':') {
      return not_an_address(text, "after the bracket comes nothing, or a colon and the port");
    }
    ipv6 = true;
  } else if (std::count(text.begin(), text.end(), ':') > 1) {
    ipv6 = true;
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (host.empty()) return not_an_address(text, "the host is missing");
  if (!std::all_of(host.begin(), host.end(), ipv6 ? ipv6_character : host_character)) {
    return not_an_address(text, "the host has a character that no host name has");
  }
  address.host = host;
  if (!port.empty()) {
    const auto number = parse_port(text, port.substr(1));
    if (!number) return tl::unexpected(number.error());
    address.port = *number;
  }
  return address;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (host_character(c) || c == '~');
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string with_query(std::string_view path, const Parameters& parameters) {
  std::string out(path);
  char separator = '?';
  for (const auto& [key, value] : parameters) {
    out += fmt::format("{}{}={}", separator, escape(key), escape(value));
    separator = '&';
  }
  return out;
}

}  // namespace daruma::client
