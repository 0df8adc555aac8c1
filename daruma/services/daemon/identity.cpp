#include "daruma/services/daemon/identity.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <glib.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "daruma/model/launch_config.hpp"

namespace daruma::services {
namespace fs = std::filesystem;
namespace json = boost::json;
using protocol::Command;
using protocol::PeerContext;
using protocol::Reply;

namespace {

constexpr std::string_view kAudioVendor = "38fb";
constexpr std::string_view kAudioProduct = "1001";
// A name file is one short line; more than this is not one.
constexpr std::size_t kLargestFile = 4096;

std::string read_small(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kLargestFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

std::string hex_prefix_of_sha256(const std::string& text) {
  // GLib's, which is in the process anyway; OpenSSL's alone would cost 1.4 MB.
  gchar* digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text.data(),
                                                static_cast<gssize>(text.size()));
  const std::string hex(digest, 16);
  g_free(digest);
  return hex;
}

}  // namespace

std::string robot_name_path() {
  const char* home = std::getenv("HOME");
  return fs::path(home ? home : "/") / ".config/reachy_mini/robot_name.json";
}

std::optional<std::string> read_robot_name(const std::string& path) {
  boost::system::error_code error;
  const auto value = json::parse(read_small(path), error);
  if (error || !value.is_object()) return std::nullopt;
  const auto* name = value.get_object().if_contains("name");
  if (!name || !name->is_string()) return std::nullopt;
  auto text = trimmed(name->get_string());
  if (text.empty()) return std::nullopt;
  return text;
}

Status write_robot_name(const std::string& path, const std::string& name) {
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  const auto temporary = fmt::format("{}.{}", path, ::getpid());
  {
    std::ofstream file(temporary, std::ios::trunc | std::ios::binary);
    file << json::serialize(json::object{{"name", name}});
    file.flush();
    if (!file) return fail(Errc::kIo, fmt::format("cannot write {}", temporary));
  }
  fs::rename(temporary, path, error);
  if (error) return fail(Errc::kIo, fmt::format("cannot replace {}: {}", path, error.message()));
  return {};
}

std::string read_hardware_id(const std::string& usb_folder) {
  std::error_code error;
  for (const auto& device : fs::directory_iterator(usb_folder, error)) {
    if (trimmed(read_small(device.path() / "idVendor")) != kAudioVendor) continue;
    if (trimmed(read_small(device.path() / "idProduct")) != kAudioProduct) continue;
    const auto serial = trimmed(read_small(device.path() / "serial"));
    if (!serial.empty()) return hex_prefix_of_sha256(serial);
  }
  return {};
}

Identity::Identity(Loop& loop, std::string name_path,
                   UniqueFunction<void(const std::string&)> renamed)
    : loop_(loop),
      name_path_(std::move(name_path)),
      renamed_(std::move(renamed)),
      persisted_name_(read_robot_name(name_path_)) {}

void Identity::register_in(protocol::Handlers& handlers) {
  handlers.on("get_version", [](const Command&, const PeerContext&, Reply reply) {
    reply.send({{"version", model::kEmulatedVersion}});
  });
  handlers.on("get_hardware_id", [this](const Command&, const PeerContext&, Reply reply) {
    reply.send(
        {{"hardware_id", hardware_id_.empty() ? json::value(nullptr) : json::value(hardware_id_)}});
  });
  handlers.on("get_robot_name", [this](const Command&, const PeerContext&, Reply reply) {
    reply.send({{"command", "get_robot_name"},
                {"name", persisted_name_ ? json::value(*persisted_name_) : json::value(nullptr)}});
  });
  handlers.on("set_robot_name", [this](const Command& command, const PeerContext&, Reply reply) {
    set_name(command.text("name"), std::move(reply));
  });
}

void Identity::set_name(const std::string& wanted, Reply reply) {
  auto name = trimmed(wanted);
  if (name.empty()) {
    return reply.send(
        {{"command", "set_robot_name"},
         {"status", "error"},
         {"name", persisted_name_ ? json::value(*persisted_name_) : json::value(nullptr)}});
  }
  loop_.on_pool([this, path = name_path_, name, reply = std::move(reply)]() mutable {
    auto written = write_robot_name(path, name);
    loop_.post([this, name, written = std::move(written), reply = std::move(reply)]() mutable {
      if (written) {
        persisted_name_ = name;
        renamed_(name);
      } else {
        spdlog::warn("robot name not stored: {}", written.error().context);
      }
      reply.send(
          {{"command", "set_robot_name"},
           {"status", written ? "ok" : "error"},
           {"name", persisted_name_ ? json::value(*persisted_name_) : json::value(nullptr)}});
    });
  });
}

}  // namespace daruma::services
