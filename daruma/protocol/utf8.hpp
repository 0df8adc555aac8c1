#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace daruma::protocol {

/// True when the text is well-formed UTF-8: no overlong forms, no surrogates. Pure; any thread.
bool is_valid_utf8(std::string_view text);
/// Number of code points of well-formed UTF-8.
std::size_t code_points(std::string_view text);
/// The first `limit` code points of well-formed UTF-8 (all of it when there are fewer).
std::string_view first_code_points(std::string_view text, std::size_t limit);

/// The most characters of a client's text that an error or a log line repeats.
inline constexpr std::size_t kLongestQuote = 100;
/// A client's text, fit to be repeated: cut at kLongestQuote characters, control characters and
/// malformed bytes replaced by `?`, so that it can neither break a log line nor a JSON text.
std::string quote(std::string_view text);

}  // namespace daruma::protocol
