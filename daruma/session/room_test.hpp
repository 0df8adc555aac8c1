#pragma once

#include <atomic>
#include <cmath>
#include <functional>
#include <future>
#include <numbers>
#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <dirent.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daruma/backend/mockup/mockup.hpp"
#include "daruma/session/behaviours.hpp"
#include "daruma/session/robot_room.hpp"
#include "daruma/session/room_factory.hpp"
#include "daruma/session/state_messages.hpp"

namespace daruma::session {

namespace json = boost::json;
using namespace std::chrono_literals;
using lifecycle::RoomReport;
using protocol::PeerContext;
using ::testing::HasSubstr;

/// The same lists of numbers, to what text loses of them.
inline bool alike(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) {
    return std::abs(a.to_number<double>() - b.to_number<double>()) < 1e-12;
  }
  if (!a.is_array() || !b.is_array() || a.as_array().size() != b.as_array().size()) return false;
  for (std::size_t i = 0; i < a.as_array().size(); ++i) {
    if (!alike(a.as_array()[i], b.as_array()[i])) return false;
  }
  return true;
}

class Listener final : public protocol::Peer {
 public:
  const std::string& id() const override { return id_; }
  void send(const protocol::Text& text, protocol::Delivered) override { sent.push_back(text); }
  void send_pose(const protocol::Text& text) override { poses.push_back(text); }
  std::vector<protocol::Text> sent;
  std::vector<protocol::Text> poses;

 private:
  std::string id_ = "listener";
};

/// A mock-up whose cycle can be stopped, as a hanging port does it.
class BlockingBackend final : public backend::Backend {
 public:
  BlockingBackend(backend::MockupServos servos, std::shared_future<void> released)
      : inner_(std::move(servos)), released_(std::move(released)) {}
  Status open() override { return {}; }
  backend::Fault read(backend::Measurement& out) override {
    if (++reads_ > 3) released_.wait();
    return inner_.read(out);
  }
  backend::Fault write(const model::JointArray& goal) override { return inner_.write(goal); }
  backend::Fault set_torque(std::uint16_t mask, bool on) override {
    return inner_.set_torque(mask, on);
  }
  void close() override {}
  bool simulated() const override { return true; }

 private:
  backend::Mockup inner_;
  std::shared_future<void> released_;
  int reads_ = 0;
};

/// A mock-up that falls silent, is a real robot's, or does not open, as the test says.
struct Trouble {
  std::atomic<backend::Fault> fault{backend::Fault::kNone};
  std::atomic<bool> simulated{true};
  std::atomic<bool> opens{true};
  std::atomic<bool> slow{false};  ///< a cycle takes longer than its period
};
class TroubledBackend final : public backend::Backend {
 public:
  TroubledBackend(backend::MockupServos servos, std::shared_ptr<Trouble> trouble)
      : inner_(std::move(servos)), trouble_(std::move(trouble)) {}
  Status open() override {
    if (!trouble_->opens) return fail(Errc::kIo, "the port is gone");
    return {};
  }
  backend::Fault read(backend::Measurement& out) override {
    if (trouble_->slow) std::this_thread::sleep_for(35ms);
    const auto fault = trouble_->fault.load();
    return fault == backend::Fault::kNone ? inner_.read(out) : fault;
  }
  backend::Fault write(const model::JointArray& goal) override {
    const auto fault = trouble_->fault.load();
    return fault == backend::Fault::kNone ? inner_.write(goal) : fault;
  }
  backend::Fault set_torque(std::uint16_t mask, bool on) override {
    return inner_.set_torque(mask, on);
  }
  void close() override {}
  bool simulated() const override { return trouble_->simulated; }

 private:
  backend::Mockup inner_;
  std::shared_ptr<Trouble> trouble_;
};

class RoomTest : public ::testing::Test {
 protected:
  RoomTest() {
    config_.mockup_sim = true;
    make_backend_ = [this](const model::HardwareConfig&) {
      return std::make_unique<TroubledBackend>(servos_, trouble_);
    };
  }
  ~RoomTest() override {
    room_.reset();
    loop_.join_pool();
  }

