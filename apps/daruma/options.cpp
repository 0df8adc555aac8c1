#include "options.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace daruma::client {
namespace {

constexpr const char* kLocalDaemon = "127.0.0.1:8000";
/// What a receipt's name may be (docs/recovery.md).
constexpr std::size_t kLongestId = 64;

std::string check_id(const std::string& id) {
  const bool printable =
      std::all_of(id.begin(), id.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  const bool fits = !id.empty() && id.size() <= kLongestId;
  return printable && fits ? std::string() : "an id is 1 to 64 printable ASCII characters";
}

void add_restart(CLI::App& app, Options& options, int& timeout_s) {
  auto* restart = app.add_subcommand("restart", "Restart the robot's daemon, or a part of it");
  restart
      ->add_option("--scope", options.scope,
                   "What is rebuilt: motor, backend, daemon, process, or auto (the smallest that "
                   "cures the present causes)")
      ->check(CLI::IsMember({"motor", "backend", "daemon", "process", "auto"}))
      ->capture_default_str();
  restart->add_option("--motor", options.motor, "Servo to restart; with --scope motor");
  restart->add_flag("--sleep", options.sleep, "Play the sleep move before stopping");
  restart->add_flag("--wake", options.wake, "Enable the motors and wake up after starting");
  restart->add_flag("--dry-run", options.dry_run, "Say what would happen; do nothing");
  restart->add_option("--id", options.id, "Name of the receipt; a repeated id is acted on once")
      ->check(check_id);
  restart->add_flag("--no-wait", options.no_wait, "Do not wait for the end");
  restart->add_option("--timeout", timeout_s, "Seconds to wait for the end")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  restart->final_callback([&options] { options.verb = Verb::kRestart; });
}

void add_readers(CLI::App& app, Options& options, int& receipts, int& lines) {
  app.add_subcommand("status", "What the daemon is doing")->final_callback([&options] {
    options.verb = Verb::kStatus;
  });
  app.add_subcommand("health", "Whether the robot is well, and why not")
      ->final_callback([&options] { options.verb = Verb::kHealth; });

  auto* list = app.add_subcommand("receipts", "What became of earlier restarts");
  list->add_option("id", options.id, "Show this one in full")->check(check_id);
  list->add_option("-n,--number", receipts, "How many to list")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  list->final_callback([&options] { options.verb = Verb::kReceipts; });

  auto* logs = app.add_subcommand("logs", "The daemon's log");
  logs->add_flag("-f,--follow", options.follow, "Go on with what comes, over restarts too");
  logs->add_option("-n,--number", lines, "How many lines to begin with")
      ->check(CLI::Range(1, 2000))
      ->capture_default_str();
  logs->final_callback([&options] { options.verb = Verb::kLogs; });
}

/// What CLI11 cannot say about options that depend on one another; empty when all is well.
std::string contradiction(const Options& options) {
  if (options.verb != Verb::kRestart) return {};
  if (!options.motor.empty() && options.scope != "motor") return "--motor needs --scope motor";
  if (options.motor.empty() && options.scope == "motor") return "--scope motor needs --motor NAME";
  return {};
}

Usage mistake(const std::string& text) {
  return {Exit::kUsageOrUnreachable, fmt::format("daruma: {}\nTry daruma --help.\n", text)};
}

}  // namespace

std::variant<Options, Usage> read_options(const std::vector<std::string>& arguments,
                                          const std::string& default_host) {
  Options options;
  std::string host = default_host.empty() ? kLocalDaemon : default_host;
  int timeout_s = 30;
  int receipts = 20;
  int lines = 100;

  CLI::App app{"daruma, the command line of a Reachy Mini daemon", "daruma"};
  app.set_version_flag("--version", "daruma " DARUMA_VERSION);
  app.set_help_all_flag("--help-all", "Help of all commands");
  app.require_subcommand(1);
  app.fallthrough();  // --host and --json may stand before or after the command
  app.add_option("--host", host, "HOST[:PORT] of the daemon; also DARUMA_HOST")
      ->capture_default_str();
  app.add_flag("--json", options.json, "Print JSON for programs");
  app.footer("Exit status: 0 done, 1 failed (or the robot is unhealthy), 2 usage or unreachable.");
  add_readers(app, options, receipts, lines);
  add_restart(app, options, timeout_s);

  auto reversed = arguments;
  std::reverse(reversed.begin(), reversed.end());  // CLI11 takes them from the back
  try {
    app.parse(reversed);
  } catch (const CLI::CallForAllHelp&) {
    return Usage{Exit::kDone, app.help("", CLI::AppFormatMode::All)};
  } catch (const CLI::CallForHelp&) {
    return Usage{Exit::kDone, app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Usage{Exit::kDone, fmt::format("{}\n", version.what())};
  } catch (const CLI::ParseError& error) {
    return mistake(error.what());
  }
  auto address = parse_address(host);
  if (!address) return mistake(address.error().context);
  options.address = *address;
  options.timeout = std::chrono::seconds(timeout_s);
  options.count = options.verb == Verb::kLogs ? lines : receipts;
  if (const auto wrong = contradiction(options); !wrong.empty()) return mistake(wrong);
  return options;
}

}  // namespace daruma::client
