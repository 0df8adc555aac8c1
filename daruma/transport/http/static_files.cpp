#include "daruma/transport/http/static_files.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace daruma::http {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kNoPage =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Daruma</title>"
    "<h1>Daruma is running</h1><p>Its page has not been built. <code>./run</code> builds it, or "
    "<code>tools/build-page</code> in the source tree; <code>--web-root FOLDER</code> says where "
    "it "
    "is. The interface is described at <a href=\"/docs\">/docs</a>.</p></html>";

std::string_view content_type_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kTypes{{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".map", "application/json"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".webmanifest", "application/manifest+json"},
  }};
  for (const auto& [ending, type] : kTypes)
    if (name.ends_with(ending)) return type;
  return "application/octet-stream";
}

/// A plain relative path: nothing that could lead out of the folder, nothing hidden.
bool is_plain(std::string_view name) {
  return !name.empty() && name.find("..") == name.npos && name.find("/.") == name.npos &&
         name.find('\\') == name.npos && name.find('\0') == name.npos && name.front() != '.' &&
         name.front() != '/';
}

/// True when the file, links followed, lies below the folder.
bool is_below(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const auto root = fs::canonical(folder, error);
  if (error) return false;
  const auto file = fs::canonical(path, error);
  if (error) return false;
  const auto [in_root, in_file] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  return in_root == root.end() && in_file != file.end();
}

/// True when `If-None-Match` names the tag, weakly or not, or any.
bool names_tag(std::string_view header, std::string_view etag) {
  if (header == "*") return true;
  for (auto at = header.find(etag); at != header.npos; at = header.find(etag, at + 1)) {
    const auto after = header.substr(at + etag.size());
    if (after.empty() || after.front() == ',' || after.front() == ' ') return true;
  }
  return false;
}

}  // namespace

StaticFiles::StaticFiles(std::string folder) : folder_(std::move(folder)) {}

StaticFiles::File* StaticFiles::load(const std::string& name) {
  if (folder_.empty() || !is_plain(name)) return nullptr;
  const auto path = fs::path(folder_) / name;
  std::error_code error;
  const auto status = fs::status(path, error);
  if (error || !fs::is_regular_file(status)) return nullptr;
  const auto changed = fs::last_write_time(path, error).time_since_epoch().count();
  const auto known = files_.find(name);
  if (known != files_.end() && known->second.changed == changed) return &known->second;
  if (!is_below(path, folder_)) return nullptr;
  const auto size = fs::file_size(path, error);
  if (error || size > kLargestFile) return nullptr;
  if (known == files_.end() && files_.size() == kMostFiles) files_.clear();
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  auto& entry = files_[name];
  entry = {std::make_shared<const std::string>(text.str()), std::string(content_type_of(name)),
           fmt::format("\"{:x}-{:x}\"", changed, size), changed};
  return &entry;
}

std::optional<net::Response> StaticFiles::find(const net::Request& request) {
  if (!request.path.starts_with('/')) return std::nullopt;
  const std::string name = request.path == "/" ? "index.html" : request.path.substr(1);
  const auto* file = load(name);
  if (file == nullptr && request.path != "/") return std::nullopt;
  net::Response response;
  // Asked again each time: a page from before an update must not talk to the daemon after it.
  response.headers = {{"cache-control", "no-cache"},
                      {"x-content-type-options", "nosniff"},
                      // A foreign page must not lay a frame over the restart button.
                      {"content-security-policy", "frame-ancestors 'self'"}};
  if (file == nullptr) {
    response.content_type = "text/html; charset=utf-8";
    response.body = std::make_shared<const std::string>(kNoPage);
    return response;
  }
  response.headers.emplace_back("etag", file->etag);
  response.content_type = file->content_type;
  const auto* known = request.header("if-none-match");
  if (known != nullptr && names_tag(*known, file->etag))
    response.status = 304;
  else
    response.body = file->text;
  return response;
}

}  // namespace daruma::http
