#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daruma/base/result.hpp"
#include "daruma/model/launch_config.hpp"

namespace daruma {

/// One thing that can be set at launch: its flag (without `--`), where it goes, what it may be. The
/// one table behind the command line, the configuration file and docs/configuration.md.
struct Setting {
  using Target =
      std::variant<bool model::LaunchConfig::*, int model::LaunchConfig::*,
                   double model::LaunchConfig::*, std::optional<double> model::LaunchConfig::*,
                   std::string model::LaunchConfig::*,
                   std::vector<std::string> model::LaunchConfig::*>;
  std::string_view flag;
  Target target;
  std::string_view meaning;
  bool negatable = false;  ///< has a `--no-` twin
  std::span<const std::string_view> choices = {};
  double minimum = 0;
  double maximum = 0;  ///< no bounds when not greater than minimum
  std::string_view short_flag = {};
};

std::span<const Setting> settings();

/// The key of a setting in the configuration file: its flag with underscores.
std::string key_of(const Setting& setting);

/// What the command line says, or why it cannot be.
struct Launch {
  model::LaunchConfig config;
  std::string config_file;  ///< `--config`; empty: none
  /// What is wrong with the configuration file, with lines. The daemon starts its doors all the
  /// same and shows this as the cause of an absent room.
  std::vector<std::string> problems;
};

struct Usage {
  int exit_code;     ///< 0 for --help and --version, 2 for a mistake
  std::string text;  ///< for stdout (0) or stderr (2)
};

/// Command line over configuration file over defaults. Unambiguous prefixes of long options are
/// accepted, as argparse does for the reference.
std::variant<Launch, Usage> read_launch(const std::vector<std::string>& arguments);

/// Applies a configuration file; returns sentences that name file and line for everything that is
/// wrong with it. Keys without fault are applied. Never throws.
std::vector<std::string> apply_config_file(const std::string& path, model::LaunchConfig& config);

/// docs/configuration.md, from the table.
std::string configuration_markdown();

}  // namespace daruma
