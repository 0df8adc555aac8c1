#include "daruma/protocol/topics.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "daruma/protocol/chunking.hpp"
#include "daruma/protocol/utf8.hpp"

namespace daruma::protocol {
namespace {

class FakePeer final : public Peer {
 public:
  const std::string& id() const override { return id_; }
  void send(const Text& text, Delivered) override {
    texts.push_back(*text);
    if (on_send) on_send();
  }
  void send_pose(const Text& text) override { poses.push_back(*text); }
  std::vector<std::string> texts;
  std::vector<std::string> poses;
  UniqueFunction<void()> on_send;

 private:
  std::string id_ = "peer";
};

Text text(std::string words) { return std::make_shared<const std::string>(std::move(words)); }

TEST(Topics, ReachWhoListens) {
  Topics topics;
  const auto browser = std::make_shared<FakePeer>();
  const auto sdk = std::make_shared<FakePeer>();
  topics.add(browser, static_cast<TopicSet>(Topic::kEvents));
  topics.add(sdk, Topic::kEvents | Topic::kState);
  topics.publish(Topic::kEvents, text("event"));
  topics.publish(Topic::kState, text("state"));
  EXPECT_EQ(browser->texts, (std::vector<std::string>{"event"}));
  EXPECT_EQ(sdk->texts, (std::vector<std::string>{"event", "state"}));
  EXPECT_FALSE(topics.heard(Topic::kPose));
  topics.subscribe(*browser, Topic::kPose);
  EXPECT_TRUE(topics.heard(Topic::kPose));
  topics.publish(Topic::kPose, text("pose"));
  EXPECT_EQ(browser->poses, (std::vector<std::string>{"pose"}));
  topics.unsubscribe(*browser, Topic::kPose);
  EXPECT_FALSE(topics.heard(Topic::kPose));
  EXPECT_TRUE(topics.heard(Topic::kEvents));
}

TEST(Topics, SurviveAPeerThatEndsWhileItIsToldSomething) {
  Topics topics;
  auto first = std::make_shared<FakePeer>();
  const auto second = std::make_shared<FakePeer>();
  topics.add(first, static_cast<TopicSet>(Topic::kEvents));
  topics.add(second, static_cast<TopicSet>(Topic::kEvents));
  first->on_send = [&] {
    topics.remove(*first);
    first.reset();
  };
  topics.publish(Topic::kEvents, text("event"));
  EXPECT_EQ(second->texts.size(), 1U);
  EXPECT_EQ(topics.peers(), 1U);
}

TEST(Topics, AddingAgainReplacesAndGonePeersAreNotHeard) {
  Topics topics;
  auto peer = std::make_shared<FakePeer>();
  topics.add(peer, static_cast<TopicSet>(Topic::kEvents));
  topics.add(peer, static_cast<TopicSet>(Topic::kState));
  EXPECT_EQ(topics.peers(), 1U);
  EXPECT_FALSE(topics.heard(Topic::kEvents));
  peer.reset();
  EXPECT_FALSE(topics.heard(Topic::kState));
  topics.publish(Topic::kState, text("nobody"));
}

/// What a client makes of the frames.
std::string reassemble(const std::vector<std::string>& frames) {
  std::string whole;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto frame = boost::json::parse(frames[i]);
    EXPECT_EQ(frame.at("type"), "message_chunk");
    EXPECT_EQ(frame.at("id"), "0123456789abcdef0123456789abcdef");
    EXPECT_EQ(frame.at("index"), static_cast<std::int64_t>(i));
    EXPECT_EQ(frame.at("count"), static_cast<std::int64_t>(frames.size()));
    const std::string_view data = frame.at("data").as_string();
    EXPECT_LE(code_points(data), 4096U);
    EXPECT_LE(frames[i].size(), 60'000U);
    whole += data;
  }
  return whole;
}

TEST(Chunking, SplitsAboveSixtyThousandBytesAndNotBefore) {
  const std::string_view id = "0123456789abcdef0123456789abcdef";
  for (const std::string_view character :
       {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x99\x82", "\n"}) {
    std::string text(60'000 % character.size(), 'y');
    while (text.size() < 60'000) text += character;
    EXPECT_EQ(chunk_message(text, id), (std::vector<std::string>{text}));
    text += "z";
    const auto frames = chunk_message(text, id);
    EXPECT_EQ(frames.size(), (code_points(text) + 4095) / 4096);
    EXPECT_EQ(reassemble(frames), text);
  }
  EXPECT_EQ(chunk_message(std::string(60'001, 'x'), id).size(), 15U);
}

TEST(Utf8, KnowsWellFormedText) {
  for (const auto* good :
       {"", "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x99\x82", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  for (const auto* bad : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                          "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"})
    EXPECT_FALSE(is_valid_utf8(bad));
  EXPECT_EQ(quote("a\n\xFF\xC3\xA9"), "a??\xC3\xA9");
  EXPECT_EQ(quote(std::string(101, 'x')).size(), 100U);
}

}  // namespace
}  // namespace daruma::protocol
