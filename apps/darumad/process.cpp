#include "process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace daruma {
namespace {

// A descriptor without close-on-exec (a library's, say) would be inherited for ever.
void close_on_exec_all() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    if (fd <= STDERR_FILENO) continue;
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0) ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
}

}  // namespace

OwnProcess::OwnProcess(Loop& loop, std::vector<std::string> arguments)
    : loop_(loop), arguments_(std::move(arguments)) {
  std::error_code error;
  // Resolved now: once the file was replaced, the link would name a deleted one.
  binary_ = std::filesystem::read_symlink("/proc/self/exe", error).string();
}

Status OwnProcess::reexecute(const std::string& receipt_id) {
  std::vector<char*> argv;
  for (auto& argument : arguments_) argv.push_back(argument.data());
  argv.push_back(nullptr);
  spdlog::info("re-executing {}", binary_);
  ::setenv(kSuccessorOf, receipt_id.c_str(), 1);
  close_on_exec_all();
  // The loop's thread blocks the signals it handles; the successor starts with a clean mask.
  sigset_t none;
  sigemptyset(&none);
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &none, &before);
  ::execv(binary_.c_str(), argv.data());
  const auto reason = std::string(std::strerror(errno));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::unsetenv(kSuccessorOf);
  return fail(Errc::kIo, fmt::format("cannot re-execute {}: {}", binary_, reason));
}

void OwnProcess::exit(int code) {
  exit_code_ = code;
  loop_.stop();
}

}  // namespace daruma
