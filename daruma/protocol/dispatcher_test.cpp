#include "daruma/protocol/dispatcher.hpp"

#include <sstream>
#include <stdexcept>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

namespace daruma::protocol {
namespace {

using namespace std::chrono_literals;
using boost::json::parse;
using boost::json::value;

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)));
  }
  ~DispatcherTest() override { spdlog::set_default_logger(before_); }

  void say(std::string_view text) {
    dispatcher_.submit(peer_, text, [this](boost::json::object message, Delivered) {
      answers_.emplace_back(std::move(message));
    });
  }
  /// The one answer to a message; null when there is none.
  value ask(std::string_view text) {
    answers_.clear();
    say(text);
    EXPECT_LE(answers_.size(), 1U);
    return answers_.empty() ? value(nullptr) : answers_.front();
  }

  TimePoint now_{1h};
  Dispatcher dispatcher_{[this] { return now_; }};
  PeerContext peer_{"p1", Transport::kWebRtc, Reach::kLocal, {}};
  std::vector<value> answers_;
  std::ostringstream log_;

 private:
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(DispatcherTest, HandsTheCommandToItsOwner) {
  Handlers room;
  dispatcher_.house().on("get_version", [](const Command&, const PeerContext& peer, Reply reply) {
    reply.send({{"version", peer.peer_id}});
  });
  room.on("set_body_yaw", [](const Command& command, const PeerContext&, Reply reply) {
    reply.ok({{"yaw", command.number("body_yaw")}});
  });
  dispatcher_.mount(&room);
  EXPECT_EQ(ask(R"({"type":"get_version"})"), parse(R"({"version":"p1"})"));
  EXPECT_EQ(ask(R"({"type":"set_body_yaw","body_yaw":0.5})"),
            parse(R"({"status":"ok","command":"set_body_yaw","yaw":0.5})"));
  EXPECT_EQ(dispatcher_.dropped_replies(), 0U);
}

TEST_F(DispatcherTest, AnswersWhatIsNotBuilt) {
  EXPECT_EQ(ask(R"({"type":"get_imu"})"),
            parse(R"({"error":"get_imu is not available on this daemon","command":"get_imu"})"));
  EXPECT_EQ(ask(R"({"type":"get_version"})").at("error"),
            "get_version is not available on this daemon");
}

TEST_F(DispatcherTest, SaysWhyThereIsNoRoom) {
  Handlers room;
  room.on("get_state", [](const Command&, const PeerContext&, Reply reply) { reply.send({}); });
  EXPECT_EQ(ask(R"({"type":"get_state"})").at("reason"), "not_running");
  dispatcher_.set_absence([] { return Dispatcher::Absence{"starting", "The robot is starting"}; });
  dispatcher_.mount(&room);
  EXPECT_EQ(ask(R"({"type":"get_state"})"), parse("{}"));
  dispatcher_.unmount();
  EXPECT_EQ(ask(R"({"type":"get_state"})"), parse(R"({"error":"The robot is starting",
      "command":"get_state","reason":"not_running","phase":"starting"})"));
}

TEST_F(DispatcherTest, RefusesWhatCannotBeDecoded) {
  EXPECT_EQ(ask(R"({"type":"set_volume","volume":101})"),
            parse(R"({"error":"Invalid command: volume: Input should be less than or equal to 100",
                      "command":"set_volume"})"));
  EXPECT_EQ(ask("[").as_object().size(), 1U);
  EXPECT_EQ(ask(R"({"type":"nope"})").at("command"), "nope");
  EXPECT_EQ(ask(R"({"type":")" + std::string(101, 'x') + R"("})").as_object().size(), 1U);
}

TEST_F(DispatcherTest, AMalformedRestartIsAnsweredByErrorAloneAndDoesNothing) {
  bool called = false;
  dispatcher_.house().on("restart_daemon", [&](const Command&, const PeerContext&, Reply reply) {
    called = true;
    reply.ok();
  });
  EXPECT_EQ(
      ask(R"({"type":"restart_daemon","wake_up_on_start":"maybe"})"),
      parse(R"({"error":"Invalid command: wake_up_on_start: Input should be a valid boolean"})"));
  EXPECT_FALSE(called);
}

TEST_F(DispatcherTest, ADroppedReplyIsAnsweredAndCounted) {
  dispatcher_.house().on("get_version", [](const Command&, const PeerContext&, Reply) {});
  EXPECT_EQ(ask(R"({"type":"get_version"})"),
            parse(R"({"error":"internal_error","command":"get_version"})"));
  EXPECT_EQ(dispatcher_.dropped_replies(), 1U);
}

