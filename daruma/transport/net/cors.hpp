#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daruma/transport/net/server.hpp"

namespace daruma::net {

/// The answer to a CORS preflight, or nullopt when the request is none. Comes before the guard, as
/// in the reference (contract http-api 2.6, changes-1.13 section 4). Pure.
std::optional<Response> preflight(const Request& request);
/// The headers that every other answer to `request` gets. Pure.
void add_cors_headers(const Request& request, Response& response);

}  // namespace daruma::net
