#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

#include "daruma/media/engine.hpp"
#include "daruma/media/pipeline.hpp"

// Peer connections against a second webrtcbin in this process, which plays the browser.

namespace daruma::media {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 10s;

/// The other side: answers offers, opens no channel of its own. Driven by the same loop.
class Browser {
 public:
  struct Seen {
    std::string label;
    bool ordered = true;
    int max_retransmits = -1;
    GstWebRTCDataChannel* channel = nullptr;
  };

  explicit Browser(Loop& loop) : loop_(loop) {
    pipeline_ = gst_pipeline_new(nullptr);
    webrtc_ = gst_element_factory_make("webrtcbin", nullptr);
    gst_util_set_object_arg(G_OBJECT(webrtc_), "bundle-policy", "max-bundle");
    gst_bin_add(GST_BIN(pipeline_), webrtc_);
    GObject* ice = nullptr;
    GObject* agent = nullptr;
    g_object_get(webrtc_, "ice-agent", &ice, nullptr);
    g_object_get(ice, "agent", &agent, nullptr);
    g_object_set(agent, "upnp", FALSE, nullptr);
    g_object_unref(agent);
    g_object_unref(ice);
    g_signal_connect(webrtc_, "on-ice-candidate", G_CALLBACK(&Browser::on_candidate), this);
    g_signal_connect(webrtc_, "on-data-channel", G_CALLBACK(&Browser::on_channel), this);
    g_signal_connect(pipeline_, "deep-element-added", G_CALLBACK(&Browser::on_element), this);
    gst_element_set_state(pipeline_, GST_STATE_PLAYING);
  }
  ~Browser() {
    leave();
    for (auto& seen : channels) g_object_unref(seen.channel);
    gst_object_unref(pipeline_);
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  void take_offer(const std::string& text) {
    offered = true;
    GstSDPMessage* sdp = nullptr;
    gst_sdp_message_new_from_text(text.c_str(), &sdp);
    auto* offer = gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_OFFER, sdp);
    GstPromise* promise =
        gst_promise_new_with_change_func(&Browser::on_offer_applied, this, nullptr);
    g_signal_emit_by_name(webrtc_, "set-remote-description", offer, promise);
    gst_webrtc_session_description_free(offer);
  }
  void take_candidate(const std::string& text, unsigned section) {
    g_signal_emit_by_name(webrtc_, "add-ice-candidate", section, text.c_str());
  }
  bool say(const std::string& text) {
    return gst_webrtc_data_channel_send_string_full(channel("data"), text.c_str(), nullptr);
  }
  void say_bytes(const std::string& bytes) {
    GBytes* data = g_bytes_new(bytes.data(), bytes.size());
    gst_webrtc_data_channel_send_data_full(channel("data"), data, nullptr);
    g_bytes_unref(data);
  }
  /// Stops taking packets from the network, without telling.
  void freeze() {
    GstIterator* sources = gst_bin_iterate_all_by_element_factory_name(GST_BIN(webrtc_), "nicesrc");
    GValue item = G_VALUE_INIT;
    while (gst_iterator_next(sources, &item) == GST_ITERATOR_OK) {
      GstPad* pad = gst_element_get_static_pad(GST_ELEMENT(g_value_get_object(&item)), "src");
      gst_pad_add_probe(
          pad, GST_PAD_PROBE_TYPE_BUFFER,
          [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_DROP; }, nullptr, nullptr);
      gst_object_unref(pad);
      g_value_unset(&item);
    }
    gst_iterator_free(sources);
  }
  /// Closes as a browser does: with close_notify.
  void close() {
    GstIterator* encoders =
        gst_bin_iterate_all_by_element_factory_name(GST_BIN(webrtc_), "sctpenc");
    GValue item = G_VALUE_INIT;
    if (gst_iterator_next(encoders, &item) == GST_ITERATOR_OK) {
      GstPad* pad = gst_element_get_static_pad(GST_ELEMENT(g_value_get_object(&item)), "src");
      gst_pad_push_event(pad, gst_event_new_eos());
      gst_object_unref(pad);
      g_value_unset(&item);
    }
    gst_iterator_free(encoders);
  }
  void leave() { gst_element_set_state(pipeline_, GST_STATE_NULL); }

