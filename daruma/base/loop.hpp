#pragma once

#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "daruma/base/scheduler.hpp"

namespace daruma {

/// The process's one event loop: all I/O, the dispatcher, the supervisor, timers and signals run on
/// the thread that calls run().
class Loop final : public Scheduler {
 public:
  Loop();
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(). Remembers the calling thread, see assert_on_loop().
  void run();
  /// Makes run() return. From any thread.
  void stop();

  boost::asio::io_context& context() { return context_; }
  /// True on the thread that runs the loop, and before it runs.
  bool on_loop() const;

  TimePoint now() const override { return Clock::now(); }
  WallTime wall_now() const override { return std::chrono::system_clock::now(); }
  Timer after(Duration delay, UniqueFunction<void()> call) override;
  void post(UniqueFunction<void()> call) override;

  /// Runs `work` on the pool (2 threads; files, subprocesses, pipeline teardown: what may block).
  void on_pool(UniqueFunction<void()> work);
  /// Waits for the pool's work to end. After run() has returned.
  void join_pool();

 private:
  boost::asio::io_context context_;
  boost::asio::thread_pool pool_;
  std::thread::id thread_{};
};

}  // namespace daruma
