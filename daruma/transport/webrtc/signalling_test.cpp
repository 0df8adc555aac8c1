#include "daruma/transport/webrtc/signalling.hpp"

#include <map>
#include <random>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace daruma::webrtc {
namespace {

using boost::json::parse;
using boost::json::value;

struct FakeRobot : Robot {
  std::optional<std::string> refusal() const override { return refuses; }
  void session_started(const std::string& session, const std::string& consumer) override {
    started.emplace_back(session, consumer);
  }
  void answered(const std::string& session, const std::string& sdp) override {
    answers.emplace_back(session, sdp);
  }
  void candidate_came(const std::string& session, const IceCandidate& candidate) override {
    candidates.emplace_back(session, candidate.candidate);
  }
  void session_ended(const std::string& session) override { ended.push_back(session); }

  using Pairs = std::vector<std::pair<std::string, std::string>>;
  std::optional<std::string> refuses;
  Pairs started;
  Pairs answers;
  Pairs candidates;
  std::vector<std::string> ended;
};

class SignallingTest : public testing::Test {
 protected:
  /// A new peer that has taken its welcome.
  std::string join() {
    const std::string id = fmt::format("peer-{}", ++joined_);
    server_.join(id);
    EXPECT_EQ(take(id), parse(fmt::format(R"({{"type":"welcome","peerId":"{}"}})", id)));
    return id;
  }
  std::string join(std::string_view roles, std::string_view meta = "null") {
    const auto id = join();
    say(id, fmt::format(R"({{"type":"setPeerStatus","roles":[{}],"meta":{}}})", roles, meta));
    if (roles.find("listener") != std::string_view::npos) take(id);
    return id;
  }
  void say(const std::string& peer, std::string_view text) { server_.receive(peer, text); }
  /// The oldest message to a peer that was not taken yet; null when there is none.
  value take(const std::string& peer) {
    auto& waiting = told_[peer];
    if (waiting.empty()) return nullptr;
    value first = parse(waiting.front());
    waiting.erase(waiting.begin());
    return first;
  }
  value ask(const std::string& peer, std::string_view text) {
    EXPECT_EQ(told_[peer].size(), 0U);
    say(peer, text);
    return take(peer);
  }
  std::string start(const std::string& consumer, const std::string& producer) {
    const auto answer =
        ask(consumer, fmt::format(R"({{"type":"startSession","peerId":"{}"}})", producer));
    EXPECT_EQ(answer.at("type"), "sessionStarted") << boost::json::serialize(answer);
    EXPECT_EQ(answer.at("peerId").as_string(), producer);
    return std::string(answer.at("sessionId").as_string());
  }
  bool silent() const {
    for (const auto& [peer, waiting] : told_)
      if (!waiting.empty()) return false;
    return true;
  }
  static std::string sdp(const std::string& session, std::string_view type) {
    return fmt::format(R"({{"type":"peer","sessionId":"{}","sdp":{{"type":"{}","sdp":"v=0"}}}})",
                       session, type);
  }
  static std::string ice(const std::string& session) {
    return fmt::format(
        R"({{"type":"peer","sessionId":"{}","ice":{{"candidate":"c","sdpMLineIndex":0}}}})",
        session);
  }
  static std::string end(const std::string& session) {
    return fmt::format(R"({{"type":"endSession","sessionId":"{}"}})", session);
  }

  FakeRobot robot_;
  TimePoint now_{std::chrono::hours(1)};
  std::map<std::string, std::vector<std::string>> told_;
  Signalling server_{
      robot_,
      {{"name", "reachymini"}},
      [this](const std::string& peer, const protocol::Text& text) { told_[peer].push_back(*text); },
      [this] { return now_; }};
  int joined_ = 0;
};

TEST_F(SignallingTest, ListsTheRobotFirst) {
  const auto peer = join();
  auto list = ask(peer, R"({"type":"list"})");
  EXPECT_EQ(list, parse(fmt::format(R"({{"type":"list","producers":[
      {{"id":"{}","meta":{{"name":"reachymini"}}}}]}})",
                                    server_.robot_id())));
  const auto other = join(R"("producer")", R"({"name":"other"})");
  list = ask(peer, R"({"type":"list"})");
  ASSERT_EQ(list.at("producers").as_array().size(), 2U);
  EXPECT_EQ(list.at("producers").at(1),
            parse(fmt::format(R"({{"id":"{}","meta":{{"name":"other"}}}})", other)));
}

