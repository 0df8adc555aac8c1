#include "daruma/transport/webrtc/door.hpp"

#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daruma/base/manual_scheduler.hpp"

namespace daruma::webrtc {
namespace {

using namespace std::chrono_literals;
using boost::json::parse;
using boost::json::value;
using media::Channel;
using protocol::Text;

Text text_of(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

class FakeSocket : public net::WebSocket {
 public:
  explicit FakeSocket(std::string ip) : ip_(std::move(ip)) {}
  const std::string& remote_ip() const override { return ip_; }
  void send(Text text, protocol::Delivered, Keep) override {
    if (close_code == 0) sent.push_back(parse(*text));
  }
  void close(std::uint16_t code, std::string_view) override { close_code = code; }
  std::uint64_t dropped() const override { return 0; }
  /// The oldest message that was not taken; null when there is none.
  value take() {
    if (sent.empty()) return nullptr;
    value first = sent.front();
    sent.erase(sent.begin());
    return first;
  }
  void vanish() {
    if (auto call = std::move(on_closed)) call(1006);
  }

  std::vector<value> sent;
  std::uint16_t close_code = 0;

 private:
  std::string ip_;
};

/// A connection that does what a test says. Lives on in the test when the session lets go of it.
struct FakeConnection {
  std::weak_ptr<media::PeerEvents> events;
  bool started = false;
  bool alive = true;
  bool stopped = false;
  bool pose_asked = false;
  bool takes = true;         ///< send() succeeds
  std::size_t buffered = 0;  ///< of `data`
  std::size_t pose_buffered = 0;
  std::string answer;
  std::vector<std::string> candidates;
  std::vector<std::string> data;
  std::vector<std::string> pose;
  UniqueFunction<void()> told;
  UniqueFunction<void()> freed;

  std::shared_ptr<media::PeerEvents> listener() const { return stopped ? nullptr : events.lock(); }
  void offer() {
    if (const auto to = listener()) to->on_offer("v=0 offer");
  }
  void find(const std::string& candidate) {
    if (const auto to = listener()) to->on_candidate(candidate, 0);
  }
  void open(Channel channel) {
    if (const auto to = listener()) to->on_open(channel);
  }
  void say(const std::string& text) {
    if (const auto to = listener()) to->on_text(text);
  }
  void finish() {
    if (auto call = std::move(told)) call();
    if (auto call = std::move(freed)) call();
  }
};

class FakeConnections : public media::PeerConnections {
 public:
  Status usable() const override { return usable_status; }
  void warm() override { ++warmed; }
  std::unique_ptr<media::PeerConnection> make(std::weak_ptr<media::PeerEvents> events) override {
    auto fake = std::make_shared<FakeConnection>();
    fake->events = std::move(events);
    made.push_back(fake);
    return std::make_unique<Handle>(fake);
  }

  Status usable_status;
  int warmed = 0;
  std::vector<std::shared_ptr<FakeConnection>> made;

 private:
  struct Handle : media::PeerConnection {
    explicit Handle(std::shared_ptr<FakeConnection> of) : fake(std::move(of)) {}
    ~Handle() override { fake->alive = false; }
    void start() override { fake->started = true; }
    void set_answer(const std::string& sdp) override { fake->answer = sdp; }
    void add_candidate(const std::string& candidate, unsigned) override {
      fake->candidates.push_back(candidate);
    }
    bool send(Channel channel, const std::string& text) override {
      if (!fake->takes) return false;
      (channel == Channel::kData ? fake->data : fake->pose).push_back(text);
      return true;
    }
    void open_pose() override { fake->pose_asked = true; }
    std::size_t buffered_bytes(Channel channel) const override {
      return channel == Channel::kData ? fake->buffered : fake->pose_buffered;
    }
    void stop(UniqueFunction<void()> told, UniqueFunction<void()> freed) override {
      if (fake->stopped) return;
      fake->stopped = true;
      fake->told = std::move(told);
      fake->freed = std::move(freed);
    }
    std::shared_ptr<FakeConnection> fake;
  };
};

class DoorTest : public testing::Test {
 protected:
  std::shared_ptr<FakeSocket> connect(const std::string& ip = "192.0.2.7") {
    auto socket = std::make_shared<FakeSocket>(ip);
    auto upgrade = door_->upgrade({});
    EXPECT_TRUE(upgrade.accept);
    upgrade.opened(socket);
    EXPECT_EQ(socket->take().at("type"), "welcome");
    return socket;
  }
  void dial(FakeSocket& socket) {
    socket.on_text(fmt::format(R"({{"type":"startSession","peerId":"{}"}})", door_->robot_id()));
  }
  /// Asks for a session; its id.
  std::string start(FakeSocket& socket) {
    dial(socket);
    const auto started = socket.take();
    EXPECT_EQ(started.at("type"), "sessionStarted") << boost::json::serialize(started);
    return std::string(started.at("sessionId").as_string());
  }
  std::string open(FakeSocket& socket) {
    const auto session = start(socket);
    connection().offer();
    EXPECT_EQ(socket.take().at("type"), "peer");
    connection().open(Channel::kData);
    return session;
  }
  FakeConnection& connection(std::size_t index) { return *connections_.made.at(index); }
  FakeConnection& connection() { return *connections_.made.back(); }
  static value ended(const std::string& session) {
    return parse(fmt::format(R"({{"type":"endSession","sessionId":"{}"}})", session));
  }
  static std::string peer(const std::string& session, const std::string& content) {
    return fmt::format(R"({{"type":"peer","sessionId":"{}",{}}})", session, content);
  }

  ManualScheduler scheduler_;
  protocol::Dispatcher dispatcher_{[this] { return scheduler_.now(); }};
  protocol::Topics topics_;
  FakeConnections connections_;
  std::unique_ptr<Door> door_ =
      std::make_unique<Door>(scheduler_, dispatcher_, topics_, connections_);
};

TEST_F(DoorTest, NegotiatesASession) {
  const auto socket = connect();
  EXPECT_EQ(connections_.warmed, 1);
  const auto session = start(*socket);
  EXPECT_TRUE(connection().started);
  EXPECT_EQ(socket->take(), nullptr);
  connection().offer();
  EXPECT_EQ(socket->take(), parse(peer(session, R"("sdp":{"type":"offer","sdp":"v=0 offer"})")));
  connection().find("candidate:1");
  EXPECT_EQ(socket->take(),
            parse(peer(session, R"("ice":{"candidate":"candidate:1","sdpMLineIndex":0})")));
  socket->on_text(peer(session, R"("sdp":{"type":"answer","sdp":"v=0 answer"})"));
  socket->on_text(peer(session, R"("ice":{"candidate":"candidate:2","sdpMLineIndex":0})"));
  EXPECT_EQ(connection().answer, "v=0 answer");
  EXPECT_EQ(connection().candidates, std::vector<std::string>{"candidate:2"});
  EXPECT_EQ(door_->sessions(), 1U);
}

TEST_F(DoorTest, AnswersCommandsToTheCallerOnly) {
  dispatcher_.house().on(
      "get_version",
      [](const protocol::Command&, const protocol::PeerContext& context, protocol::Reply reply) {
        reply.send({{"version", context.peer_id},
                    {"transport", name(context.transport)},
                    {"reach", name(context.reach)}});
      });
  const auto near = connect("127.0.0.1");
  const auto far = connect("192.0.2.7");
  const auto one = open(*near);
  const auto two = open(*far);
  connection(0).say(R"({"type":"get_version"})");
  connection(1).say(R"({"type":"get_version"})");
  const auto answer = [](const std::string& session, const char* reach) {
    return parse(
        fmt::format(R"({{"version":"{}","transport":"webrtc","reach":"{}"}})", session, reach));
  };
  ASSERT_EQ(connection(0).data.size(), 1U);
  ASSERT_EQ(connection(1).data.size(), 1U);
  EXPECT_EQ(parse(connection(0).data[0]), answer(one, "local"));
  EXPECT_EQ(parse(connection(1).data[0]), answer(two, "lan"));
}

TEST_F(DoorTest, AnswersBadInputAndIgnoresBinary) {
  const auto socket = connect();
  open(*socket);
  for (const char* text : {"", "{", "[]", "\xff", R"({"type":"nope"})"}) {
    connection().data.clear();
    connection().say(text);
    ASSERT_EQ(connection().data.size(), 1U) << text;
    const auto answer = parse(connection().data[0]);
    EXPECT_EQ(answer.at("error").as_string().find("Invalid command: "), 0U) << text;
  }
  connection().data.clear();
  for (std::size_t bytes : {0UL, 1UL, 1UL << 20}) connection().listener()->on_binary(bytes);
  EXPECT_TRUE(connection().data.empty());
  EXPECT_FALSE(connection().stopped);
}

TEST_F(DoorTest, HearsBroadcastsWhileDataIsOpen) {
  const auto socket = connect();
  start(*socket);
  connection().offer();
  topics_.publish(protocol::Topic::kEvents, text_of("too early"));
  connection().open(Channel::kData);
  topics_.publish(protocol::Topic::kEvents, text_of("now"));
  topics_.publish(protocol::Topic::kState, text_of("not subscribed"));
  EXPECT_EQ(connection().data, std::vector<std::string>{"now"});
  socket->vanish();
  EXPECT_EQ(topics_.peers(), 0U);
}

TEST_F(DoorTest, SplitsLongMessages) {
  const auto socket = connect();
  open(*socket);
  topics_.publish(protocol::Topic::kEvents, text_of(std::string(60'000, 'x')));
  EXPECT_EQ(connection().data.size(), 1U);
  connection().data.clear();
  topics_.publish(protocol::Topic::kEvents, text_of(std::string(60'001, 'x')));
  ASSERT_EQ(connection().data.size(), 15U);
  const auto first = parse(connection().data[0]);
  EXPECT_EQ(first.at("type"), "message_chunk");
  EXPECT_EQ(first.at("id").as_string().size(), 32U);
  EXPECT_EQ(first.at("count"), 15);
}

class DoorDeliveryTest : public DoorTest {
 protected:
  DoorDeliveryTest() {
    dispatcher_.house().on(
        "get_version",
        [this](const protocol::Command&, const protocol::PeerContext&, protocol::Reply reply) {
          reply.send({}, [this](bool out) { delivered_.push_back(out); });
        });
  }
  void say() { connection().say(R"({"type":"get_version"})"); }
  std::vector<bool> delivered_;
};

TEST_F(DoorDeliveryTest, IsReportedWhenTheTransportHadTimeToSend) {
  const auto socket = connect();
  open(*socket);
  say();
  scheduler_.advance(Session::kAckSettled - 1us);
  EXPECT_TRUE(delivered_.empty());
  scheduler_.advance(1us);
  EXPECT_EQ(delivered_, std::vector<bool>{true});
}

TEST_F(DoorDeliveryTest, WaitsForAFullBufferButNotForEver) {
  const auto socket = connect();
  open(*socket);
  connection().buffered = 1;
  say();
  scheduler_.advance(Session::kAckFlush - 1ms);
  EXPECT_TRUE(delivered_.empty());
  scheduler_.advance(2ms);
  EXPECT_EQ(delivered_, std::vector<bool>{true});
}

TEST_F(DoorDeliveryTest, IsFalseWhenThePeerIsGoneFirst) {
  const auto socket = connect();
  open(*socket);
  say();
  socket->vanish();
  EXPECT_EQ(delivered_, std::vector<bool>{false});
}

TEST_F(DoorDeliveryTest, IsFalseBeforeDataIsOpen) {
  const auto socket = connect();
  start(*socket);
  say();
  EXPECT_EQ(delivered_, std::vector<bool>{false});
}

TEST_F(DoorDeliveryTest, EachIsReportedOnceAndTheirNumberIsBounded) {
  const auto socket = connect();
  open(*socket);
  for (std::size_t i = 0; i < Session::kMaxAwaited; ++i) say();
  EXPECT_TRUE(delivered_.empty());
  say();
  EXPECT_EQ(delivered_, std::vector<bool>{false});
  scheduler_.advance(1s);
  EXPECT_EQ(delivered_.size(), Session::kMaxAwaited + 1);
}

TEST_F(DoorTest, EndsAPeerThatDoesNotRead) {
  const auto socket = connect();
  const auto session = open(*socket);
  connection().takes = false;
  topics_.publish(protocol::Topic::kEvents, text_of("{}"));
  EXPECT_FALSE(connection().stopped) << "ended from inside the broadcast";
  scheduler_.run_posted();
  EXPECT_TRUE(connection().stopped);
  EXPECT_EQ(socket->take(), ended(session));
  EXPECT_EQ(door_->sessions(), 0U);
}

class DoorPoseTest : public DoorTest {
 protected:
  DoorPoseTest() {
    dispatcher_.house().on("subscribe_pose",
                           [this](const protocol::Command&, const protocol::PeerContext& context,
                                  protocol::Reply reply) {
                             peer_ = context.peer.lock();
                             reply.ok();
                           });
    open(*socket_);
    connection().say(R"({"type":"subscribe_pose"})");
  }
  std::shared_ptr<FakeSocket> socket_ = connect();
  std::shared_ptr<protocol::Peer> peer_;
};

TEST_F(DoorPoseTest, OpensItsChannelWithTheFirstFrame) {
  ASSERT_TRUE(peer_);
  EXPECT_FALSE(connection().pose_asked);
  peer_->send_pose(text_of("1"));
  EXPECT_TRUE(connection().pose_asked);
  peer_->send_pose(text_of("2"));
  EXPECT_TRUE(connection().pose.empty());
  connection().open(Channel::kPose);
  EXPECT_EQ(connection().pose, std::vector<std::string>{"2"}) << "the newest wins";
  peer_->send_pose(text_of("3"));
  peer_->end_pose();
  peer_->send_pose(text_of("4"));
  EXPECT_EQ(connection().pose, (std::vector<std::string>{"2", "3", "4"})) << "it stays open";
}

TEST_F(DoorPoseTest, DropsFramesThatWouldWait) {
  peer_->send_pose(text_of("1"));
  connection().open(Channel::kPose);
  connection().pose_buffered = Session::kPoseBacklog;
  peer_->send_pose(text_of("2"));
  connection().pose_buffered = Session::kPoseBacklog + 1;
  peer_->send_pose(text_of("3"));
  EXPECT_EQ(connection().pose, (std::vector<std::string>{"1", "2"}));
  EXPECT_FALSE(connection().stopped);
}

TEST_F(DoorPoseTest, SendsNothingAfterTheEnd) {
  peer_->send_pose(text_of("1"));
  connection().open(Channel::kPose);
  socket_->vanish();
  peer_->send_pose(text_of("2"));
  EXPECT_EQ(connection().pose, std::vector<std::string>{"1"});
}

TEST_F(DoorTest, GivesUpAPeerThatDoesNotConnect) {
  const auto socket = connect();
  const auto session = start(*socket);
  connection().offer();
  socket->take();
  scheduler_.advance(Session::kNegotiation - 1ms);
  EXPECT_FALSE(connection().stopped);
  scheduler_.advance(1ms);
  EXPECT_TRUE(connection().stopped);
  EXPECT_FALSE(connection().alive);
  EXPECT_EQ(socket->take(), ended(session));
  EXPECT_EQ(door_->sessions(), 0U);
}

TEST_F(DoorTest, LeavesAnOpenPeerAlone) {
  const auto socket = connect();
  open(*socket);
  scheduler_.advance(1h);
  EXPECT_FALSE(connection().stopped);
}

TEST_F(DoorTest, EndsTheSessionsOfASocketThatCloses) {
  const auto socket = connect();
  const auto other = connect();
  open(*socket);
  start(*socket);
  open(*other);
  socket->vanish();
  EXPECT_TRUE(connection(0).stopped);
  EXPECT_TRUE(connection(1).stopped);
  EXPECT_FALSE(connection(2).stopped);
  EXPECT_EQ(door_->sessions(), 1U);
}

TEST_F(DoorTest, TellsTheConsumerWhenTheBrowserClosed) {
  const auto socket = connect();
  const auto session = open(*socket);
  const auto events = connection().listener();
  events->on_gone("it closed the connection");
  EXPECT_EQ(socket->take(), ended(session));
  EXPECT_TRUE(connection().stopped);
  EXPECT_EQ(door_->sessions(), 0U);
  // The consumer may end it too; nobody minds.
  socket->on_text(fmt::format(R"({{"type":"endSession","sessionId":"{}"}})", session));
  EXPECT_EQ(socket->take(), nullptr);
}

TEST_F(DoorTest, AConsumerEndsItsSession) {
  const auto socket = connect();
  const auto session = open(*socket);
  socket->on_text(fmt::format(R"({{"type":"endSession","sessionId":"{}"}})", session));
  EXPECT_TRUE(connection().stopped);
  EXPECT_EQ(socket->take(), nullptr);
  EXPECT_EQ(door_->sessions(), 0U);
}

TEST_F(DoorTest, RefusesSessionsBeyondItsBoundAndWithoutMedia) {
  std::vector<std::shared_ptr<FakeSocket>> sockets;
  for (std::size_t i = 0; i < Door::kMaxSessions; ++i) {
    sockets.push_back(connect());
    start(*sockets.back());
  }
  const auto socket = connect();
  dial(*socket);
  EXPECT_EQ(socket->take().at("type"), "error");
  sockets.front()->vanish();
  start(*socket);
  connections_.usable_status = fail(Errc::kUnavailable, "install gstreamer1.0-nice");
  sockets.back()->vanish();
  dial(*socket);
  EXPECT_EQ(socket->take(), parse(R"({"type":"error","details":"install gstreamer1.0-nice"})"));
}

TEST_F(DoorTest, CountsConnectionsUntilTheyAreFreed) {
  const auto socket = connect();
  for (std::size_t i = 0; i < Door::kMaxFreeing; ++i) {
    const auto session = start(*socket);
    socket->on_text(fmt::format(R"({{"type":"endSession","sessionId":"{}"}})", session));
  }
  dial(*socket);
  EXPECT_EQ(socket->take().at("type"), "error");
  connection(0).finish();
  start(*socket);
}

TEST_F(DoorTest, RefusesSocketsBeyondTheBound) {
  std::vector<std::shared_ptr<FakeSocket>> sockets;
  for (std::size_t i = 0; i < Signalling::kMaxPeers; ++i) sockets.push_back(connect());
  EXPECT_FALSE(door_->upgrade({}).accept);
  EXPECT_EQ(door_->upgrade({}).refuse_status, 503);
  sockets.front()->vanish();
  auto upgrade = door_->upgrade({});
  EXPECT_TRUE(upgrade.accept);
  // Two handshakes for one place.
  connect();
  const auto late = std::make_shared<FakeSocket>("192.0.2.7");
  upgrade.opened(late);
  EXPECT_EQ(late->close_code, 1013);
}

class DoorEndTest : public DoorTest {
 protected:
  void end_all() {
    door_->end_sessions([this] { ++told_; });
    EXPECT_EQ(told_, 0) << "told from inside";
  }
  int told_ = 0;
};

TEST_F(DoorEndTest, TellsThePeerThenTheConsumerThenTheCaller) {
  const auto socket = connect();
  const auto session = open(*socket);
  end_all();
  EXPECT_TRUE(connection().stopped);
  EXPECT_EQ(socket->take(), nullptr) << "signalling was quicker than the connection";
  connection().finish();
  EXPECT_EQ(socket->take(), ended(session));
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(door_->sessions(), 0U);
  EXPECT_EQ(socket->close_code, 0);
  scheduler_.advance(1s);
  EXPECT_EQ(told_, 1);
}

TEST_F(DoorEndTest, KeepsSocketsListenersAndTheRobotsId) {
  const auto socket = connect();
  const auto id = door_->robot_id();
  socket->on_text(R"({"type":"setPeerStatus","roles":["listener"]})");
  EXPECT_EQ(socket->take().at("type"), "peerStatusChanged");
  open(*socket);
  end_all();
  connection().finish();
  EXPECT_EQ(socket->take().at("type"), "endSession");
  EXPECT_EQ(socket->take(), nullptr) << "the robot seemed to leave";
  EXPECT_EQ(door_->robot_id(), id);
  start(*socket);
}

TEST_F(DoorEndTest, WithoutSessionsItIsDoneAtOnce) {
  end_all();
  scheduler_.run_posted();
  EXPECT_EQ(told_, 1);
}

TEST_F(DoorEndTest, APeerThatDoesNotDrainDelaysNobodyElse) {
  const auto slow = connect();
  const auto quick = connect();
  const auto slow_session = open(*slow);
  const auto quick_session = open(*quick);
  connection(0).buffered = 1'000'000;
  end_all();
  EXPECT_FALSE(connection(0).stopped);
  EXPECT_TRUE(connection(1).stopped);
  connection(1).finish();
  EXPECT_EQ(quick->take(), ended(quick_session));
  scheduler_.advance(Session::kAckFlush);
  EXPECT_TRUE(connection(0).stopped);
  scheduler_.advance(Door::kEndWithin - Session::kAckFlush - 1us);
  EXPECT_EQ(told_, 0);
  scheduler_.advance(1us);
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(slow->take(), ended(slow_session));
  EXPECT_EQ(door_->sessions(), 0U);
  connection(0).finish();
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(slow->take(), nullptr);
}

TEST_F(DoorEndTest, LetsAFreshAnswerLeaveFirst) {
  dispatcher_.house().on("get_version", [](const protocol::Command&, const protocol::PeerContext&,
                                           protocol::Reply reply) { reply.send({}); });
  const auto socket = connect();
  open(*socket);
  connection().say(R"({"type":"get_version"})");
  end_all();
  scheduler_.advance(Session::kAckSettled - 1us);
  EXPECT_FALSE(connection().stopped);
  scheduler_.advance(1us);
  EXPECT_TRUE(connection().stopped);
  connection().finish();
  EXPECT_EQ(told_, 1);
}

TEST_F(DoorEndTest, AConsumerThatLeavesMeanwhileIsNotWaitedFor) {
  const auto socket = connect();
  open(*socket);
  connection().buffered = 1;
  end_all();
  socket->vanish();
  EXPECT_TRUE(connection().stopped);
  connection().finish();
  EXPECT_EQ(told_, 1);
}

TEST_F(DoorEndTest, TwiceAtOnceBothAreTold) {
  const auto socket = connect();
  open(*socket);
  end_all();
  door_->end_sessions([this] { ++told_; });
  scheduler_.run_posted();
  EXPECT_EQ(told_, 1);
  connection().finish();
  EXPECT_EQ(told_, 2);
}

TEST_F(DoorEndTest, EndsNegotiationsToo) {
  const auto socket = connect();
  const auto session = start(*socket);
  connection().offer();
  socket->take();
  end_all();
  EXPECT_TRUE(connection().stopped);
  connection().finish();
  EXPECT_EQ(socket->take(), ended(session));
}

class DoorHoldTest : public DoorTest {};

TEST_F(DoorHoldTest, PreparesNowAndOffersLater) {
  door_->hold_offers(true);
  const auto socket = connect();
  start(*socket);
  EXPECT_TRUE(connection().started);
  connection().offer();
  connection().find("candidate:1");
  EXPECT_EQ(socket->take(), nullptr);
  door_->hold_offers(false);
  EXPECT_EQ(socket->take().at("sdp").at("type"), "offer");
  EXPECT_EQ(socket->take().at("ice").at("candidate"), "candidate:1");
  connection().find("candidate:2");
  EXPECT_EQ(socket->take().at("ice").at("candidate"), "candidate:2");
  door_->hold_offers(false);
  EXPECT_EQ(socket->take(), nullptr);
}

TEST_F(DoorHoldTest, AnOfferThatIsMadeAfterTheHoldGoesOutAtOnce) {
  door_->hold_offers(true);
  const auto socket = connect();
  start(*socket);
  door_->hold_offers(false);
  EXPECT_EQ(socket->take(), nullptr);
  connection().offer();
  EXPECT_EQ(socket->take().at("sdp").at("type"), "offer");
}

TEST_F(DoorHoldTest, LastsThreeSecondsAtMost) {
  door_->hold_offers(true);
  const auto socket = connect();
  start(*socket);
  connection().offer();
  scheduler_.advance(Door::kLongestHold - 1ms);
  EXPECT_EQ(socket->take(), nullptr);
  scheduler_.advance(1ms);
  EXPECT_EQ(socket->take().at("sdp").at("type"), "offer");
  // The time to connect starts with the offer.
  scheduler_.advance(Session::kNegotiation - 1ms);
  EXPECT_FALSE(connection().stopped);
  scheduler_.advance(1ms);
  EXPECT_TRUE(connection().stopped);
}

TEST_F(DoorHoldTest, AHeldSessionIsNotEnded) {
  const auto before = connect();
  open(*before);
  door_->hold_offers(true);
  const auto socket = connect();
  start(*socket);
  bool told = false;
  door_->end_sessions([&] { told = true; });
  EXPECT_TRUE(connection(0).stopped);
  EXPECT_FALSE(connection(1).stopped);
  connection(0).finish();
  EXPECT_TRUE(told);
  EXPECT_EQ(door_->sessions(), 1U);
  door_->hold_offers(false);
  connection(1).offer();
  EXPECT_EQ(socket->take().at("sdp").at("type"), "offer");
}

TEST_F(DoorHoldTest, AHeldSessionMayBeEndedByItsConsumer) {
  door_->hold_offers(true);
  const auto socket = connect();
  start(*socket);
  connection().offer();
  socket->vanish();
  EXPECT_TRUE(connection().stopped);
  door_->hold_offers(false);
  scheduler_.advance(1min);
  EXPECT_EQ(door_->sessions(), 0U);
}

TEST_F(DoorTest, ItsEndClosesSocketsAndConnections) {
  const auto socket = connect();
  open(*socket);
  door_.reset();
  EXPECT_EQ(socket->close_code, 1001);
  EXPECT_FALSE(socket->on_text);
  EXPECT_TRUE(connection().stopped);
  EXPECT_FALSE(connection().alive);
  EXPECT_EQ(topics_.peers(), 0U);
}

}  // namespace
}  // namespace daruma::webrtc
