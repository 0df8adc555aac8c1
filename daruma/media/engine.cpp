#include "daruma/media/engine.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gst/gst.h>
#include <spdlog/spdlog.h>

#include "daruma/media/gst_ptr.hpp"
#include "daruma/media/webrtc_connection.hpp"

namespace daruma::media {
namespace {

struct Plugin {
  const char* name;
  const char* package;
  const char* element;  ///< one of its elements that a session needs
};

// All that webrtcbin and a session of channels use.
constexpr std::array kPlugins{
    Plugin{"coreelements", "libgstreamer1.0-0", "queue"},
    Plugin{"app", "gstreamer1.0-plugins-base", "appsrc"},
    Plugin{"rtp", "gstreamer1.0-plugins-good", "rtpstorage"},
    Plugin{"rtpmanager", "gstreamer1.0-plugins-good", "rtpbin"},
    Plugin{"dtls", "gstreamer1.0-plugins-bad", "dtlsdec"},
    Plugin{"sctp", "gstreamer1.0-plugins-bad", "sctpenc"},
    Plugin{"srtp", "gstreamer1.0-plugins-bad", "srtpdec"},
    Plugin{"webrtc", "gstreamer1.0-plugins-bad", "webrtcbin"},
    Plugin{"nice", "gstreamer1.0-nice", "nicesrc"},
};

std::string path_of(const Plugin& plugin) {
  return fmt::format("{}/libgst{}.so", DARUMA_GSTREAMER_PLUGINS, plugin.name);
}

Status missing(const std::set<std::string>& names, const std::set<std::string>& packages) {
  return fail(Errc::kUnavailable,
              fmt::format("WebRTC needs the GStreamer plugins {}: install the packages {}",
                          fmt::join(names, ", "), fmt::join(packages, ", ")));
}

/// Loads the plugins that `is_there` accepts; names the others.
template <class IsThere>
Status each_plugin(IsThere is_there) {
  std::set<std::string> names;
  std::set<std::string> packages;
  for (const auto& plugin : kPlugins) {
    if (is_there(plugin)) continue;
    names.insert(plugin.name);
    packages.insert(plugin.package);
  }
  return names.empty() ? Status{} : missing(names, packages);
}

bool load(const Plugin& plugin) {
  GError* error = nullptr;
  GstPlugin* loaded = gst_plugin_load_file(path_of(plugin).c_str(), &error);
  const GErrorPtr owned(error);
  if (loaded == nullptr) {
    spdlog::error("GStreamer plugin {}: {}", plugin.name,
                  error != nullptr ? error->message : "cannot be loaded");
    return false;
  }
  gst_object_unref(loaded);
  GstElementFactory* factory = gst_element_factory_find(plugin.element);
  if (factory == nullptr) return false;
  gst_object_unref(factory);
  return true;
}

/// Takes 1 ms without GStreamer's registry, which would look into each of the machine's hundreds of
/// plugins when its cache is cold (0.6 s, in a child process) and keep them all in memory. The
/// variable is set for this moment only, since programs that we start inherit the environment.
Status initialise() {
  ::setenv("GST_REGISTRY_DISABLE", "yes", 1);
  GError* error = nullptr;
  const gboolean initialised = gst_init_check(nullptr, nullptr, &error);
  const GErrorPtr owned(error);
  ::unsetenv("GST_REGISTRY_DISABLE");
  if (initialised != FALSE) return {};
  return fail(Errc::kUnavailable,
              fmt::format("GStreamer: {}", error != nullptr ? error->message : "does not start"));
}

/// The first DTLS element of a process makes its key; so that no session waits for it.
void make_key() {
  if (GstElement* element = gst_element_factory_make("dtlsdec", nullptr)) {
    gst_object_ref_sink(element);
    gst_object_unref(element);
  }
}

}  // namespace

Status Engine::start() {
  usable_ = each_plugin([](const Plugin& plugin) {
    std::error_code ignored;
    return std::filesystem::exists(path_of(plugin), ignored);
  });
  return usable_;
}

void Engine::warm() {
  if (stage_ != Stage::kCold || !usable_) return;
  if (usable_ = initialise(); !usable_) return;
  stage_ = Stage::kWarming;
  loop_.on_pool([this] {
    Status status = each_plugin(load);
    if (status) make_key();
    loop_.post([this, status = std::move(status)]() mutable { warmed(std::move(status)); });
  });
}

void Engine::warmed(Status status) {
  stage_ = Stage::kReady;
  usable_ = std::move(status);
  for (auto& call : std::exchange(waiting_, {})) call(usable_);
}

void Engine::when_ready(UniqueFunction<void(const Status&)> call) {
  warm();
  if (stage_ == Stage::kWarming) return waiting_.push_back(std::move(call));
  loop_.post([this, call = std::move(call)]() mutable { call(usable_); });
}

std::unique_ptr<PeerConnection> Engine::make(std::weak_ptr<PeerEvents> events) {
  return std::make_unique<WebRtcConnection>(loop_, *this, std::move(events));
}

}  // namespace daruma::media