TEST_F(SignallingTest, ListsConsumers) {
  const auto peer = join();
  EXPECT_EQ(ask(peer, R"({"type":"listConsumers"})"),
            parse(R"({"type":"listConsumers","consumers":[]})"));
  const auto consumer = join(R"("consumer")", R"({"name":"c"})");
  EXPECT_EQ(ask(peer, R"({"type":"listConsumers"})"),
            parse(fmt::format(
                R"({{"type":"listConsumers","consumers":[{{"id":"{}","meta":{{"name":"c"}}}}]}})",
                consumer)));
}

TEST_F(SignallingTest, TellsListenersOfEveryChangeThemselvesIncluded) {
  const auto listener = join();
  const auto own =
      ask(listener, R"({"type":"setPeerStatus","roles":["listener"],"meta":{"name":"l"}})");
  EXPECT_EQ(own, parse(fmt::format(R"({{"type":"peerStatusChanged","roles":["listener"],
      "meta":{{"name":"l"}},"peerId":"{}"}})",
                                   listener)));
  const auto producer = join(R"("producer")", R"({"name":"p"})");
  EXPECT_EQ(take(listener), parse(fmt::format(R"({{"type":"peerStatusChanged","roles":["producer"],
      "meta":{{"name":"p"}},"peerId":"{}"}})",
                                              producer)));
  EXPECT_TRUE(silent()) << "somebody who does not listen was told";
}

TEST_F(SignallingTest, AnUnchangedStatusIsNoNews) {
  const auto listener = join(R"("listener")");
  EXPECT_EQ(ask(listener, R"({"type":"setPeerStatus","roles":["listener"]})"), nullptr);
  EXPECT_NE(ask(listener, R"({"type":"setPeerStatus","roles":["listener"],"meta":{}})"), nullptr);
}

TEST_F(SignallingTest, RefusesAProducerThatConsumes) {
  const auto peer = join();
  const auto answer =
      ask(peer, R"({"type":"setPeerStatus","roles":["producer","consumer"],"meta":{}})");
  EXPECT_EQ(answer.at("type"), "error");
  EXPECT_EQ(ask(peer, R"({"type":"list"})").at("producers").as_array().size(), 1U);
}

TEST_F(SignallingTest, StartsSessionsWithTheRobot) {
  const auto one = join();
  const auto two = join();
  const auto first = start(one, server_.robot_id());
  const auto second = start(two, server_.robot_id());
  EXPECT_EQ(robot_.started, (FakeRobot::Pairs{{first, one}, {second, two}}));
  server_.offer(first, "v=0");
  EXPECT_EQ(take(one), parse(sdp(first, "offer")));
  server_.candidate(first, {"c", 0});
  EXPECT_EQ(take(one), parse(ice(first)));
  EXPECT_EQ(ask(one, sdp(first, "answer")), nullptr);
  EXPECT_EQ(ask(one, ice(first)), nullptr);
  EXPECT_EQ(robot_.answers, (FakeRobot::Pairs{{first, "v=0"}}));
  EXPECT_EQ(robot_.candidates, (FakeRobot::Pairs{{first, "c"}}));
  EXPECT_TRUE(silent());
}

TEST_F(SignallingTest, TellsSessionStartedBeforeTheRobotCanOffer) {
  struct Eager : FakeRobot {
    void session_started(const std::string& session, const std::string&) override {
      server->offer(session, "v=0");
    }
    Signalling* server = nullptr;
  } robot;
  std::vector<value> told;
  Signalling server(robot, {}, [&](const std::string&, const protocol::Text& text) {
    told.push_back(parse(*text));
  });
  robot.server = &server;
  server.join("one");
  server.receive("one",
                 fmt::format(R"({{"type":"startSession","peerId":"{}"}})", server.robot_id()));
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[1].at("type"), "sessionStarted");
  EXPECT_EQ(told[2].at("sdp").at("type"), "offer");
}

