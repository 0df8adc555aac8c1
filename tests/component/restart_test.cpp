#include "house.hpp"
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daruma::component {
namespace {

namespace json = boost::json;
using lifecycle::RoomState;
using net::test::fetch;
using net::test::WsClient;

json::object object_of(const std::string& text) { return json::parse(text).as_object(); }

class Restart : public ::testing::Test {
 protected:
  Restart() { EXPECT_TRUE(running()); }

  bool running() {
    return house_.eventually(
        [this] { return house_.supervisor().status().room == RoomState::kRunning; });
  }
  bool ended(const std::string& id) {
    return house_.eventually([&] {
      const auto receipt = house_.supervisor().receipt(id);
      return receipt && !receipt->outcome.empty();
    });
  }
  WsClient sdk() { return WsClient(house_.http_port(), {.target = "/ws/sdk"}); }
  /// Reads a signalling socket until a message of this type comes.
  static json::object next(WsClient& socket, std::string_view type) {
    while (const auto text = socket.read()) {
      auto message = object_of(*text);
      if (message.at("type").as_string() == type) return message;
    }
    ADD_FAILURE() << "the socket ended before " << type;
    return {};
  }
  /// Opens a session with the robot and returns its id.
  std::string open_session(WsClient& signalling) {
    signalling.text(R"({"type":"list"})");
    const auto robot = next(signalling, "list").at("producers").at(0).at("id");
    signalling.text(json::serialize(json::object{{"type", "startSession"}, {"peerId", robot}}));
    const auto session = next(signalling, "sessionStarted").at("sessionId");
    next(signalling, "peer");
    signalling.text(json::serialize(
        json::object{{"type", "peer"},
                     {"sessionId", session},
                     {"sdp", json::object{{"type", "answer"}, {"sdp", "an answer"}}}}));
    // Asked again until `data` is open and an answer has come.
    ++sessions_;
    EXPECT_TRUE(house_.eventually([this] {
      house_.say_from_loop(R"({"type":"get_health"})");
      return house_.webrtc_peers() == 1 && house_.story().count(R"(data {"verdict")") >= sessions_;
    }));
    sessions_ = house_.story().count(R"(data {"verdict")");
    return std::string(session.as_string());
  }
  std::string post_restart(const std::string& query) {
    return fetch(house_.http_port(), "POST", "/api/daemon/restart?" + query).body;
  }

  House house_;
  std::size_t sessions_ = 0;
};

TEST_F(Restart, TheAckIsOutBeforeAnythingIsTornDown) {
  WsClient signalling(house_.signalling_port());
  open_session(signalling);
  house_.say_on_data(R"({"type":"restart_daemon"})");
  ASSERT_TRUE(house_.eventually([this] { return house_.story().count("room start") == 2; }));
  const auto& story = house_.story();
  const auto ack =
      story.position(R"(data {"status":"ok","command":"restart_daemon","scheduled":true})");
  EXPECT_LT(ack, story.position("session told"));
  EXPECT_LT(story.position("session told"), story.position("room stop"));
}

TEST_F(Restart, RequestsOfTwoTransportsBecomeOneRestart) {
  WsClient signalling(house_.signalling_port());
  open_session(signalling);
  // On the loop at once, so that the second comes while the first one's ack is on its way.
  auto socket = sdk();
  house_.say_on_data(R"({"type":"restart_daemon","id":"by-data"})");
  socket.text(R"({"type":"restart_daemon","id":"by-socket"})");
  const auto by_http = object_of(post_restart("id=by-http"));
  EXPECT_EQ(by_http.at("job_id"), "by-http");
  ASSERT_TRUE(ended("by-data"));
  ASSERT_TRUE(ended("by-http"));
  EXPECT_EQ(house_.story().count("room stop"), 1U);
  EXPECT_EQ(house_.receipt("by-http")->merged_into, "by-data");
  EXPECT_EQ(house_.receipt("by-socket")->merged_into, "by-data");
  EXPECT_EQ(house_.receipt("by-http")->outcome, "done");
}

TEST_F(Restart, ScopeBackendKeepsEverybody) {
  WsClient signalling(house_.signalling_port());
  open_session(signalling);
  auto socket = sdk();
  post_restart("scope=backend&id=kept");
  ASSERT_TRUE(ended("kept"));
  EXPECT_EQ(house_.story().count("session told"), 0U);
  EXPECT_EQ(house_.story().count("room start"), 2U);
  // The same socket goes on with the new room's state.
  bool resumed = false;
  while (!resumed) {
    const auto text = socket.read();
    ASSERT_TRUE(text);
    const auto message = object_of(*text);
    resumed = message.at("type") == "daemon_status" && message.at("generation") == 2;
  }
  for (;;) {
    const auto text = socket.read();
    ASSERT_TRUE(text);
    if (object_of(*text).at("type") == "joint_positions") break;
  }
}

TEST_F(Restart, ScopeDaemonClosesThePeersAndKeepsTheSignalling) {
  WsClient signalling(house_.signalling_port());
  const auto session = open_session(signalling);
  auto socket = sdk();
  post_restart("id=dropped");
  EXPECT_EQ(socket.closed(), 1012);
  EXPECT_EQ(next(signalling, "endSession").at("sessionId").as_string(), session);
  ASSERT_TRUE(ended("dropped"));
  // The same signalling socket opens the next session; a new client is taken at once.
  EXPECT_NE(open_session(signalling), session);
  auto again = sdk();
  EXPECT_TRUE(again.read());
}

TEST_F(Restart, AStormIsOneRestartOrTwoAndEverybodyIsTold) {
  std::vector<std::unique_ptr<WsClient>> sockets;
  for (int i = 0; i < 50; ++i)
    sockets.push_back(
        std::make_unique<WsClient>(house_.http_port(), WsClient::Options{.target = "/ws/sdk"}));
  for (int i = 0; i < 20; ++i)
    for (std::size_t peer = 0; peer < sockets.size(); ++peer)
      sockets[peer]->text(R"({"type":"restart_daemon"})");
  for (auto& socket : sockets) EXPECT_EQ(socket->closed(), 1012);
  ASSERT_TRUE(running());
  EXPECT_LE(house_.story().count("room start"), 22U);
  EXPECT_EQ(fetch(house_.http_port(), "GET", "/api/daemon/status").status, 200);
}

TEST_F(Restart, ABrokenRoomLeavesTheDoorsOpenUntilItIsMended) {
  house_.break_hardware("hardware.yaml:7: stewart_3 has no id");
  post_restart("id=vain");
  ASSERT_TRUE(ended("vain"));
  EXPECT_EQ(house_.receipt("vain")->outcome, "failed");
  const auto status = object_of(fetch(house_.http_port(), "GET", "/api/daemon/status").body);
  EXPECT_EQ(status.at("state"), "error");
  EXPECT_EQ(status.at("error"), "hardware.yaml:7: stewart_3 has no id");
  EXPECT_EQ(status.at("health").at("causes").at(0).at("code"), "config_invalid");
  EXPECT_TRUE(status.at("backend_status").is_null());
  WsClient signalling(house_.signalling_port());
  open_session(signalling);
  house_.break_hardware(std::nullopt);
  house_.say_on_data(R"({"type":"restart_daemon","id":"cure"})");
  ASSERT_TRUE(ended("cure"));
  EXPECT_EQ(house_.receipt("cure")->cured, true);
  EXPECT_EQ(house_.status().state, "running");
}

TEST_F(Restart, ADialDuringTheRestartIsOfferedWhenTheRobotIsThere) {
  WsClient signalling(house_.signalling_port());
  open_session(signalling);
  house_.say_on_data(R"({"type":"restart_daemon","id":"dialled"})");
  next(signalling, "endSession");
  open_session(signalling);
  // The offer came; so the room was there before it.
  EXPECT_TRUE(ended("dialled"));
  EXPECT_EQ(house_.receipt("dialled")->outcome, "done");
}

}  // namespace
}  // namespace daruma::component
