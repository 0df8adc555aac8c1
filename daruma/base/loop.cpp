#include "daruma/base/loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace daruma {
namespace asio = boost::asio;

Loop::Loop() : context_(1), pool_(2) {}

Loop::~Loop() {
  pool_.stop();
  pool_.join();
}

void Loop::run() {
  thread_ = std::this_thread::get_id();
  const auto work = asio::make_work_guard(context_);
  context_.run();
}

void Loop::stop() { context_.stop(); }

bool Loop::on_loop() const {
  return thread_ == std::thread::id{} || thread_ == std::this_thread::get_id();
}

Timer Loop::after(Duration delay, UniqueFunction<void()> call) {
  struct Armed {
    explicit Armed(asio::io_context& context) : timer(context) {}
    asio::steady_timer timer;
    UniqueFunction<void()> call;
  };
  auto armed = std::make_shared<Armed>(context_);
  armed->call = std::move(call);
  armed->timer.expires_after(std::chrono::duration_cast<Clock::duration>(delay));
  // The handler holds no ownership: the Timer's destruction ends the wait, and a call that is
  // already queued finds nothing to call.
  armed->timer.async_wait([weak = std::weak_ptr<Armed>(armed)](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self || !self->call) return;
    auto once = std::move(self->call);
    self->call = nullptr;
    once();
  });
  return Timer(std::move(armed));
}

void Loop::post(UniqueFunction<void()> call) {
  asio::post(context_, [call = std::move(call)]() mutable { call(); });
}

void Loop::on_pool(UniqueFunction<void()> work) {
  asio::post(pool_, [work = std::move(work)]() mutable { work(); });
}

void Loop::join_pool() { pool_.join(); }

}  // namespace daruma
