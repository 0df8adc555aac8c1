#pragma once

#include <optional>
#include <string>
#include <vector>

namespace daruma::model {

/// What the process was started with: command line over configuration file over defaults. Made
/// once, never changed; every restart of every scope starts from it. Names are the reference's
/// flags (contract http-api 1.2); Daruma's own follow below.
struct LaunchConfig {
  bool wireless_version = false;
  bool desktop_app_daemon = false;
  std::string robot_name = "reachy_mini";
  std::string serialport = "auto";
  std::string hardware_config_filepath;  ///< empty: the built-in table (model/hardware_config.hpp)
  bool sim = false;
  bool mockup_sim = false;
  std::string scene = "empty";
  bool headless = false;
  bool no_media = false;
  bool autostart = true;
  std::optional<double> timeout_health_check_s;
  bool wake_up_on_start = true;
  bool goto_sleep_on_stop = true;
  bool preload_datasets = false;
  double dataset_update_interval_h = 24.0;
  bool check_collision = false;
  std::string kinematics_engine = "AnalyticalKinematics";
  std::string fastapi_host;  ///< empty: 127.0.0.1, or 0.0.0.0 with wireless_version
  int fastapi_port = 8000;
  std::string log_level = "INFO";
  std::string log_file;

  // Daruma's own.
  int signalling_port = 8443;
  std::vector<std::string> allow_host;
  std::vector<std::string> restart_from{"local", "lan", "relay"};
  std::string state_dir;  ///< empty: systemd's STATE_DIRECTORY, else $XDG_STATE_HOME/daruma
  std::string web_root;   ///< the built page; empty: found beside the binary
  double control_rate_hz = 50.0;

  /// The address that HTTP binds to, after the rule above.
  std::string bind_address() const {
    if (!fastapi_host.empty()) return fastapi_host;
    return wireless_version ? "0.0.0.0" : "127.0.0.1";
  }
};

/// The release of the reference that Daruma is measured against; what `version` says on the wire,
/// because clients compare it with their own (contract http-api 10.4).
inline constexpr const char* kEmulatedVersion = "1.13.0";

}  // namespace daruma::model
