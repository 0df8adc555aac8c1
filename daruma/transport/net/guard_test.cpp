// The table of changes-1.13 section 2, each row over HTTP and as a WebSocket handshake, and CORS.

#include <gtest/gtest.h>

#include "daruma/transport/net/server.hpp"
#include "daruma/transport/net/test_client.hpp"

namespace daruma::net {
namespace {

using test::Answer;
using test::fetch;
using test::WsClient;
using Headers = std::vector<std::pair<std::string, std::string>>;

class GuardTest : public testing::Test {
 protected:
  GuardTest() {
    Server::Options options;
    options.name = "test";
    options.addresses = {"127.0.0.1"};
    runner_.call([&] {
      server_ = std::make_unique<Server>(
          runner_.loop(), options, guard_,
          [this](const Request& request, Responder responder) {
            ++handled_;
            responder.send(
                {.body = std::make_shared<const std::string>("\"" + request.path + "\"")});
          },
          [](const Request&) {
            Server::Upgrade upgrade;
            upgrade.accept = true;
            upgrade.opened = [](const std::shared_ptr<WebSocket>& socket) {
              socket->close(1000, "");
            };
            return upgrade;
          });
      ASSERT_TRUE(server_->start());
      port_ = server_->port();
    });
  }
  ~GuardTest() override {
    runner_.call([this] { server_.reset(); });
  }
  int handled() {
    return runner_.call([this] { return handled_; });
  }
  int handshake(Headers headers) {
    return WsClient::status_of(port_, {.headers = std::move(headers)});
  }

