#include "daruma/services/hardware_config/hardware_config_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <span>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <yaml-cpp/yaml.h>

namespace daruma::services {
namespace {

using model::HardwareConfig;
using model::MotorConfig;

/// An error at a line, on its way to read_hardware_config(); never leaves this file.
struct Mistake {
  int line;  // 0: the file as a whole
  std::string text;
};

[[noreturn]] void refuse(const YAML::Mark& mark, std::string text) {
  throw Mistake{mark.is_null() ? 0 : mark.line + 1, std::move(text)};
}

struct Bounds {
  std::int32_t lowest;
  std::int32_t highest;
};

// XL330 control table, contract robot.md 1.5 and the vendor's manual.
constexpr Bounds kIds{0, 252};
constexpr Bounds kOffsets{-1'044'479, 1'044'479};
constexpr Bounds kLimits{0, 4095};
constexpr Bounds kReturnDelays{0, 254};
constexpr Bounds kShutdownBits{0, 63};
constexpr Bounds kGains{0, 16'383};
constexpr std::array<std::int32_t, 6> kOperatingModes{0, 1, 3, 4, 5, 16};
constexpr std::array<std::int32_t, 7> kBaudrates{9600,      57'600,    115'200,  1'000'000,
                                                 2'000'000, 3'000'000, 4'000'000};

constexpr std::array<std::string_view, 8> kFields{
    "id",  "offset",        "lower_limit", "upper_limit", "return_delay_time", "shutdown_error",
    "pid", "operating_mode"};

/// A word of the file as it is quoted in a message.
std::string quoted(const YAML::Node& node) {
  if (!node.IsScalar()) return node.IsNull() ? "nothing" : node.IsMap() ? "a mapping" : "a list";
  constexpr std::size_t kLongest = 40;
  const std::string& text = node.Scalar();
  return text.size() <= kLongest ? "'" + text + "'" : "'" + text.substr(0, kLongest) + "...'";
}

std::int32_t integer(const YAML::Node& node, const std::string& what) {
  long long value = 0;
  // The quoted form has a tag of its own: "3" in quotes is a text, not a number.
  if (!node.IsScalar() || node.Tag() == "!" || !YAML::convert<long long>::decode(node, value)) {
    refuse(node.Mark(), fmt::format("{}: {} is not an integer", what, quoted(node)));
  }
  using Limits = std::numeric_limits<std::int32_t>;
  if (value < Limits::min() || value > Limits::max()) {
    refuse(node.Mark(), fmt::format("{}: {} is out of range", what, value));
  }
  return static_cast<std::int32_t>(value);
}

std::int32_t bounded(const YAML::Node& node, const std::string& what, Bounds bounds) {
  const auto value = integer(node, what);
  if (value < bounds.lowest || value > bounds.highest) {
    refuse(node.Mark(), fmt::format("{}: {} is out of range, allowed {} to {}", what, value,
                                    bounds.lowest, bounds.highest));
  }
  return value;
}

std::int32_t one_of(const YAML::Node& node, const std::string& what,
                    std::span<const std::int32_t> choices) {
  const auto value = integer(node, what);
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    refuse(node.Mark(), fmt::format("{}: {} is none of {}", what, value, fmt::join(choices, ", ")));
  }
  return value;
}

YAML::Node required(const YAML::Node& parent, const std::string& key, const std::string& where) {
  const YAML::Node node = parent[key];
  if (!node.IsDefined()) {
    refuse(parent.Mark(),
           fmt::format("{}{}field '{}' is missing", where, where.empty() ? "" : ": ", key));
  }
  if (!node.IsNull()) return node;
  // An empty value has the place of what follows it, so the key's is named.
  for (const auto& entry : parent) {
    if (entry.first.Scalar() != key) continue;
    refuse(entry.first.Mark(),
           fmt::format("{}{}field '{}' has no value", where, where.empty() ? "" : ": ", key));
  }
  return node;
}

void check_mapping(const YAML::Node& node, const std::string& what) {
  if (!node.IsMap()) refuse(node.Mark(), fmt::format("{} is not a mapping", what));
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) refuse(entry.first.Mark(), what + ": a key is not a word");
    if (!seen.insert(entry.first.Scalar()).second) {
      refuse(entry.first.Mark(), fmt::format("{}: {} is given twice", what, quoted(entry.first)));
    }
  }
}

std::array<std::int32_t, 3> gains(const YAML::Node& node, const std::string& what) {
  if (!node.IsSequence() || node.size() != 3) {
    refuse(node.Mark(), fmt::format("{} is not a list of three numbers: P, I, D", what));
  }
  std::array<std::int32_t, 3> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = bounded(node[i], what, kGains);
  return out;
}

