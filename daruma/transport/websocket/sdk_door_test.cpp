#include "daruma/transport/websocket/sdk_door.hpp"

#include <atomic>
#include <sstream>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "daruma/transport/net/server.hpp"
#include "daruma/transport/net/test_client.hpp"

namespace daruma::websocket {
namespace {

using namespace std::chrono_literals;
using net::test::WsClient;
using protocol::Command;
using protocol::PeerContext;
using protocol::Reply;
using protocol::Topic;

constexpr std::string_view kStatusText = R"({"type":"daemon_status","state":"running"})";

protocol::Text shared(std::string_view text) { return std::make_shared<const std::string>(text); }

class SdkDoorTest : public testing::Test {
 protected:
  SdkDoorTest() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)));
    runner_.call([this] {
      handlers();
      door_ = std::make_unique<SdkDoor>(runner_.loop(), dispatcher_, topics_,
                                        [] { return shared(kStatusText); });
      net::Server::Options options;
      options.name = "test";
      options.addresses = {"127.0.0.1"};
      server_ = std::make_unique<net::Server>(
          runner_.loop(), options, guard_,
          [](const net::Request&, net::Responder responder) { responder.send({.status = 404}); },
          [this](const net::Request& request) { return door_->upgrade(request); });
      ASSERT_TRUE(server_->start());
      port_ = server_->port();
    });
  }
  ~SdkDoorTest() override {
    runner_.call([this] {
      server_.reset();
      door_.reset();
    });
    spdlog::set_default_logger(before_);
  }

  void handlers() {
    auto& house = dispatcher_.house();
    house.on("get_version", [this](const Command&, const PeerContext&, Reply reply) {
      ++executed_;
      reply.send({{"version", "1"}});
    });
    house.on("get_health", [this](const Command&, const PeerContext& peer, Reply reply) {
      ++executed_;
      peer_ = peer;
      reply.send({{"command", "get_health"}, {"verdict", "healthy"}});
    });
    house.on("restart_daemon", [this](const Command&, const PeerContext&, Reply reply) {
      ++executed_;
      reply.send({{"status", "ok"}, {"command", "restart_daemon"}, {"scheduled", true}},
                 [this](bool sent) { sent ? ++acks_ : ++lost_acks_; });
    });
    house.on("get_robot_name", [this](const Command&, const PeerContext&, Reply) {
      ++executed_;
      throw std::runtime_error("on purpose");
    });
  }

  struct Client : WsClient {
    explicit Client(std::uint16_t port, Options options = Options())
        : WsClient(port, sdk(std::move(options))) {}
    static Options sdk(Options options) {
      options.target = SdkDoor::kPath;
      return options;
    }
    boost::json::value json() {
      const auto text = read();
      return text ? boost::json::parse(*text) : boost::json::value("the connection ended");
    }
  };
  void publish(Topic topic, std::string_view text) {
    runner_.call([&] { topics_.publish(topic, shared(text)); });
  }
  std::size_t peers() {
    return runner_.call([this] { return door_->peers(); });
  }
  std::string log() {
    return runner_.call([this] { return log_.str(); });
  }

  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> before_;
  net::test::LoopThread runner_;
  protocol::OriginGuard guard_;
  protocol::Dispatcher dispatcher_;
  protocol::Topics topics_;
  protocol::Handlers room_;
  std::unique_ptr<SdkDoor> door_;
  std::unique_ptr<net::Server> server_;
  std::uint16_t port_ = 0;
  PeerContext peer_;
  std::atomic<int> executed_ = 0;
  std::atomic<int> acks_ = 0;
  std::atomic<int> lost_acks_ = 0;
};

