#include "daruma/protocol/command_docs.hpp"

#include <iostream>

/// Writes docs/commands.md: `command_docs > docs/commands.md`.
int main() {
  std::cout << daruma::protocol::commands_markdown();
  return std::cout.flush() ? 0 : 1;
}
