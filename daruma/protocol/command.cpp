#include "daruma/protocol/command.hpp"

#include <cassert>
#include <exception>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/parser.hpp>
#include <fmt/format.h>

#include "daruma/protocol/convert.hpp"
#include "daruma/protocol/utf8.hpp"

namespace daruma::protocol {
namespace {

namespace json = boost::json;

// Enough for every message but uploads; a larger one goes on to the heap for the time it is
// decoded.
constexpr std::size_t kParserBytes = 2048;
constexpr std::size_t kValueBytes = 6144;

/// True when the text has `NaN` or `Infinity` outside strings: Python's writers put them there.
bool has_non_finite_literal(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (!quoted &&
             (text.substr(i).starts_with("NaN") || text.substr(i).starts_with("Infinity")))
      return true;
  }
  return false;
}

tl::unexpected<Error> unreadable(std::string_view text, const boost::system::error_code& error) {
  if (!is_valid_utf8(text)) return fail(Errc::kInvalid, "Invalid JSON: the text is not UTF-8");
  if (error == json::error::too_deep)
    return fail(Errc::kInvalid, fmt::format("Invalid JSON: nested deeper than {}", kMaxDepth));
  if (error == json::error::exponent_overflow || has_non_finite_literal(text))
    return fail(Errc::kInvalid,
                "Invalid JSON: NaN, Infinity and numbers beyond double are refused");
  return fail(Errc::kInvalid, fmt::format("Invalid JSON: {}", error.message()));
}

Status fill(Command& command, std::size_t index, const json::object& message) {
  const FieldSpec& field = command.spec().fields[index];
  const json::value* given = message.if_contains(field.name);
  if (given != nullptr) command.set_named(index);
  if (field.presence == Presence::kNullable && (given == nullptr || given->is_null())) return {};
  if (given == nullptr && field.presence == Presence::kRequired)
    return fail(Errc::kInvalid, fmt::format("Field required: {}", field.name));
  auto value =
      given != nullptr ? convert(field, *given) : convert(field, json::parse(field.default_json));
  if (!value) return tl::unexpected<Error>(std::move(value.error()));
  command.value(index) = std::move(*value);
  return {};
}

Result<Command> decode_object(const json::object& message, std::string* type) {
  const json::value* tag = message.if_contains("type");
  if (tag == nullptr || !tag->is_string())
    return fail(Errc::kInvalid, "Unable to extract tag using discriminator 'type'");
  const std::string_view word = tag->get_string();
  if (type != nullptr) *type = word;
  const CommandSpec* spec = find_command(word);
  if (spec == nullptr)
    return fail(Errc::kInvalid,
                fmt::format("Input tag '{}' found using 'type' does not match any of "
                            "the expected tags",
                            quote(word)));
  Result<Command> command{tl::in_place, *spec};
  for (std::size_t i = 0; i < spec->fields.size(); ++i)
    if (auto filled = fill(*command, i, message); !filled)
      return tl::unexpected<Error>(std::move(filled.error()));
  return command;
}

Result<Command> parse(std::string_view text, std::string* type) {
  unsigned char parser_bytes[kParserBytes];
  unsigned char value_bytes[kValueBytes];
  json::monotonic_resource memory(value_bytes, sizeof(value_bytes));
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::parser parser(json::storage_ptr{}, options, parser_bytes, sizeof(parser_bytes));
  parser.reset(&memory);
  json::error_code error;
  parser.write(text.data(), text.size(), error);
  if (error) return unreadable(text, error);
  const json::value message = parser.release();
  if (!message.is_object()) return fail(Errc::kInvalid, "Input should be a valid object");
  return decode_object(message.get_object(), type);
}

}  // namespace

const Command::Value& Command::get(std::string_view field) const {
  const int index = spec_->index_of(field);
  assert(index >= 0 && "the row has no such field");
  return values_.at(static_cast<std::size_t>(index));
}

bool Command::has(std::string_view field) const {
  return spec_->index_of(field) >= 0 && !std::holds_alternative<std::monostate>(get(field));
}
bool Command::flag(std::string_view field) const { return std::get<bool>(get(field)); }
std::int64_t Command::integer(std::string_view field) const {
  return std::get<std::int64_t>(get(field));
}
double Command::number(std::string_view field) const { return std::get<double>(get(field)); }
const std::string& Command::text(std::string_view field) const {
  return std::get<std::string>(get(field));
}
const std::vector<double>& Command::numbers(std::string_view field) const {
  return std::get<std::vector<double>>(get(field));
}
const std::vector<std::string>& Command::strings(std::string_view field) const {
  return std::get<std::vector<std::string>>(get(field));
}
const json::value& Command::json(std::string_view field) const {
  return std::get<json::value>(get(field));
}
bool Command::named(std::string_view field) const {
  const int index = spec_->index_of(field);
  assert(index >= 0 && "the row has no such field");
  return (named_ >> index & 1U) != 0;
}

Result<Command> decode(std::string_view text, std::string* type) {
  if (text.size() > kMaxMessageBytes)
    return fail(Errc::kInvalid, fmt::format("Message longer than {} bytes", kMaxMessageBytes));
  try {
    return parse(text, type);
  } catch (const std::exception& e) {
    return fail(Errc::kInvalid, fmt::format("Message cannot be read: {}", e.what()));
  }
}

Result<Command> decode(const json::object& message) {
  try {
    return decode_object(message, nullptr);
  } catch (const std::exception& e) {
    return fail(Errc::kInvalid, fmt::format("Message cannot be read: {}", e.what()));
  }
}

}  // namespace daruma::protocol
