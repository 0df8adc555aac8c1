#include "daruma/transport/http/schemas.hpp"

#include <boost/json/parse.hpp>

namespace daruma::http {
namespace {

// Names, members and types are the wire's (contract http-api 3.5, recovery.md).
constexpr std::string_view kSchemas = R"json({
"ValidationError": {"type": "object", "required": ["loc", "msg", "type"], "title": "ValidationError",
  "properties": {
    "loc": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
    "msg": {"type": "string"}, "type": {"type": "string"}, "input": {}, "ctx": {"type": "object"}}},
"HTTPValidationError": {"type": "object", "title": "HTTPValidationError",
  "properties": {"detail": {"type": "array", "items": {"$ref": "#/components/schemas/ValidationError"}}}},
"Refusal": {"type": "object", "required": ["detail"],
  "properties": {"detail": {"type": "string"}, "reason": {"type": "string"}, "hint": {"type": "string"}}},
"Ok": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}},
"DaemonState": {"type": "string", "title": "DaemonState",
  "enum": ["not_initialized", "starting", "running", "stopping", "stopped", "error"]},
"Scope": {"type": "string", "enum": ["motor", "backend", "daemon", "process", "auto"]},
"FaceTarget": {"type": "object", "required": ["detected"],
  "properties": {"detected": {"type": "boolean"}, "x": {"type": ["number", "null"]},
    "y": {"type": ["number", "null"]}, "roll": {"type": ["number", "null"]},
    "ts": {"type": ["number", "null"]}}},
"Cause": {"type": "object", "required": ["code", "part", "verdict", "since_s", "detail", "cure", "hint"],
  "properties": {"code": {"type": "string"}, "part": {"type": "string"},
    "verdict": {"type": "string", "enum": ["degraded", "unhealthy"]}, "since_s": {"type": "number"},
    "detail": {"type": "string"}, "hint": {"type": "string"},
    "cure": {"anyOf": [{"type": "null"}, {"type": "object", "required": ["scope", "tried", "helped"],
      "properties": {"scope": {"$ref": "#/components/schemas/Scope"}, "tried": {"type": "integer"},
        "helped": {"type": "boolean"}}}]}}},
"Health": {"type": "object", "required": ["verdict", "boot_id", "generation", "since_s", "causes"],
  "properties": {"verdict": {"type": "string", "enum": ["healthy", "degraded", "unhealthy"]},
    "boot_id": {"type": "string"}, "generation": {"type": "integer"}, "since_s": {"type": "number"},
    "causes": {"type": "array", "items": {"$ref": "#/components/schemas/Cause"}}}},
"DaemonStatus": {"type": "object", "title": "DaemonStatus",
  "required": ["type", "robot_name", "state", "wireless_version", "desktop_app_daemon",
    "simulation_enabled", "mockup_sim_enabled", "no_media", "media_released", "camera_specs_name",
    "backend_status", "error", "wlan_ip", "version", "hardware_id", "face_target", "health",
    "generation", "boot_id", "uptime_s"],
  "properties": {"type": {"type": "string", "const": "daemon_status"}, "robot_name": {"type": "string"},
    "state": {"$ref": "#/components/schemas/DaemonState"}, "wireless_version": {"type": "boolean"},
    "desktop_app_daemon": {"type": "boolean"}, "simulation_enabled": {"type": ["boolean", "null"]},
    "mockup_sim_enabled": {"type": ["boolean", "null"]}, "no_media": {"type": "boolean"},
    "media_released": {"type": "boolean"}, "camera_specs_name": {"type": "string"},
    "backend_status": {"type": ["object", "null"]}, "error": {"type": ["string", "null"]},
    "wlan_ip": {"type": ["string", "null"]}, "version": {"type": ["string", "null"]},
    "hardware_id": {"type": ["string", "null"]}, "face_target": {"$ref": "#/components/schemas/FaceTarget"},
    "health": {"$ref": "#/components/schemas/Health"}, "generation": {"type": "integer"},
    "boot_id": {"type": "string"}, "signalling_port": {"type": ["integer", "null"]},
    "uptime_s": {"type": "number"}}},
"Job": {"type": "object", "properties": {"job_id": {"type": "string"}, "id": {"type": "string"},
    "scope": {"$ref": "#/components/schemas/Scope"}, "merged": {"type": "boolean"},
    "duplicate": {"type": "boolean"}, "generation": {"type": "integer"}}},
"Receipt": {"type": "object", "required": ["id", "scope", "requested", "flags", "phases", "outcome"],
  "properties": {"id": {"type": "string"}, "merged_into": {"type": ["string", "null"]},
    "action": {"type": "string"}, "scope": {"$ref": "#/components/schemas/Scope"},
    "motor": {"type": ["string", "null"]},
    "requested": {"type": "object", "properties": {"at": {"type": "string"}, "by": {"type": "string"},
      "peer": {"type": "string"}}},
    "flags": {"type": "object", "properties": {"goto_sleep_on_stop": {"type": "boolean"},
      "wake_up_on_start": {"type": "boolean"}}},
    "boot_id": {"type": "string"},
    "generation": {"type": "object", "properties": {"before": {"type": "integer"},
      "after": {"type": ["integer", "null"]}}},
    "ack": {"type": "string", "enum": ["confirmed", "sent", "failed"]},
    "phases": {"type": "array", "items": {"type": "object", "properties": {"phase": {"type": "string"},
      "at_ms": {"type": "integer"}, "ms": {"type": "integer"}}}},
    "outcome": {"type": ["string", "null"], "enum": ["done", "failed", "interrupted", null]},
    "error": {"type": ["string", "null"]}, "notes": {"type": "array", "items": {"type": "string"}},
    "cured": {"type": ["boolean", "null"]}, "downtime_ms": {"type": ["integer", "null"]},
    "causes_before": {"type": "array", "items": {"type": "string"}},
    "causes_after": {"type": "array", "items": {"type": "string"}},
    "torque_kept": {"type": ["boolean", "null"]}, "max_step_deg": {"type": ["number", "null"]}}},
"Receipts": {"type": "array", "items": {"$ref": "#/components/schemas/Receipt"}},
"RobotNameResponse": {"type": "object", "required": ["name"], "title": "RobotNameResponse",
  "properties": {"name": {"type": "string"}}},
"HardwareId": {"type": "object", "properties": {"hardware_id": {"type": ["string", "null"]}}},
"LogLines": {"type": "object", "required": ["newest", "lines"],
  "properties": {"newest": {"type": "integer"}, "lines": {"type": "array", "items": {"type": "object",
    "properties": {"sequence": {"type": "integer"}, "timestamp": {"type": "string"},
      "line": {"type": "string"}}}}}}
})json";

}  // namespace

boost::json::object component_schemas() { return boost::json::parse(kSchemas).as_object(); }

}  // namespace daruma::http
