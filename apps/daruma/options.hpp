#pragma once

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "address.hpp"

namespace daruma::client {

/// How a program of ours ends.
enum class Exit { kDone = 0, kFailed = 1, kUsageOrUnreachable = 2 };

enum class Verb { kStatus, kHealth, kRestart, kReceipts, kLogs };

/// The command line, read.
struct Options {
  Verb verb = Verb::kStatus;
  Address address;
  bool json = false;
  // restart
  std::string scope = "daemon";
  std::string motor;
  bool sleep = false;
  bool wake = false;
  bool dry_run = false;
  bool no_wait = false;
  std::chrono::seconds timeout{30};
  // restart, receipts
  std::string id;
  // receipts, logs: how many
  int count = 20;
  bool follow = false;
};

/// Text to print instead: help and version (kDone, stdout), or a mistake (stderr).
struct Usage {
  Exit exit = Exit::kDone;
  std::string text;
};

/// `arguments` without the program's name; `default_host` is the value of DARUMA_HOST, or empty.
std::variant<Options, Usage> read_options(const std::vector<std::string>& arguments,
                                          const std::string& default_host);

}  // namespace daruma::client
