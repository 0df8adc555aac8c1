#include "settings.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace daruma {
namespace {

using C = model::LaunchConfig;
using Words = std::array<std::string_view, 3>;

constexpr Words kEngines{"Placo", "NN", "AnalyticalKinematics"};
constexpr std::array<std::string_view, 5> kLevels{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
constexpr Words kReaches{"local", "lan", "relay"};

// The first part is the reference's own command line (contract http-api 1.2), so that a unit file
// can exchange the binary.
constexpr std::array kSettings{
    Setting{"wireless-version", &C::wireless_version, "The wireless robot: binds all interfaces"},
    Setting{"desktop-app-daemon", &C::desktop_app_daemon, "Started by the desktop application"},
    Setting{"robot-name", &C::robot_name, "Name shown to people, unless one was stored"},
    Setting{.flag = "serialport",
            .target = &C::serialport,
            .meaning = "Serial port of the motors, or auto",
            .short_flag = "-p"},
    Setting{"hardware-config-filepath", &C::hardware_config_filepath,
            "Motor table (YAML), read at every start of the robot"},
    Setting{"sim", &C::sim, "MuJoCo simulation"},
    Setting{"mockup-sim", &C::mockup_sim, "Simulated robot without physics; wins over --sim"},
    Setting{"scene", &C::scene, "MuJoCo scene"},
    Setting{"headless", &C::headless, "MuJoCo without viewer"},
    Setting{"no-media", &C::no_media, "No camera, no audio"},
    Setting{.flag = "autostart",
            .target = &C::autostart,
            .meaning = "Start the robot with the process",
            .negatable = true},
    Setting{.flag = "timeout-health-check",
            .target = &C::timeout_health_check_s,
            .meaning = "Exit when POST /health-check stays away for so many seconds",
            .minimum = 0.001,
            .maximum = 1e9},
    Setting{.flag = "wake-up-on-start",
            .target = &C::wake_up_on_start,
            .meaning = "Enable the motors and wake up at process start",
            .negatable = true},
    Setting{.flag = "goto-sleep-on-stop",
            .target = &C::goto_sleep_on_stop,
            .meaning = "Go to sleep at process exit",
            .negatable = true},
    Setting{.flag = "preload-datasets",
            .target = &C::preload_datasets,
            .meaning = "Download the default moves at start",
            .negatable = true},
    Setting{.flag = "dataset-update-interval",
            .target = &C::dataset_update_interval_h,
            .meaning = "Hours between dataset updates; 0: never",
            .minimum = 0,
            .maximum = 1e6},
    Setting{"check-collision", &C::check_collision, "Needs the Placo kinematics"},
    Setting{.flag = "kinematics-engine",
            .target = &C::kinematics_engine,
            .meaning = "Kinematics",
            .choices = kEngines},
    Setting{"fastapi-host", &C::fastapi_host,
            "Address to bind; default 127.0.0.1, or 0.0.0.0 with --wireless-version"},
    Setting{.flag = "fastapi-port",
            .target = &C::fastapi_port,
            .meaning = "Port of HTTP and WebSocket; 0: any free one",
            .minimum = 0,
            .maximum = 65535},
    Setting{.flag = "log-level",
            .target = &C::log_level,
            .meaning = "Least level that is logged",
            .choices = kLevels},
    Setting{"log-file", &C::log_file, "Log there too, besides stderr"},
    // Daruma's own.
    Setting{.flag = "signalling-port",
            .target = &C::signalling_port,
            .meaning = "Port of WebRTC signalling; 0: any free one",
            .minimum = 0,
            .maximum = 65535},
    Setting{"allow-host", &C::allow_host,
            "Additional host name that requests may carry (repeatable)"},
    Setting{.flag = "restart-from",
            .target = &C::restart_from,
            .meaning = "Where restart requests may come from",
            .choices = kReaches},
    Setting{"state-dir", &C::state_dir,
            "Folder of receipts; default: systemd's, else $XDG_STATE_HOME/daruma"},
    Setting{"web-root", &C::web_root, "Folder of the built page"},
    Setting{.flag = "control-rate",
            .target = &C::control_rate_hz,
            .meaning = "Control cycles a second",
            .minimum = 10,
            .maximum = 200},
};

std::string default_of(const Setting& setting) {
  const C defaults;
  struct Show {
    const C& config;
    std::string operator()(bool C::*m) const { return config.*m ? "on" : "off"; }
    std::string operator()(int C::*m) const { return fmt::format("{}", config.*m); }
    std::string operator()(double C::*m) const { return fmt::format("{}", config.*m); }
    std::string operator()(std::optional<double> C::*) const { return "none"; }
    std::string operator()(std::string C::*m) const {
      return (config.*m).empty() ? "none" : config.*m;
    }
    std::string operator()(std::vector<std::string> C::*m) const {
      return (config.*m).empty() ? "none" : fmt::format("{}", fmt::join(config.*m, ","));
    }
  };
  return std::visit(Show{defaults}, setting.target);
}

}  // namespace

std::span<const Setting> settings() { return kSettings; }

std::string key_of(const Setting& setting) {
  std::string key(setting.flag);
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

std::string configuration_markdown() {
  std::string out =
      "# Configuration\n\n"
      "Every setting can be given on the command line or in a TOML file (`--config FILE`); the "
      "command\n"
      "line wins. Made by `darumad --print-configuration-docs`; do not edit.\n\n"
      "| flag | key in the file | default | meaning |\n| --- | --- | --- | --- |\n";
  for (const auto& setting : settings()) {
    std::string flag = fmt::format("`--{}`", setting.flag);
    if (setting.negatable) flag += fmt::format(", `--no-{}`", setting.flag);
    if (!setting.short_flag.empty()) flag += fmt::format(", `{}`", setting.short_flag);
    std::string meaning(setting.meaning);
    if (!setting.choices.empty()) {
      meaning += fmt::format(" (`{}`)", fmt::join(setting.choices, "`, `"));
    }
    out += fmt::format("| {} | `{}` | {} | {} |\n", flag, key_of(setting), default_of(setting),
                       meaning);
  }
  return out;
}

}  // namespace daruma
