#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "daruma/lifecycle/room.hpp"
#include "daruma/lifecycle/supervisor.hpp"

namespace daruma::lifecycle::testing {

/// What fakes did, in order; one list for all of them.
using Events = std::vector<std::string>;

/// What a test decides of all rooms of one supervisor.
struct RoomScript {
  Events* events = nullptr;
  bool starts = true;  ///< answers a start at once
  bool stops = true;   ///< answers a stop at once
  bool sleeps = true;  ///< ends a sleep move at once
  std::optional<Error> start_error;
  std::optional<std::string> wake_error;
  std::vector<Cause> causes;
  int alive = 0;  ///< rooms that exist
};

/// A room that does what its script says, later than asked (by a post), as a real one does.
class FakeRoom final : public Room {
 public:
  FakeRoom(Scheduler& scheduler, RoomScript& script) : scheduler_(scheduler), script_(script) {
    ++script_.alive;
  }
  ~FakeRoom() override { --script_.alive; }

  void start(const StartOptions& options, Started done) override {
    script_.events->push_back(options.wake_up ? "start+wake" : "start");
    if (!script_.starts) return keep(std::move(done));
    later([this, answers = options.answers, done = std::move(done)]() mutable {
      if (script_.start_error) return done(tl::unexpected(*script_.start_error));
      answers();
      done(RoomReport{{}, script_.wake_error, true, 0.02});
    });
  }
  void goto_sleep(Slept done) override {
    script_.events->push_back("sleep");
    if (!script_.sleeps) return;
    later([done = std::move(done)]() mutable { done({}); });
  }
  void stop(Stopped done) override {
    script_.events->push_back("stop");
    if (!script_.stops) return;
    later([done = std::move(done)]() mutable { done({}); });
  }
  void abandon() override { script_.events->push_back("abandon"); }
  Duration longest_move() const override { return std::chrono::seconds(10); }
  bool has_motor(std::string_view name) const override { return name == "stewart_3"; }
  void restart_motor(std::string_view name, UniqueFunction<void(Status)> done) override {
    script_.events->push_back("motor " + std::string(name));
    later([done = std::move(done)]() mutable { done({}); });
  }
  std::vector<Cause> causes() const override { return script_.causes; }

 private:
  void keep(Started done) { started_ = std::move(done); }
  void later(UniqueFunction<void()> call) {
    scheduler_.post([alive = std::weak_ptr<int>(token_), call = std::move(call)]() mutable {
      if (!alive.expired()) call();
    });
  }
  Scheduler& scheduler_;
  RoomScript& script_;
  Started started_;
  std::shared_ptr<int> token_ = std::make_shared<int>();
};

class FakeSessions final : public Sessions {
 public:
  explicit FakeSessions(Events& events) : events_(events) {}
  void end_all(UniqueFunction<void()> done) override {
    events_.push_back("end_sessions");
    if (ends) done();
  }
  bool ends = true;

 private:
  Events& events_;
};

class FakeProcess final : public Process {
 public:
  explicit FakeProcess(Events& events) : events_(events) {}
  Status reexecute(const std::string& receipt_id) override {
    events_.push_back("reexecute " + receipt_id);
    return fail(Errc::kIo, "cannot re-execute");
  }
  void exit(int code) override { events_.push_back("exit " + std::to_string(code)); }

 private:
  Events& events_;
};

/// Receipts in memory; what a file would keep over the death of a process.
class MemoryLog final : public ReceiptLog {
 public:
  Status put(const Receipt& receipt) override {
    ++puts;
    if (error) return tl::unexpected(*error);
    for (auto& kept : receipts_) {
      if (kept.id != receipt.id) continue;
      kept = receipt;
      return {};
    }
    if (receipts_.size() == kKept) receipts_.pop_front();
    receipts_.push_back(receipt);
    return {};
  }
  std::optional<Receipt> find(std::string_view id) const override {
    for (const auto& kept : receipts_)
      if (kept.id == id) return kept;
    return std::nullopt;
  }
  std::vector<Receipt> newest(std::size_t limit) const override {
    std::vector<Receipt> out(receipts_.rbegin(), receipts_.rend());
    if (out.size() > limit) out.resize(limit);
    return out;
  }
  Status put_start(const StartRecord& record) override {
    if (record.succeeded && !starts_.empty())
      starts_.back().succeeded = true;
    else
      starts_.push_back(record);
    return {};
  }
  std::vector<StartRecord> starts() const override { return starts_; }
  std::uint64_t last_generation() const override { return 0; }
  std::optional<Error> broken() const override { return error; }

  std::optional<Error> error;
  int puts = 0;

 private:
  std::deque<Receipt> receipts_;
  std::vector<StartRecord> starts_;
};

}  // namespace daruma::lifecycle::testing
