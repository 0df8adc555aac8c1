#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace daruma::protocol {

/// The `Host`/`Origin` rule of release 1.13, for every HTTP request and WebSocket handshake on
/// every port (the signalling port too, which the reference leaves open). Pure; any thread.
class OriginGuard {
 public:
  /// `allowed_hosts`: additional names (`--allow-host`), compared without case and trailing dot,
  /// valid in `Host` and as the host of an `Origin`.
  explicit OriginGuard(std::vector<std::string> allowed_hosts = {});

  struct Refusal {
    int status;               ///< 400 or 403
    std::string_view detail;  ///< the contract's literal text
  };
  /// The headers of one request as they came, all values of each, in order.
  struct Headers {
    std::vector<std::string_view> host;
    std::vector<std::string_view> origin;
  };
  /// nullopt when the request may pass. `checks_origin`: every method but GET, HEAD and OPTIONS,
  /// and every WebSocket handshake.
  std::optional<Refusal> refuse(const Headers& headers, bool checks_origin) const;

  bool trusted_host(std::string_view host) const;
  bool trusted_origin(std::string_view origin) const;
  /// The narrower expression of the CORS headers (contract http-api 2.6).
  static bool cors_allows(std::string_view origin);

 private:
  bool allowed_name(std::string_view name) const;
  std::vector<std::string> allowed_hosts_;
};

}  // namespace daruma::protocol
