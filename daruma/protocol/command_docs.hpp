#pragma once

#include <string>

namespace daruma::protocol {

/// docs/commands.md: the command table as Markdown.
std::string commands_markdown();

}  // namespace daruma::protocol