TEST_F(SignallingTest, CarriesSessionsWithOtherProducers) {
  const auto producer = join(R"("producer")");
  const auto consumer = join();
  const auto session = start(consumer, producer);
  EXPECT_EQ(
      take(producer),
      parse(fmt::format(R"({{"type":"startSession","peerId":"{}","sessionId":"{}","offer":null}})",
                        consumer, session)));
  say(producer, sdp(session, "offer"));
  EXPECT_EQ(take(consumer), parse(sdp(session, "offer")));
  say(consumer, sdp(session, "answer"));
  EXPECT_EQ(take(producer), parse(sdp(session, "answer")));
  say(producer, ice(session));
  EXPECT_EQ(take(consumer), parse(ice(session)));
  say(consumer, ice(session));
  EXPECT_EQ(take(producer), parse(ice(session)));
  say(consumer, end(session));
  EXPECT_EQ(take(producer), parse(end(session)));
  EXPECT_EQ(take(consumer), nullptr);
  EXPECT_EQ(server_.sessions(), 0U);
  EXPECT_TRUE(robot_.started.empty());
}

TEST_F(SignallingTest, RefusesUnknownProducersByName) {
  const auto peer = join();
  EXPECT_EQ(ask(peer, R"({"type":"startSession","peerId":"x"})"),
            parse(R"({"type":"error","details":"Peer with ID 'x' not found"})"));
  const auto no_producer = join(R"("consumer")");
  EXPECT_EQ(
      ask(peer, fmt::format(R"({{"type":"startSession","peerId":"{}"}})", no_producer)).at("type"),
      "error");
  const auto producer = join(R"("producer")");
  EXPECT_EQ(
      ask(producer, fmt::format(R"({{"type":"startSession","peerId":"{}"}})", producer)).at("type"),
      "error");
  EXPECT_EQ(server_.sessions(), 0U);
}

TEST_F(SignallingTest, PassesOnTheRobotsRefusal) {
  robot_.refuses = "not today";
  const auto peer = join();
  EXPECT_EQ(
      ask(peer, fmt::format(R"({{"type":"startSession","peerId":"{}"}})", server_.robot_id())),
      parse(R"({"type":"error","details":"not today"})"));
  EXPECT_EQ(server_.sessions(), 0U);
}

TEST_F(SignallingTest, CarriesTheOfferOfAConsumerToAnotherProducer) {
  const auto producer = join(R"("producer")");
  const auto consumer = join();
  const auto started = ask(
      consumer, fmt::format(R"({{"type":"startSession","peerId":"{}","offer":"v=0"}})", producer));
  const auto session = std::string(started.at("sessionId").get_string());
  EXPECT_EQ(
      take(producer),
      parse(fmt::format(R"({{"type":"startSession","peerId":"{}","sessionId":"{}","offer":"v=0"}})",
                        consumer, session)));
  say(producer, sdp(session, "answer"));
  EXPECT_EQ(take(consumer), parse(sdp(session, "answer")));
}

TEST_F(SignallingTest, OnlyProducersOffer) {
  const auto producer = join(R"("producer")");
  const auto consumer = join();
  const auto session = start(consumer, producer);
  take(producer);
  EXPECT_EQ(ask(consumer, sdp(session, "offer")).at("type"), "error");
  EXPECT_EQ(ask(producer, sdp(session, "answer")).at("type"), "error");
  EXPECT_EQ(ask(consumer, fmt::format(R"({{"type":"startSession","peerId":"{}","offer":"v=0"}})",
                                      server_.robot_id()))
                .at("type"),
            "error");
  const auto robot_session = start(consumer, server_.robot_id());
  EXPECT_EQ(ask(consumer, sdp(robot_session, "offer")).at("type"), "error");
  EXPECT_TRUE(robot_.answers.empty());
  EXPECT_TRUE(silent());
}

TEST_F(SignallingTest, SessionsOfOthersDoNotExist) {
  const auto one = join();
  const auto session = start(one, server_.robot_id());
  const auto stranger = join();
  say(stranger, sdp(session, "answer"));
  say(stranger, ice(session));
  say(stranger, end(session));
  say(stranger, end("no such session"));
  EXPECT_TRUE(silent());
  EXPECT_TRUE(robot_.answers.empty());
  EXPECT_TRUE(robot_.candidates.empty());
  EXPECT_TRUE(robot_.ended.empty());
  EXPECT_EQ(server_.sessions(), 1U);
}

