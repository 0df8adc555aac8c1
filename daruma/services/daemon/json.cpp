#include "daruma/services/daemon/json.hpp"

#include <cmath>

#include <boost/json/array.hpp>

namespace daruma::services {
namespace json = boost::json;
namespace {

// Milliseconds are what a person can use of an age.
double age_s(TimePoint since, TimePoint now) {
  return std::round(std::max(0.0, seconds(now - since)) * 1000.0) / 1000.0;
}

}  // namespace

json::object cause_json(const lifecycle::Cause& cause, TimePoint now) {
  json::object out{{"code", cause.code},
                   {"part", cause.part},
                   {"verdict", lifecycle::name(cause.verdict)},
                   {"since_s", age_s(cause.since, now)},
                   {"detail", cause.detail}};
  if (cause.cure) {
    out["cure"] = json::object{
        {"scope", lifecycle::name(*cause.cure)}, {"tried", cause.tried}, {"helped", cause.helped}};
  } else {
    out["cure"] = nullptr;
  }
  out["hint"] = cause.hint;
  return out;
}

json::object health_json(const lifecycle::LifecycleStatus& status) {
  json::array causes;
  for (const auto& cause : status.health.causes) causes.push_back(cause_json(cause, status.now));
  return {{"verdict", lifecycle::name(status.health.verdict)},
          {"boot_id", status.boot_id},
          {"generation", status.generation},
          {"since_s", age_s(status.health.since, status.now)},
          {"causes", std::move(causes)}};
}

}  // namespace daruma::services