  GstWebRTCDataChannel* channel(const std::string& label) {
    for (auto& seen : channels)
      if (seen.label == label) return seen.channel;
    return nullptr;
  }

  // Loop only.
  bool offered = false;
  bool told = false;  ///< the robot has said goodbye
  std::string answer;
  std::vector<std::pair<unsigned, std::string>> candidates;
  std::vector<Seen> channels;
  std::deque<std::string> texts;
  std::size_t poses = 0;

 private:
  /// Calls on the loop, as long as this browser lives.
  template <class F>
  void tell(F f) {
    loop_.post([alive = std::weak_ptr<int>(alive_), f = std::move(f)] {
      if (!alive.expired()) f();
    });
  }
  static void on_candidate(GstElement*, guint section, gchar* text, Browser* self) {
    self->tell([self, section, copy = std::string(text)] {
      self->candidates.emplace_back(section, copy);
    });
  }
  static void on_channel(GstElement*, GstWebRTCDataChannel* channel, Browser* self) {
    Seen seen;
    gchar* label = nullptr;
    gboolean ordered = TRUE;
    g_object_get(channel, "label", &label, "ordered", &ordered, "max-retransmits",
                 &seen.max_retransmits, nullptr);
    seen.label = label;
    seen.ordered = ordered != FALSE;
    seen.channel = GST_WEBRTC_DATA_CHANNEL(g_object_ref(channel));
    g_free(label);
    g_signal_connect(
        channel, "on-message-string",
        seen.label == "data" ? G_CALLBACK(&Browser::on_text) : G_CALLBACK(&Browser::on_pose), self);
    self->tell([self, seen] { self->channels.push_back(seen); });
  }
  static void on_text(GstWebRTCDataChannel*, gchar* text, Browser* self) {
    self->tell([self, copy = std::string(text)] { self->texts.push_back(copy); });
  }
  static void on_pose(GstWebRTCDataChannel*, gchar*, Browser* self) {
    self->tell([self] { ++self->poses; });
  }
  static void on_offer_applied(GstPromise* promise, gpointer data) {
    gst_promise_unref(promise);
    auto* self = static_cast<Browser*>(data);
    GstPromise* next = gst_promise_new_with_change_func(&Browser::on_answer, self, nullptr);
    g_signal_emit_by_name(self->webrtc_, "create-answer", nullptr, next);
  }
  static void on_answer(GstPromise* promise, gpointer data) {
    auto* self = static_cast<Browser*>(data);
    GstWebRTCSessionDescription* answer = nullptr;
    gst_structure_get(gst_promise_get_reply(promise), "answer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION,
                      &answer, nullptr);
    gst_promise_unref(promise);
    gchar* text = gst_sdp_message_as_text(answer->sdp);
    self->tell([self, copy = std::string(text)] { self->answer = copy; });
    g_free(text);
    // Without a promise, webrtcbin leaks what it would have replied when it is being closed.
    GstPromise* applied = gst_promise_new();
    g_signal_emit_by_name(self->webrtc_, "set-local-description", answer, applied);
    gst_promise_unref(applied);
    gst_webrtc_session_description_free(answer);
  }
  static void on_element(GstBin*, GstBin*, GstElement* element, Browser* self) {
    const auto* factory = gst_element_get_factory(element);
    if (factory == nullptr || std::string_view(GST_OBJECT_NAME(factory)) != "sctpdec") return;
    GstPad* pad = gst_element_get_static_pad(element, "sink");
    gst_pad_add_probe(
        pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
        [](GstPad*, GstPadProbeInfo* info, gpointer data) {
          auto* browser = static_cast<Browser*>(data);
          if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS)
            browser->tell([browser] { browser->told = true; });
          return GST_PAD_PROBE_OK;
        },
        self, nullptr);
    gst_object_unref(pad);
  }

  Loop& loop_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  GstElement* pipeline_ = nullptr;
  GstElement* webrtc_ = nullptr;
};

