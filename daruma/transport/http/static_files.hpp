#pragma once

#include <map>
#include <optional>
#include <string>

#include "daruma/transport/net/server.hpp"

namespace daruma::http {

/// The built page: files of one folder, kept in memory and looked at again when they change on the
/// disk. Only what the folder holds can be named, so no path leads out of it. Loop thread only;
/// files are small and few.
class StaticFiles {
 public:
  static constexpr std::size_t kMostFiles = 256;
  static constexpr std::size_t kLargestFile = 8 * 1024 * 1024;

  /// An empty `folder` has no files.
  explicit StaticFiles(std::string folder);
  /// Answers GET or HEAD of a path; nullopt when there is no such file.
  std::optional<net::Response> find(const net::Request& request);

 private:
  struct File {
    protocol::Text text;
    std::string content_type;
    std::string etag;
    long long changed = 0;
  };
  File* load(const std::string& name);

  std::string folder_;
  std::map<std::string, File, std::less<>> files_;
};

}  // namespace daruma::http
