#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daruma/base/result.hpp"

namespace daruma::client {

/// Where a daemon listens.
struct Address {
  std::string host;  ///< a name, an IPv4 literal, or an IPv6 literal without brackets
  int port = 8000;
  /// `http://host:port`, brackets around an IPv6 literal.
  std::string base_url() const;
  /// `host:port`, as people write it.
  std::string text() const;
};

/// Reads `HOST[:PORT]`; an IPv6 literal with a port stands in brackets, without one it may.
/// kInvalid with a sentence for people otherwise.
Result<Address> parse_address(std::string_view text);

using Parameters = std::vector<std::pair<std::string, std::string>>;

/// Everything but letters, digits and `-._~` as %XX, so that any id is one path segment or one
/// value.
std::string escape(std::string_view text);
/// `path?key=value&...`, escaped; the bare path when there are no parameters.
std::string with_query(std::string_view path, const Parameters& parameters);

}  // namespace daruma::client
