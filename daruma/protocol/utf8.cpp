#include "daruma/protocol/utf8.hpp"

#include <algorithm>
#include <cstdint>

namespace daruma::protocol {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Length of the well-formed sequence at the start of `text`, or 0.
std::size_t sequence(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length), continues))
    return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return 0;
  if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return 0;
  return length;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::size_t code_points(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues));
}

std::string_view first_code_points(std::string_view text, std::size_t limit) {
  std::size_t end = 0;
  while (end < text.size()) {
    if (!continues(text[end]) && limit-- == 0) break;
    ++end;
  }
  return text.substr(0, end);
}

std::string quote(std::string_view text) {
  std::string quoted;
  for (std::size_t count = 0; !text.empty() && count < kLongestQuote; ++count) {
    const std::size_t length = sequence(text);
    const auto byte = static_cast<unsigned char>(text.front());
    const bool plain = length > 1 || (length == 1 && byte >= 0x20 && byte != 0x7F);
    quoted += plain ? text.substr(0, length) : std::string_view("?");
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return quoted;
}

}  // namespace daruma::protocol
