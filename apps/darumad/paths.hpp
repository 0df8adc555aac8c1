#pragma once

#include <string>

#include "daruma/model/launch_config.hpp"

namespace daruma {

/// Folder of receipts: `--state-dir`, else systemd's STATE_DIRECTORY, else $XDG_STATE_HOME/daruma,
/// else
/// ~/.local/state/daruma.
std::string state_folder(const model::LaunchConfig& config);

/// Folder of the built page: `--web-root`, else where an installation puts it beside the binary,
/// else the source tree that the binary was built in; empty when there is none.
std::string web_folder(const model::LaunchConfig& config);

}  // namespace daruma
