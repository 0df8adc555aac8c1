#include "daruma/protocol/json_text.hpp"

#include <cmath>
#include <iterator>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace daruma::protocol {
namespace json = boost::json;

namespace {

void append(std::string& out, const json::value& value);

void append_string(std::string& out, std::string_view text) {
  bool plain = true;
  for (const char c : text) plain = plain && c >= 0x20 && c != '"' && c != '\\';
  if (!plain) {
    out += json::serialize(json::string(text));
    return;
  }
  out += '"';
  out.append(text.data(), text.size());
  out += '"';
}

void append_object(std::string& out, const json::object& object) {
  char separator = '{';
  for (const auto& member : object) {
    out += separator;
    append_string(out, member.key());
    out += ':';
    append(out, member.value());
    separator = ',';
  }
  out += object.empty() ? "{}" : "}";
}

void append_array(std::string& out, const json::array& array) {
  char separator = '[';
  for (const auto& item : array) {
    out += separator;
    append(out, item);
    separator = ',';
  }
  out += array.empty() ? "[]" : "]";
}

void append(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::object:
      return append_object(out, value.get_object());
    case json::kind::array:
      return append_array(out, value.get_array());
    case json::kind::string:
      return append_string(out, value.get_string());
    case json::kind::double_: {
      const double number = value.get_double();
      if (!std::isfinite(number)) {
        out += "null";
        return;
      }
      fmt::format_to(std::back_inserter(out), "{}", number);
      return;
    }
    case json::kind::int64:
      fmt::format_to(std::back_inserter(out), "{}", value.get_int64());
      return;
    case json::kind::uint64:
      fmt::format_to(std::back_inserter(out), "{}", value.get_uint64());
      return;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    case json::kind::null:
      break;
  }
  out += "null";
}

}  // namespace

std::string json_text(const json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

Text message_text(const json::value& value) {
  return std::make_shared<const std::string>(json_text(value));
}

}  // namespace daruma::protocol
