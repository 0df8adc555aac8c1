#pragma once

#include <string>
#include <vector>

#include "daruma/base/loop.hpp"
#include "daruma/lifecycle/room.hpp"

namespace daruma {

/// The name of the environment variable by which a process tells its successor which receipt to
/// end.
inline constexpr const char* kSuccessorOf = "DARUMA_RESTART_ID";

/// This process: leaves the loop, or becomes a fresh copy of itself. Loop thread only.
class OwnProcess final : public lifecycle::Process {
 public:
  /// `arguments` as main got them, program name first.
  OwnProcess(Loop& loop, std::vector<std::string> arguments);

  /// Replaces the process image by the same binary (the one that was started, or what an update has
  /// put in its place) with the same arguments. Open sockets close by close-on-exec.
  Status reexecute(const std::string& receipt_id) override;
  void exit(int code) override;

  int exit_code() const { return exit_code_; }

 private:
  Loop& loop_;
  std::vector<std::string> arguments_;
  std::string binary_;
  int exit_code_ = 0;
};

}  // namespace daruma
