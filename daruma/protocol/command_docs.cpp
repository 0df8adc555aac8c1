#include "daruma/protocol/command_docs.hpp"

#include <fmt/format.h>

#include "daruma/protocol/command_table.hpp"

namespace daruma::protocol {
namespace {

constexpr std::string_view kIntroduction = R"(# Commands

Every command is one JSON object; `type` selects the row. Unknown keys are ignored, the last of repeated keys
counts. Numbers may come as numeric strings or bools, integers as integral floats, bools as `1`, `0`, `"yes"`,
`"no"`, `"on"`, `"off"`, `"true"`, `"false"`. NaN, infinities and lists of a wrong length are refused with
`Invalid command: ...`. This page is written by `command_docs` from the table that the daemon itself decodes by.

* **Answer**: *once* at once; *late* one answer when the work is done; *pushes* no answer, pushes follow;
  *nothing* never an answer to a well-formed command.
* **Owner**: *house* lives as long as the process; *room* answers while the robot runs, `not_running` otherwise;
  *-* is not built yet and answered with `<type> is not available on this daemon`.
* A field with `?` may be absent or null; one with `=` takes that default when absent.
)";

std::string_view word(Owner owner) {
  switch (owner) {
    case Owner::kHouse:
      return "house";
    case Owner::kRoom:
      return "room";
    case Owner::kNobody:
      break;
  }
  return "-";
}

std::string_view word(Answer answer) {
  switch (answer) {
    case Answer::kOnce:
      return "once";
    case Answer::kLate:
      return "late";
    case Answer::kPushes:
      return "pushes";
    case Answer::kNothing:
      break;
  }
  return "nothing";
}

std::string_view word(FieldType type) {
  switch (type) {
    case FieldType::kBool:
      return "bool";
    case FieldType::kInt:
      return "int";
    case FieldType::kNumber:
      return "number";
    case FieldType::kString:
      return "string";
    case FieldType::kNumbers:
      return "numbers";
    case FieldType::kStrings:
      return "strings";
    case FieldType::kObject:
      return "object";
    case FieldType::kObjects:
      break;
  }
  return "objects";
}

std::string lengths(const FieldSpec& field) {
  if (!field.min_length && !field.max_length) return {};
  if (field.min_length == field.max_length) return fmt::format("[{}]", *field.min_length);
  return fmt::format("[{}..{}]", field.min_length.value_or(0),
                     field.max_length ? fmt::to_string(*field.max_length) : "");
}

std::string bounds(const FieldSpec& field) {
  std::string text;
  if (field.minimum && field.maximum && !field.exclusive_minimum)
    text = fmt::format(" {}..{}", *field.minimum, *field.maximum);
  else {
    if (field.minimum)
      text += fmt::format(" {} {}", field.exclusive_minimum ? ">" : ">=", *field.minimum);
    if (field.maximum) text += fmt::format(" <= {}", *field.maximum);
  }
  if (field.printable_ascii) text += " printable ASCII";
  if (!field.choices.empty()) text += fmt::format(" one of `{}`", fmt::join(field.choices, "` `"));
  return text;
}

std::string describe(const FieldSpec& field) {
  std::string text =
      fmt::format("`{}`{} {}{}{}", field.name, field.presence == Presence::kNullable ? "?" : "",
                  word(field.type), lengths(field), bounds(field));
  if (field.presence == Presence::kDefault) text += fmt::format(" = `{}`", field.default_json);
  if (!field.meaning.empty()) text += fmt::format(" ({})", field.meaning);
  return text;
}

std::string describe(const CommandSpec& spec) {
  std::string fields;
  for (const auto& field : spec.fields) fields += (fields.empty() ? "" : "<br>") + describe(field);
  return fmt::format("| `{}` | {} | {} | {} | {} |\n", spec.type, fields, word(spec.answer),
                     word(spec.owner), spec.meaning);
}

std::string section(std::string_view title, Origin origin) {
  std::string rows;
  std::size_t count = 0;
  for (const auto& spec : command_table()) {
    if (spec.origin != origin) continue;
    rows += describe(spec);
    ++count;
  }
  return fmt::format(
      "\n## {} ({})\n\n| type | fields | answer | owner | meaning |\n| --- | --- | --- | --- | --- "
      "|\n{}",
      title, count, rows);
}

}  // namespace

std::string commands_markdown() {
  return std::string(kIntroduction) + section("Of the reference", Origin::kReference) +
         section("Daruma's own", Origin::kDaruma);
}

}  // namespace daruma::protocol