  test::LoopThread runner_;
  protocol::OriginGuard guard_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  int handled_ = 0;
};

constexpr std::string_view kDuplicate = R"({"detail":"Duplicate Host or Origin header"})";
constexpr std::string_view kHost = R"({"detail":"Untrusted Host header"})";
constexpr std::string_view kOrigin = R"({"detail":"Cross-origin request rejected"})";

struct Row {
  const char* what;
  Headers headers;
  int get;
  int post;
  std::string_view detail;
  int handshake;
};

TEST_F(GuardTest, EveryRowOfTheTable) {
  const Row rows[] = {
      {"plain", {{"host", "localhost"}}, 200, 200, "", 101},
      {"port", {{"host", "localhost:8000"}}, 200, 200, "", 101},
      {"user", {{"host", "user@localhost"}}, 200, 200, "", 101},
      {"IPv4", {{"host", "8.8.8.8"}}, 200, 200, "", 101},
      {"IPv6", {{"host", "[2001:db8::1]:80"}}, 200, 200, "", 101},
      {"dot", {{"host", "Reachy-Mini.local."}}, 200, 200, "", 101},
      {"tauri", {{"host", "tauri.localhost"}}, 200, 200, "", 101},
      {"bare name", {{"host", "reachy-mini"}}, 400, 400, kHost, 403},
      {"router's name", {{"host", "robot.lan"}}, 400, 400, kHost, 403},
      {"short IPv4", {{"host", "127.1"}}, 400, 400, kHost, 403},
      {"rebinding", {{"host", "localhost.evil.com"}}, 400, 400, kHost, 403},
      {"empty host", {{"host", ""}}, 400, 400, kHost, 403},
      {"two hosts", {{"host", "localhost"}, {"host", "localhost"}}, 400, 400, kDuplicate, 403},
      {"two origins",
       {{"host", "localhost"}, {"origin", "http://localhost"}, {"origin", "http://localhost"}},
       400,
       400,
       kDuplicate,
       400},
      {"own page", {{"host", "localhost"}, {"origin", "http://localhost:8000"}}, 200, 200, "", 101},
      {"origin with path",
       {{"host", "localhost"}, {"origin", "http://localhost/x"}},
       200,
       200,
       "",
       101},
      {"local page", {{"host", "localhost"}, {"origin", "http://foo.local."}}, 200, 200, "", 101},
      {"private page",
       {{"host", "localhost"}, {"origin", "http://192.168.1.5"}},
       200,
       200,
       "",
       101},
      {"app", {{"host", "localhost"}, {"origin", "tauri://localhost"}}, 200, 200, "", 101},
      {"null", {{"host", "localhost"}, {"origin", "null"}}, 200, 403, kOrigin, 403},
      {"empty origin", {{"host", "localhost"}, {"origin", ""}}, 200, 403, kOrigin, 403},
      {"foreign page",
       {{"host", "localhost"}, {"origin", "https://evil.com"}},
       200,
       403,
       kOrigin,
       403},
      {"public address",
       {{"host", "8.8.8.8"}, {"origin", "http://8.8.8.8"}},
       200,
       403,
       kOrigin,
       403},
      {"overlay", {{"host", "localhost"}, {"origin", "http://100.64.0.1"}}, 200, 403, kOrigin, 403},
      {"other scheme",
       {{"host", "localhost"}, {"origin", "ionic://localhost"}},
       200,
       403,
       kOrigin,
       403},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    const int before = handled();
    const auto got = fetch(port_, "GET", "/x", row.headers);
    EXPECT_EQ(got.status, row.get);
    const auto posted = fetch(port_, "POST", "/x", row.headers, "{}");
    EXPECT_EQ(posted.status, row.post);
    if (posted.status != 200) {
      EXPECT_EQ(posted.body, row.detail);
    }
    EXPECT_EQ(handled() - before, (row.get == 200 ? 1 : 0) + (row.post == 200 ? 1 : 0));
    EXPECT_EQ(handshake(row.headers), row.handshake);
  }
}

TEST_F(GuardTest, HeadAndOptionsMayComeFromAnywhere) {
  const Headers foreign{{"host", "localhost"}, {"origin", "https://evil.com"}};
  EXPECT_EQ(fetch(port_, "HEAD", "/x", foreign).status, 200);
  EXPECT_EQ(fetch(port_, "OPTIONS", "/x", foreign).status, 200);
  for (const auto* method : {"PUT", "DELETE", "PATCH"})
    EXPECT_EQ(fetch(port_, method, "/x", foreign).status, 403) << method;
}

TEST_F(GuardTest, HttpWithoutHostIsRefused) {
  for (const auto* request : {"GET /x HTTP/1.0\r\n\r\n", "GET /x HTTP/1.1\r\n\r\n"}) {
    test::HttpClient client(port_);
    client.write(request);
    const auto answer = client.read();
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, kHost);
  }
  test::HttpClient client(port_);
  client.write("GET /x HTTP/1.0\r\nhost: localhost\r\n\r\n");
  EXPECT_EQ(client.read().status, 200);
  EXPECT_TRUE(client.ended());
}

TEST_F(GuardTest, RefusedHandshakeHasTheFormOfTheContract) {
  test::HttpClient client(port_);
  client.write(
      "GET /ws/sdk HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.com\r\nupgrade: "
      "websocket\r\n"
      "connection: Upgrade\r\nsec-websocket-version: 13\r\n"
      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  const auto answer = client.read();
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_EQ(answer.header("content-length"), "0");
  EXPECT_TRUE(client.ended());
}

TEST_F(GuardTest, CorsHeadersFollowTheOrigin) {
  const auto allowed = fetch(port_, "GET", "/x", {{"origin", "http://localhost:3000"}});
  EXPECT_EQ(allowed.header("access-control-allow-origin"), "http://localhost:3000");
  EXPECT_EQ(allowed.header("vary"), "Origin");
  // Narrower than the guard: the request runs, its answer cannot be read.
  const auto local = fetch(port_, "POST", "/x", {{"origin", "http://foo.local"}});
  EXPECT_EQ(local.status, 200);
  EXPECT_EQ(local.header("access-control-allow-origin"), "");
  EXPECT_EQ(fetch(port_, "GET", "/x").header("vary"), "Origin");
  // CORS is outside of the guard.
  const auto refused =
      fetch(port_, "GET", "/x", {{"host", "evil.com"}, {"origin", "tauri://localhost"}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.header("access-control-allow-origin"), "tauri://localhost");
}

TEST_F(GuardTest, PreflightsAreAnsweredBeforeTheGuard) {
  const Headers wanted{{"host", "evil.com"},
                       {"origin", "http://localhost:5173"},
                       {"access-control-request-method", "PUT"},
                       {"access-control-request-headers", "content-type, x-mine"}};
  const auto answer = fetch(port_, "OPTIONS", "/x", wanted);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "OK");
  EXPECT_EQ(answer.header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(answer.header("access-control-allow-methods"),
            "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY");
  EXPECT_EQ(answer.header("access-control-max-age"), "600");
  EXPECT_EQ(answer.header("access-control-allow-headers"), "content-type, x-mine");
  EXPECT_EQ(answer.header("access-control-allow-origin"), "http://localhost:5173");
  EXPECT_EQ(answer.header("vary"),
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
            "Access-Control-Request-Private-Network");
  EXPECT_EQ(handled(), 0);
}

TEST_F(GuardTest, PreflightsAreRefusedByName) {
  const auto preflight = [&](const char* origin, const char* method, bool network) {
    Headers headers{{"origin", origin}, {"access-control-request-method", method}};
    if (network) headers.emplace_back("access-control-request-private-network", "true");
    return fetch(port_, "OPTIONS", "/x", headers);
  };
  const auto origin = preflight("https://evil.com", "GET", false);
  EXPECT_EQ(origin.status, 400);
  EXPECT_EQ(origin.body, "Disallowed CORS origin");
  EXPECT_EQ(origin.header("access-control-allow-origin"), "");
  EXPECT_NE(origin.header("access-control-allow-methods"), "");
  EXPECT_EQ(preflight("http://localhost", "BREW", false).body, "Disallowed CORS method");
  const auto network = preflight("http://localhost", "GET", true);
  EXPECT_EQ(network.status, 400);
  EXPECT_EQ(network.body, "Disallowed CORS private-network");
  EXPECT_EQ(preflight("null", "BREW", true).body,
            "Disallowed CORS origin, method, private-network");
}

}  // namespace
}  // namespace daruma::net
