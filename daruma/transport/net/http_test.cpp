#include <algorithm>
#include <atomic>
#include <memory>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "daruma/transport/net/percent_encoding.hpp"
#include "daruma/transport/net/server.hpp"
#include "daruma/transport/net/test_client.hpp"

namespace daruma::net {
namespace {

using namespace std::chrono_literals;
using test::fetch;
using test::HttpClient;

class HttpTest : public testing::Test {
 protected:
  HttpTest() {
    options_.name = "test";
    options_.addresses = {"127.0.0.1"};
    options_.max_body = 64 * 1024;
    options_.max_header = 4 * 1024;
  }
  ~HttpTest() override {
    runner_.call([this] {
      server_.reset();
      held_.clear();
    });
  }
  void start() {
    const auto started = runner_.call([this] {
      server_ = std::make_unique<Server>(
          runner_.loop(), options_, guard_,
          [this](const Request& request, Responder responder) {
            handle(request, std::move(responder));
          },
          [](const Request&) { return Server::Upgrade{}; });
      return server_->start();
    });
    ASSERT_TRUE(started) << started.error().context;
    port_ = runner_.call([this] { return server_->port(); });
  }
  void handle(const Request& request, Responder responder) {
    ++handled_;
    if (request.path == "/hold") return held_.push_back(std::move(responder));
    if (request.path == "/drop") return;
    if (request.path == "/throw") throw std::runtime_error("on purpose");
    if (request.path == "/large")
      return responder.send({.body = std::make_shared<const std::string>(8 << 20, 'x')});
    if (request.path == "/none") return responder.send({.status = 304});
    std::string text = request.method + " " + request.path + "?" + request.query + " " +
                       request.remote_ip + " " + request.body;
    responder.send({.content_type = "text/plain",
                    .body = std::make_shared<const std::string>(std::move(text))},
                   [this](bool sent) { sent ? ++sent_ : ++lost_; });
  }
  std::size_t connections() {
    return runner_.call([this] { return server_->connections(); });
  }