/// Writes down what a connection tells.
struct Heard : PeerEvents {
  void on_offer(const std::string& sdp) override { offer = sdp; }
  void on_candidate(const std::string& candidate, unsigned section) override {
    EXPECT_FALSE(offer.empty()) << "a candidate before the offer";
    candidates.emplace_back(section, candidate);
  }
  void on_open(Channel channel) override {
    (channel == Channel::kData ? data_open : pose_open) = true;
  }
  void on_text(std::string text) override {
    texts.push_back(std::move(text));
    if (when_text) when_text();
  }
  void on_binary(std::size_t bytes) override { binaries.push_back(bytes); }
  void on_gone(std::string_view reason) override { gone = reason; }

  std::string offer;
  std::vector<std::pair<unsigned, std::string>> candidates;
  bool data_open = false;
  bool pose_open = false;
  std::deque<std::string> texts;
  std::vector<std::size_t> binaries;
  std::string gone;
  UniqueFunction<void()> when_text;
};

std::size_t entries(const char* folder) {
  std::error_code error;
  std::size_t count = 0;
  for (auto it = std::filesystem::directory_iterator(folder, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    ++count;
  return count;
}

class PeerConnectionTest : public testing::Test {
 protected:
  PeerConnectionTest() {
    EXPECT_TRUE(engine_.start());
    bool ready = false;
    engine_.when_ready([&](const Status& status) {
      EXPECT_TRUE(status) << status.error().context;
      ready = true;
    });
    EXPECT_TRUE(run_until([&] { return ready; }));
  }
  ~PeerConnectionTest() override {
    connection_.reset();
    browser_.reset();
    // Ending takes three turns of loop and pool.
    for (int i = 0; i < 3; ++i) run_for(10ms);
  }

  template <class Condition>
  bool run_until(Condition condition, Duration patience = kPatience) {
    const auto end = Clock::now() + patience;
    while (!condition()) {
      if (Clock::now() > end) return false;
      loop_.context().run_one_for(5ms);
    }
    return true;
  }
  void run_for(Duration time) {
    run_until([] { return false; }, time);
  }

  void offer() {
    heard_ = std::make_shared<Heard>();
    connection_ = engine_.make(heard_);
    connection_->start();
  }
  bool offered() {
    return run_until([&] { return !heard_->offer.empty() || !heard_->gone.empty(); });
  }
  /// Carries what both sides have to say to each other.
  void relay() {
    if (!browser_ || !connection_) return;
    if (!heard_->offer.empty() && !browser_->offered) browser_->take_offer(heard_->offer);
    if (browser_->offered)
      for (; told_to_browser_ < heard_->candidates.size(); ++told_to_browser_)
        browser_->take_candidate(heard_->candidates[told_to_browser_].second,
                                 heard_->candidates[told_to_browser_].first);
    if (browser_->answer.empty()) return;
    if (!answered_) connection_->set_answer(browser_->answer);
    answered_ = true;
    for (; told_to_robot_ < browser_->candidates.size(); ++told_to_robot_)
      connection_->add_candidate(browser_->candidates[told_to_robot_].second,
                                 browser_->candidates[told_to_robot_].first);
  }
  bool open() {
    browser_ = std::make_unique<Browser>(loop_);
    told_to_browser_ = told_to_robot_ = 0;
    answered_ = false;
    offer();
    const bool opened = run_until([&] {
      relay();
      return heard_->data_open && browser_->channel("data") != nullptr;
    });
    EXPECT_TRUE(opened) << "here " << heard_->data_open << " there " << browser_->channels.size()
                        << " answered " << answered_ << " gone " << heard_->gone << " candidates "
                        << told_to_browser_ << " and " << told_to_robot_;
    return opened;
  }
  bool stop() {
    bool told = false;
    bool freed = false;
    connection_->stop([&] { told = true; },
                      [&] {
                        EXPECT_TRUE(told);
                        freed = true;
                      });
    EXPECT_FALSE(told);
    return run_until([&] { return freed; });
  }

  Loop loop_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      loop_.context().get_executor()};
  Engine engine_{loop_};
  std::shared_ptr<Heard> heard_;
  std::unique_ptr<PeerConnection> connection_;
  std::unique_ptr<Browser> browser_;
  std::size_t told_to_browser_ = 0;
  std::size_t told_to_robot_ = 0;
  bool answered_ = false;
};

TEST_F(PeerConnectionTest, OffersOneDataSectionAndCandidatesOfBothFamilies) {
  offer();
  ASSERT_TRUE(offered());
  EXPECT_NE(heard_->offer.find("m=application"), std::string::npos);
  EXPECT_EQ(heard_->offer.find("m=audio"), std::string::npos);
  EXPECT_NE(heard_->offer.find("a=group:BUNDLE"), std::string::npos);
  EXPECT_TRUE(run_until([&] { return !heard_->candidates.empty(); }));
}

TEST_F(PeerConnectionTest, OpensDataReliableAndOrderedAndNothingElse) {
  ASSERT_TRUE(open());
  ASSERT_EQ(browser_->channels.size(), 1U);
  EXPECT_EQ(browser_->channels[0].label, "data");
  EXPECT_TRUE(browser_->channels[0].ordered);
  EXPECT_EQ(browser_->channels[0].max_retransmits, -1);
}

TEST_F(PeerConnectionTest, CarriesTextBothWaysInOrder) {
  ASSERT_TRUE(open());
  const std::string large(60'000, 'x');
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(browser_->say(std::to_string(i)));
    ASSERT_TRUE(connection_->send(Channel::kData, std::to_string(i)));
  }
  ASSERT_TRUE(browser_->say(large));
  ASSERT_TRUE(connection_->send(Channel::kData, large));
  ASSERT_TRUE(
      run_until([&] { return heard_->texts.size() == 101 && browser_->texts.size() == 101; }));
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(heard_->texts[i], std::to_string(i));
    EXPECT_EQ(browser_->texts[i], std::to_string(i));
  }
  EXPECT_EQ(heard_->texts[100], large);
  EXPECT_EQ(browser_->texts[100], large);
}

