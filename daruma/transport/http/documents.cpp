#include "daruma/transport/http/documents.hpp"

#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "daruma/transport/http/route_table.hpp"
#include "daruma/transport/http/schemas.hpp"

namespace daruma::http {
namespace json = boost::json;
using protocol::FieldSpec;
using protocol::FieldType;
using protocol::Presence;

namespace {

std::string_view type_word(FieldType type) {
  switch (type) {
    case FieldType::kBool:
      return "boolean";
    case FieldType::kInt:
      return "integer";
    case FieldType::kNumber:
      return "number";
    case FieldType::kString:
      return "string";
    case FieldType::kObject:
      return "object";
    case FieldType::kNumbers:
    case FieldType::kStrings:
    case FieldType::kObjects:
      break;
  }
  return "array";
}

json::value number(double value) {
  if (value == std::trunc(value)) return static_cast<std::int64_t>(value);
  return value;
}

json::object schema_of(const FieldSpec& field) {
  json::object schema{{"type", type_word(field.type)}};
  if (field.presence == Presence::kNullable) schema["type"] = {type_word(field.type), "null"};
  if (field.presence == Presence::kDefault) schema["default"] = json::parse(field.default_json);
  if (field.minimum) schema["minimum"] = number(*field.minimum);
  if (field.maximum) schema["maximum"] = number(*field.maximum);
  if (field.min_length) schema["minLength"] = *field.min_length;
  if (field.max_length) schema["maxLength"] = *field.max_length;
  if (!field.choices.empty()) {
    json::array choices;
    for (const auto& choice : field.choices) choices.push_back(json::value(choice));
    schema["enum"] = std::move(choices);
  }
  if (field.printable_ascii) schema["pattern"] = "^[ -~]*$";
  return schema;
}

json::object json_content(json::object schema) {
  return {{"content", json::object{{"application/json", json::object{{"schema", schema}}}}}};
}

json::object reference(std::string_view schema) {
  if (schema.empty()) return {{"type", "object"}};
  return {{"$ref", fmt::format("#/components/schemas/{}", schema)}};
}

json::object response(std::string_view description, json::object content) {
  content["description"] = description;
  return content;
}

json::object responses(const Route& route) {
  json::object out{{"200", response("Successful Response", json_content(reference(route.schema)))}};
  const auto refusal = [&](std::string_view status, std::string_view meaning) {
    out[status] = response(meaning, json_content(reference("Refusal")));
  };
  refusal("400", "Untrusted Host header, or a body that is no text");
  if (route.method != "GET") refusal("403", "Not from here, or not by this page");
  if (route.body == Body::kReceipt) refusal("404", "No such receipt");
  if (route.body == Body::kJob) {
    refusal("404", "No such motor");
    refusal("409", "Busy, or it would not help");
    refusal("503", "Shutting down");
  }
  if (!route.parameters.empty())
    out["422"] = response("Validation Error", json_content(reference("HTTPValidationError")));
  return out;
}

json::object request_body(const Route& route) {
  json::object properties;
  json::array required;
  for (const auto& parameter : route.parameters) {
    properties[parameter.field.name] = schema_of(parameter.field);
    if (parameter.field.presence == Presence::kRequired)
      required.push_back(json::value(parameter.field.name));
  }
  auto body = json_content({{"type", "object"},
                            {"properties", std::move(properties)},
                            {"required", std::move(required)}});
  body["required"] = true;
  return body;
}

json::array parameters(const Route& route) {
  json::array out;
  for (const auto& parameter : route.parameters) {
    out.push_back(json::object{{"name", parameter.field.name},
                               {"in", name(parameter.place)},
                               {"required", parameter.field.presence == Presence::kRequired},
                               {"description", parameter.field.meaning},
                               {"schema", schema_of(parameter.field)}});
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

json::object operation(const Route& route) {
  json::object out{{"tags", {route.tag}}, {"summary", route.summary}};
  if (route.has_body())
    out["requestBody"] = request_body(route);
  else if (!route.parameters.empty())
    out["parameters"] = parameters(route);
  out["responses"] = responses(route);
  return out;
}

std::string type_cell(const FieldSpec& field) {
  std::string cell(type_word(field.type));
  if (!field.choices.empty()) cell = fmt::format("{}", fmt::join(field.choices, " | "));
  if (field.minimum && field.maximum)
    cell += fmt::format(", {} to {}", *field.minimum, *field.maximum);
  if (field.max_length)
    cell += fmt::format(", {} to {} characters", field.min_length.value_or(0), *field.max_length);
  return cell;
}

std::string presence_cell(const FieldSpec& field) {
  switch (field.presence) {
    case Presence::kRequired:
      return "required";
    case Presence::kNullable:
      return "optional";
    case Presence::kDefault:
      break;
  }
  return fmt::format("default {}", field.default_json);
}

constexpr std::string_view kDocsHead =
    R"(<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Daruma: HTTP interface</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem
auto;padding:0 1rem}section{border-top:1px solid #8886;padding:.5rem 0}h2{font-size:1rem;margin:.5rem 0}
code{font-family:ui-monospace,monospace}b{display:inline-block;min-width:3.5rem}table{border-collapse:
collapse;font-size:.9rem}td{padding:.1rem 1rem .1rem 0;vertical-align:top}</style></head><body>
<h1>Daruma: HTTP interface</h1><p>Every route, from the table that the daemon itself goes by. The same for
programs: <a href="/openapi.json">/openapi.json</a>. WebSocket: <code>/ws/sdk</code>.</p>
)";

}  // namespace

std::string openapi_document() {
  json::object paths;
  for (const auto& route : route_table()) {
    if (route.answerer == Answerer::kOpenApi || route.answerer == Answerer::kDocs) continue;
    auto& path = paths[route.path];
    if (!path.is_object()) path = json::object{};
    path.get_object()[lower(route.method)] = operation(route);
  }
  const json::object document{
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "Daruma"},
                            {"version", "0.1.0"},
                            {"description", "HTTP interface of the Reachy Mini daemon"}}},
      {"paths", std::move(paths)},
      {"components", json::object{{"schemas", component_schemas()}}}};
  return json::serialize(document);
}

std::string docs_page() {
  std::string page(kDocsHead);
  for (const auto& route : route_table()) {
    page += fmt::format("<section><h2><b>{}</b><code>{}</code></h2><p>{}</p>", route.method,
                        route.path, route.summary);
    if (!route.parameters.empty()) page += "<table>";
    for (const auto& parameter : route.parameters) {
      const auto& field = parameter.field;
      page +=
          fmt::format("<tr><td><code>{}</code><td>{}<td>{}<td>{}<td>{}</tr>", field.name,
                      name(parameter.place), type_cell(field), presence_cell(field), field.meaning);
    }
    page += route.parameters.empty() ? "</section>\n" : "</table></section>\n";
  }
  return page + "</body></html>\n";
}

}  // namespace daruma::http
