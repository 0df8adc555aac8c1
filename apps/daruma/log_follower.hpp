#pragma once

#include <cstdint>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace daruma::client {

/// Reads a log on from where it stood. Each request asks for the last known line once more: when it
/// does not come back as it was, another process answers, whose log begins anew. Pure.
class LogFollower {
 public:
  /// The `after` of the next request.
  std::uint64_t after() const { return last_sequence_ == 0 ? 0 : last_sequence_ - 1; }

  struct Fresh {
    boost::json::array lines;
    bool restarted = false;     ///< ask again at once: the log of a new process begins at 0
    std::uint64_t skipped = 0;  ///< lines that were gone before they could be read
  };
  /// The body of GET /api/daemon/logs?after=after().
  Fresh take(const boost::json::value& body);

 private:
  std::uint64_t last_sequence_ = 0;
  boost::json::value last_;
};

}  // namespace daruma::client