TEST_F(PeerConnectionTest, TellsBinaryMessagesBySizeOnly) {
  ASSERT_TRUE(open());
  browser_->say_bytes(std::string(17, '\0'));
  browser_->say("end");
  ASSERT_TRUE(run_until([&] { return !heard_->texts.empty(); }));
  EXPECT_EQ(heard_->texts, std::deque<std::string>{"end"});
  EXPECT_EQ(heard_->binaries, std::vector<std::size_t>{17});
}

TEST_F(PeerConnectionTest, RefusesToSendWhatCannotArrive) {
  ASSERT_TRUE(open());
  EXPECT_FALSE(connection_->send(Channel::kData, ""));
  EXPECT_FALSE(connection_->send(Channel::kData, std::string(PeerConnection::kMaxSend + 1, 'x')));
  EXPECT_FALSE(connection_->send(Channel::kPose, "no such channel yet"));
  EXPECT_EQ(connection_->buffered_bytes(Channel::kPose), 0U);
}

TEST_F(PeerConnectionTest, MakesPoseOnlyWhenAskedUnorderedAndWithoutRetransmits) {
  ASSERT_TRUE(open());
  connection_->open_pose();
  connection_->open_pose();
  ASSERT_TRUE(run_until([&] { return heard_->pose_open && browser_->channels.size() == 2; }));
  EXPECT_EQ(browser_->channels[1].label, "pose");
  EXPECT_FALSE(browser_->channels[1].ordered);
  EXPECT_EQ(browser_->channels[1].max_retransmits, 0);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(connection_->send(Channel::kPose, "{}"));
  EXPECT_TRUE(run_until([&] { return browser_->poses == 10; }));
  run_for(50ms);
  EXPECT_EQ(browser_->channels.size(), 2U);
}

TEST_F(PeerConnectionTest, StopTellsTheOtherSideAfterAllThatWasSent) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(connection_->send(Channel::kData, "last words"));
  ASSERT_TRUE(run_until([&] { return connection_->buffered_bytes(Channel::kData) == 0; }));
  run_for(5ms);  // the caller's part: what the transport has taken needs time to leave
  ASSERT_TRUE(stop());
  EXPECT_TRUE(run_until([&] { return browser_->told; }));
  EXPECT_EQ(browser_->texts, std::deque<std::string>{"last words"});
  EXPECT_EQ(heard_->gone, "");
}

