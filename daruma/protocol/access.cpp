#include "daruma/protocol/access.hpp"

#include <algorithm>
#include <optional>

#include "daruma/protocol/ip_address.hpp"

namespace daruma::protocol {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

/// Lower case, without one trailing dot: the form in which names are compared.
std::string canonical(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return lower(name);
}

/// The host of `[user@]host[:port][/path]`, canonical and without brackets; nullopt when the text
/// cannot be one authority.
std::optional<std::string> host_of(std::string_view authority) {
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const bool clean = std::all_of(authority.begin(), authority.end(),
                                 [](char c) { return c > ' ' && c < 0x7F && c != '\\'; });
  if (!clean) return std::nullopt;
  if (const auto at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);
  if (!authority.starts_with('[')) {
    const auto host = authority.substr(0, authority.find(':'));
    if (host.empty()) return std::nullopt;
    return canonical(host);
  }
  const auto end = authority.find(']');
  if (end == authority.npos) return std::nullopt;
  const auto rest = authority.substr(end + 1);
  const auto literal = authority.substr(1, end - 1);
  // Brackets hold IPv6 only.
  if ((!rest.empty() && rest[0] != ':') || literal.find(':') == literal.npos) return std::nullopt;
  return lower(literal);
}

bool is_local_name(std::string_view host) {
  constexpr std::string_view kLocal = ".local";
  return host == "localhost" || host == "tauri.localhost" ||
         (host.size() > kLocal.size() && host.ends_with(kLocal));
}

bool strip_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

OriginGuard::OriginGuard(std::vector<std::string> allowed_hosts)
    : allowed_hosts_(std::move(allowed_hosts)) {
  for (auto& host : allowed_hosts_) host = canonical(host);
}

std::optional<OriginGuard::Refusal> OriginGuard::refuse(const Headers& headers,
                                                        bool checks_origin) const {
  if (headers.host.size() > 1 || headers.origin.size() > 1)
    return Refusal{400, "Duplicate Host or Origin header"};
  if (headers.host.empty() || !trusted_host(headers.host.front()))
    return Refusal{400, "Untrusted Host header"};
  if (checks_origin && !headers.origin.empty() && !trusted_origin(headers.origin.front()))
    return Refusal{403, "Cross-origin request rejected"};
  return std::nullopt;
}

bool OriginGuard::trusted_host(std::string_view host) const {
  const auto name = host_of(host);
  if (!name) return false;
  return is_local_name(*name) || IpAddress::parse(*name).has_value() || allowed_name(*name);
}

bool OriginGuard::trusted_origin(std::string_view origin) const {
  const auto colon = origin.find("://");
  if (colon == origin.npos) return false;
  const std::string scheme = lower(origin.substr(0, colon));
  const auto host = host_of(origin.substr(colon + 3));
  if (!host) return false;
  if (scheme == "tauri" || scheme == "capacitor") return *host == "localhost";
  if (scheme != "http" && scheme != "https") return false;
  if (is_local_name(*host) || allowed_name(*host)) return true;
  const auto address = IpAddress::parse(*host);
  return address && (address->is_loopback() || address->is_private() || address->is_link_local());
}

bool OriginGuard::cors_allows(std::string_view origin) {
  if (origin == "tauri://localhost" || origin == "capacitor://localhost") return true;
  if (!strip_prefix(origin, "http://") && !strip_prefix(origin, "https://")) return false;
  if (origin == "tauri.localhost") return true;
  if (!strip_prefix(origin, "localhost") && !strip_prefix(origin, "127.0.0.1")) return false;
  if (origin.empty()) return true;
  return strip_prefix(origin, ":") && !origin.empty() &&
         std::all_of(origin.begin(), origin.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool OriginGuard::allowed_name(std::string_view name) const {
  return std::find(allowed_hosts_.begin(), allowed_hosts_.end(), name) != allowed_hosts_.end();
}

}  // namespace daruma::protocol