TEST_F(SignallingTest, ASessionEndsForTheOtherSideOnly) {
  const auto peer = join();
  const auto first = start(peer, server_.robot_id());
  EXPECT_EQ(ask(peer, end(first)), nullptr);
  EXPECT_EQ(robot_.ended, std::vector<std::string>{first});
  const auto second = start(peer, server_.robot_id());
  server_.end(second);
  EXPECT_EQ(take(peer), parse(end(second)));
  EXPECT_EQ(robot_.ended.size(), 1U);
  server_.offer(second, "v=0");
  server_.candidate(second, {"c", 0});
  server_.end(second);
  EXPECT_TRUE(silent()) << "the robot spoke in a session that had ended";
}

TEST_F(SignallingTest, AClosedSocketEndsItsSessionsAndItsRoles) {
  const auto listener = join(R"("listener")");
  const auto producer = join(R"("producer")", R"({"name":"p"})");
  take(listener);
  const auto consumer = join();
  const auto one = start(consumer, producer);
  take(producer);
  const auto two = start(consumer, server_.robot_id());
  server_.leave(producer);
  EXPECT_EQ(take(consumer), parse(end(one)));
  EXPECT_EQ(take(listener), parse(fmt::format(R"({{"type":"peerStatusChanged","roles":[],
      "meta":{{"name":"p"}},"peerId":"{}"}})",
                                              producer)));
  server_.leave(consumer);
  EXPECT_EQ(robot_.ended, std::vector<std::string>{two});
  EXPECT_EQ(server_.sessions(), 0U);
  EXPECT_EQ(server_.peers(), 1U);
  server_.leave(consumer);
  EXPECT_TRUE(silent());
}

TEST_F(SignallingTest, AProducerThatWithdrawsEndsItsSessions) {
  const auto producer = join(R"("producer")");
  const auto consumer = join();
  const auto session = start(consumer, producer);
  take(producer);
  say(producer, R"({"type":"setPeerStatus","roles":[]})");
  EXPECT_EQ(take(consumer), parse(end(session)));
  EXPECT_TRUE(silent());
  EXPECT_EQ(server_.sessions(), 0U);
}

TEST_F(SignallingTest, TheNewerVersionHearsOfEndsInItsOwnWords) {
  const auto peer = join();
  EXPECT_EQ(ask(peer, R"({"type":"setProtocolVersion","version":"v1_1"})"), nullptr);
  const auto session = start(peer, server_.robot_id());
  server_.end(session);
  EXPECT_EQ(
      take(peer),
      parse(fmt::format(R"({{"type":"endSessionV1_1","sessionId":"{}","error":null}})", session)));
  // It may offer, but not to the robot.
  const auto producer = join(R"("producer")");
  const auto other = start(peer, producer);
  take(producer);
  say(peer, sdp(other, "offer"));
  EXPECT_EQ(take(producer), parse(sdp(other, "offer")));
  say(producer, sdp(other, "answer"));
  EXPECT_EQ(take(peer), parse(sdp(other, "answer")));
  EXPECT_EQ(ask(peer, sdp(start(peer, server_.robot_id()), "offer")).at("type"), "error");
}

TEST_F(SignallingTest, TheVersionIsAgreedFirstOrNotAtAll) {
  const auto peer = join();
  ask(peer, R"({"type":"list"})");
  EXPECT_EQ(ask(peer, R"({"type":"setProtocolVersion","version":"v1_1"})"), nullptr);
  const auto session = start(peer, server_.robot_id());
  server_.end(session);
  EXPECT_EQ(take(peer).at("type"), "endSession");
}

TEST_F(SignallingTest, IgnoresWhatItCannotRead) {
  const auto peer = join();
  for (const char* text : {"", "{", "[1]", R"({"type":"nope"})", R"({"type":"startSession"})"})
    EXPECT_EQ(ask(peer, text), nullptr) << text;
  server_.receive_binary(peer, 10);
  EXPECT_TRUE(silent());
  EXPECT_EQ(ask(peer, R"({"type":"list"})").at("type"), "list");
  say("nobody", R"({"type":"list"})");
  EXPECT_TRUE(silent());
}

TEST_F(SignallingTest, BoundsTheSessionsOfAPeer) {
  const auto peer = join();
  std::string session;
  for (std::size_t i = 0; i < Signalling::kMaxSessionsOfPeer; ++i)
    session = start(peer, server_.robot_id());
  const auto one_more =
      fmt::format(R"({{"type":"startSession","peerId":"{}"}})", server_.robot_id());
  EXPECT_EQ(ask(peer, one_more).at("details"), "Too many sessions");
  say(peer, end(session));
  EXPECT_EQ(ask(peer, one_more).at("type"), "sessionStarted");
}

