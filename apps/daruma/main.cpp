#include <cstdlib>
#include <exception>
#include <iostream>
#include <thread>

#include "commands.hpp"
#include <curl/curl.h>
#include <unistd.h>

namespace {

using namespace daruma::client;

int run_with(const Options& options) {
  const auto api = make_http_api(options.address);
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  Context context{*api,
                  options,
                  std::cout,
                  std::cerr,
                  Style{wants_colour(terminal, std::getenv("NO_COLOR"))},
                  terminal,
                  [] { return std::chrono::steady_clock::now(); },
                  [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }};
  return static_cast<int>(run(context));
}

}  // namespace

int main(int argc, char** argv) {
  const char* host = std::getenv("DARUMA_HOST");
  const auto read = read_options({argv + 1, argv + argc}, host != nullptr ? host : "");
  if (const auto* usage = std::get_if<Usage>(&read)) {
    (usage->exit == Exit::kDone ? std::cout : std::cerr) << usage->text;
    return static_cast<int>(usage->exit);
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  int exit = static_cast<int>(Exit::kFailed);
  try {
    exit = run_with(std::get<Options>(read));
  } catch (const std::exception& error) {
    std::cerr << "daruma: " << error.what() << "\n";
  }
  curl_global_cleanup();
  return exit;
}
