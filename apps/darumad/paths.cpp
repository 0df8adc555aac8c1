#include "paths.hpp"

#include <cstdlib>
#include <filesystem>

namespace daruma {
namespace fs = std::filesystem;
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

std::string state_folder(const model::LaunchConfig& config) {
  if (!config.state_dir.empty()) return config.state_dir;
  if (auto systemd = environment("STATE_DIRECTORY"); !systemd.empty()) {
    return systemd.substr(0, systemd.find(':'));  // several folders are separated by colons
  }
  if (const auto xdg = environment("XDG_STATE_HOME"); !xdg.empty()) return fs::path(xdg) / "daruma";
  return fs::path(environment("HOME")) / ".local/state/daruma";
}

std::string web_folder(const model::LaunchConfig& config) {
  if (!config.web_root.empty()) return config.web_root;
  std::error_code error;
  const auto binary = fs::read_symlink("/proc/self/exe", error);
  for (const auto* beside : {"../share/daruma/web", "../../../web/dashboard/dist"}) {
    const auto folder = (binary.parent_path() / beside).lexically_normal();
    if (fs::exists(folder / "index.html", error)) return folder;
  }
  return {};
}

}  // namespace daruma
