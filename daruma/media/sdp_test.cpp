#include "daruma/media/sdp.hpp"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daruma/media/peer_connection.hpp"

namespace daruma::media {
namespace {

const std::string kSession =
    "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-options:trickle\r\n";

std::string transport(const std::string& setup) {
  return "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef01234567\r\na=setup:" + setup +
         "\r\na=fingerprint:sha-256 " +
         "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:"
         "DD:EE:FF\r\n";
}

std::string data_section(const std::string& setup, const std::string& mid = "data0") {
  return "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:" + mid +
         "\r\n" + transport(setup) + "a=sctp-port:5000\r\n";
}

const std::string kOffer = kSession + data_section("actpass");
const std::string kAnswer = kSession + data_section("active");

std::string written(const SdpPtr& sdp) {
  gchar* text = gst_sdp_message_as_text(sdp.get());
  std::string copy(text);
  g_free(text);
  return copy;
}

/// An answer with one piece of it replaced.
std::string with(const std::string& what, const std::string& by) {
  std::string text = kAnswer;
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

std::string refusal(const std::string& answer) {
  const auto read = read_answer(answer, kOffer, 10);
  return read ? "" : read.error().context;
}

TEST(SdpTest, TakesAnAnswer) {
  EXPECT_EQ(refusal(kAnswer), "");
  EXPECT_EQ(refusal(kSession + data_section("passive")), "");
  EXPECT_EQ(section_count(kOffer), 1U);
}

TEST(SdpTest, RefusesWhatIsNoAnswerToTheOffer) {
  EXPECT_NE(refusal(""), "");
  EXPECT_EQ(refusal("garbage"), "1 sections were offered, 0 answered");
  EXPECT_EQ(refusal(kAnswer + data_section("active", "data1")),
            "1 sections were offered, 2 answered");
  EXPECT_EQ(refusal(kSession + data_section("active", "other")),
            "section 0 is not the one that was offered");
  EXPECT_EQ(refusal(with("m=application", "m=video")), "section 0 is not the one that was offered");
  EXPECT_EQ(refusal(with("m=application 9", "m=application 0")), "every section was rejected");
}

TEST(SdpTest, NamesWhatIsMissing) {
  EXPECT_EQ(refusal(with("a=ice-ufrag:abcd\r\n", "")), "section 0 has no usable ice-ufrag");
  EXPECT_EQ(refusal(with("a=ice-pwd", "a=pwd")), "section 0 has no usable ice-pwd");
  EXPECT_EQ(refusal(with("a=fingerprint", "a=finger")), "section 0 has no usable fingerprint");
  EXPECT_EQ(refusal(with("a=setup:active", "a=setup:actpass")), "section 0 has no usable setup");
  EXPECT_EQ(refusal(with("a=sctp-port:5000\r\n", "")), "section 0 has no usable sctp-port");
  EXPECT_EQ(refusal(with("sctp-port:5000", "sctp-port:0")), "section 0 has no usable sctp-port");
  EXPECT_EQ(refusal(with("sctp-port:5000", "sctp-port:5000x")),
            "section 0 has no usable sctp-port");
  EXPECT_EQ(refusal(with("sctp-port:5000", "sctp-port:65536")),
            "section 0 has no usable sctp-port");
}

TEST(SdpTest, RefusesWhatIsTooLong) {
  const auto padded = [](std::size_t size) {
    return kAnswer + "a=x:" + std::string(size - kAnswer.size() - 6, 'x') + "\r\n";
  };
  EXPECT_EQ(refusal(padded(PeerConnection::kMaxSdp)), "");
  EXPECT_NE(refusal(padded(PeerConnection::kMaxSdp + 1)), "");
}

TEST(SdpTest, TakesOutNamesAndKeepsAddresses) {
  const auto read = read_answer(kAnswer + "a=candidate:1 1 udp 1 0123.local 50000 typ host\r\n" +
                                    "a=candidate:2 1 udp 1 192.0.2.2 50000 typ "
                                    "host\r\na=candidate\r\na=end-of-candidates\r\n",
                                kOffer, 10);
  ASSERT_TRUE(read);
  const auto text = written(*read);
  EXPECT_EQ(text.find(".local"), std::string::npos);
  EXPECT_NE(text.find("a=candidate:2 1 udp 1 192.0.2.2"), std::string::npos);
  EXPECT_NE(text.find("a=end-of-candidates"), std::string::npos);
}

TEST(SdpTest, KeepsNoMoreCandidatesThanAllowed) {
  std::string many = kAnswer;
  for (int i = 0; i < 20; ++i)
    many += fmt::format("a=candidate:{} 1 udp 1 192.0.2.2 {} typ host\r\n", i, 50000 + i);
  const auto read = read_answer(many, kOffer, 10);
  ASSERT_TRUE(read);
  const auto text = written(*read);
  std::size_t count = 0;
  for (auto at = text.find("a=candidate"); at != std::string::npos;
       at = text.find("a=candidate", at + 1))
    ++count;
  EXPECT_EQ(count, 10U);
}

TEST(SdpTest, GivesARejectedSectionTheTransportOfALiveOne) {
  const auto video = [](int port, const std::string& rest) {
    return fmt::format("m=video {} UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:video1\r\n{}",
                       port, rest);
  };
  const auto read = read_answer(kAnswer + video(0, "a=inactive\r\n"),
                                kOffer + video(9, transport("actpass")), 10);
  ASSERT_TRUE(read);
  const auto* rejected = gst_sdp_message_get_media(read->get(), 1);
  EXPECT_EQ(gst_sdp_media_get_port(rejected), 0U);
  EXPECT_STREQ(gst_sdp_media_get_attribute_val(rejected, "ice-ufrag"), "abcd");
  EXPECT_STREQ(gst_sdp_media_get_attribute_val(rejected, "setup"), "active");
  EXPECT_NE(gst_sdp_media_get_attribute_val(rejected, "fingerprint"), nullptr);
}

}  // namespace
}  // namespace daruma::media
