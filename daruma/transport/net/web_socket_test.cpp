#include "daruma/transport/net/web_socket.hpp"

#include <atomic>

#include <gtest/gtest.h>

#include "daruma/transport/net/server.hpp"
#include "daruma/transport/net/test_client.hpp"

namespace daruma::net {
namespace {

using namespace std::chrono_literals;
using test::HttpClient;
using test::WsClient;

protocol::Text shared(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

class WebSocketTest : public testing::Test {
 protected:
  WebSocketTest() {
    Server::Options options;
    options.name = "test";
    options.addresses = {"127.0.0.1", "::1"};
    runner_.call([&] {
      server_ = std::make_unique<Server>(
          runner_.loop(), options, guard_,
          [](const Request&, Responder responder) { responder.send({}); },
          [this](const Request& request) {
            Server::Upgrade upgrade;
            upgrade.accept = request.path != "/refused";
            upgrade.refuse_status = 503;
            upgrade.options = options_;
            upgrade.opened = [this](std::shared_ptr<WebSocket> socket) { open(std::move(socket)); };
            return upgrade;
          });
      ASSERT_TRUE(server_->start());
      port_ = server_->port();
    });
  }
  ~WebSocketTest() override {
    runner_.call([this] {
      // Sockets that are still open end after this object.
      for (auto& socket : sockets_)
        socket->on_text = nullptr, socket->on_binary = nullptr, socket->on_closed = nullptr;
      sockets_.clear();
      server_.reset();
    });
  }
  void open(std::shared_ptr<WebSocket> socket) {
    auto* raw = socket.get();
    socket->on_text = [this, raw](std::string_view text) {
      ++texts_;
      bytes_ += text.size();
      if (text == "throw") throw std::runtime_error("on purpose");
      if (echo_) raw->send(shared(std::string(text)));
    };
    socket->on_binary = [this](std::size_t bytes) { binary_.push_back(bytes); };
    socket->on_closed = [this](std::uint16_t code) { closed_.push_back(code); };
    sockets_.push_back(std::move(socket));
  }
  bool is_closed_with(std::uint16_t code) {
    return runner_.eventually([&] { return !closed_.empty(); }) &&
           runner_.call([&] { return closed_ == std::vector<std::uint16_t>{code}; });
  }
  WebSocket& first() { return *sockets_.front(); }
  /// Has a message larger than all buffers under way, which a slow reader leaves there.
  void block(WebSocket& socket) {
    runner_.call([&] { socket.send(shared(std::string(16 << 20, 'x'))); });
    // Writing begins after the handler that sent; another one behind that has seen its end.
    runner_.call([] {});
    runner_.call([] {});
  }
  void wait_for_sockets(std::size_t count) {
    ASSERT_TRUE(runner_.eventually([&] { return sockets_.size() == count; }));
  }

  test::LoopThread runner_;
  protocol::OriginGuard guard_;
  WebSocket::Options options_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::vector<std::shared_ptr<WebSocket>> sockets_;
  std::atomic<bool> echo_ = true;
  std::atomic<std::size_t> texts_ = 0;
  std::atomic<std::size_t> bytes_ = 0;
  std::vector<std::size_t> binary_;
  std::vector<std::uint16_t> closed_;
};

TEST_F(WebSocketTest, TextsGoBothWays) {
  WsClient client(port_);
  client.text("hello");
  EXPECT_EQ(client.read(), "hello");
  const std::string large(200'000, 'x');
  client.text(large);
  EXPECT_EQ(client.read(), large);
  wait_for_sockets(1);
  EXPECT_EQ(first().remote_ip(), "127.0.0.1");
  client.close(1000);
  EXPECT_TRUE(is_closed_with(1000));
}

TEST_F(WebSocketTest, OtherPathsAreRefusedPlainly) {
  EXPECT_EQ(WsClient::status_of(port_, {.target = "/refused"}), 503);
}

TEST_F(WebSocketTest, HandshakesOfTheWrongFormAreRefused) {
  for (const std::string fields : {"sec-websocket-version: 12\r\n"
                                   "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                                   "sec-websocket-version: 13\r\n"}) {
    HttpClient client(port_);
    client.write(
        "GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n" +
        fields + "\r\n");
    const auto answer = client.read();
    EXPECT_GE(answer.status, 400);
    EXPECT_LT(answer.status, 500);
    EXPECT_TRUE(client.ended());
  }
  EXPECT_TRUE(runner_.call([this] { return sockets_.empty(); }));
}

TEST_F(WebSocketTest, TenThousandMessagesInABurstAllArrive) {
  echo_ = false;
  WsClient client(port_);
  WsClient bystander(port_);
  wait_for_sockets(2);
  // One masked frame with a mask of zeros, as often as wanted.
  const std::string frame = std::string("\x81\x85\0\0\0\0", 6) + "hello";
  std::string burst;
  for (int i = 0; i < 10'000; ++i) burst += frame;
  client.raw(burst);
  bystander.text("x");
  EXPECT_TRUE(runner_.eventually([this] { return texts_ == 10'001; }));
  EXPECT_EQ(bytes_, 50'001U);
  EXPECT_TRUE(runner_.call([this] { return closed_.empty(); }));
}

TEST_F(WebSocketTest, FragmentsAndPingsInBetweenMakeOneMessage) {
  WsClient client(port_);
  client.raw(std::string("\x01\x82\0\0\0\0he", 8) + std::string("\x89\x80\0\0\0\0", 6) +
             std::string("\x80\x83\0\0\0\0llo", 9));
  EXPECT_EQ(client.read(), "hello");
}

TEST_F(WebSocketTest, BinaryGoesItsOwnWay) {
  WsClient client(port_);
  client.binary("abc");
  client.binary("");
  client.text("x");
  EXPECT_EQ(client.read(), "x");
  EXPECT_EQ(runner_.call([this] { return binary_; }), (std::vector<std::size_t>{3, 0}));
  EXPECT_EQ(texts_, 1U);
}

TEST_F(WebSocketTest, AThrowingHandlerDoesNotEndTheSocket) {
  WsClient client(port_);
  client.text("throw");
  client.text("x");
  EXPECT_EQ(client.read(), "x");
}

TEST_F(WebSocketTest, AMessageAtTheLimitPassesAndOneByteMoreEndsWith1009) {
  options_.max_message = 1000;
  WsClient client(port_);
  client.text(std::string(1000, 'x'));
  EXPECT_EQ(client.read()->size(), 1000U);
  client.text(std::string(1001, 'x'));
  EXPECT_EQ(client.closed(), 1009);
  EXPECT_TRUE(is_closed_with(1009));
}

TEST_F(WebSocketTest, AHugeFrameIsRefusedByItsHeader) {
  WsClient client(port_);
  // 2^40 bytes announced, none sent.
  client.raw(std::string("\x81\xFF\0\0\x01\0\0\0\0\0\0\0\0\0", 14));
  EXPECT_EQ(client.closed(), 1009);
  EXPECT_TRUE(is_closed_with(1009));
}

TEST_F(WebSocketTest, TheCodeReachesAPeerThatIsStillSending) {
  for (int i = 0; i < 20; ++i) {
    WsClient client(port_);
    client.text(std::string(8 << 20, 'x'));  // all of it goes out before anything is read
    ASSERT_EQ(client.closed(), 1009);
  }
}

TEST_F(WebSocketTest, ARefusedPeerThatStaysIsGivenUpAfterASecond) {
  HttpClient client(port_);
  client.write(
      "GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_EQ(client.read_interim(), 101);
  client.write(std::string("\x81\xFF\0\0\x01\0\0\0\0\0\0\0\0\0", 14));
  EXPECT_TRUE(is_closed_with(1009));
}

TEST_F(WebSocketTest, InvalidUtf8EndsWith1007) {
  WsClient client(port_);
  client.text("\xC3\x28");
  EXPECT_EQ(client.closed(), 1007);
  EXPECT_TRUE(is_closed_with(1007));
  EXPECT_EQ(texts_, 0U);
}

TEST_F(WebSocketTest, ABrokenFrameEndsWith1002) {
  WsClient client(port_);
  client.raw(std::string("\x83\x80\0\0\0\0", 6));  // an opcode that nobody has
  EXPECT_EQ(client.closed(), 1002);
  EXPECT_TRUE(is_closed_with(1002));
}

TEST_F(WebSocketTest, UnmaskedFramesEndWith1002) {
  WsClient client(port_);
  client.raw(std::string("\x81\x01x", 3));
  EXPECT_EQ(client.closed(), 1002);
}

TEST_F(WebSocketTest, ADeadConnectionIsCode1006Once) {
  { WsClient client(port_); }
  EXPECT_TRUE(is_closed_with(1006));
}

TEST_F(WebSocketTest, DeliveredIsToldOnceForEachMessage) {
  WsClient client(port_);
  wait_for_sockets(1);
  std::vector<bool> delivered;
  runner_.call([&] {
    for (int i = 0; i < 3; ++i)
      first().send(shared("x"), [&](bool sent) { delivered.push_back(sent); });
  });
  EXPECT_TRUE(runner_.eventually([&] { return delivered.size() == 3; }));
  runner_.call([&] {
    first().close(1000, "");
    first().send(shared("late"), [&](bool sent) { delivered.push_back(sent); });
  });
  EXPECT_EQ(client.closed(), 1000);
  EXPECT_EQ(runner_.call([&] { return delivered; }), (std::vector<bool>{true, true, true, false}));
}

TEST_F(WebSocketTest, CloseSendsWhatIsQueuedFirst) {
  WsClient client(port_);
  wait_for_sockets(1);
  runner_.call([&] {
    for (int i = 0; i < 50; ++i) first().send(shared(std::to_string(i)));
    first().close(1012, "service restart");
    first().close(1000, "twice is once");
  });
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.read(), std::to_string(i));
  EXPECT_EQ(client.closed(), 1012);
  EXPECT_TRUE(is_closed_with(1012));
}

TEST_F(WebSocketTest, AfterCloseNoMessageIsHandedOn) {
  WsClient client(port_);
  wait_for_sockets(1);
  runner_.call([&] { first().close(1012, ""); });
  client.raw(std::string("\x81\x85\0\0\0\0hello", 11));
  EXPECT_EQ(client.closed(), 1012);
  EXPECT_EQ(texts_, 0U);
}

TEST_F(WebSocketTest, AReaderThatNeverReadsIsGivenUpAfterASecond) {
  WsClient client(port_, {.receive_buffer = 4096});
  wait_for_sockets(1);
  const auto began = std::chrono::steady_clock::now();
  bool lost = false;
  runner_.call([&] {
    first().send(shared(std::string(16 << 20, 'x')), [&](bool sent) { lost = !sent; });
    first().close(1012, "service restart");
  });
  EXPECT_TRUE(is_closed_with(1006));
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, 900ms);
  EXPECT_LT(took, 3s);
  EXPECT_TRUE(runner_.eventually([&] { return lost; }));
}

TEST_F(WebSocketTest, APeerThatDoesNotAnswerACloseIsGivenUpAfterASecond) {
  HttpClient client(port_);
  client.write(
      "GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  wait_for_sockets(1);
  runner_.call([&] { first().close(1012, "service restart"); });
  EXPECT_TRUE(is_closed_with(1006));
  EXPECT_TRUE(client.ended());
}

TEST_F(WebSocketTest, ASlowReaderLosesItsOldestAndNobodyElseNotices) {
  options_.queue = 10;
  WsClient slow(port_, {.receive_buffer = 4096});
  wait_for_sockets(1);
  WsClient quick(port_);
  wait_for_sockets(2);
  std::size_t dropped = 0;
  block(first());
  for (int i = 0; i < 30; ++i) {
    runner_.call([&] {
      for (auto& socket : sockets_)
        socket->send(shared(std::to_string(i)), [&](bool sent) { dropped += sent ? 0 : 1; });
    });
    EXPECT_EQ(quick.read(), std::to_string(i));
  }
  EXPECT_EQ(runner_.call([&] { return dropped; }), 20U);
  EXPECT_EQ(runner_.call([&] { return first().dropped(); }), 20U);
  EXPECT_EQ(runner_.call([&] { return sockets_.back()->dropped(); }), 0U);
  EXPECT_EQ(slow.read()->size(), std::size_t{16} << 20);
  for (int i = 20; i < 30; ++i) EXPECT_EQ(slow.read(), std::to_string(i));
}

TEST_F(WebSocketTest, PeriodicStateIsDroppedBeforeAnythingElse) {
  options_.queue = 4;
  WsClient slow(port_, {.receive_buffer = 4096});
  wait_for_sockets(1);
  block(first());
  runner_.call([&] {
    first().send(shared("event 1"));
    first().send(shared("state 1"), {}, WebSocket::Keep::kUntilNewer);
    first().send(shared("event 2"));
    first().send(shared("state 2"), {}, WebSocket::Keep::kUntilNewer);
    first().send(shared("event 3"));  // state 1 goes
    first().send(shared("event 4"));  // state 2 goes
    first().send(shared("event 5"));  // event 1 goes: there is nothing else
  });
  EXPECT_EQ(slow.read()->size(), std::size_t{16} << 20);
  for (const auto* text : {"event 2", "event 3", "event 4", "event 5"})
    EXPECT_EQ(slow.read(), text);
}

TEST_F(WebSocketTest, AFullQueueMayEndTheSocketInstead) {
  options_.queue = 2;
  options_.drop_oldest = false;
  WsClient slow(port_, {.receive_buffer = 4096});
  wait_for_sockets(1);
  block(first());
  runner_.call([&] {
    for (int i = 0; i < 3; ++i) first().send(shared("x"));
  });
  EXPECT_EQ(slow.closed(), 1008);
}

TEST_F(WebSocketTest, SilenceIsPingedAndWithoutAnAnswerEnded) {
  options_.ping_after = 50ms;
  options_.pong_within = 50ms;
  HttpClient deaf(port_);
  deaf.write(
      "GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_EQ(deaf.read_interim(), 101);
  EXPECT_FALSE(deaf.silent_for(10s)) << "a ping comes";
  EXPECT_TRUE(is_closed_with(1006));
}

TEST_F(WebSocketTest, WhoAnswersPingsStays) {
  options_.ping_after = 20ms;
  options_.pong_within = 1s;
  WsClient client(port_);
  wait_for_sockets(1);
  // Reading answers pings; a text 300 ms later ends it.
  Timer later;
  runner_.call(
      [&] { later = runner_.loop().after(300ms, [&] { first().send(shared("still here")); }); });
  EXPECT_EQ(client.read(), "still here");
  EXPECT_TRUE(runner_.call([this] { return closed_.empty(); }));
  runner_.call([&] { later.cancel(); });
}

TEST_F(WebSocketTest, LoopbackIsNeverCompressed) {
  WsClient four(port_, {.compress = true});
  EXPECT_FALSE(four.compressed());
  WsClient six(port_, {.address = "::1", .compress = true});
  EXPECT_FALSE(six.compressed());
  six.text("x");
  EXPECT_EQ(six.read(), "x");
}

TEST_F(WebSocketTest, ServerMayEndBeforeItsWebSockets) {
  WsClient client(port_);
  wait_for_sockets(1);
  runner_.call([this] { server_.reset(); });
  client.text("still there");
  EXPECT_EQ(client.read(), "still there");
  runner_.call([this] { first().close(1001, ""); });
  EXPECT_EQ(client.closed(), 1001);
}

}  // namespace
}  // namespace daruma::net