  /// Runs the loop until `done`; a failure after 20 s.
  template <class Done>
  void until(Done done, const char* what = "the event") {
    const auto deadline = Clock::now() + 20s;
    loop_.context().restart();
    while (!done()) {
      ASSERT_LT(Clock::now(), deadline) << what << " did not come";
      loop_.context().run_one_for(100ms);
      if (loop_.context().stopped()) loop_.context().restart();
    }
  }
  RoomFactory& factory() {
    if (!factory_) {
      factory_.emplace(
          loop_, dispatcher_, topics_, config_,
          [this](const model::HardwareConfig& hardware)
              -> Result<std::unique_ptr<backend::Backend>> { return make_backend_(hardware); },
          [this]() -> Result<model::HardwareConfig> { return hardware_; });
    }
    return *factory_;
  }
  Result<RoomReport> start(bool wake_up = false) {
    room_.reset();
    room_ = factory().make();
    std::optional<Result<RoomReport>> result;
    room_->start({wake_up, 1}, [&](Result<RoomReport> told) { result = std::move(told); });
    EXPECT_FALSE(result) << "callbacks come later than the call";
    until([&] { return result.has_value(); }, "the start");
    return result ? *result : fail(Errc::kTimeout, "no answer");
  }
  void stop() {
    bool stopped = false;
    room_->stop([&](const RoomReport&) { stopped = true; });
    EXPECT_FALSE(stopped);
    until([&] { return stopped; }, "the stop");
  }
  std::vector<std::string> goto_sleep() {
    std::optional<std::vector<std::string>> notes;
    room_->goto_sleep([&](std::vector<std::string> told) { notes = std::move(told); });
    until([&] { return notes.has_value(); }, "the sleep");
    return notes.value_or(std::vector<std::string>{"none"});
  }

  /// Sends a command; its answer, in time, will be in the result.
  std::shared_ptr<std::optional<json::object>> ask(const std::string& text) {
    auto answer = std::make_shared<std::optional<json::object>>();
    dispatcher_.submit(peer_, text, [answer](json::object message, protocol::Delivered) {
      EXPECT_FALSE(*answer) << "two answers";
      *answer = std::move(message);
    });
    return answer;
  }
  /// The answer to a command that answers at once.
  std::string say(const std::string& text) {
    const auto answer = ask(text);
    return *answer ? json::serialize(**answer) : "nothing";
  }
  /// The answer to a command that answers late.
  std::string await(const std::string& text) {
    const auto answer = ask(text);
    until([&] { return answer->has_value(); }, text.c_str());
    return *answer ? json::serialize(**answer) : "nothing";
  }
  json::object state() {
    const auto answer = ask(R"({"type":"get_state"})");
    return (*answer)->at("state").as_object();
  }
  /// Three cycles, whatever moves.
  void let_cycles_pass() {
    const auto begin = Clock::now();
    until([&] { return Clock::now() - begin > 3 * kPeriod; });
  }
  /// Lets the control thread carry out what was asked: the joints have stood for three periods.
  void settle() {
    auto since = Clock::now();
    auto before = positions();
    until([&] {
      const auto now = positions();
      if (now != before) since = Clock::now();
      before = now;
      return Clock::now() - since > 3 * kPeriod;
    });
  }
  model::JointArray positions() {
    model::JointArray out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = servos_.position_rad(i);
    return out;
  }
  double antenna(int side) {
    return state().at("antennas").as_array()[static_cast<std::size_t>(side)].to_number<double>();
  }
  const lifecycle::Cause* cause(std::string_view code) {
    causes_ = room_->causes();
    for (const auto& one : causes_) {
      if (one.code == code) return &one;
    }
    return nullptr;
  }

  static constexpr Duration kPeriod = 20ms;
  Loop loop_;
  protocol::Dispatcher dispatcher_;
  protocol::Topics topics_;
  model::LaunchConfig config_;
  backend::MockupServos servos_;
  std::shared_ptr<Trouble> trouble_ = std::make_shared<Trouble>();
  UniqueFunction<Result<std::unique_ptr<backend::Backend>>(const model::HardwareConfig&)>
      make_backend_;
  Result<model::HardwareConfig> hardware_ = model::default_hardware_config();
  std::optional<RoomFactory> factory_;
  std::unique_ptr<lifecycle::Room> room_;
  PeerContext peer_{"peer", protocol::Transport::kWebRtc, protocol::Reach::kLocal, {}};
  std::vector<lifecycle::Cause> causes_;
};

}  // namespace daruma::session