  test::LoopThread runner_;
  protocol::OriginGuard guard_;
  Server::Options options_;
  std::unique_ptr<Server> server_;
  std::vector<Responder> held_;
  std::uint16_t port_ = 0;
  std::atomic<int> handled_ = 0;
  std::atomic<int> sent_ = 0;
  std::atomic<int> lost_ = 0;
};

TEST_F(HttpTest, AnswersWithTheReferencesHeaders) {
  start();
  const auto answer = fetch(port_, "GET", "/a%20b%2F%C3%A9?x=%201");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "GET /a b/\xC3\xA9?x=%201 127.0.0.1 ");
  EXPECT_EQ(answer.header("server"), "daruma");
  EXPECT_EQ(answer.header("content-type"), "text/plain");
  EXPECT_EQ(answer.header("content-length"), std::to_string(answer.body.size()));
  // `Wed, 25 Nov 2026 04:00:00 GMT`
  EXPECT_EQ(answer.header("date").size(), 29U);
  EXPECT_TRUE(answer.header("date").ends_with(" GMT"));
}

TEST_F(HttpTest, UnderstandsEveryFormOfTarget) {
  start();
  for (const auto& [target, path] :
       {std::pair{"http://localhost/a?b", "GET /a?b "}, std::pair{"http://localhost", "GET /? "},
        std::pair{"?b", "GET /?b "}, std::pair{"*", "GET *? "}, std::pair{"/%00%ff", "GET /"}}) {
    const auto answer = fetch(port_, "GET", target);
    EXPECT_EQ(answer.status, 200) << target;
    EXPECT_TRUE(answer.body.starts_with(path)) << answer.body;
  }
}

TEST_F(HttpTest, KeepsConnectionsAlive) {
  start();
  auto client = std::make_unique<HttpClient>(port_);
  for (int i = 0; i < 3; ++i) {
    client->write("GET /" + std::to_string(i) + " HTTP/1.1\r\nhost: localhost\r\n\r\n");
    EXPECT_TRUE(client->read().body.starts_with("GET /" + std::to_string(i)));
  }
  client->write("GET /last HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(client->read().header("connection"), "close");
  EXPECT_TRUE(client->ended());
  client.reset();
  EXPECT_TRUE(runner_.eventually([this] { return server_->connections() == 0; }));
  EXPECT_EQ(sent_, 4);
  EXPECT_EQ(lost_, 0);
}

TEST_F(HttpTest, HttpOneZeroClosesUnlessAskedNotTo) {
  start();
  HttpClient client(port_);
  client.write("GET /a HTTP/1.0\r\nhost: localhost\r\nconnection: keep-alive\r\n\r\n");
  EXPECT_EQ(client.read().header("connection"), "keep-alive");
  client.write("GET /b HTTP/1.0\r\nhost: localhost\r\n\r\n");
  EXPECT_EQ(client.read().header("connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpTest, HeadHasNoBody) {
  start();
  HttpClient client(port_);
  client.write("HEAD /a HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const auto head = client.read(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "19");
  client.write("GET /none HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const auto unchanged = client.read(true);
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.header("content-length"), "");
  client.write("GET /b HTTP/1.1\r\nhost: localhost\r\n\r\n");
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(HttpTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  HttpClient client(port_);
  std::string burst;
  for (int i = 0; i < 1000; ++i)
    burst += "POST /" + std::to_string(i) +
             " HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\nok";
  client.write(burst);
  for (int i = 0; i < 1000; ++i) {
    const auto answer = client.read();
    ASSERT_EQ(answer.body, "POST /" + std::to_string(i) + "? 127.0.0.1 ok");
  }
}

TEST_F(HttpTest, ALateAnswerHoldsBackWhatWasPipelinedBehindIt) {
  start();
  HttpClient client(port_);
  client.write(
      "GET /hold HTTP/1.1\r\nhost: localhost\r\n\r\nGET /next HTTP/1.1\r\nhost: localhost\r\n\r\n");
  ASSERT_TRUE(runner_.eventually([this] { return held_.size() == 1; }));
  EXPECT_EQ(handled_, 1);
  runner_.call([this] { held_.front().send({.body = nullptr}); });
  EXPECT_EQ(client.read().body, "");
  EXPECT_TRUE(client.read().body.starts_with("GET /next"));
}

TEST_F(HttpTest, ReadsBodiesInPiecesAndInChunks) {
  start();
  HttpClient client(port_);
  client.write("POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 6\r\n\r\nabc");
  EXPECT_TRUE(client.silent_for(20ms));
  client.write("def");
  EXPECT_TRUE(client.read().body.ends_with(" abcdef"));
  client.write(
      "POST /b HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
  EXPECT_TRUE(client.read().body.ends_with(" abcdefg"));
}

TEST_F(HttpTest, ContinuesWhoeverWaitsForIt) {
  start();
  HttpClient client(port_);
  client.write(
      "POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_interim(), 100);
  client.write("abc");
  EXPECT_TRUE(client.read().body.ends_with(" abc"));
}

TEST_F(HttpTest, BodiesAtTheLimitPassAndOneByteMoreDoesNot) {
  start();
  const std::string most(options_.max_body, 'x');
  EXPECT_EQ(fetch(port_, "POST", "/a", {}, most).status, 200);
  const auto refused = fetch(port_, "POST", "/a", {{"origin", "http://localhost"}}, most + "x");
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.body, R"({"detail":"Request body too large; maximum is 65536 bytes"})");
  EXPECT_EQ(refused.header("content-type"), "application/json");
  EXPECT_EQ(refused.header("access-control-allow-origin"), "http://localhost");
  EXPECT_EQ(handled_, 1);
}

TEST_F(HttpTest, AnnouncedLengthsAreRefusedBeforeTheBody) {
  start();
  HttpClient client(port_);
  client.write(
      "POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999\r\n"
      "expect: 100-continue\r\n\r\n");
  const auto answer = client.read();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpTest, TheGuardComesBeforeTheBodyLimit) {
  start();
  HttpClient client(port_);
  client.write("POST /a HTTP/1.1\r\nhost: evil.com\r\ncontent-length: 99999999\r\n\r\n");
  EXPECT_EQ(client.read().status, 400);
}

TEST_F(HttpTest, ChunkedBodiesOverTheLimitAreRefused) {
  start();
  HttpClient client(port_);
  client.write("POST /a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
  const std::string chunk = "8000\r\n" + std::string(0x8000, 'x') + "\r\n";
  client.write(chunk + chunk + chunk);
  EXPECT_EQ(client.read().status, 413);
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpTest, HeadersOverTheLimitAreRefused) {
  start();
  HttpClient client(port_);
  client.write("GET /a HTTP/1.1\r\nhost: localhost\r\nx: " + std::string(options_.max_header, 'x'));
  EXPECT_EQ(client.read().status, 431);
  EXPECT_TRUE(client.ended());
  HttpClient many(port_);
  std::string fields;
  for (int i = 0; i < 1000; ++i) fields += "a: b\r\n";
  many.write("GET /a HTTP/1.1\r\nhost: localhost\r\n" + fields + "\r\n");
  EXPECT_EQ(many.read().status, 431);
}

TEST_F(HttpTest, BadRequestsGetPlainText) {
  start();
  for (const std::string request :
       {"BREW /a HTTP/1.1\r\nhost: localhost\r\n\r\n", "\x16\x03\x01\x02garbage\r\n\r\n",
        "GET /a HTTP/9.9\r\nhost: localhost\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost localhost\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n"
        "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"}) {
    SCOPED_TRACE(request);
    HttpClient client(port_);
    client.write(request);
    const auto answer = client.read();
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.header("content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(answer.body, "Invalid HTTP request received.");
    EXPECT_TRUE(client.ended());
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpTest, AFailingHandlerIsA500) {
  start();
  for (const auto* path : {"/drop", "/throw"}) {
    const auto answer = fetch(port_, "GET", path);
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body, R"({"detail":"Internal Server Error"})");
  }
}

TEST_F(HttpTest, NothingEndsAHeaderLine) {
  options_.cors = false;
  const auto started = runner_.call([this] {
    server_ = std::make_unique<Server>(
        runner_.loop(), options_, guard_,
        [](const Request&, Responder responder) {
          responder.send({.headers = {{"location", "/a\r\nset-cookie: b"}}});
        },
        [](const Request&) { return Server::Upgrade{}; });
    return server_->start();
  });
  ASSERT_TRUE(started);
  const auto answer = fetch(runner_.call([this] { return server_->port(); }), "GET", "/");
  EXPECT_EQ(answer.header("location"), "/aset-cookie: b");
  EXPECT_EQ(answer.header("set-cookie"), "");
  EXPECT_EQ(answer.header("vary"), "") << "no CORS headers unless asked for";
}

TEST_F(HttpTest, SlowHeadersAreCutOff) {
  options_.header_timeout = 100ms;
  start();
  HttpClient nothing(port_);
  HttpClient half(port_);
  half.write("GET /a HTTP/1.1\r\nhost: loc");
  HttpClient later(port_);
  later.write("GET /a HTTP/1.1\r\nhost: localhost\r\n\r\n");
  EXPECT_EQ(later.read().status, 200);
  later.write("GET /b");
  EXPECT_TRUE(nothing.ended());
  EXPECT_TRUE(half.ended());
  EXPECT_TRUE(later.ended());
  EXPECT_TRUE(runner_.eventually([this] { return server_->connections() == 0; }));
}

TEST_F(HttpTest, IdleConnectionsAndStuckBodiesAreCutOff) {
  options_.idle_timeout = 100ms;
  start();
  HttpClient idle(port_);
  idle.write("GET /a HTTP/1.1\r\nhost: localhost\r\n\r\n");
  EXPECT_EQ(idle.read().status, 200);
  HttpClient body(port_);
  body.write("POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc");
  HttpClient deaf(port_);  // asks for a large answer and reads nothing of it
  deaf.write("GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n");
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(body.ended());
  EXPECT_TRUE(runner_.eventually([this] { return server_->connections() == 0; }));
}

TEST_F(HttpTest, AHandlerMayTakeItsTime) {
  options_.idle_timeout = 50ms;
  options_.header_timeout = 50ms;
  start();
  HttpClient client(port_);
  client.write("GET /hold HTTP/1.1\r\nhost: localhost\r\n\r\n");
  ASSERT_TRUE(client.silent_for(300ms));
  runner_.call([this] { held_.front().send({.body = nullptr}); });
  EXPECT_EQ(client.read().status, 200);
}

TEST_F(HttpTest, WhoWaitsLongestMakesRoom) {
  options_.max_connections = 4;
  start();
  std::vector<std::unique_ptr<HttpClient>> idle;
  for (std::size_t i = 0; i < 20; ++i) {
    idle.push_back(std::make_unique<HttpClient>(port_));
    ASSERT_TRUE(runner_.eventually(
        [&] { return server_->connections() == std::min<std::size_t>(i + 1, 4); }));
  }
  EXPECT_EQ(fetch(port_, "GET", "/a").status, 200);
  EXPECT_TRUE(idle[0]->ended());
  EXPECT_LE(connections(), 4U);
}

TEST_F(HttpTest, ConnectionsAtWorkAreNotGivenUp) {
  options_.max_connections = 2;
  start();
  HttpClient first(port_);
  HttpClient second(port_);
  for (auto* client : {&first, &second})
    client->write("GET /hold HTTP/1.1\r\nhost: localhost\r\n\r\n");
  ASSERT_TRUE(runner_.eventually([this] { return held_.size() == 2; }));
  HttpClient third(port_);
  EXPECT_TRUE(third.ended());
  runner_.call([this] {
    for (auto& responder : held_) responder.send({.body = nullptr});
  });
  EXPECT_EQ(first.read().status, 200);
  EXPECT_EQ(second.read().status, 200);
}

TEST_F(HttpTest, AnAnswerThatComesTooLateIsReportedLost) {
  start();
  {
    HttpClient client(port_);
    client.write("GET /hold HTTP/1.1\r\nhost: localhost\r\n\r\n");
    ASSERT_TRUE(runner_.eventually([this] { return held_.size() == 1; }));
  }
  runner_.call([this] { server_.reset(); });
  runner_.call([this] {
    held_.front().send({.body = nullptr}, [this](bool sent) { sent ? ++sent_ : ++lost_; });
  });
  EXPECT_EQ(lost_, 1);
}

TEST_F(HttpTest, StopEndsIdleConnectionsAtOnceAndBusyOnesAfterTheirAnswer) {
  start();
  HttpClient idle(port_);
  idle.write("GET /a HTTP/1.1\r\nhost: localhost\r\n\r\n");
  EXPECT_EQ(idle.read().status, 200);
  HttpClient busy(port_);
  busy.write("GET /hold HTTP/1.1\r\nhost: localhost\r\n\r\n");
  ASSERT_TRUE(runner_.eventually([this] { return held_.size() == 1; }));
  runner_.call([this] { server_->stop(); });
  EXPECT_TRUE(idle.ended());
  EXPECT_THROW(HttpClient late(port_), std::exception);
  runner_.call([this] { held_.front().send({.body = nullptr}); });
  EXPECT_EQ(busy.read().header("connection"), "close");
  EXPECT_TRUE(busy.ended());
}

TEST_F(HttpTest, OnePortServesAllAddresses) {
  options_.addresses = {"127.0.0.1", "::1"};
  start();
  HttpClient four(port_, "127.0.0.1");
  HttpClient six(port_, "::1");
  four.write("GET /a HTTP/1.1\r\nhost: localhost\r\n\r\n");
  six.write("GET /a HTTP/1.1\r\nhost: [::1]\r\n\r\n");
  EXPECT_EQ(four.read().body, "GET /a? 127.0.0.1 ");
  EXPECT_EQ(six.read().body, "GET /a? ::1 ");
}

TEST_F(HttpTest, AnAddressInUseIsAnErrorThatNamesIt) {
  start();
  Server::Options other = options_;
  other.port = port_;
  runner_.call([&] {
    Server second(
        runner_.loop(), other, guard_, [](const Request&, Responder) {},
        [](const Request&) { return Server::Upgrade{}; });
    const auto started = second.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::kIo);
    EXPECT_NE(started.error().context.find("127.0.0.1 port " + std::to_string(port_)),
              std::string::npos);
    server_->stop();
    EXPECT_TRUE(second.start()) << "a second try finds the port free";
  });
}

TEST_F(HttpTest, ABadAddressIsNoIoError) {
  options_.addresses = {"robot.lan"};
  runner_.call([this] {
    Server server(
        runner_.loop(), options_, guard_, [](const Request&, Responder) {},
        [](const Request&) { return Server::Upgrade{}; });
    const auto started = server.start();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::kInvalid);
  });
}

TEST_F(HttpTest, SocketsDoNotOutliveAnExec) {
  start();
  HttpClient client(port_);
  client.write("GET /hold HTTP/1.1\r\nhost: localhost\r\n\r\n");
  ASSERT_TRUE(runner_.eventually([this] { return held_.size() == 1; }));
  // Found by their local port: the listening socket and the accepted one, not the client's.
  int found = 0;
  for (int fd = 3; fd < 1024; ++fd) {
    sockaddr_in local{};
    socklen_t size = sizeof(local);
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) continue;
    if (local.sin_family != AF_INET || ntohs(local.sin_port) != port_) continue;
    ++found;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(found, 2);
}

TEST(PercentEncoding, Decodes) {
  EXPECT_EQ(percent_decode("a%41+b%2", false), "aA+b%2");
  EXPECT_EQ(percent_decode("a+b%zz%", true), "a b%zz%");
  EXPECT_EQ(percent_decode("%C3%A9", false), "\xC3\xA9");
  EXPECT_EQ(percent_decode("a%FFb", false),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(percent_encode_path("/a b/\xC3\xA9\r\n"), "/a%20b/%C3%A9%0D%0A");
  const auto pairs = parse_query("a=1&&b=&c&a=%26+");
  ASSERT_EQ(pairs.size(), 4U);
  EXPECT_EQ(pairs[1], std::make_pair(std::string("b"), std::string()));
  EXPECT_EQ(pairs[2], std::make_pair(std::string("c"), std::string()));
  EXPECT_EQ(pairs[3], std::make_pair(std::string("a"), std::string("& ")));
}

}  // namespace
}  // namespace daruma::net
