#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace daruma::net {

/// Decodes `%41`; what is no escape stays as it is, and bytes that are not UTF-8 become U+FFFD.
/// `plus_is_space`: as in queries. Pure; any thread.
std::string percent_decode(std::string_view text, bool plus_is_space);
/// Encodes all but unreserved characters and `/`. Pure; any thread.
std::string percent_encode_path(std::string_view path);
/// `a=1&b=&c` as decoded pairs, in order. Pure; any thread.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace daruma::net