TEST_F(SignallingTest, BoundsTheSessionsOfAProducer) {
  const auto producer = join(R"("producer")");
  for (std::size_t i = 0; i < Signalling::kMaxSessionsOfPeer; ++i) start(join(), producer);
  EXPECT_EQ(ask(join(), fmt::format(R"({{"type":"startSession","peerId":"{}"}})", producer))
                .at("details"),
            "Too many sessions");
}

TEST_F(SignallingTest, BoundsAllSessions) {
  for (std::size_t i = 0; i < Signalling::kMaxSessions; ++i) start(join(), server_.robot_id());
  EXPECT_EQ(server_.sessions(), Signalling::kMaxSessions);
  EXPECT_EQ(
      ask(join(), fmt::format(R"({{"type":"startSession","peerId":"{}"}})", server_.robot_id()))
          .at("details"),
      "Too many sessions");
}

TEST_F(SignallingTest, IsFullAtItsBound) {
  for (std::size_t i = 0; i < Signalling::kMaxPeers; ++i) {
    EXPECT_FALSE(server_.full());
    join();
  }
  EXPECT_TRUE(server_.full());
  server_.leave("peer-1");
  EXPECT_FALSE(server_.full());
}

TEST(SignallingReentryTest, ASocketMayCloseWhileItIsWrittenTo) {
  FakeRobot robot;
  Signalling* server = nullptr;
  std::map<std::string, int> told;
  Signalling made(robot, {}, [&](const std::string& peer, const protocol::Text&) {
    if (++told[peer] == 2) server->leave(peer);
  });
  server = &made;
  made.join("a");
  made.join("b");
  made.receive("a", R"({"type":"setPeerStatus","roles":["listener"]})");
  EXPECT_EQ(made.peers(), 1U);
  made.receive("b", R"({"type":"setPeerStatus","roles":["listener"]})");
  EXPECT_EQ(made.peers(), 0U);
  EXPECT_EQ(told["a"], 2);
}

/// Random talk of many peers: whatever they say, the tables stay whole.
TEST_F(SignallingTest, SurvivesAnyConversation) {
  std::mt19937 random(7);
  const auto pick = [&](std::size_t size) { return static_cast<std::size_t>(random()) % size; };
  std::vector<std::string> peers;
  std::vector<std::string> sessions{"none"};
  for (int round = 0; round < 20'000; ++round) {
    if (peers.size() < 8) peers.push_back(join());
    const auto peer = peers[pick(peers.size())];
    const auto session = sessions[pick(sessions.size())];
    const auto other = pick(3) == 0 ? server_.robot_id() : peers[pick(peers.size())];
    static constexpr const char* kRoles[] = {"", R"("producer")", R"("consumer")", R"("listener")",
                                             R"("producer","listener")"};
    switch (pick(9)) {
      case 0:
        say(peer, fmt::format(R"({{"type":"setPeerStatus","roles":[{}]}})", kRoles[pick(5)]));
        break;
      case 1:
        say(peer, fmt::format(R"({{"type":"startSession","peerId":"{}"}})", other));
        break;
      case 2:
        say(peer, sdp(session, pick(2) == 0 ? "offer" : "answer"));
        break;
      case 3:
        say(peer, ice(session));
        break;
      case 4:
        say(peer, end(session));
        break;
      case 5:
        server_.end(session);
        break;
      case 6:
        if (pick(10) == 0) {
          server_.leave(peer);
          std::erase(peers, peer);
        }
        break;
      case 7:
        say(peer, R"({"type":"setProtocolVersion","version":"v1_1"})");
        break;
      default:
        say(peer, R"({"type":"list"})");
    }
    for (auto& [to, waiting] : told_)
      for (const auto& text : std::exchange(waiting, {})) {
        const auto message = parse(text);
        if (message.at("type") == "sessionStarted")
          sessions.emplace_back(message.at("sessionId").as_string());
      }
    if (sessions.size() > 20) sessions.erase(sessions.begin() + 1);
  }
  for (const auto& peer : peers) server_.leave(peer);
  EXPECT_EQ(server_.sessions(), 0U);
  EXPECT_EQ(server_.peers(), 0U);
  EXPECT_GT(robot_.started.size(), 0U);
}

}  // namespace
}  // namespace daruma::webrtc
