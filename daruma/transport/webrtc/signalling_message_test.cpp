#include "daruma/transport/webrtc/signalling_message.hpp"

#include <random>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace daruma::webrtc {
namespace {

using boost::json::parse;

template <class Message>
Message read(std::string_view text) {
  auto message = parse_signalling(text);
  EXPECT_TRUE(message) << text;
  if (!message || !std::holds_alternative<Message>(*message)) {
    ADD_FAILURE() << "another message: " << text;
    return {};
  }
  return std::get<Message>(*message);
}

std::string refusal(std::string_view text) {
  const auto message = parse_signalling(text);
  return message ? "" : message.error().context;
}

TEST(SignallingMessageTest, ReadsEveryMessageOfThePeer) {
  EXPECT_FALSE(read<SetProtocolVersion>(R"({"type":"setProtocolVersion","version":"v1_0"})").v1_1);
  EXPECT_TRUE(read<SetProtocolVersion>(R"({"type":"setProtocolVersion","version":"v1_1"})").v1_1);
  const auto status = read<PeerStatus>(
      R"({"type":"setPeerStatus","roles":["producer","listener"],"meta":{"name":"x"},"peerId":"y"})");
  EXPECT_TRUE(status.roles.producer && status.roles.listener && !status.roles.consumer);
  EXPECT_EQ(status.meta, parse(R"({"name":"x"})"));
  EXPECT_TRUE(read<PeerStatus>(R"({"type":"setPeerStatus","roles":["consumer"]})").roles.consumer);
  EXPECT_TRUE(read<PeerStatus>(R"({"type":"setPeerStatus","roles":[],"meta":null})").roles.none());
  EXPECT_EQ(read<StartSession>(R"({"type":"startSession","peerId":"7b1c"})").producer, "7b1c");
  EXPECT_FALSE(read<StartSession>(R"({"type":"startSession","peerId":"7","offer":null})").offer);
  EXPECT_EQ(read<StartSession>(R"({"type":"startSession","peerId":"7","offer":"v=0"})").offer,
            "v=0");
  EXPECT_EQ(read<EndSession>(R"({"type":"endSession","sessionId":"c0ff"})").session, "c0ff");
  read<List>(R"({"type":"list"})");
  read<ListConsumers>(R"({"type":"listConsumers"})");
}

TEST(SignallingMessageTest, ReadsDescriptionsAndCandidates) {
  const auto sdp = read<PeerMessage>(
      R"({"type":"peer","sessionId":"c0ff","sdp":{"type":"answer","sdp":"v=0\r\n"}})");
  EXPECT_EQ(sdp.session, "c0ff");
  EXPECT_FALSE(std::get<SessionDescription>(sdp.content).is_offer);
  EXPECT_EQ(std::get<SessionDescription>(sdp.content).sdp, "v=0\r\n");
  // Browsers add keys of their own.
  const auto ice = read<PeerMessage>(
      R"({"type":"peer","sessionId":"c0ff","ice":{"candidate":"candidate:1","sdpMLineIndex":2,
          "sdpMid":"data0","usernameFragment":"abcd"}})");
  EXPECT_EQ(std::get<IceCandidate>(ice.content).candidate, "candidate:1");
  EXPECT_EQ(std::get<IceCandidate>(ice.content).sdp_m_line_index, 2U);
}

TEST(SignallingMessageTest, RefusesWhatTheContractDoesNotHave) {
  EXPECT_EQ(refusal(""), "not JSON");
  EXPECT_EQ(refusal("{"), "not JSON");
  EXPECT_EQ(refusal("\xff\xfe"), "not JSON");
  EXPECT_EQ(refusal(std::string(1000, '[')), "not JSON");
  EXPECT_EQ(refusal("[]"), "no usable type");
  EXPECT_EQ(refusal("null"), "no usable type");
  EXPECT_EQ(refusal(R"({"type":1})"), "no usable type");
  EXPECT_EQ(refusal(R"({"type":"nope"})"), "unknown type nope");
  EXPECT_EQ(refusal(R"({"type":"setProtocolVersion","version":"v2"})"), "no usable version");
  EXPECT_EQ(refusal(R"({"type":"setPeerStatus"})"), "no usable roles");
  EXPECT_EQ(refusal(R"({"type":"setPeerStatus","roles":["king"]})"), "no usable roles");
  EXPECT_EQ(refusal(R"({"type":"setPeerStatus","roles":[1]})"), "no usable roles");
  EXPECT_EQ(refusal(R"({"type":"setPeerStatus","roles":[],"meta":1})"), "no usable meta");
  EXPECT_EQ(refusal(R"({"type":"startSession"})"), "no usable peerId");
  EXPECT_EQ(refusal(R"({"type":"startSession","peerId":"7","offer":1})"), "no usable offer");
  EXPECT_EQ(refusal(R"({"type":"endSession"})"), "no usable sessionId");
  EXPECT_EQ(refusal(R"({"type":"peer","sdp":{"type":"answer","sdp":""}})"), "no usable sessionId");
  EXPECT_EQ(refusal(R"({"type":"peer","sessionId":"c"})"), "no usable sdp or ice");
  EXPECT_EQ(refusal(R"({"type":"peer","sessionId":"c","sdp":"v=0"})"), "no usable sdp or ice");
  EXPECT_EQ(refusal(R"({"type":"peer","sessionId":"c","sdp":{"type":"rollback","sdp":""}})"),
            "no usable sdp type");
  EXPECT_EQ(refusal(R"({"type":"peer","sessionId":"c","sdp":{"type":"answer"}})"), "no usable sdp");
}

