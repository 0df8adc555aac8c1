#include "daruma/services/daemon/status_publisher.hpp"

#include <cmath>

#include "daruma/protocol/json_text.hpp"
#include "daruma/services/daemon/json.hpp"

namespace daruma::services {
namespace json = boost::json;
namespace {

json::object nobody_in_sight() {
  return {{"detected", false}, {"x", nullptr}, {"y", nullptr}, {"roll", nullptr}, {"ts", nullptr}};
}

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

}  // namespace

StatusPublisher::StatusPublisher(Scheduler& scheduler, lifecycle::LifecyclePort& lifecycle,
                                 protocol::Topics& topics, const model::LaunchConfig& config)
    : scheduler_(scheduler),
      lifecycle_(lifecycle),
      topics_(topics),
      config_(config),
      robot_name_(config.robot_name) {
  lifecycle_.add_observer(*this);
}

StatusPublisher::~StatusPublisher() { lifecycle_.remove_observer(*this); }

void StatusPublisher::set_robot_name(std::string name) {
  robot_name_ = std::move(name);
  on_status();
}

void StatusPublisher::start() {
  period_ = scheduler_.after(kPeriod, [this] { publish_period(); });
}

json::object StatusPublisher::status() {
  const auto now = lifecycle_.status();
  const bool started = now.state != "not_initialized";
  json::object out;
  out["type"] = "daemon_status";
  out["robot_name"] = robot_name_;
  out["state"] = now.state;
  out["wireless_version"] = config_.wireless_version;
  out["desktop_app_daemon"] = config_.desktop_app_daemon;
  out["simulation_enabled"] =
      started ? json::value(config_.sim && !config_.mockup_sim) : json::value(nullptr);
  out["mockup_sim_enabled"] = started ? json::value(config_.mockup_sim) : json::value(nullptr);
  out["no_media"] = config_.no_media;
  out["media_released"] = false;
  out["camera_specs_name"] = "";
  out["backend_status"] = backend_status_ ? backend_status_() : json::value(nullptr);
  out["error"] = or_null(now.error);
  out["wlan_ip"] = nullptr;
  out["version"] = model::kEmulatedVersion;
  out["hardware_id"] = hardware_id_.empty() ? json::value(nullptr) : json::value(hardware_id_);
  out["face_target"] = nobody_in_sight();
  out["health"] = health_json(now);
  out["generation"] = now.generation;
  out["boot_id"] = now.boot_id;
  out["signalling_port"] =
      signalling_port_ == 0 ? json::value(nullptr) : json::value(signalling_port_);
  out["uptime_s"] = std::round(seconds(now.now - now.booted) * 1000.0) / 1000.0;
  return out;
}

protocol::Text StatusPublisher::text() {
  const auto now = scheduler_.now();
  if (!text_ || now - text_made_ > kFreshFor) {
    text_ = protocol::message_text(status());
    text_made_ = now;
  }
  return text_;
}

void StatusPublisher::on_status() {
  text_.reset();
  if (change_pending_) return;
  // Several things change within one step of the supervisor; peers get the sum of them, once.
  change_pending_ = true;
  change_ = scheduler_.after(Duration::zero(), [this] { publish_change(); });
}

void StatusPublisher::publish_change() {
  change_pending_ = false;
  if (topics_.heard(protocol::Topic::kEvents)) topics_.publish(protocol::Topic::kEvents, text());
}

void StatusPublisher::publish_period() {
  period_ = scheduler_.after(kPeriod, [this] { publish_period(); });
  if (!topics_.heard(protocol::Topic::kStatus)) return;
  const auto state = lifecycle_.status().state;
  if (state == "running" || state == "starting" || state == "error") {
    topics_.publish(protocol::Topic::kStatus, text());
  }
}

}  // namespace daruma::services
