#include "daruma/transport/net/percent_encoding.hpp"

#include <fmt/format.h>

#include "daruma/protocol/utf8.hpp"

namespace daruma::net {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

/// Each byte beyond ASCII becomes U+FFFD: only for texts that are not UTF-8, so nothing is lost.
std::string with_replacements(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x80)
      result += c;
    else
      result += "\xEF\xBF\xBD";
  }
  return result;
}

}  // namespace

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      result += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      result += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return protocol::is_valid_utf8(result) ? result : with_replacements(result);
}

std::string percent_encode_path(std::string_view path) {
  std::string result;
  for (const char c : path) {
    if (unreserved(c) || c == '/')
      result += c;
    else
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto item = query.substr(0, end);
    query = end == query.npos ? std::string_view{} : query.substr(end + 1);
    if (item.empty()) continue;
    const auto equals = item.find('=');
    pairs.emplace_back(
        percent_decode(item.substr(0, equals), true),
        equals == item.npos ? std::string{} : percent_decode(item.substr(equals + 1), true));
  }
  return pairs;
}

}  // namespace daruma::net