TEST(SignallingMessageTest, ACandidateNeedsAnIndexThatIsANumber) {
  const auto with = [](const std::string& index) {
    return R"({"type":"peer","sessionId":"c","ice":{"candidate":"x","sdpMLineIndex":)" + index +
           "}}";
  };
  EXPECT_EQ(refusal(with("0")), "");
  EXPECT_EQ(refusal(with("4294967295")), "");
  for (const char* index : {"null", "-1", "1.5", "\"0\"", "4294967296", "1e400", "[]"})
    EXPECT_NE(refusal(with(index)), "") << index;
  EXPECT_NE(refusal(R"({"type":"peer","sessionId":"c","ice":{"candidate":"x"}})"), "");
  EXPECT_NE(refusal(R"({"type":"peer","sessionId":"c","ice":{"sdpMLineIndex":0}})"), "");
}

TEST(SignallingMessageTest, HoldsItsBounds) {
  const auto meta = [](std::size_t size) {
    // {"x":"..."} has 8 characters besides the value.
    return R"({"type":"setPeerStatus","roles":[],"meta":{"x":")" + std::string(size - 8, 'm') +
           "\"}}";
  };
  EXPECT_EQ(refusal(meta(kMaxMeta)), "");
  EXPECT_NE(refusal(meta(kMaxMeta + 1)), "");
  const auto sdp = [](std::size_t size) {
    return R"({"type":"peer","sessionId":"c","sdp":{"type":"answer","sdp":")" +
           std::string(size, 'v') + "\"}}";
  };
  EXPECT_EQ(refusal(sdp(kMaxSdp)), "");
  EXPECT_NE(refusal(sdp(kMaxSdp + 1)), "");
  const auto ice = [](std::size_t size) {
    return R"({"type":"peer","sessionId":"c","ice":{"sdpMLineIndex":0,"candidate":")" +
           std::string(size, 'c') + "\"}}";
  };
  EXPECT_EQ(refusal(ice(kMaxCandidate)), "");
  EXPECT_NE(refusal(ice(kMaxCandidate + 1)), "");
}

TEST(SignallingMessageTest, WritesTheLiterals) {
  EXPECT_EQ(parse(welcome("7b1c")), parse(R"({"type":"welcome","peerId":"7b1c"})"));
  EXPECT_EQ(parse(peer_status_changed("7b1c", {{true, false, false}, parse(R"({"name":"r"})")})),
            parse(R"({"type":"peerStatusChanged","peerId":"7b1c","roles":["producer"],
                      "meta":{"name":"r"}})"));
  EXPECT_EQ(parse(start_session("9d2e", "c0ff", std::nullopt)),
            parse(R"({"type":"startSession","peerId":"9d2e","sessionId":"c0ff","offer":null})"));
  EXPECT_EQ(parse(session_started("7b1c", "c0ff")),
            parse(R"({"type":"sessionStarted","peerId":"7b1c","sessionId":"c0ff"})"));
  EXPECT_EQ(parse(peer_message({"c0ff", SessionDescription{true, "v=0\r\n"}})),
            parse(R"({"type":"peer","sessionId":"c0ff","sdp":{"type":"offer","sdp":"v=0\r\n"}})"));
  EXPECT_EQ(parse(peer_message({"c0ff", IceCandidate{"candidate:1 1", 0}})),
            parse(R"({"type":"peer","sessionId":"c0ff",
                      "ice":{"candidate":"candidate:1 1","sdpMLineIndex":0}})"));
  EXPECT_EQ(parse(end_session("c0ff", false)),
            parse(R"({"type":"endSession","sessionId":"c0ff"})"));
  EXPECT_EQ(parse(end_session("c0ff", true)),
            parse(R"({"type":"endSessionV1_1","sessionId":"c0ff","error":null})"));
  EXPECT_EQ(parse(error("no")), parse(R"({"type":"error","details":"no"})"));
}

TEST(SignallingMessageTest, SurvivesAnyText) {
  const std::vector<std::string> corpus{
      R"({"type":"setPeerStatus","roles":["producer","listener"],"meta":{"name":"x","a":[1,{}]}})",
      R"({"type":"peer","sessionId":"c0ff","sdp":{"type":"answer","sdp":"v=0\r\no=- 1 0\r\n"}})",
      R"({"type":"peer","sessionId":"c0ff","ice":{"candidate":"candidate:1","sdpMLineIndex":2}})",
      R"({"type":"startSession","peerId":"7b1c","offer":null})",
      R"({"type":"setProtocolVersion","version":"v1_1"})"};
  std::mt19937 random(5);
  const auto pick = [&](std::size_t size) { return static_cast<std::size_t>(random()) % size; };
  std::size_t read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = corpus[pick(corpus.size())];
    for (std::size_t change = 0; change < 1 + pick(4) && !text.empty(); ++change) {
      const auto at = pick(text.size());
      switch (pick(3)) {
        case 0:
          text[at] = static_cast<char>(pick(256));
          break;
        case 1:
          text.erase(at, 1 + pick(8));
          break;
        default:
          text.insert(at, text.substr(pick(text.size()), pick(20)));
      }
    }
    const auto message = parse_signalling(text);
    if (message)
      ++read;
    else
      EXPECT_FALSE(message.error().context.empty());
  }
  EXPECT_GT(read, 0U);
}

}  // namespace
}  // namespace daruma::webrtc
