#pragma once

#include <cstddef>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "daruma/base/result.hpp"

namespace daruma::session {

/// What clients append while a recording is on; the daemon adds nothing itself (contract
/// commands.md 2.6). Loop thread only.
class Recording {
 public:
  /// Of all records together, as compact JSON. 20 minutes of full states at 50 Hz.
  static constexpr std::size_t kMaxBytes = 32 * 1024 * 1024;

  bool on() const { return on_; }
  /// Begins with nothing, also when one is on.
  void start();
  /// Dropped while none is on, as clients of the reference expect. kBusy when it is full.
  Status append(const boost::json::object& record);
  /// Ends it and gives what was recorded, oldest first; empty when none was on.
  boost::json::array stop();

 private:
  bool on_ = false;
  std::size_t bytes_ = 0;
  boost::json::array records_;
};

}  // namespace daruma::session