TEST_F(SdkDoorTest, TheEndOfATaskIsToldToAllClients) {
  runner_.call([this] {
    room_.on("task", [](const Command& command, const PeerContext&, Reply reply) {
      if (command.text("uuid") == "bad") return reply.error("out of reach");
      reply.ok({{"completed", true}});
    });
    dispatcher_.mount(&room_);
  });
  Client one(port_);
  Client other(port_);
  for (auto* client : {&one, &other}) EXPECT_EQ(client->json().at("type"), "daemon_status");
  ASSERT_TRUE(runner_.eventually([this] { return topics_.peers() == 2; }));
  one.text(R"({"type":"task","uuid":"good","req":{}})");
  for (auto* client : {&one, &other}) {
    const auto told = client->json();
    EXPECT_EQ(told.at("type"), "task_progress");
    EXPECT_EQ(told.at("uuid"), "good");
    EXPECT_EQ(told.at("finished"), true);
    EXPECT_TRUE(told.at("error").is_null());
    EXPECT_EQ(told.at("timestamp").get_string().size(), 23U) << "local time, no zone";
  }
  one.text(R"({"type":"task","uuid":"bad","req":{}})");
  EXPECT_EQ(other.json().at("error"), "out of reach");
  runner_.call([this] { dispatcher_.unmount(); });
  one.text(R"({"type":"task","uuid":"nobody","req":{}})");
  EXPECT_EQ(other.json().at("uuid"), "nobody") << "without a robot a task ends too";
}

TEST_F(SdkDoorTest, GreetsWithTheStatusAndPushesWhatIsPublished) {
  Client client(port_);
  EXPECT_EQ(client.read(), kStatusText);
  publish(Topic::kState, "state");
  publish(Topic::kPose, "never");
  publish(Topic::kEvents, "event");
  publish(Topic::kStatus, "status");
  for (const auto* text : {"state", "event", "status"}) EXPECT_EQ(client.read(), text);
}

TEST_F(SdkDoorTest, OtherPathsAreRefused) {
  EXPECT_EQ(WsClient::status_of(port_, {.target = "/ws/other"}), 403);
  EXPECT_EQ(WsClient::status_of(port_, {.target = "/ws/sdk/"}), 403);
}

TEST_F(SdkDoorTest, CommandsOfTheReferenceAreExecutedInSilence) {
  Client client(port_);
  EXPECT_EQ(client.read(), kStatusText);
  client.text(R"({"type":"get_version"})");
  client.text(R"({"type":"restart_daemon"})");
  client.text(R"({"type":"set_volume","volume":3})");  // not built: an error nobody is told
  client.text(R"({"type":"get_health"})");
  EXPECT_EQ(client.json(), boost::json::parse(R"({"command":"get_health","verdict":"healthy"})"))
      << "the first text after the status is the answer to Daruma's own command";
  EXPECT_EQ(executed_, 3);
  EXPECT_EQ(acks_, 1) << "a swallowed ack counts as delivered";
}

TEST_F(SdkDoorTest, ARestartWithAnIdIsAnswered) {
  Client client(port_);
  EXPECT_EQ(client.read(), kStatusText);
  client.text(R"({"type":"restart_daemon","id":"7c0e-42"})");
  EXPECT_EQ(client.json(),
            boost::json::parse(R"({"status":"ok","command":"restart_daemon","scheduled":true})"));
  EXPECT_TRUE(runner_.eventually([this] { return acks_ == 1; }));
}

TEST_F(SdkDoorTest, TellsHandlersWhoSpeaks) {
  Client first(port_);
  Client second(port_);
  first.read();
  second.read();
  second.text(R"({"type":"get_health"})");
  second.read();
  const auto context = runner_.call([this] { return peer_; });
  EXPECT_EQ(context.transport, protocol::Transport::kWebSocket);
  EXPECT_EQ(context.reach, protocol::Reach::kLocal);
  runner_.call([&] {
    const auto peer = context.peer.lock();
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->id(), context.peer_id);
    peer->send(shared("for the second one"), {});
  });
  EXPECT_EQ(second.read(), "for the second one");
}

