#include "daruma/transport/http/route_table.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

namespace daruma::http {
namespace {

using protocol::FieldSpec;
using protocol::FieldType;
using protocol::Presence;

/// Fields of a command as parameters at one place; all of them when none is named.
std::vector<Parameter> of_command(std::string_view type, Place place,
                                  std::initializer_list<std::string_view> names = {}) {
  const auto* spec = protocol::find_command(type);
  assert(spec != nullptr);
  std::vector<Parameter> parameters;
  for (const auto& field : spec->fields) {
    const bool named =
        names.size() == 0 || std::find(names.begin(), names.end(), field.name) != names.end();
    if (named) parameters.push_back({field, place});
  }
  return parameters;
}

FieldSpec count(std::string_view name, std::string_view by_default, double minimum, double maximum,
                std::string_view meaning) {
  FieldSpec field{.name = name, .type = FieldType::kInt, .presence = Presence::kDefault};
  field.default_json = by_default;
  field.minimum = minimum;
  field.maximum = maximum;
  field.meaning = meaning;
  return field;
}

/// The table and what its rows point to, made once.
struct Table {
  std::vector<Parameter> start = of_command("start_daemon", Place::kQuery);
  std::vector<Parameter> stop = of_command("stop_daemon", Place::kQuery);
  std::vector<Parameter> restart = of_command("restart_daemon", Place::kQuery);
  std::vector<Parameter> limit = of_command("get_restart_receipts", Place::kQuery);
  std::vector<Parameter> id = of_command("get_restart_receipt", Place::kPath);
  std::vector<Parameter> name = of_command("set_robot_name", Place::kBody);
  // As many lines as the ring keeps; sequences never come near 2^53.
  std::vector<Parameter> logs = {
      {count("after", "0", 0, 9e15, "sequence of the last line that is known")},
      {count("limit", "100", 1, 2000, "lines, the newest")}};

  std::vector<Route> routes = {
      {"GET",
       "/api/daemon/status",
       "State of the daemon",
       "daemon",
       {},
       Answerer::kStatus,
       {},
       Body::kWhole,
       "DaemonStatus"},
      {"POST", "/api/daemon/start", "Build the robot's room", "daemon", start, Answerer::kCommand,
       "start_daemon", Body::kJob, "Job"},
      {"POST", "/api/daemon/stop", "Take the robot's room down", "daemon", stop, Answerer::kCommand,
       "stop_daemon", Body::kJob, "Job"},
      {"POST", "/api/daemon/restart", "Restart a part of the daemon, the whole room by default",
       "daemon", restart, Answerer::kCommand, "restart_daemon", Body::kJob, "Job"},
      {"GET",
       "/api/daemon/health",
       "Verdict and causes",
       "daemon",
       {},
       Answerer::kCommand,
       "get_health",
       Body::kWhole,
       "Health"},
      {"GET", "/api/daemon/restarts", "Receipts, newest first", "daemon", limit, Answerer::kCommand,
       "get_restart_receipts", Body::kReceipts, "Receipts"},
      {"GET", "/api/daemon/restarts/{id}", "One receipt", "daemon", id, Answerer::kCommand,
       "get_restart_receipt", Body::kReceipt, "Receipt"},
      {"GET",
       "/api/daemon/robot-name",
       "The robot's name",
       "daemon",
       {},
       Answerer::kCommand,
       "get_robot_name",
       Body::kName,
       "RobotNameResponse"},
      {"POST", "/api/daemon/robot-name", "Store a name", "daemon", name, Answerer::kCommand,
       "set_robot_name", Body::kName, "RobotNameResponse"},
      {"GET",
       "/api/daemon/hardware-id",
       "Identity of the hardware, or null",
       "daemon",
       {},
       Answerer::kCommand,
       "get_hardware_id",
       Body::kWhole,
       "HardwareId"},
      {"GET",
       "/api/daemon/logs",
       "Lines of the daemon's own log",
       "daemon",
       logs,
       Answerer::kLogs,
       {},
       Body::kWhole,
       "LogLines"},
      {"POST",
       "/health-check",
       "Feed the dead-man timer (--timeout-health-check)",
       "process",
       {},
       Answerer::kHealthCheck,
       {},
       Body::kWhole,
       "Ok"},
      {"GET",
       "/openapi.json",
       "This document",
       "process",
       {},
       Answerer::kOpenApi,
       {},
       Body::kWhole,
       {},
       true},
      {"GET",
       "/docs",
       "This document as a page",
       "process",
       {},
       Answerer::kDocs,
       {},
       Body::kWhole,
       {},
       true},
  };
};

}  // namespace

std::string_view name(Place place) {
  switch (place) {
    case Place::kQuery:
      return "query";
    case Place::kPath:
      return "path";
    case Place::kBody:
      break;
  }
  return "body";
}

bool Route::has_body() const {
  return std::any_of(parameters.begin(), parameters.end(),
                     [](const Parameter& parameter) { return parameter.place == Place::kBody; });
}

std::span<const Route> route_table() {
  static const Table table;
  return table.routes;
}

}  // namespace daruma::http