MotorConfig motor(const YAML::Node& node, const std::string& name, const std::string& path) {
  check_mapping(node, name);
  const auto field = [&](const char* key, Bounds bounds) {
    return bounded(required(node, key, name), name + "." + key, bounds);
  };
  MotorConfig out;
  out.id = static_cast<std::uint8_t>(field("id", kIds));
  out.offset = field("offset", kOffsets);
  out.lower_limit = field("lower_limit", kLimits);
  out.upper_limit = field("upper_limit", kLimits);
  out.return_delay_time = field("return_delay_time", kReturnDelays);
  out.shutdown_error = field("shutdown_error", kShutdownBits);
  out.operating_mode =
      one_of(required(node, "operating_mode", name), name + ".operating_mode", kOperatingModes);
  const YAML::Node pid = node["pid"];
  if (pid.IsDefined() && !pid.IsNull()) out.pid = gains(pid, name + ".pid");
  if (out.lower_limit >= out.upper_limit) {
    refuse(node["lower_limit"].Mark(), fmt::format("{}: lower_limit {} is not below upper_limit {}",
                                                   name, out.lower_limit, out.upper_limit));
  }
  for (const auto& entry : node) {
    if (std::find(kFields.begin(), kFields.end(), entry.first.Scalar()) == kFields.end()) {
      spdlog::warn("{}:{}: {} has no field {}; it is ignored", path, entry.first.Mark().line + 1,
                   name, quoted(entry.first));
    }
  }
  return out;
}

HardwareConfig decode(const YAML::Node& root, const std::string& path) {
  if (!root.IsMap()) refuse(root.Mark(), "the file is not a mapping");
  check_mapping(root, "the file");
  HardwareConfig config;
  if (!required(root, "version", "").IsScalar()) {
    refuse(root["version"].Mark(), "version is not a word");
  }
  const YAML::Node serial = required(root, "serial", "");
  check_mapping(serial, "serial");
  config.baudrate = one_of(required(serial, "baudrate", "serial"), "serial.baudrate", kBaudrates);

  const YAML::Node motors = required(root, "motors", "");
  if (!motors.IsSequence()) refuse(motors.Mark(), "motors is not a list");
  std::array<bool, model::kJointCount> found{};
  std::array<int, 256> owner{};
  owner.fill(-1);
  for (const auto& item : motors) {
    if (!item.IsMap() || item.size() != 1 || !item.begin()->first.IsScalar()) {
      refuse(item.Mark(), "an item of motors is not one motor's name with its fields");
    }
    const YAML::Node key = item.begin()->first;
    const auto joint = model::joint_index(key.Scalar());
    if (!joint) refuse(key.Mark(), fmt::format("there is no motor named {}", quoted(key)));
    if (found[*joint]) refuse(key.Mark(), fmt::format("motor {} is given twice", key.Scalar()));
    const MotorConfig one = motor(item.begin()->second, key.Scalar(), path);
    if (owner[one.id] >= 0) {
      refuse(item.begin()->second["id"].Mark(),
             fmt::format("{}: id {} is that of {} already", key.Scalar(), one.id,
                         model::kJointNames[static_cast<std::size_t>(owner[one.id])]));
    }
    owner[one.id] = static_cast<int>(*joint);
    found[*joint] = true;
    config.motors[*joint] = one;
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) refuse(motors.Mark(), fmt::format("motor {} is missing", model::kJointNames[i]));
  }
  return config;
}

Result<std::string> read_text(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) return fail(Errc::kInvalid, path + ": there is no such file");
  if (fs::is_directory(status)) return fail(Errc::kInvalid, path + ": is a folder, not a file");
  // A pipe or a device could block or never end.
  if (!fs::is_regular_file(status)) return fail(Errc::kInvalid, path + ": is not a regular file");
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(Errc::kInvalid,
                fmt::format("{}: cannot be opened: {}", path, std::strerror(errno)));
  }
  std::string text(kMaxHardwareConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxHardwareConfigBytes) {
    return fail(Errc::kInvalid,
                fmt::format("{}: is larger than {} bytes", path, kMaxHardwareConfigBytes));
  }
  return text;
}

}  // namespace

Result<HardwareConfig> read_hardware_config(const std::string& path) {
  if (path.empty()) return model::default_hardware_config();
  try {
    const auto text = read_text(path);
    if (!text) return tl::unexpected(text.error());
    return decode(YAML::Load(*text), path);
  } catch (const Mistake& mistake) {
    if (mistake.line == 0) return fail(Errc::kInvalid, fmt::format("{}: {}", path, mistake.text));
    return fail(Errc::kInvalid, fmt::format("{}:{}: {}", path, mistake.line, mistake.text));
  } catch (const YAML::Exception& e) {
    return fail(Errc::kInvalid,
                fmt::format("{}:{}: is not YAML: {}", path, e.mark.line + 1, e.msg));
  } catch (const std::exception& e) {
    return fail(Errc::kInvalid, fmt::format("{}: {}", path, e.what()));
  }
}

}  // namespace daruma::services
