#include "daruma/transport/http/validation.hpp"

#include <cmath>

#include <boost/json/parse.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daruma/protocol/convert.hpp"
#include "daruma/protocol/utf8.hpp"
#include "daruma/transport/net/percent_encoding.hpp"

namespace daruma::http {
namespace json = boost::json;
using protocol::FieldSpec;
using protocol::FieldType;
using protocol::Presence;

namespace {

/// What is wrong with a value: the reference's type word, sentence and context.
struct Problem {
  std::string type;
  std::string msg;
  json::object ctx = {};
};

json::object item(const Problem& problem, json::array loc, const json::value& input) {
  json::object out{
      {"type", problem.type}, {"loc", std::move(loc)}, {"msg", problem.msg}, {"input", input}};
  if (!problem.ctx.empty()) out["ctx"] = problem.ctx;
  return out;
}

json::value whole_if_whole(double number) {
  if (number == std::trunc(number)) return static_cast<std::int64_t>(number);
  return number;
}

std::optional<double> number_of(const json::value& value) {
  if (value.is_number()) return value.to_number<double>();
  if (!value.is_string()) return std::nullopt;
  boost::system::error_code error;
  const auto parsed = json::parse(value.get_string(), error);
  if (error || !parsed.is_number()) return std::nullopt;
  return parsed.to_number<double>();
}

Problem bound_problem(const FieldSpec& field, double number) {
  if (field.minimum && (number < *field.minimum || std::isnan(number)))
    return {"greater_than_equal",
            fmt::format("Input should be greater than or equal to {}", *field.minimum),
            {{"ge", whole_if_whole(*field.minimum)}}};
  const auto maximum = field.maximum.value_or(0);
  return {"less_than_equal",
          fmt::format("Input should be less than or equal to {}", maximum),
          {{"le", whole_if_whole(maximum)}}};
}

Problem number_problem(const FieldSpec& field, const json::value& value) {
  const bool whole = field.type == FieldType::kInt;
  const auto number = number_of(value);
  if (!number && value.is_string())
    return whole ? Problem{"int_parsing",
                           "Input should be a valid integer, unable to parse string as an integer"}
                 : Problem{"float_parsing",
                           "Input should be a valid number, unable to parse string as a number"};
  if (!number)
    return {whole ? "int_type" : "float_type", std::string(protocol::wanted(field.type))};
  if (whole && *number != std::trunc(*number))
    return {"int_from_float",
            "Input should be a valid integer, got a number with a fractional part"};
  return bound_problem(field, *number);
}

Problem string_problem(const FieldSpec& field, const json::value& value) {
  if (!value.is_string()) return {"string_type", "Input should be a valid string"};
  const auto length = protocol::code_points(value.get_string());
  const auto characters = [](std::uint32_t n) {
    return fmt::format("{} character{}", n, n == 1 ? "" : "s");
  };
  if (field.min_length && length < *field.min_length)
    return {"string_too_short",
            fmt::format("String should have at least {}", characters(*field.min_length)),
            {{"min_length", *field.min_length}}};
  if (field.max_length && length > *field.max_length)
    return {"string_too_long",
            fmt::format("String should have at most {}", characters(*field.max_length)),
            {{"max_length", *field.max_length}}};
  if (!field.choices.empty()) {
    std::string expected;
    for (std::size_t i = 0; i < field.choices.size(); ++i) {
      const bool last = i + 1 == field.choices.size();
      expected += fmt::format("{}'{}'", i == 0 ? "" : last ? " or " : ", ", field.choices[i]);
    }
    return {"enum", "Input should be " + expected, {{"expected", expected}}};
  }
  return {"string_pattern_mismatch", "String should have printable ASCII characters only"};
}

Problem problem_of(const FieldSpec& field, const json::value& value) {
  switch (field.type) {
    case FieldType::kBool:
      if (value.is_string() || value.is_number())
        return {"bool_parsing", "Input should be a valid boolean, unable to interpret input"};
      return {"bool_type", "Input should be a valid boolean"};
    case FieldType::kInt:
    case FieldType::kNumber:
      return number_problem(field, value);
    case FieldType::kString:
      return string_problem(field, value);
    case FieldType::kNumbers:
    case FieldType::kStrings:
    case FieldType::kObjects:
      return {"list_type", "Input should be a valid list"};
    case FieldType::kObject:
      break;
  }
  return {"dict_type", "Input should be a valid dictionary"};
}

/// A checked value as JSON of its own type: the texts of a query have none.
json::value plain(const protocol::Command::Value& value, const json::value& given) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return given;
}

/// Takes one parameter over into the fields, or adds a problem.
void take(const Parameter& parameter, const json::value* given, const json::value& around,
          Checked& out) {
  const auto& field = parameter.field;
  const json::array loc{name(parameter.place), field.name};
  const bool absent = given == nullptr;
  if (absent && field.presence == Presence::kRequired) {
    out.problems.push_back(item({"missing", "Field required"}, loc, around));
    return;
  }
  if (absent || (given->is_null() && field.presence == Presence::kNullable)) return;
  const auto value = protocol::convert(field, *given);
  if (value)
    out.fields[field.name] = plain(*value, *given);
  else
    out.problems.push_back(item(problem_of(field, *given), loc, *given));
}

bool is_json(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (type.ends_with(' ')) type.pop_back();
  for (char& c : type)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return content_type.empty() || type == "application/json" ||
         (type.starts_with("application/") && type.ends_with("+json"));
}

json::object not_an_object(const json::value& input) {
  return item({"model_attributes_type",
               "Input should be a valid dictionary or object to extract fields from"},
              {"body"}, input);
}

/// The body as an object, or nullopt with the reason in `out`.
std::optional<json::object> read_body(const net::Request& request, Checked& out) {
  if (request.body.empty()) {
    out.problems.push_back(item({"missing", "Field required"}, {"body"}, nullptr));
    return std::nullopt;
  }
  if (!protocol::is_valid_utf8(request.body)) {
    out.refusal = net::detail(400, "There was an error parsing the body");
    return std::nullopt;
  }
  if (!is_json(request.content_type)) {
    out.problems.push_back(not_an_object(json::value(request.body)));
    return std::nullopt;
  }
  json::parser parser;
  boost::system::error_code error;
  const auto read = parser.write_some(request.body, error);
  if (!error && read < request.body.size()) error = json::error::extra_data;
  if (error) {
    out.problems.push_back(item({"json_invalid", "JSON decode error", {{"error", error.message()}}},
                                {"body", read}, json::object{}));
    return std::nullopt;
  }
  auto value = parser.release();
  if (value.is_object()) return std::move(value.get_object());
  if (value.is_null()) {
    out.problems.push_back(item({"missing", "Field required"}, {"body"}, nullptr));
    return std::nullopt;
  }
  out.problems.push_back(not_an_object(value));
  return std::nullopt;
}

}  // namespace

Checked check(const Route& route, const net::Request& request, std::string_view path_value) {
  Checked out;
  const auto query = net::parse_query(request.query);
  std::optional<json::object> body;
  if (route.has_body() && !(body = read_body(request, out))) return out;
  for (const auto& parameter : route.parameters) {
    // A command fills in its own defaults.
    if (route.command.empty() && parameter.field.presence == Presence::kDefault)
      out.fields[parameter.field.name] = json::parse(parameter.field.default_json);
    if (parameter.place == Place::kBody) {
      take(parameter, body->if_contains(parameter.field.name), json::value(*body), out);
      continue;
    }
    json::value given = json::value(path_value);
    bool present = parameter.place == Place::kPath;
    for (const auto& [key, text] : query) {
      if (parameter.place != Place::kQuery || key != parameter.field.name) continue;
      given = text;  // the last of repeated ones counts
      present = true;
    }
    take(parameter, present ? &given : nullptr, nullptr, out);
  }
  return out;
}

}  // namespace daruma::http
