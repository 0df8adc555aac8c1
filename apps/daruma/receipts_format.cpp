#include "fields.hpp"
#include "format.hpp"
#include <fmt/format.h>

namespace daruma::client {
namespace json = boost::json;
namespace {

std::string outcome_of(const json::value& receipt) {
  const auto outcome = text_of(receipt, "outcome");
  return outcome.empty() ? "running" : outcome;
}

std::string yes_no(std::optional<bool> value) {
  if (!value) return {};
  return *value ? "yes" : "no";
}

/// Whether it helped; nothing to say when nothing was wrong.
std::string helped(const json::value& receipt) {
  if (array_of(receipt, "causes_before").empty() && bool_of(receipt, "cured").value_or(true)) {
    return "-";
  }
  const auto cured = bool_of(receipt, "cured");
  return cured ? yes_no(cured) : "-";
}

std::string milliseconds(const json::value& value, std::string_view key) {
  const auto ms = number_of(value, key);
  return ms ? duration(*ms / 1000) : std::string();
}

/// How long the robot was away; not known before the end.
std::string away(const json::value& receipt) {
  if (text_of(receipt, "outcome").empty()) return {};
  return milliseconds(receipt, "downtime_ms");
}

std::string joined(const json::array& items) {
  std::string out;
  for (const auto& item : items) {
    const auto* text = item.if_string();
    if (text == nullptr) continue;
    if (!out.empty()) out += ", ";
    out += printable({text->data(), text->size()});
  }
  return out;
}

std::string flags_of(const json::value& receipt) {
  const auto& flags = member_of(receipt, "flags");
  std::string out;
  if (bool_of(flags, "goto_sleep_on_stop").value_or(false)) out = "sleep before";
  if (bool_of(flags, "wake_up_on_start").value_or(false)) {
    out += out.empty() ? "wake after" : ", wake after";
  }
  return out;
}

std::string what(const json::value& receipt) {
  const auto motor = text_of(receipt, "motor");
  if (!motor.empty()) return "motor " + motor;
  const auto scope = text_of(receipt, "scope");
  return scope.empty() ? "robot" : scope;
}

std::string action_of(const json::value& receipt) {
  const auto action = text_of(receipt, "action");
  return action.empty() ? "restart" : action;
}

}  // namespace

std::string receipts_text(const json::value& receipts, const Style& style) {
  const auto& list = as_array(receipts);
  if (list.empty()) return "No restart is on record.\n";
  std::vector<Row> rows{{{"WHEN", Ink::kDim},
                         {"ID", Ink::kDim},
                         {"WHAT", Ink::kDim},
                         {"SCOPE", Ink::kDim},
                         {"BY", Ink::kDim},
                         {"OUTCOME", Ink::kDim},
                         {"AWAY", Ink::kDim},
                         {"HELPED", Ink::kDim}}};
  for (const auto& receipt : list) {
    const auto& requested = member_of(receipt, "requested");
    const auto outcome = outcome_of(receipt);
    rows.push_back({{local_time(text_of(requested, "at"))},
                    {text_of(receipt, "id")},
                    {action_of(receipt)},
                    {what(receipt)},
                    {text_of(requested, "by")},
                    {outcome, ink_of(outcome == "running" ? "" : outcome)},
                    {away(receipt)},
                    {helped(receipt)}});
  }
  return table(rows, style);
}

std::string receipt_text(const json::value& receipt, const Style& style) {
  std::vector<Row> rows;
  const auto add = [&rows](std::string_view key, const std::string& value, Ink ink = Ink::kPlain) {
    if (!value.empty()) rows.push_back({{std::string(key), Ink::kDim}, {value, ink}});
  };
  const auto& requested = member_of(receipt, "requested");
  const auto& generation = member_of(receipt, "generation");
  const auto outcome = outcome_of(receipt);
  add("what", fmt::format("{} {}", action_of(receipt), what(receipt)));
  add("flags", flags_of(receipt));
  add("asked",
      fmt::format("{} by {}", local_time(text_of(requested, "at")), text_of(requested, "by")));
  add("joined", text_of(receipt, "merged_into"));
  add("answer", text_of(receipt, "ack"));
  add("outcome", outcome, ink_of(outcome == "running" ? "" : outcome));
  add("error", text_of(receipt, "error"), Ink::kRed);
  add("away", away(receipt));
  add("helped", helped(receipt));
  add("causes before", joined(array_of(receipt, "causes_before")));
  add("causes after", joined(array_of(receipt, "causes_after")));
  add("torque kept", yes_no(bool_of(receipt, "torque_kept")));
  if (const auto step = number_of(receipt, "max_step_deg")) {
    add("largest step", fmt::format("{:.2f} degrees", *step));
  }
  if (const auto before = number_of(generation, "before")) {
    const auto after = number_of(generation, "after");
    add("generation",
        after ? fmt::format("{:.0f} -> {:.0f}", *before, *after) : fmt::format("{:.0f}", *before));
  }
  add("notes", joined(array_of(receipt, "notes")));

  auto out = style(Ink::kBold, text_of(receipt, "id")) + "\n" + table(rows, style, 2);
  std::vector<Row> phases;
  for (const auto& phase : array_of(receipt, "phases")) {
    phases.push_back({{text_of(phase, "phase")},
                      {milliseconds(phase, "ms")},
                      {"at " + milliseconds(phase, "at_ms"), Ink::kDim}});
  }
  if (!phases.empty()) out += "\n" + table(phases, style, 2);
  return out;
}

Ending ending(const json::value& receipt, const json::value& health) {
  const auto outcome = text_of(receipt, "outcome");
  const auto name = what(receipt);
  if (outcome != "done") {
    const auto error = text_of(receipt, "error");
    return {false, fmt::format("Restart of {} {}: {}", name,
                               outcome == "interrupted" ? "was interrupted" : "failed",
                               error.empty() ? "no reason was given" : error)};
  }
  const auto did = fmt::format("Restarted {} in {}", name,
                               duration(number_of(receipt, "downtime_ms").value_or(0) / 1000));
  const auto verdict = text_of(health, "verdict");
  auto cause = worst_cause(health);
  if (bool_of(receipt, "cured") == false) {
    if (cause.empty()) cause = joined(array_of(receipt, "causes_after")) + ".";
    return {false, fmt::format("{}, but the cause is still there: {}", did, cause)};
  }
  // A wake-up that was asked for and failed.
  if (const auto error = text_of(receipt, "error"); !error.empty()) {
    return {false, fmt::format("{}, but {}", did, error)};
  }
  if (verdict.empty()) return {true, did + "."};
  if (verdict == "healthy") {
    const bool was_ill = !array_of(receipt, "causes_before").empty();
    return {true, fmt::format("{}; {}the robot is healthy.", did, was_ill ? "that helped: " : "")};
  }
  return {verdict != "unhealthy", fmt::format("{}; the robot is {}: {}", did, verdict, cause)};
}

}  // namespace daruma::client
