#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>

#include "daemon.hpp"
#include <malloc.h>
#include <sys/resource.h>

namespace {

/// A session costs about 25 descriptors, and a service gets 1024 unless somebody says otherwise.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65536);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  auto read = daruma::read_launch({arguments.begin() + 1, arguments.end()});
  if (const auto* usage = std::get_if<daruma::Usage>(&read)) {
    std::fputs(usage->text.c_str(), usage->exit_code == 0 ? stdout : stderr);
    return usage->exit_code;
  }
  auto& launch = std::get<daruma::Launch>(read);
  // A peer that is gone is an error of write(), never a signal.
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  // Sessions come and go with a dozen threads each. With a second arena the heap grows by 2 MB over
  // 300 of them, with one by 0.1; threads keep small blocks to themselves, so they rarely meet.
  ::mallopt(M_ARENA_MAX, 1);
  auto ring = std::make_shared<daruma::log::Ring>();
  daruma::log::start(launch.config.log_level, launch.config.log_file, ring);
  try {
    return daruma::Daemon(std::move(launch), std::move(arguments), std::move(ring)).run();
  } catch (const std::exception& error) {
    spdlog::critical("{}", error.what());
    return 1;
  }
}
