#include "daruma/services/receipts/receipt_json.hpp"

#include <cstdio>
#include <ctime>

#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

namespace daruma::services {
namespace json = boost::json;
using lifecycle::Receipt;

namespace {

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value_from(*value) : json::value(nullptr);
}

template <class T>
std::optional<T> maybe(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return json::value_to<T>(*value);
}

template <class T>
T value(const json::object& object, std::string_view key) {
  return json::value_to<T>(object.at(key));
}

/// The reverse of iso8601(); the epoch when the text is something else.
WallTime wall_time_from(const std::string& text) {
  std::tm tm{};
  int ms = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                  &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms) != 7)
    return {};
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  return std::chrono::system_clock::from_time_t(timegm(&tm)) + std::chrono::milliseconds(ms);
}

json::array phases_json(const std::vector<lifecycle::Phase>& phases) {
  json::array out;
  for (const auto& phase : phases)
    out.push_back(json::object{{"phase", phase.phase}, {"at_ms", phase.at_ms}, {"ms", phase.ms}});
  return out;
}

std::vector<lifecycle::Phase> phases_from(const json::array& array) {
  std::vector<lifecycle::Phase> phases;
  for (const auto& item : array) {
    const auto& object = item.as_object();
    phases.push_back({value<std::string>(object, "phase"), value<long long>(object, "at_ms"),
                      value<long long>(object, "ms")});
  }
  return phases;
}

Receipt read(const json::object& object) {
  Receipt receipt;
  receipt.id = value<std::string>(object, "id");
  receipt.merged_into = maybe<std::string>(object, "merged_into");
  receipt.action = lifecycle::action_from(value<std::string>(object, "action")).value();
  receipt.scope = lifecycle::scope_from(value<std::string>(object, "scope")).value();
  receipt.motor = maybe<std::string>(object, "motor");
  const auto& requested = object.at("requested").as_object();
  receipt.requested = wall_time_from(value<std::string>(requested, "at"));
  receipt.by = value<std::string>(requested, "by");
  receipt.peer = value<std::string>(requested, "peer");
  const auto& flags = object.at("flags").as_object();
  receipt.flags = {value<bool>(flags, "goto_sleep_on_stop"),
                   value<bool>(flags, "wake_up_on_start")};
  receipt.boot_id = value<std::string>(object, "boot_id");
  const auto& generation = object.at("generation").as_object();
  receipt.generation_before = value<std::uint64_t>(generation, "before");
  receipt.generation_after = maybe<std::uint64_t>(generation, "after").value_or(0);
  receipt.ack = value<std::string>(object, "ack");
  receipt.phases = phases_from(object.at("phases").as_array());
  receipt.outcome = maybe<std::string>(object, "outcome").value_or("");
  receipt.error = maybe<std::string>(object, "error");
  receipt.notes = value<std::vector<std::string>>(object, "notes");
  receipt.cured = maybe<bool>(object, "cured");
  receipt.downtime_ms = maybe<long long>(object, "downtime_ms");
  receipt.causes_before = value<std::vector<std::string>>(object, "causes_before");
  receipt.causes_after = value<std::vector<std::string>>(object, "causes_after");
  receipt.torque_kept = maybe<bool>(object, "torque_kept");
  receipt.max_step_deg = maybe<double>(object, "max_step_deg");
  return receipt;
}

}  // namespace

json::object receipt_json(const Receipt& receipt) {
  const bool ended = !receipt.outcome.empty();
  return {{"id", receipt.id},
          {"merged_into", or_null(receipt.merged_into)},
          {"action", lifecycle::name(receipt.action)},
          {"scope", lifecycle::name(receipt.scope)},
          {"motor", or_null(receipt.motor)},
          {"requested",
           json::object{
               {"at", iso8601(receipt.requested)}, {"by", receipt.by}, {"peer", receipt.peer}}},
          {"flags", json::object{{"goto_sleep_on_stop", receipt.flags.goto_sleep_on_stop},
                                 {"wake_up_on_start", receipt.flags.wake_up_on_start}}},
          {"boot_id", receipt.boot_id},
          {"generation",
           json::object{{"before", receipt.generation_before},
                        {"after", ended ? json::value(receipt.generation_after) : nullptr}}},
          {"ack", receipt.ack},
          {"phases", phases_json(receipt.phases)},
          {"outcome", ended ? json::value(receipt.outcome) : nullptr},
          {"error", or_null(receipt.error)},
          {"notes", json::value_from(receipt.notes)},
          {"cured", or_null(receipt.cured)},
          {"downtime_ms", or_null(receipt.downtime_ms)},
          {"causes_before", json::value_from(receipt.causes_before)},
          {"causes_after", json::value_from(receipt.causes_after)},
          {"torque_kept", or_null(receipt.torque_kept)},
          {"max_step_deg", or_null(receipt.max_step_deg)}};
}

std::optional<Receipt> receipt_from(const json::object& object) {
  try {
    return read(object);
  } catch (const std::exception&) {
    return std::nullopt;  // another version's line, or a damaged one
  }
}

}  // namespace daruma::services
