#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "daruma/transport/http/route_table.hpp"
#include "daruma/transport/net/server.hpp"

namespace daruma::http {

/// What a request says, checked: fields for the command, or why it cannot be.
struct Checked {
  boost::json::object fields;
  /// Items of a 422, in the reference's form (contract http-api 2.2); empty when all is well.
  boost::json::array problems;
  /// A refusal that is none of these, e.g. 400 for a body that is no text; status 0 otherwise.
  net::Response refusal{.status = 0};
};

/// Reads and checks all parameters of a route. `path_value` is what stands for `{parameter}`. Pure;
/// any thread.
Checked check(const Route& route, const net::Request& request, std::string_view path_value);

}  // namespace daruma::http
