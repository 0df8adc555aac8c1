#include "daruma/transport/net/cors.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace daruma::net {
namespace {

constexpr std::array<std::string_view, 8> kMethods{"DELETE", "GET",  "HEAD", "OPTIONS",
                                                   "PATCH",  "POST", "PUT",  "QUERY"};
constexpr std::string_view kPreflightVary =
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
    "Access-Control-Request-Private-Network";

}  // namespace

std::optional<Response> preflight(const Request& request) {
  const auto* origin = request.header("origin");
  const auto* method = request.header("access-control-request-method");
  if (request.method != "OPTIONS" || origin == nullptr || method == nullptr) return std::nullopt;

  Response response{.status = 200, .content_type = "text/plain; charset=utf-8"};
  response.headers = {
      {"vary", std::string(kPreflightVary)},
      {"access-control-allow-methods", fmt::format("{}", fmt::join(kMethods, ", "))},
      {"access-control-max-age", "600"}};
  std::vector<std::string_view> failures;
  if (protocol::OriginGuard::cors_allows(*origin))
    response.headers.emplace_back("access-control-allow-origin", *origin);
  else
    failures.emplace_back("origin");
  if (std::find(kMethods.begin(), kMethods.end(), *method) == kMethods.end())
    failures.emplace_back("method");
  if (const auto* wanted = request.header("access-control-request-headers"))
    response.headers.emplace_back("access-control-allow-headers", *wanted);
  if (const auto* network = request.header("access-control-request-private-network");
      network != nullptr && *network == "true")
    failures.emplace_back("private-network");

  if (!failures.empty()) response.status = 400;
  response.body = std::make_shared<const std::string>(
      failures.empty() ? "OK" : fmt::format("Disallowed CORS {}", fmt::join(failures, ", ")));
  return response;
}

void add_cors_headers(const Request& request, Response& response) {
  response.headers.emplace_back("vary", "Origin");
  const auto* origin = request.header("origin");
  if (origin != nullptr && protocol::OriginGuard::cors_allows(*origin))
    response.headers.emplace_back("access-control-allow-origin", *origin);
}

}  // namespace daruma::net
