#include "daruma/media/candidate.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <string>

#include <boost/asio/ip/address.hpp>

namespace daruma::media {
namespace {

constexpr std::size_t kLongestCandidate = 512;
constexpr std::size_t kLongestFoundation = 32;  // RFC 8839 5.1

/// Takes the next word off a text whose words are parted by single spaces; empty at the end.
std::string_view next_word(std::string_view& text) {
  const auto end = text.find(' ');
  const auto word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

bool is_number(std::string_view word, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc{} && end == word.data() + word.size() && value >= least &&
         value <= most;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if ((a[i] | 0x20) != b[i]) return false;
  return true;
}

bool is_address(std::string_view word) {
  // A zone (`fe80::1%eth0`) means another machine's interface: never in a candidate.
  if (word.find('%') != std::string_view::npos) return false;
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(word), error);
  return !error;
}

bool is_printable(std::string_view text) {
  for (const char c : text)
    if (c < ' ' || c > '~') return false;
  return true;
}

}  // namespace

bool is_usable_candidate(std::string_view candidate) {
  if (candidate.size() > kLongestCandidate || !is_printable(candidate)) return false;
  const auto foundation = next_word(candidate);
  if (foundation.empty() || foundation.size() > kLongestFoundation) return false;
  if (!is_number(next_word(candidate), 1, 2)) return false;  // component: RTP or RTCP
  const auto transport = next_word(candidate);
  if (!equals_ignoring_case(transport, "udp") && !equals_ignoring_case(transport, "tcp"))
    return false;
  if (!is_number(next_word(candidate), 0, UINT32_MAX)) return false;  // priority
  if (!is_address(next_word(candidate))) return false;
  if (!is_number(next_word(candidate), 1, 65535)) return false;  // port
  if (next_word(candidate) != "typ") return false;
  const auto type = next_word(candidate);
  if (type != "host" && type != "srflx" && type != "prflx" && type != "relay") return false;
  // Pairs of words: the related address may be hidden (a name, or 0.0.0.0), but the agent reads it.
  while (!candidate.empty()) {
    const auto key = next_word(candidate);
    const auto value = next_word(candidate);
    if (key == "raddr" && !is_address(value)) return false;
    if (key == "rport" && !is_number(value, 0, 65535)) return false;
    if (key == "tcptype" && value != "active" && value != "passive" && value != "so") return false;
  }
  return true;
}

}  // namespace daruma::media
