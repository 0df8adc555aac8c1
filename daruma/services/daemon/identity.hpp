#pragma once

#include <optional>
#include <string>

#include "daruma/base/loop.hpp"
#include "daruma/base/result.hpp"
#include "daruma/protocol/dispatcher.hpp"

namespace daruma::services {

/// Longest robot name, characters (contract commands.md 2.7).
inline constexpr std::size_t kLongestName = 64;

/// The robot's given name, kept where the reference keeps it, so that a robot keeps its name when
/// the daemon is exchanged: `{"name": "..."}` in `~/.config/reachy_mini/robot_name.json`. Both
/// functions touch files: pool or start-up only.
std::optional<std::string> read_robot_name(const std::string& path);
/// Replaces the file atomically.
Status write_robot_name(const std::string& path, const std::string& name);
/// `$HOME/.config/reachy_mini/robot_name.json`.
std::string robot_name_path();

/// First 16 hex digits of SHA-256 over the USB serial of the robot's audio device (vendor 38fb,
/// product 1001); empty when there is none. `usb_folder` is `/sys/bus/usb/devices` outside of
/// tests. Touches files: pool or start-up only. Source: contract commands.md 2.5.
std::string read_hardware_id(const std::string& usb_folder);

/// `get_version`, `get_hardware_id`, `get_robot_name`, `set_robot_name`. Loop thread only.
class Identity {
 public:
  /// `renamed` is told each new name once it is stored.
  Identity(Loop& loop, std::string name_path, UniqueFunction<void(const std::string&)> renamed);
  void set_hardware_id(std::string id) { hardware_id_ = std::move(id); }
  const std::optional<std::string>& persisted_name() const { return persisted_name_; }
  void register_in(protocol::Handlers& handlers);

 private:
  void set_name(const std::string& wanted, protocol::Reply reply);

  Loop& loop_;
  std::string name_path_;
  UniqueFunction<void(const std::string&)> renamed_;
  std::optional<std::string> persisted_name_;
  std::string hardware_id_;
};

}  // namespace daruma::services
