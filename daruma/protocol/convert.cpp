#include "daruma/protocol/convert.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "daruma/protocol/utf8.hpp"

namespace daruma::protocol {

namespace json = boost::json;
using enum FieldType;

namespace {

using Value = Command::Value;

constexpr std::string_view kFinite = "Input should be a finite number";

tl::unexpected<Error> refuse(const FieldSpec& field, std::string_view sentence) {
  return fail(Errc::kInvalid, fmt::format("{}: {}", field.name, sentence));
}
tl::unexpected<Error> refuse_item(const FieldSpec& field, std::size_t index,
                                  std::string_view sentence) {
  return fail(Errc::kInvalid, fmt::format("{}.{}: {}", field.name, index, sentence));
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// A number in text, as Python writes numbers: surrounding space and a leading `+` are fine. Not a
/// number: nullopt; beyond double: infinity.
std::optional<double> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status == std::errc::invalid_argument || end != text.data() + text.size())
    return std::nullopt;
  // from_chars leaves the number alone when it is out of range, too small numbers included.
  if (status == std::errc::result_out_of_range) return std::numeric_limits<double>::infinity();
  return number;
}

std::optional<double> to_number(const json::value& value) {
  switch (value.kind()) {
    case json::kind::int64:
      return static_cast<double>(value.get_int64());
    case json::kind::uint64:
      return static_cast<double>(value.get_uint64());
    case json::kind::double_:
      return value.get_double();
    case json::kind::bool_:
      return value.get_bool() ? 1.0 : 0.0;
    case json::kind::string:
      return parse_number(value.get_string());
    default:
      return std::nullopt;
  }
}

std::optional<std::int64_t> to_integer(const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_string()) {
    auto text = trimmed(value.get_string());
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    std::int64_t number = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status == std::errc{} && end == text.data() + text.size()) return number;
    // `50.0` is an integer, `5e1` is not.
    if (text.find_first_of("eE") != text.npos) return std::nullopt;
  }
  const auto number = to_number(value);
  // Beyond 2^53 a double no longer tells one integer from the next.
  constexpr double kExact = 9007199254740992.0;
  if (!number || !(std::abs(*number) <= kExact) || *number != std::trunc(*number))
    return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::optional<bool> to_flag(const json::value& value) {
  if (value.is_bool()) return value.get_bool();
  if (value.is_number()) {
    const double number = *to_number(value);
    if (number == 0.0 || number == 1.0) return number == 1.0;
    return std::nullopt;
  }
  if (!value.is_string() || value.get_string().size() > 5) return std::nullopt;
  std::string word(value.get_string());
  for (char& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const auto yes : {"1", "t", "true", "y", "yes", "on"})
    if (word == yes) return true;
  for (const auto no : {"0", "f", "false", "n", "no", "off"})
    if (word == no) return false;
  return std::nullopt;
}

/// What is wrong with a number's size, or an empty text.
std::string out_of_bounds(const FieldSpec& field, double number) {
  if (!std::isfinite(number)) return std::string(kFinite);
  if (field.minimum && field.exclusive_minimum && number <= *field.minimum)
    return fmt::format("Input should be greater than {}", *field.minimum);
  if (field.minimum && number < *field.minimum)
    return fmt::format("Input should be greater than or equal to {}", *field.minimum);
  if (field.maximum && number > *field.maximum)
    return fmt::format("Input should be less than or equal to {}", *field.maximum);
  return {};
}

/// `noun` is `character` or `item`. An empty text when the length is fine.
std::string wrong_length(const FieldSpec& field, std::size_t length, std::string_view what,
                         std::string_view noun) {
  const auto sentence = [&](std::string_view side, std::uint32_t bound) {
    return fmt::format("{} should have {} {} {}{}, not {}", what, side, bound, noun,
                       bound == 1 ? "" : "s", length);
  };
  if (field.min_length && length < *field.min_length)
    return sentence("at least", *field.min_length);
  if (field.max_length && length > *field.max_length) return sentence("at most", *field.max_length);
  return {};
}

