#include "fields.hpp"

namespace daruma::client {
namespace json = boost::json;

const json::value& member_of(const json::value& value, std::string_view key) {
  static const json::value kNull;
  if (const auto* object = value.if_object()) {
    if (const auto* member = object->if_contains(key)) return *member;
  }
  return kNull;
}

const json::array& as_array(const json::value& value) {
  static const json::array kEmpty;
  const auto* array = value.if_array();
  return array != nullptr ? *array : kEmpty;
}

const json::array& array_of(const json::value& value, std::string_view key) {
  return as_array(member_of(value, key));
}

std::string text_of(const json::value& value, std::string_view key) {
  const auto* text = member_of(value, key).if_string();
  return text != nullptr ? printable({text->data(), text->size()}) : std::string();
}

std::optional<double> number_of(const json::value& value, std::string_view key) {
  const auto& member = member_of(value, key);
  if (!member.is_number()) return std::nullopt;
  return member.to_number<double>();
}

std::optional<bool> bool_of(const json::value& value, std::string_view key) {
  const auto* flag = member_of(value, key).if_bool();
  return flag != nullptr ? std::optional<bool>(*flag) : std::nullopt;
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    // C1 controls are two bytes in UTF-8: 0xC2 0x80 to 0xC2 0x9F.
    const bool c1 =
        byte == 0xC2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F || c1) out[i] = '?';
    if (c1) out.erase(i + 1, 1);
  }
  return out;
}

}  // namespace daruma::client