TEST_F(SdkDoorTest, BadMessagesAreDroppedAndTheConnectionStays) {
  Client client(port_);
  EXPECT_EQ(client.read(), kStatusText);
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  for (const std::string& text :
       {std::string("not json"), std::string("[]"), std::string("{}"), std::string(""),
        std::string(R"({"type":"no_such_command"})"), std::string(R"({"type":7})"),
        std::string(R"({"type":"get_restart_receipt","id":""})"),
        std::string(R"({"jsonrpc":"2.0","method":"x","id":1})"), deep,
        std::string(R"({"type":"set_body_yaw","body_yaw":NaN})"),
        std::string(R"({"type":"set_body_yaw","body_yaw":1e400})"), std::string(200'000, 'x'),
        std::string(R"({"type":"get_robot_name"})")})
    client.text(text);
  client.binary("abc");
  client.binary("");
  client.text(R"({"type":"get_version","type":"get_health"})");  // the last of repeated keys counts
  EXPECT_EQ(client.json().at("command"), "get_health");
  EXPECT_EQ(executed_, 2) << "get_robot_name, which throws, and get_health";
  EXPECT_NE(log().find("WS command error: get_robot_name: on purpose"), std::string::npos);
}

TEST_F(SdkDoorTest, BinaryFramesAreOneLogLineASecond) {
  Client client(port_);
  EXPECT_EQ(client.read(), kStatusText);
  for (int i = 0; i < 100; ++i) client.binary("abc");
  client.text(R"({"type":"get_health"})");
  EXPECT_EQ(client.json().at("command"), "get_health");
  const auto text = log();
  const auto first = text.find("binary");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("binary", first + 1), std::string::npos) << text;
}

TEST_F(SdkDoorTest, ALargeTextIsFineAndATwoMegabyteFrameEndsWith1009) {
  Client client(port_);
  EXPECT_EQ(client.read(), kStatusText);
  client.text(R"({"type":"get_health","padding":")" + std::string(200'000, 'x') + "\"}");
  EXPECT_EQ(client.json().at("command"), "get_health");
  Client other(port_);
  client.text(std::string(2 << 20, 'x'));
  EXPECT_EQ(client.closed(), 1009);
  EXPECT_EQ(other.read(), kStatusText);
  EXPECT_TRUE(runner_.eventually([this] { return door_->peers() == 1; }));
}

TEST_F(SdkDoorTest, InvalidUtf8EndsWith1007) {
  Client client(port_);
  client.text("{\"type\":\"\xFF\"}");
  EXPECT_EQ(client.closed(), 1007);
}

