#include "daruma/media/candidate.hpp"

#include <string>

#include <gtest/gtest.h>

namespace daruma::media {
namespace {

TEST(CandidateTest, TakesWhatBrowsersSend) {
  EXPECT_TRUE(is_usable_candidate("842163049 1 udp 1677729535 203.0.113.7 46154 typ host"));
  EXPECT_TRUE(is_usable_candidate(
      "842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0 "
      "ufrag K3fz network-cost 999"));
  EXPECT_TRUE(is_usable_candidate("1 1 UDP 2015363327 fd00::2 50000 typ host"));
  EXPECT_TRUE(is_usable_candidate("2 1 TCP 1015021823 192.0.2.2 9 typ host tcptype active"));
  EXPECT_TRUE(is_usable_candidate(
      "7 2 udp 41885439 198.51.100.4 50416 typ relay raddr 192.0.2.2 rport 50000"));
}

TEST(CandidateTest, RefusesNames) {
  EXPECT_FALSE(is_usable_candidate(
      "1 1 udp 2113937151 9f2d1c2e-7f0f-4a4c-9d3f-0b1f4c1d2e3f.local 50000 typ host"));
  EXPECT_FALSE(is_usable_candidate("1 1 udp 2113937151 robot.LOCAL 50000 typ host"));
  EXPECT_FALSE(is_usable_candidate("1 1 udp 2113937151 example.org 50000 typ host"));
  EXPECT_FALSE(
      is_usable_candidate("1 1 udp 41885439 203.0.113.7 1 typ srflx raddr robot.local rport 0"));
  EXPECT_FALSE(is_usable_candidate("1 1 udp 1 fe80::1%eth0 50000 typ host"));
}

TEST(CandidateTest, RefusesWhatIsMalformed) {
  for (const char* text :
       {"", " ", "1", "1 1 udp 1 192.0.2.2 50000", "1 1 udp 1 192.0.2.2 50000 typ",
        "1 1 udp 1 192.0.2.2 50000 typ robot", "1 3 udp 1 192.0.2.2 50000 typ host",
        "1 x udp 1 192.0.2.2 50000 typ host", "1 1 sctp 1 192.0.2.2 50000 typ host",
        "1 1 udp 4294967296 192.0.2.2 50000 typ host", "1 1 udp -1 192.0.2.2 50000 typ host",
        "1 1 udp 1 192.0.2.256 50000 typ host", "1 1 udp 1 192.0.2.2 65536 typ host",
        "1 1 udp 1 192.0.2.2 0 typ host", "1  1 udp 1 192.0.2.2 50000 typ host",
        "1 1 udp 1 192.0.2.2 50000 typ host tcptype maybe",
        "1 1 udp 1 192.0.2.2 50000 typ srflx raddr", "1 1 udp 1 192.0.2.2 50000 typ host\r\n",
        "1 1 udp 1 192.0.2.2 50000 typ srflx rport 70000"})
    EXPECT_FALSE(is_usable_candidate(text)) << text;
}

TEST(CandidateTest, RefusesWhatIsTooLong) {
  const std::string good = "1 1 udp 1 192.0.2.2 50000 typ host";
  EXPECT_TRUE(is_usable_candidate(good + " ufrag " + std::string(512 - good.size() - 7, 'x')));
  EXPECT_FALSE(is_usable_candidate(good + " ufrag " + std::string(513 - good.size() - 7, 'x')));
  EXPECT_FALSE(is_usable_candidate(std::string(33, 'f') + good.substr(1)));
}

}  // namespace
}  // namespace daruma::media
