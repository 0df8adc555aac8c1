#include <algorithm>
#include <filesystem>

#include "settings.hpp"
#include <fmt/format.h>
#include <toml++/toml.h>

namespace daruma {
namespace {

using C = model::LaunchConfig;

// A settings file is a page of text; anything larger is not one.
constexpr std::uintmax_t kLargestFile = 1024 * 1024;

/// Puts one value into the configuration, or says what it should have been.
struct Apply {
  const Setting& setting;
  const toml::node& node;
  C& config;

  using Problem = std::optional<std::string>;

  Problem operator()(bool C::*member) const {
    const auto value = node.value_exact<bool>();
    if (!value) return "true or false";
    config.*member = *value;
    return std::nullopt;
  }
  Problem operator()(int C::*member) const {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || !in_bounds(static_cast<double>(*value))) return "a whole number" + bounds();
    config.*member = static_cast<int>(*value);
    return std::nullopt;
  }
  Problem operator()(double C::*member) const {
    const auto value = node.value<double>();
    if (!node.is_number() || !value || !in_bounds(*value)) return "a number" + bounds();
    config.*member = *value;
    return std::nullopt;
  }
  Problem operator()(std::optional<double> C::*member) const {
    const auto value = node.value<double>();
    if (!node.is_number() || !value || !in_bounds(*value)) return "a number" + bounds();
    config.*member = *value;
    return std::nullopt;
  }
  Problem operator()(std::string C::*member) const {
    const auto value = node.value_exact<std::string>();
    if (!value || !is_choice(*value)) return "a string" + choices();
    config.*member = *value;
    return std::nullopt;
  }
  Problem operator()(std::vector<std::string> C::*member) const {
    const auto* list = node.as_array();
    if (!list) return "a list of strings" + choices();
    std::vector<std::string> values;
    for (const auto& item : *list) {
      const auto value = item.value_exact<std::string>();
      if (!value || !is_choice(*value)) return "a list of strings" + choices();
      values.push_back(*value);
    }
    config.*member = std::move(values);
    return std::nullopt;
  }

  bool in_bounds(double value) const {
    return !(setting.maximum > setting.minimum) ||
           (value >= setting.minimum && value <= setting.maximum);
  }
  bool is_choice(std::string_view value) const {
    return setting.choices.empty() || std::find(setting.choices.begin(), setting.choices.end(),
                                                value) != setting.choices.end();
  }
  std::string bounds() const {
    if (!(setting.maximum > setting.minimum)) return "";
    return fmt::format(" from {} to {}", setting.minimum, setting.maximum);
  }
  std::string choices() const {
    if (setting.choices.empty()) return "";
    return fmt::format(" out of {}", fmt::join(setting.choices, ", "));
  }
};

}  // namespace

std::vector<std::string> apply_config_file(const std::string& path, C& config) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return {fmt::format("{}: {}", path, error.message())};
  if (size > kLargestFile) return {fmt::format("{}: larger than 1 MB", path)};

  std::vector<std::string> problems;
  try {
    const auto table = toml::parse_file(path);
    for (const auto& [key, node] : table) {
      const auto line = node.source().begin.line;
      const auto known =
          std::find_if(settings().begin(), settings().end(),
                       [name = key.str()](const Setting& s) { return key_of(s) == name; });
      if (known == settings().end()) {
        problems.push_back(fmt::format("{}:{}: unknown key {}", path, line, key.str()));
        continue;
      }
      if (const auto wanted = std::visit(Apply{*known, node, config}, known->target)) {
        problems.push_back(fmt::format("{}:{}: {} must be {}", path, line, key.str(), *wanted));
      }
    }
  } catch (const toml::parse_error& broken) {
    problems.push_back(
        fmt::format("{}:{}: {}", path, broken.source().begin.line, broken.description()));
  }
  return problems;
}

}  // namespace daruma
