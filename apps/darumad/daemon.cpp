#include "daemon.hpp"

#include <csignal>
#include <cstdlib>

#include "paths.hpp"
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/base/ids.hpp"
#include "daruma/services/daemon/pose_subscriptions.hpp"
#include "daruma/services/hardware_config/hardware_config_file.hpp"
#include "daruma/services/receipts/receipt_json.hpp"

namespace daruma {
namespace {

using namespace std::chrono_literals;
using lifecycle::Action;

// A signalling port that somebody else holds is tried again for ever.
constexpr Duration kSignallingRetry = 2s;

lifecycle::Boot boot_of(const Launch& launch) {
  const char* successor_of = std::getenv(kSuccessorOf);
  lifecycle::Boot boot{make_uuid(), successor_of ? successor_of : "", launch.problems,
                       launch.config_file};
  ::unsetenv(kSuccessorOf);
  return boot;
}

/// Both families of what the reference binds one of: a name such as `localhost` may be either.
std::vector<std::string> addresses_of(const std::string& address) {
  if (address == "127.0.0.1") return {"127.0.0.1", "::1"};
  if (address == "0.0.0.0") return {"0.0.0.0", "::"};
  return {address};
}

}  // namespace

Daemon::Daemon(Launch launch, std::vector<std::string> arguments, std::shared_ptr<log::Ring> ring)
    : launch_(std::move(launch)),
      ring_(std::move(ring)),
      guard_(config_.allow_host),
      process_(loop_, std::move(arguments)),
      receipts_(state_folder(config_),
                [this](std::function<void()> flush) { loop_.on_pool(std::move(flush)); }),
      rooms_(
          loop_, dispatcher_, topics_, config_,
          [servos = backend::MockupServos()](const model::HardwareConfig&) {
            return std::make_unique<backend::Mockup>(servos);
          },
          [path = config_.hardware_config_filepath] {
            return services::read_hardware_config(path);
          }),
      sdk_door_(loop_, dispatcher_, topics_, [this] { return status_.text(); }),
      media_(loop_),
      webrtc_door_(loop_, dispatcher_, topics_, media_),
      supervisor_(
          loop_, receipts_, *this, process_, [this] { return rooms_.make(); }, boot_of(launch_)),
      status_(loop_, supervisor_, topics_, config_),
      lifecycle_commands_(supervisor_, status_, config_.restart_from, services::receipt_json),
      identity_(loop_, services::robot_name_path(),
                [this](const std::string& name) { status_.set_robot_name(name); }),
      log_streams_(loop_, ring_),
      api_(dispatcher_, sources(), web_folder(config_)),
      http_(
          loop_, door("http", config_.fastapi_port), guard_,
          [this](const net::Request& request, net::Responder responder) {
            api_.handle(request, std::move(responder));
          },
          [this](const net::Request& request) { return sdk_door_.upgrade(request); }),
      signalling_(
          loop_, door("signalling", config_.signalling_port), guard_,
          [](const net::Request&, net::Responder responder) {
            responder.send({.status = 426, .body = nullptr, .headers = {}});
          },
          [this](const net::Request& request) { return webrtc_door_.upgrade(request); }),
      service_manager_(loop_, [this] { return supervisor_.alive(); }),
      dead_man_(loop_, config_.timeout_health_check_s,
                [this] {
                  spdlog::warn("no health check came in time");
                  ask(Action::kExit, {config_.goto_sleep_on_stop, false}, "watchdog");
                }),
      signals_(loop_.context(), SIGTERM, SIGINT, SIGHUP) {
  register_commands();
}

Daemon::~Daemon() { supervisor_.remove_observer(*this); }

int Daemon::run() {
  supervisor_.add_observer(*this);
  if (const auto opened = open_doors(); !opened) {
    spdlog::critical("{}", opened.error().context);
    return 1;
  }
  signals_.async_wait([this](boost::system::error_code error, int signal) {
    if (!error) on_signal(signal);
  });
  status_.start();
  supervisor_.boot(config_.autostart, config_.wake_up_on_start);
  service_manager_.ready();
  loop_.run();
  http_.stop();
  signalling_.stop();
  loop_.join_pool();
  return process_.exit_code();
}

Status Daemon::open_doors() {
  if (const auto started = http_.start(); !started) return started;
  start_media();
  open_signalling();
  if (identity_.persisted_name()) status_.set_robot_name(*identity_.persisted_name());
  const auto hardware_id = services::read_hardware_id("/sys/bus/usb/devices");
  identity_.set_hardware_id(hardware_id);
  status_.set_hardware_id(hardware_id);
  // Clients of the reference wait for these two sentences.
  spdlog::info("Application startup complete.");
  spdlog::info("Uvicorn running on http://{}:{} (Press CTRL+C to quit)", config_.bind_address(),
               http_.port());
  return {};
}

void Daemon::start_media() {
  const auto started = media_.start();
  if (started) return;
  lifecycle::Cause cause;
  cause.code = lifecycle::code::kMediaFailed;
  cause.part = "webrtc";
  cause.detail = started.error().context;
  cause.hint = "install the packages that the detail names, then restart with scope process";
  cause.cure = lifecycle::Scope::kProcess;
  supervisor_.raise(std::move(cause));
}

void Daemon::open_signalling() {
  const auto started = signalling_.start();
  if (started) {
    status_.set_signalling_port(signalling_.port());
    supervisor_.clear("port_in_use", "signalling");
    return;
  }
  lifecycle::Cause cause;
  cause.code = "port_in_use";
  cause.part = "signalling";
  cause.detail = started.error().context;
  cause.hint = "end the program that holds the port, or choose another by --signalling-port";
  supervisor_.raise(std::move(cause));
  signalling_retry_ = loop_.after(kSignallingRetry, [this] { open_signalling(); });
}

void Daemon::register_commands() {
  auto& house = dispatcher_.house();
  lifecycle_commands_.register_in(house);
  identity_.register_in(house);
  log_streams_.register_in(house);
  services::register_pose_subscriptions(house, topics_);
  dispatcher_.set_absence([this] { return absence(); });
  status_.set_backend_status([this] { return rooms_.backend_status(); });
  for (const auto& sentence : dispatcher_.disagreements(nullptr)) spdlog::error("{}", sentence);
}

protocol::Dispatcher::Absence Daemon::absence() const {
  const auto status = supervisor_.status();
  if (status.error)
    return {status.state, fmt::format("The robot is not running: {}", *status.error)};
  if (status.transition_id && status.state != "starting" && status.state != "stopping")
    return {status.state, "The robot is restarting"};
  return {status.state,
          fmt::format("The robot is {}",
                      status.state == "not_initialized" ? "not started" : status.state)};
}

http::Sources Daemon::sources() {
  http::Sources sources;
  sources.status = [this] { return status_.text(); };
  sources.logs = [this](std::uint64_t after, std::size_t limit) {
    return services::log_json(*ring_, after, limit);
  };
  sources.health_check = [this] { dead_man_.fed(); };
  sources.running_name = [this] { return identity_.persisted_name().value_or(config_.robot_name); };
  return sources;
}

net::Server::Options Daemon::door(const char* name, int port) const {
  net::Server::Options options;
  options.name = name;
  options.addresses = addresses_of(config_.bind_address());
  options.port = static_cast<std::uint16_t>(port);
  options.cors = std::string_view(name) == "http";
  return options;
}

void Daemon::end_all(UniqueFunction<void()> done) {
  webrtc_door_.hold_offers(true);
  // Whoever waits for a move, or records, is told while the way to them is open.
  rooms_.close_doors();
  // Both kinds at once; whoever is last calls.
  auto both = std::make_shared<UniqueFunction<void()>>(std::move(done));
  auto left = std::make_shared<int>(2);
  const auto one_ended = [both, left] {
    if (--*left == 0) (*both)();
  };
  webrtc_door_.end_sessions(one_ended);
  sdk_door_.close_all(1012, "service restart", one_ended);
}

void Daemon::on_status() {
  if (!supervisor_.in_transition()) webrtc_door_.hold_offers(false);
}

void Daemon::on_signal(int signal) {
  signals_.async_wait([this](boost::system::error_code error, int next) {
    if (!error) on_signal(next);
  });
  if (signal == SIGHUP) return ask(Action::kRestart, {}, "signal");
  if (leaving_) {
    spdlog::warn("a second signal: leaving at once");
    return loop_.stop();
  }
  ask(Action::kExit, {config_.goto_sleep_on_stop, false}, "signal");
}

void Daemon::ask(Action action, lifecycle::Flags flags, const char* by) {
  if (action == Action::kExit) {
    leaving_ = true;
    service_manager_.stopping();
    http_.stop();
  }
  lifecycle::Request request;
  request.action = action;
  request.flags = flags;
  request.requester = {by, "", "local"};
  const auto taken = supervisor_.admit(request);
  if (const auto* admission = std::get_if<lifecycle::Admission>(&taken))
    supervisor_.acknowledged(admission->id, lifecycle::AckOutcome::kSent);
}

}  // namespace daruma