TEST_F(SdkDoorTest, TenThousandCommandsInABurstAreAllExecuted) {
  Client client(port_);
  Client other(port_);
  EXPECT_EQ(client.read(), kStatusText);
  EXPECT_EQ(other.read(), kStatusText);
  const std::string text = R"({"type":"get_version"})";
  const std::string frame = std::string("\x81", 1) + static_cast<char>(0x80 | text.size()) +
                            std::string("\0\0\0\0", 4) + text;
  std::string burst;
  for (int i = 0; i < 10'000; ++i) burst += frame;
  client.raw(burst);
  other.text(R"({"type":"get_health"})");
  EXPECT_EQ(other.json().at("command"), "get_health");
  EXPECT_TRUE(runner_.eventually([this] { return executed_ == 10'001; }));
}

TEST_F(SdkDoorTest, ASlowReaderLosesStateBeforeEventsAndNobodyElseNotices) {
  Client slow(port_, {.receive_buffer = 4096});
  Client quick(port_);
  EXPECT_EQ(slow.read(), kStatusText);
  EXPECT_EQ(quick.read(), kStatusText);
  publish(Topic::kEvents, "first " + std::string(16 << 20, 'x'));  // stays under way
  EXPECT_TRUE(quick.read()->starts_with("first"));
  publish(Topic::kEvents, R"({"type":"task_progress","uuid":"1"})");
  EXPECT_EQ(quick.read(), R"({"type":"task_progress","uuid":"1"})");
  for (int i = 0; i < 500; ++i) {
    const auto text = R"({"type":"joint_positions","n":)" + std::to_string(i) + "}";
    publish(Topic::kState, text);
    ASSERT_EQ(quick.read(), text);
  }
  EXPECT_TRUE(slow.read()->starts_with("first"));
  EXPECT_EQ(slow.read(), R"({"type":"task_progress","uuid":"1"})");
  const int kept = static_cast<int>(SdkDoor::kQueue) - 1;
  for (int i = 500 - kept; i < 500; ++i)
    ASSERT_EQ(slow.read(), R"({"type":"joint_positions","n":)" + std::to_string(i) + "}");
}

TEST_F(SdkDoorTest, CloseAllEndsEveryoneWith1012AndLetsNewOnesIn) {
  Client first(port_);
  Client second(port_);
  EXPECT_EQ(first.read(), kStatusText);
  EXPECT_EQ(second.read(), kStatusText);
  std::atomic<int> done = 0;
  runner_.call([&] {
    topics_.publish(Topic::kEvents, shared("last words"));
    door_->close_all(1012, "service restart", [&] { ++done; });
  });
  publish(Topic::kState, "no more");
  Client fresh(port_);
  EXPECT_EQ(fresh.read(), kStatusText);
  EXPECT_EQ(first.read(), "last words");
  EXPECT_EQ(first.closed(), 1012);
  EXPECT_EQ(done, 0) << "the second one is still there";
  EXPECT_EQ(second.read(), "last words");
  EXPECT_EQ(second.closed(), 1012);
  EXPECT_TRUE(runner_.eventually([&] { return done == 1; }));
  EXPECT_EQ(peers(), 1U);
  publish(Topic::kState, "state");
  EXPECT_EQ(fresh.read(), "state");
}

TEST_F(SdkDoorTest, CloseAllIsBoundedWhateverThePeersDo) {
  Client deaf(port_, {.receive_buffer = 4096});
  EXPECT_EQ(deaf.read(), kStatusText);
  publish(Topic::kEvents, std::string(16 << 20, 'x'));
  std::atomic<bool> done = false;
  const auto began = std::chrono::steady_clock::now();
  runner_.call([&] { door_->close_all(1012, "service restart", [&] { done = true; }); });
  EXPECT_TRUE(runner_.eventually([&] { return done.load(); }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
  EXPECT_EQ(peers(), 0U);
}

TEST_F(SdkDoorTest, CloseAllOfNobodyIsDoneAtOnce) {
  std::atomic<bool> done = false;
  runner_.call([&] {
    door_->close_all(1012, "service restart", [&] { done = true; });
    EXPECT_FALSE(done) << "from the loop, never from inside";
  });
  EXPECT_TRUE(runner_.eventually([&] { return done.load(); }));
}

TEST_F(SdkDoorTest, ClientsAreBounded) {
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < SdkDoor::kMaxPeers; ++i) {
    clients.push_back(std::make_unique<Client>(port_));
    ASSERT_EQ(clients.back()->read(), kStatusText);
  }
  EXPECT_EQ(WsClient::status_of(port_, {.target = std::string(SdkDoor::kPath)}), 503);
  clients.pop_back();
  EXPECT_TRUE(runner_.eventually([this] { return door_->peers() == SdkDoor::kMaxPeers - 1; }));
  Client next(port_);
  EXPECT_EQ(next.read(), kStatusText);
}

TEST_F(SdkDoorTest, WhoLeavesIsForgotten) {
  {
    Client client(port_);
    EXPECT_EQ(client.read(), kStatusText);
    EXPECT_EQ(peers(), 1U);
  }
  EXPECT_TRUE(runner_.eventually([this] { return door_->peers() == 0; }));
  EXPECT_FALSE(runner_.call([this] { return topics_.heard(Topic::kState); }));
}

TEST_F(SdkDoorTest, ForeignPagesAreRefused) {
  EXPECT_EQ(WsClient::status_of(port_, {.target = std::string(SdkDoor::kPath),
                                        .headers = {{"origin", "https://evil.com"}}}),
            403);
}

}  // namespace
}  // namespace daruma::websocket