TEST_F(DispatcherTest, AHandlerThatThrowsIsAnsweredWithItsTextAndCountedOnce) {
  dispatcher_.house().on("get_version", [](const Command&, const PeerContext&, Reply) {
    throw std::runtime_error("boom");
  });
  dispatcher_.house().on("get_hardware_id", [](const Command&, const PeerContext&, Reply reply) {
    reply.ok();
    throw std::runtime_error("late boom");
  });
  EXPECT_EQ(ask(R"({"type":"get_version"})"), parse(R"({"error":"boom","command":"get_version"})"));
  EXPECT_EQ(dispatcher_.dropped_replies(), 1U);
  EXPECT_EQ(ask(R"({"type":"get_hardware_id"})").at("status"), "ok");
  EXPECT_EQ(dispatcher_.dropped_replies(), 2U);
  EXPECT_NE(log_.str().find("late boom"), std::string::npos);
}

TEST_F(DispatcherTest, ALateReplyReachesItsCaller) {
  Reply kept;
  dispatcher_.house().on("get_version", [&](const Command&, const PeerContext&, Reply reply) {
    kept = std::move(reply);
  });
  EXPECT_TRUE(ask(R"({"type":"get_version"})").is_null());
  kept.ok();
  kept.ok();
  EXPECT_EQ(answers_.size(), 1U);
  EXPECT_FALSE(kept);
}

TEST_F(DispatcherTest, ACommandWithoutAnswerHasNone) {
  dispatcher_.house().on("unsubscribe_logs",
                         [](const Command&, const PeerContext&, Reply reply) { reply.nothing(); });
  EXPECT_TRUE(ask(R"({"type":"unsubscribe_logs"})").is_null());
  EXPECT_EQ(dispatcher_.dropped_replies(), 0U);
}

TEST_F(DispatcherTest, WorksWithoutASink) {
  dispatcher_.house().on("get_version", [](const Command&, const PeerContext&, Reply) {});
  dispatcher_.submit(peer_, R"({"type":"get_version"})", {});
  dispatcher_.submit(peer_, R"({"type":"get_imu"})", {});
  dispatcher_.submit(peer_, "?", {});
}

TEST_F(DispatcherTest, AFloodOfMistakesIsOneLogLineASecond) {
  for (int i = 0; i < 1000; ++i) say("nonsense");
  EXPECT_EQ(answers_.size(), 1000U);
  now_ += 1s;
  say("nonsense");
  const auto text = log_.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_NE(text.find("WebRTC invalid command: "), text.npos);
  EXPECT_NE(text.find("(999 more left out)"), text.npos);
}

TEST_F(DispatcherTest, TellsWhereTableAndHandlersDisagree) {
  const auto handler = [](const Command&, const PeerContext&, Reply reply) { reply.nothing(); };
  Handlers room;
  std::size_t of_room = 0;
  for (const auto& spec : command_table()) {
    if (spec.owner == Owner::kHouse) dispatcher_.house().on(spec.type, handler);
    if (spec.owner != Owner::kRoom) continue;
    room.on(spec.type, handler);
    ++of_room;
  }
  EXPECT_TRUE(dispatcher_.disagreements(&room).empty());
  Handlers empty;
  EXPECT_EQ(dispatcher_.disagreements(&empty).size(), of_room);
  room.on("get_version", handler);
  EXPECT_EQ(dispatcher_.disagreements(&room).size(), 1U);
  EXPECT_TRUE(dispatcher_.disagreements(nullptr).empty());
}

TEST(Reply, AnErrorOfOursCarriesItsCodeAsReason) {
  value answer;
  Reply reply(
      "x", [&](boost::json::object message, Delivered) { answer = std::move(message); }, nullptr);
  reply.error(Error{Errc::kBusy, "later"});
  EXPECT_EQ(answer, parse(R"({"error":"later","command":"x","reason":"busy"})"));
}

TEST(Reply, AssigningOverAnUnansweredReplyAnswersIt) {
  std::uint64_t dropped = 0;
  int answers = 0;
  Reply reply(
      "x", [&](boost::json::object, Delivered) { ++answers; }, &dropped);
  reply = Reply();
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(dropped, 1U);
}

}  // namespace
}  // namespace daruma::protocol
