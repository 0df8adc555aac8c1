#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "daruma/protocol/command_table.hpp"

namespace daruma::http {

/// Where a parameter stands in the request.
enum class Place : std::uint8_t { kQuery, kPath, kBody };
/// `query`, `path`, `body`: the first word of an error's `loc`.
std::string_view name(Place place);

/// One parameter of a route. Type, bounds and default stand in the command table when the route has
/// a command, so that no rule is written twice.
struct Parameter {
  protocol::FieldSpec field;
  Place place = Place::kQuery;
};

/// Who answers.
enum class Answerer : std::uint8_t {
  kCommand,      ///< the dispatcher, by the route's command
  kStatus,       ///< a text that is kept ready
  kLogs,         ///< the log ring
  kHealthCheck,  ///< the dead-man timer
  kOpenApi,      ///< the document that is made of this table
  kDocs,         ///< the same as a page
};

/// How a command's reply becomes a body.
enum class Body : std::uint8_t {
  kWhole,     ///< the reply without `command`
  kJob,       ///< `job_id` and the reply
  kReceipt,   ///< the receipt, or 404
  kReceipts,  ///< the array alone
  kName,      ///< `{"name": ...}`, the running name where none is stored
};

struct Route {
  std::string_view method;
  std::string_view path;  ///< the last segment may be `{parameter}`
  std::string_view summary;
  std::string_view tag;
  std::span<const Parameter> parameters;
  Answerer answerer = Answerer::kCommand;
  std::string_view command = {};
  Body body = Body::kWhole;
  std::string_view schema = {};  ///< of the body, see schemas.cpp; empty: any object
  bool head = false;             ///< answers HEAD too

  /// True when the parameters come as a JSON body.
  bool has_body() const;
};

/// Every route of the API; the only list there is. Matching, validation, /openapi.json and /docs
/// come from it. Any thread.
std::span<const Route> route_table();

}  // namespace daruma::http
