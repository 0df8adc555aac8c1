#pragma once

#include <memory>
#include <thread>

#include "daruma/backend/port.hpp"
#include "daruma/control/link.hpp"

namespace daruma::control {

/// Owner of the thread `control`, which owns the driver: it opens it, runs a Tick each period by
/// absolute deadlines, closes it and ends. Loop thread only.
///
///     opening --opened--> ticking --request_stop--> closed
///        \--error, exception--> failed <--exception--/
///
/// request_stop() while opening takes effect when open() returns. Whoever owns this waits for
/// Link::notification() to learn of each change.
class ControlThread {
 public:
  /// Starts it. Throws std::system_error when the system has no thread or descriptor left.
  ControlThread(std::unique_ptr<backend::Backend> backend, Duration period);
  /// Stops it and waits for its end, unless it was abandoned.
  ~ControlThread();
  ControlThread(const ControlThread&) = delete;
  ControlThread& operator=(const ControlThread&) = delete;

  Link& link() { return *link_; }
  const Link& link() const { return *link_; }
  void request_stop() { link_->request_stop(); }
  /// Waits for the end; at once in kClosed and kFailed.
  void join();
  /// Lets go of a thread that does not answer, without waiting. It keeps what it needs.
  void abandon();

 private:
  std::shared_ptr<Link> link_;
  std::thread thread_;
};

}  // namespace daruma::control