TEST_F(PeerConnectionTest, NoticesThatTheOtherSideClosed) {
  ASSERT_TRUE(open());
  browser_->close();
  ASSERT_TRUE(run_until([&] { return !heard_->gone.empty(); }));
  EXPECT_TRUE(stop());
}

TEST_F(PeerConnectionTest, StopsWhileTheOtherSideDoesNotRead) {
  ASSERT_TRUE(open());
  browser_->freeze();
  const std::string text(60'000, 'x');
  std::size_t sent = 0;
  while (connection_->send(Channel::kData, text)) sent += text.size();
  EXPECT_GE(sent, PeerConnection::kMaxBuffered - text.size());
  EXPECT_LE(connection_->buffered_bytes(Channel::kData), PeerConnection::kMaxBuffered);
  run_for(200ms);  // lets the SCTP buffer fill, so that its sender waits
  const auto begin = Clock::now();
  EXPECT_TRUE(stop());
  EXPECT_LT(Clock::now() - begin, 2s);
}

TEST_F(PeerConnectionTest, EndsAPeerThatSendsFasterThanTheLoopReads) {
  ASSERT_TRUE(open());
  const std::string text(60'000, 'x');
  for (std::size_t sent = 0; sent <= 2 * PeerConnection::kMaxInbox; sent += text.size())
    browser_->say(text);
  // The loop stands still meanwhile; what comes in waits in the inbox.
  const auto end = Clock::now() + kPatience;
  guint64 left = 1;
  while (left > 0 && Clock::now() < end) {
    g_object_get(browser_->channel("data"), "buffered-amount", &left, nullptr);
    std::this_thread::yield();
  }
  EXPECT_TRUE(run_until([&] { return heard_->gone == "it sends faster than it can be read"; }));
  EXPECT_TRUE(stop());
}

TEST_F(PeerConnectionTest, SaysNothingAfterStopEvenFromInsideAMessage) {
  ASSERT_TRUE(open());
  heard_->when_text = [this] {
    connection_->stop({}, {});
    connection_.reset();
  };
  for (int i = 0; i < 20; ++i) browser_->say("x");
  ASSERT_TRUE(run_until([&] { return !heard_->texts.empty(); }));
  run_for(100ms);
  EXPECT_EQ(heard_->texts.size(), 1U);
}

TEST_F(PeerConnectionTest, StopIsIdempotentAndWorksBeforeStart) {
  heard_ = std::make_shared<Heard>();
  connection_ = engine_.make(heard_);
  EXPECT_TRUE(stop());
  connection_->start();
  connection_->stop({}, [] { ADD_FAILURE() << "freed twice"; });
  run_for(50ms);
  EXPECT_EQ(heard_->offer, "");
}

TEST_F(PeerConnectionTest, CandidatesMayComeBeforeTheAnswerAndHostileOnesDoNothing) {
  browser_ = std::make_unique<Browser>(loop_);
  offer();
  ASSERT_TRUE(run_until([&] {
    if (!heard_->offer.empty() && !browser_->offered) browser_->take_offer(heard_->offer);
    return !browser_->answer.empty() && !browser_->candidates.empty();
  }));
  for (const char* text : {"", "candidate:", "candidate:1 1 udp 1 x.local 50000 typ host",
                           "a=candidate:1 1 udp 1 192.0.2.2 1 typ host", "%n%n%n%s"})
    for (unsigned section : {0U, 1U, 7U, 0xffffffffU}) connection_->add_candidate(text, section);
  for (int i = 0; i < 10; ++i)
    connection_->add_candidate("candidate:1 1 udp 1 127.0.0.1 9 typ host", 4000000000U);
  for (const auto& [section, text] : browser_->candidates)
    connection_->add_candidate(text, section);
  told_to_robot_ = browser_->candidates.size();
  ASSERT_TRUE(run_until([&] {
    relay();
    return heard_->data_open;
  }));
}

TEST_F(PeerConnectionTest, ANonTrickleAnswerIsEnough) {
  browser_ = std::make_unique<Browser>(loop_);
  offer();
  ASSERT_TRUE(offered());
  ASSERT_TRUE(run_until([&] { return !heard_->candidates.empty(); }));
  ASSERT_TRUE(run_until([&] {
    if (!browser_->offered) browser_->take_offer(heard_->offer);
    return !browser_->answer.empty() && browser_->candidates.size() >= 2;
  }));
  auto answer = browser_->answer + "a=candidate:9 1 udp 1 browser.local 50000 typ host\r\n";
  for (const auto& [section, text] : browser_->candidates) answer += "a=" + text + "\r\n";
  connection_->set_answer(answer);
  // The browser gets none of ours, so only those in the answer can have led to the connection.
  EXPECT_TRUE(run_until([&] { return heard_->data_open; })) << heard_->gone;
}

TEST_F(PeerConnectionTest, AnAnswerThatCannotBeUsedEndsThePeer) {
  for (const std::string& answer :
       {std::string("garbage"), std::string(), std::string(200'000, 'v'),
        std::string("v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n")}) {
    offer();
    ASSERT_TRUE(offered());
    connection_->set_answer(answer);
    EXPECT_EQ(heard_->gone, "") << "told from inside the call";
    EXPECT_TRUE(run_until([&] { return !heard_->gone.empty(); }));
    EXPECT_TRUE(stop());
  }
}

TEST_F(PeerConnectionTest, SurvivesMutilatedAnswers) {
  browser_ = std::make_unique<Browser>(loop_);
  offer();
  ASSERT_TRUE(run_until([&] {
    if (!heard_->offer.empty() && !browser_->offered) browser_->take_offer(heard_->offer);
    return !browser_->answer.empty();
  }));
  const std::string good = browser_->answer;
  std::mt19937 random(1);
  const auto pick = [&](std::size_t size) { return static_cast<std::size_t>(random()) % size; };
  for (int round = 0; round < 60; ++round) {
    std::string bad = good;
    for (std::size_t change = 0; change <= pick(3); ++change) {
      const std::size_t at = pick(bad.size());
      switch (pick(4)) {
        case 0:
          bad[at] = static_cast<char>(pick(256));
          break;
        case 1:
          bad.erase(at, pick(40));
          break;
        case 2:
          bad.insert(at, bad.substr(pick(bad.size()), pick(60)));
          break;
        default:
          std::swap(bad[at], bad[pick(bad.size())]);
      }
    }
    offer();
    ASSERT_TRUE(offered());
    connection_->set_answer(bad);
    connection_->add_candidate("candidate:1 1 udp 2113937151 127.0.0.1 9 typ host", 0);
    run_for(5ms);
    ASSERT_TRUE(stop());
  }
}

TEST_F(PeerConnectionTest, FiftySessionsLeaveNothingBehind) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(open());
    ASSERT_TRUE(stop());
    browser_.reset();
  }
  const auto threads = entries("/proc/self/task");
  const auto descriptors = entries("/proc/self/fd");
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(open());
    ASSERT_TRUE(stop());
    browser_.reset();
  }
  EXPECT_TRUE(run_until([&] { return entries("/proc/self/task") <= threads; }));
  EXPECT_TRUE(run_until([&] { return entries("/proc/self/fd") <= descriptors; }));
}

TEST_F(PeerConnectionTest, MayBeStoppedAtAnyMoment) {
  const auto begin = Clock::now();
  ASSERT_TRUE(open());
  const auto usual = Clock::now() - begin;
  ASSERT_TRUE(stop());
  for (int i = 0; i < 40; ++i) {
    browser_ = std::make_unique<Browser>(loop_);
    told_to_browser_ = told_to_robot_ = 0;
    answered_ = false;
    offer();
    run_until(
        [&] {
          relay();
          return false;
        },
        usual * i / 30);
    ASSERT_TRUE(stop()) << i;
    connection_.reset();
  }
}

TEST(EngineTest, SaysThatItWasNotStarted) {
  Loop loop;
  Engine engine(loop);
  ASSERT_FALSE(engine.usable());
  EXPECT_EQ(engine.usable().error().code, Errc::kUnavailable);
  auto heard = std::make_shared<Heard>();
  const auto connection = engine.make(heard);
  connection->start();
  while (heard->gone.empty()) loop.context().run_one();
  EXPECT_EQ(heard->gone, "media was not started");
}

}  // namespace
}  // namespace daruma::media
