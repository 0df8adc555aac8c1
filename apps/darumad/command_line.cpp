#include <algorithm>

#include "settings.hpp"
#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace daruma {
namespace {

using C = model::LaunchConfig;

constexpr std::string_view kConfigFlag = "config";
constexpr std::string_view kDocsFlag = "print-configuration-docs";

std::vector<std::string> long_options() {
  std::vector<std::string> names{"help", "version", std::string(kConfigFlag),
                                 std::string(kDocsFlag)};
  for (const auto& setting : settings()) {
    names.emplace_back(setting.flag);
    if (setting.negatable) names.push_back(fmt::format("no-{}", setting.flag));
  }
  return names;
}

// argparse accepts `--mockup` for `--mockup-sim`; scripts of the reference's users rely on it.
Result<std::string> expand_prefix(const std::string& argument,
                                  const std::vector<std::string>& names) {
  if (argument.size() < 3 || argument.rfind("--", 0) != 0) return argument;
  const auto equals = argument.find('=');
  const auto stem = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
  const auto rest = equals == std::string::npos ? std::string() : argument.substr(equals);
  if (std::find(names.begin(), names.end(), stem) != names.end()) return argument;
  std::vector<std::string> matches;
  for (const auto& name : names) {
    if (name.rfind(stem, 0) == 0) matches.push_back("--" + name);
  }
  if (matches.size() == 1) return matches.front() + rest;
  if (matches.size() > 1) {
    return fail(Errc::kInvalid, fmt::format("ambiguous option: --{} could match {}", stem,
                                            fmt::join(matches, ", ")));
  }
  return argument;  // CLI11 names it as unknown
}

struct Bind {
  CLI::App& app;
  C& config;
  const Setting& setting;

  std::string flag() const { return fmt::format("--{}", setting.flag); }

  CLI::Option* operator()(bool C::*member) const {
    auto names = flag();
    if (setting.negatable) names += fmt::format(",!--no-{}", setting.flag);
    return app.add_flag(names, config.*member);
  }
  CLI::Option* operator()(int C::*member) const { return bounded(config.*member); }
  CLI::Option* operator()(double C::*member) const { return bounded(config.*member); }
  CLI::Option* operator()(std::optional<double> C::*member) const {
    return bounded(config.*member);
  }
  CLI::Option* operator()(std::string C::*member) const {
    auto names = flag();
    if (!setting.short_flag.empty()) names = fmt::format("{},{}", setting.short_flag, names);
    return chosen(app.add_option(names, config.*member));
  }
  CLI::Option* operator()(std::vector<std::string> C::*member) const {
    return chosen(app.add_option(flag(), config.*member)->delimiter(','));
  }

  template <class T>
  CLI::Option* bounded(T& target) const {
    auto* option = app.add_option(flag(), target);
    if (setting.maximum > setting.minimum) {
      option->check(CLI::Range(setting.minimum, setting.maximum));
    }
    return option;
  }
  CLI::Option* chosen(CLI::Option* option) const {
    if (setting.choices.empty()) return option;
    return option->check(
        CLI::IsMember(std::vector<std::string>(setting.choices.begin(), setting.choices.end())));
  }
};

std::string config_path(const std::vector<std::string>& arguments) {
  const auto flag = fmt::format("--{}", kConfigFlag);
  std::string path;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == flag && i + 1 < arguments.size()) path = arguments[i + 1];
    if (arguments[i].rfind(flag + "=", 0) == 0) path = arguments[i].substr(flag.size() + 1);
  }
  return path;
}

}  // namespace

std::variant<Launch, Usage> read_launch(const std::vector<std::string>& arguments) {
  std::vector<std::string> expanded;
  const auto names = long_options();
  for (const auto& argument : arguments) {
    auto whole = expand_prefix(argument, names);
    if (!whole) return Usage{2, whole.error().context + "\n"};
    expanded.push_back(std::move(*whole));
  }

  Launch launch;
  launch.config_file = config_path(expanded);
  if (!launch.config_file.empty()) {
    launch.problems = apply_config_file(launch.config_file, launch.config);
  }

  CLI::App app{"Daruma, a daemon for the Reachy Mini robot that always gets back up", "darumad"};
  bool docs = false;
  app.set_version_flag("--version", std::string(model::kEmulatedVersion));
  app.add_option(fmt::format("--{}", kConfigFlag), launch.config_file,
                 "TOML file with the same settings; the command line wins");
  app.add_flag(fmt::format("--{}", kDocsFlag), docs)->group("");
  for (const auto& setting : settings()) {
    std::visit(Bind{app, launch.config, setting}, setting.target)
        ->description(std::string(setting.meaning));
  }
  std::reverse(expanded.begin(), expanded.end());  // CLI11 takes them from the back
  try {
    app.parse(expanded);
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == 0;
    if (error.get_name() == "CallForHelp") return Usage{0, app.help()};
    if (asked) return Usage{0, std::string(error.what()) + "\n"};
    return Usage{2, fmt::format("darumad: {}\nTry darumad --help.\n", error.what())};
  }
  if (docs) return Usage{0, configuration_markdown()};
  return launch;
}

}  // namespace daruma