Result<Value> to_text(const FieldSpec& field, const json::value& value) {
  if (!value.is_string()) return refuse(field, wanted(kString));
  const std::string_view text = value.get_string();
  const auto length = wrong_length(field, code_points(text), "String", "character");
  if (!length.empty()) return refuse(field, length);
  const auto printable = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (field.printable_ascii && !std::all_of(text.begin(), text.end(), printable))
    return refuse(field, "String should have printable ASCII characters only");
  if (!field.choices.empty() &&
      std::find(field.choices.begin(), field.choices.end(), text) == field.choices.end())
    return refuse(field,
                  fmt::format("Input should be one of '{}'", fmt::join(field.choices, "', '")));
  return Value(std::string(text));
}

Result<Value> to_numbers(const FieldSpec& field, const json::array& items) {
  std::vector<double> numbers;
  numbers.reserve(items.size());
  for (const auto& item : items) {
    const auto number = to_number(item);
    if (!number) return refuse_item(field, numbers.size(), wanted(kNumber));
    const auto wrong = out_of_bounds(field, *number);
    if (!wrong.empty()) return refuse_item(field, numbers.size(), wrong);
    numbers.push_back(*number);
  }
  return Value(std::move(numbers));
}

Result<Value> to_strings(const FieldSpec& field, const json::array& items) {
  std::vector<std::string> strings;
  strings.reserve(items.size());
  for (const auto& item : items) {
    if (!item.is_string()) return refuse_item(field, strings.size(), wanted(kString));
    strings.emplace_back(item.get_string());
  }
  return Value(std::move(strings));
}

/// True when every number in the tree is finite. The parser bounds the depth.
bool all_finite(const json::value& value) {
  if (value.is_double()) return std::isfinite(value.get_double());
  if (value.is_array())
    return std::all_of(value.get_array().begin(), value.get_array().end(), all_finite);
  if (value.is_object())
    return std::all_of(value.get_object().begin(), value.get_object().end(),
                       [](const auto& member) { return all_finite(member.value()); });
  return true;
}

Result<Value> copy_of(const FieldSpec& field, const json::value& value) {
  if (!all_finite(value)) return refuse(field, kFinite);
  return Value(json::value(value, json::storage_ptr{}));
}

Result<Value> to_list(const FieldSpec& field, const json::value& value) {
  if (!value.is_array()) return refuse(field, wanted(field.type));
  const auto& items = value.get_array();
  if (items.empty() && field.empty_is_absent) return Value{};
  const auto length = wrong_length(field, items.size(), "List", "item");
  if (!length.empty()) return refuse(field, length);
  if (field.type == kNumbers) return to_numbers(field, items);
  if (field.type == kStrings) return to_strings(field, items);
  for (std::size_t i = 0; i < items.size(); ++i)
    if (!items[i].is_object()) return refuse_item(field, i, wanted(kObject));
  return copy_of(field, value);
}

Result<Value> to_scalar(const FieldSpec& field, const json::value& value) {
  if (field.type == kBool) {
    const auto flag = to_flag(value);
    if (!flag) return refuse(field, wanted(kBool));
    return Value(*flag);
  }
  const auto integer = field.type == kInt ? to_integer(value) : std::nullopt;
  if (field.type == kInt && !integer) return refuse(field, wanted(kInt));
  const auto number = integer ? static_cast<double>(*integer) : to_number(value);
  if (!number) return refuse(field, wanted(kNumber));
  const auto wrong = out_of_bounds(field, *number);
  if (!wrong.empty()) return refuse(field, wrong);
  if (integer) return Value(*integer);
  return Value(*number);
}

}  // namespace

std::string_view wanted(FieldType type) {
  switch (type) {
    case kBool:
      return "Input should be a valid boolean";
    case kInt:
      return "Input should be a valid integer";
    case kNumber:
      return "Input should be a valid number";
    case kString:
      return "Input should be a valid string";
    case kObject:
      return "Input should be a valid object";
    case kNumbers:
    case kStrings:
    case kObjects:
      break;
  }
  return "Input should be a valid list";
}

Result<Command::Value> convert(const FieldSpec& field, const json::value& value) {
  switch (field.type) {
    case kBool:
    case kInt:
    case kNumber:
      return to_scalar(field, value);
    case kString:
      return to_text(field, value);
    case kObject:
      if (!value.is_object()) return refuse(field, wanted(kObject));
      return copy_of(field, value);
    case kNumbers:
    case kStrings:
    case kObjects:
      break;
  }
  return to_list(field, value);
}

}  // namespace daruma::protocol
