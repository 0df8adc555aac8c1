#include "daruma/protocol/access.hpp"

#include <gtest/gtest.h>

#include "daruma/protocol/peer.hpp"

namespace daruma::protocol {
namespace {

TEST(OriginGuard, TrustsHosts) {
  const OriginGuard guard;
  for (const auto* host :
       {"localhost", "localhost:8000", "LOCALHOST", "tauri.localhost", "reachy-mini.local",
        "reachy-mini.local.", "Reachy-Mini.Local:8000", "user@localhost", "127.0.0.1:8000",
        "8.8.8.8", "192.168.1.5", "[::1]", "[::1]:8000", "[2001:db8::1]:80", "100.64.0.1"})
    EXPECT_TRUE(guard.trusted_host(host)) << host;
  for (const auto* host : {"",
                           "reachy-mini",
                           "robot.lan",
                           "127.1",
                           "evil.com",
                           "localhost.evil.com",
                           "local",
                           ".local",
                           "evil.com/.local",
                           "evil.com@",
                           "localhost..",
                           "[::1",
                           "[::1]x",
                           "[127.0.0.1]",
                           "::1",
                           "256.0.0.1",
                           "localhost@evil.com",
                           "evil.com#.local",
                           "evil.com\\.local",
                           "a b.local",
                           "1.2.3",
                           "0x7f.0.0.1"})
    EXPECT_FALSE(guard.trusted_host(host)) << host;
}

TEST(OriginGuard, TrustsOrigins) {
  const OriginGuard guard;
  for (const auto* origin :
       {"http://localhost",      "https://localhost:5173",   "http://tauri.localhost",
        "http://foo.local",      "http://foo.local.",        "https://foo.local:8443",
        "http://localhost/path", "tauri://localhost",        "capacitor://localhost",
        "http://127.0.0.1:1",    "http://127.5.5.5",         "http://10.0.0.1",
        "http://172.16.0.1",     "http://172.31.255.255",    "http://192.168.1.1:80",
        "http://169.254.1.1",    "http://[::1]:8000",        "http://[fe80::1]",
        "http://[fd00::1]",      "http://[::ffff:10.0.0.1]", "HTTP://LOCALHOST"})
    EXPECT_TRUE(guard.trusted_origin(origin)) << origin;
  for (const auto* origin : {"",
                             "null",
                             "localhost",
                             "http://",
                             "ftp://localhost",
                             "ionic://localhost",
                             "chrome-extension://abc",
                             "tauri://evil.com",
                             "capacitor://foo.local",
                             "tauri://127.0.0.1",
                             "http://reachy-mini",
                             "https://evil.com",
                             "http://8.8.8.8",
                             "http://100.64.0.1",
                             "http://172.32.0.1",
                             "http://[2001:db8::1]",
                             "http://127.1",
                             "http://localhost@evil.com",
                             "http://evil.com/localhost",
                             "http://evil.com#.local",
                             "http://evil.com?.local",
                             "http://localhost.evil.com",
                             "file://"})
    EXPECT_FALSE(guard.trusted_origin(origin)) << origin;
}

TEST(OriginGuard, AnswersInTheOrderOfTheContract) {
  const OriginGuard guard;
  const auto status = [&](OriginGuard::Headers headers, bool checks) {
    const auto refusal = guard.refuse(headers, checks);
    return refusal ? refusal->status : 200;
  };
  EXPECT_EQ(status({{"localhost"}, {}}, true), 200);
  EXPECT_EQ(status({{"localhost"}, {"https://evil.com"}}, false), 200);
  EXPECT_EQ(status({{"localhost"}, {"https://evil.com"}}, true), 403);
  EXPECT_EQ(status({{"localhost"}, {""}}, true), 403);
  EXPECT_EQ(status({{"localhost"}, {"null"}}, true), 403);
  EXPECT_EQ(status({{}, {}}, false), 400);
  EXPECT_EQ(status({{""}, {}}, false), 400);
  EXPECT_EQ(guard.refuse({{"evil.com"}, {"https://evil.com"}}, true)->detail,
            "Untrusted Host header");
  EXPECT_EQ(guard.refuse({{"evil.com", "localhost"}, {}}, true)->detail,
            "Duplicate Host or Origin header");
  EXPECT_EQ(guard.refuse({{"localhost"}, {"null", "null"}}, false)->status, 400);
  EXPECT_EQ(guard.refuse({{"localhost"}, {"null"}}, true)->detail, "Cross-origin request rejected");
}

TEST(OriginGuard, TrustsAdditionalNames) {
  const OriginGuard guard({"Robot.Lan."});
  EXPECT_TRUE(guard.trusted_host("robot.lan:8000"));
  EXPECT_TRUE(guard.trusted_host("ROBOT.LAN."));
  EXPECT_TRUE(guard.trusted_origin("http://robot.lan"));
  EXPECT_FALSE(guard.trusted_origin("tauri://robot.lan"));
  EXPECT_FALSE(guard.trusted_host("x.robot.lan"));
}

TEST(OriginGuard, CorsIsNarrower) {
  for (const auto* origin :
       {"http://localhost", "https://localhost:3000", "http://127.0.0.1:8000", "tauri://localhost",
        "http://tauri.localhost", "https://tauri.localhost", "capacitor://localhost"})
    EXPECT_TRUE(OriginGuard::cors_allows(origin)) << origin;
  for (const auto* origin :
       {"", "null", "http://foo.local", "http://localhost:", "http://localhost:80a",
        "http://localhost/", "HTTP://localhost", "http://tauri.localhost:80", "http://127.0.0.2",
        "tauri://localhost:1"})
    EXPECT_FALSE(OriginGuard::cors_allows(origin)) << origin;
}

TEST(Peer, ReachFollowsTheAddress) {
  for (const auto* ip : {"127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"})
    EXPECT_EQ(reach_of(ip), Reach::kLocal) << ip;
  for (const auto* ip : {"192.168.1.1", "8.8.8.8", "fe80::1%eth0", "", "localhost"})
    EXPECT_EQ(reach_of(ip), Reach::kLan) << ip;
  EXPECT_EQ(name(Reach::kRelay), "relay");
  EXPECT_EQ(name(Transport::kWebRtc), "webrtc");
}

}  // namespace
}  // namespace daruma::protocol
