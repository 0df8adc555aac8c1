#include "daruma/session/player.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <zlib.h>

#include "daruma/session/room_test.hpp"

namespace daruma::session {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(::deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string base64(const std::string& bytes) {
  constexpr const char* kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    const auto count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= count ? kAlphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

/// Antennas from 0 to 0.4 in `span_s`, the head upright.
std::string move_text(double span_s, double begin_s = 0) {
  const auto frame = [](double antenna) {
    return fmt::format(R"({{"head":[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]],"antennas":[{0},{0}],)"
                       R"("body_yaw":0}})",
                       antenna);
  };
  return fmt::format(R"({{"description":"x","time":[{},{}],"set_target_data":[{},{}]}})", begin_s,
                     begin_s + span_s, frame(0), frame(0.4));
}

TEST(MoveFile, ReadsTheWiresMoves) {
  const auto move = read_move(move_text(2, 1.7e9));
  ASSERT_TRUE(move) << move.error().context;
  EXPECT_EQ(move->description(), "x");
  EXPECT_NEAR(move->duration_s(), 2, 1e-6) << "the time base is shifted";
  EXPECT_NEAR((*move->evaluate(1).antennas_rad)[0], 0.2, 1e-6);
}

TEST(MoveFile, SaysWhatIsWrong) {
  const auto wrong = [](const std::string& text) {
    const auto move = read_move(text);
    return move ? std::string("nothing") : move.error().context;
  };
  EXPECT_THAT(wrong("{"), HasSubstr("not JSON"));
  EXPECT_THAT(wrong("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(wrong("{}"), HasSubstr("no description"));
  EXPECT_THAT(wrong(R"({"description":"","time":[],"set_target_data":[]})"),
              HasSubstr("no frames"));
  EXPECT_THAT(wrong(R"({"description":"","time":[0],"set_target_data":[]})"),
              HasSubstr("1 times for 0 targets"));
  EXPECT_THAT(wrong(R"({"description":"","time":[0],"set_target_data":[{}]})"),
              HasSubstr("frame 0: head is not a 4x4"));
  auto text = move_text(1);
  text.replace(text.find("[1,0,0,0]"), 9, "[2,0,0,0]");
  EXPECT_THAT(wrong(text), HasSubstr("frame 0: head is not a rotation"));
  EXPECT_THAT(wrong(move_text(-1)), HasSubstr("lies before"));
}

TEST(MoveFile, Unpacks) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(unpack(base64(gzip(text)), Packing::kGzipBase64).value_or("nothing"), text);
  EXPECT_EQ(unpack(base64("ab\xff"), Packing::kBase64).value_or("nothing"), "ab\xff");
  const auto why = [](std::string packed) {
    const auto done = unpack(base64(packed), Packing::kGzipBase64);
    return done ? std::string("nothing") : done.error().context;
  };
  const auto whole = gzip(text);
  EXPECT_THAT(why(whole.substr(0, whole.size() / 2)), HasSubstr("cut short"));
  EXPECT_THAT(why("no gzip at all"), HasSubstr("not gzip"));
  EXPECT_THAT(why(""), HasSubstr("cut short"));
  // 65 MiB that pack into 64 kB.
  EXPECT_THAT(why(gzip(std::string(65 << 20, '\0'))), HasSubstr("more than 64 MiB"));
}

TEST(UploadSlotsTest, KeepsTheRules) {
  UploadSlots slots;
  const TimePoint now{1h};
  for (const auto* id : {"1", "2", "3", "../../x"})
    ASSERT_TRUE(slots.start(id, 2, Packing::kPlain, now));
  EXPECT_FALSE(slots.start("5", 1, Packing::kPlain, now)) << "four at a time";
  ASSERT_TRUE(slots.add("1", 0, "ab", now));
  EXPECT_FALSE(slots.add("1", 0, "ab", now)) << "out of order: dropped";
  EXPECT_FALSE(slots.add("1", 1, "cd", now));
  EXPECT_EQ(slots.bytes(), 0U);
  ASSERT_TRUE(slots.add("../../x", 0, "ab", now));
  EXPECT_FALSE(slots.finish("2")) << "nothing came";
  ASSERT_TRUE(slots.add("../../x", 1, "cd", now));
  EXPECT_FALSE(slots.add("../../x", 2, "ef", now)) << "more than announced";
  ASSERT_TRUE(slots.start("4", 1, Packing::kBase64, now));
  ASSERT_TRUE(slots.add("4", 0, "eHl6", now));
  const auto whole = slots.finish("4");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->text, "eHl6");
  EXPECT_EQ(slots.bytes(), 0U);
  EXPECT_TRUE(slots.start("late", 1, Packing::kPlain, now + UploadSlots::kLife + 1s))
      << "what was silent has gone";
}

TEST(UploadSlotsTest, HoldsNoMoreThanItsBound) {
  UploadSlots slots;
  const TimePoint now{1h};
  const std::string part(1 << 20, 'x');
  ASSERT_TRUE(slots.start("a", 4096, Packing::kPlain, now));
  ASSERT_TRUE(slots.start("b", 4096, Packing::kPlain, now));
  for (std::size_t i = 0; i < 32; ++i) {
    ASSERT_TRUE(slots.add("a", i, part, now));
    ASSERT_TRUE(slots.add("b", i, part, now));
  }
  const auto full = slots.add("a", 32, part, now);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Errc::kBusy);
  EXPECT_TRUE(slots.add("b", 32, part, now)) << "the other one has its room now";
}

class PlayerTest : public RoomTest {
 protected:
  PlayerTest() {
    topics_.add(listener_, static_cast<protocol::TopicSet>(protocol::Topic::kEvents));
  }
  void upload(const std::string& id, const std::string& text, const char* encoding = "json") {
    constexpr std::size_t kPart = 16384;
    const auto parts = std::max<std::size_t>(1, (text.size() + kPart - 1) / kPart);
    ask(fmt::format(
        R"({{"type":"upload_move_start","upload_id":"{}","total_chunks":{},"encoding":"{}"}})", id,
        parts, encoding));
    for (std::size_t i = 0; i < parts; ++i)
      ask(json::serialize(json::object{{"type", "upload_move_chunk"},
                                       {"upload_id", id},
                                       {"chunk_index", i},
                                       {"chunk", text.substr(i * kPart, kPart)}}));
    ask(fmt::format(R"({{"type":"upload_move_finish","upload_id":"{}"}})", id));
  }
  void play(const std::string& id, const std::string& more = "") {
    ask(fmt::format(R"({{"type":"play_uploaded_move","upload_id":"{}"{}}})", id, more));
  }
  /// The next broadcast, in time.
  std::string heard() {
    until([&] { return listener_->sent.size() > heard_; }, "a broadcast");
    return listener_->sent.size() > heard_ ? *listener_->sent[heard_++] : "nothing";
  }

  std::shared_ptr<Listener> listener_ = std::make_shared<Listener>();
  std::size_t heard_ = 0;
};

TEST_F(PlayerTest, AnUploadedMoveIsPlayedOnceAndItsEndsAreTold) {
  ASSERT_TRUE(start());
  upload("../../x", base64(gzip(move_text(0.3))), "gzip+base64");
  play("../../x", R"(,"initial_goto_duration":0.2)");
  EXPECT_EQ(heard(), R"({"type":"play_uploaded_move","upload_id":"../../x","started":true,)"
                     R"("duration_s":0.3,"has_audio":false})");
  EXPECT_EQ(heard(), R"({"type":"play_uploaded_move","upload_id":"../../x","finished":true,)"
                     R"("has_audio":false})");
  settle();
  EXPECT_NEAR(antenna(0), 0.4, 1e-9);
  play("../../x");
  EXPECT_EQ(heard(), R"({"type":"play_uploaded_move","upload_id":"../../x",)"
                     R"x("error":"no such uploaded move (upload first)"})x");
}

TEST_F(PlayerTest, CancelAndStopEndIt) {
  ASSERT_TRUE(start());
  upload("a", move_text(30));
  play("a");
  EXPECT_THAT(heard(), HasSubstr(R"("started":true)"));
  ask(R"({"type":"cancel_move","upload_id":"another"})");
  upload("b", move_text(30));
  play("b");
  EXPECT_THAT(heard(), HasSubstr(R"("error":"another move is running")"));
  ask(R"({"type":"cancel_move","upload_id":"a"})");
  EXPECT_EQ(heard(), R"({"type":"play_uploaded_move","upload_id":"a","cancelled":true,)"
                     R"("has_audio":false})");
  upload("c", move_text(30));
  play("c");
  EXPECT_THAT(heard(), HasSubstr(R"("started":true)"));
  say(R"({"type":"stop_move"})");
  EXPECT_THAT(heard(), HasSubstr(R"("cancelled":true)"));
}

TEST_F(PlayerTest, ABrokenUploadIsToldWhenItIsPlayed) {
  ASSERT_TRUE(start());
  upload("bad", R"({"description":"","time":[0],"set_target_data":[{}]})");
  play("bad");
  EXPECT_THAT(heard(), HasSubstr(R"("error":"frame 0: head is not a 4x4 list of numbers")"));
  upload("bomb", base64(gzip(std::string(65 << 20, '\0'))), "gzip+base64");
  play("bomb");
  EXPECT_THAT(heard(), HasSubstr("more than 64 MiB"));
}

TEST_F(PlayerTest, ASoundIsKeptForItsMove) {
  ASSERT_TRUE(start());
  ask(R"({"type":"upload_audio_start","upload_id":"s","total_chunks":1})");
  ask(R"({"type":"upload_audio_chunk","upload_id":"s","chunk_index":0,"chunk":"UklGRg=="})");
  ask(R"({"type":"upload_audio_finish","upload_id":"s"})");
  ask(R"({"type":"play_uploaded_audio","upload_id":"s"})");
  EXPECT_EQ(heard(), R"({"type":"play_uploaded_audio","upload_id":"s","started":true})");
  ask(R"({"type":"play_uploaded_audio","upload_id":"t"})");
  EXPECT_EQ(heard(), R"({"type":"play_uploaded_audio","upload_id":"t",)"
                     R"("error":"no such uploaded audio"})");
  upload("s", move_text(0.1));
  play("s");
  EXPECT_THAT(heard(), HasSubstr(R"("has_audio":true)"));
}

TEST_F(PlayerTest, RecordedMovesComeFromTheDisk) {
  namespace fs = std::filesystem;
  const auto cache = fs::temp_directory_path() / fmt::format("daruma-moves-{}", ::getpid());
  const auto root = cache / "datasets--owner--set";
  fs::create_directories(root / "refs");
  fs::create_directories(root / "snapshots/abc/data");
  std::ofstream(root / "refs/main") << "abc\n";
  std::ofstream(root / "snapshots/abc/data/nod.json") << move_text(0.2);
  ::setenv("HF_HUB_CACHE", cache.c_str(), 1);
  ASSERT_TRUE(start());
  EXPECT_EQ(await(R"({"type":"play_recorded_move","move_name":"nod","dataset_name":"owner/set"})"),
            R"({"command":"play_recorded_move","status":"ok","move_name":"nod"})");
  until([&] { return !state().at("is_move_running").as_bool(); }, "the end of the move");
  settle();
  EXPECT_NEAR(antenna(0), 0.4, 1e-9);
  EXPECT_EQ(await(R"({"type":"play_recorded_move","move_name":"x","dataset_name":"owner/set"})"),
            R"({"command":"play_recorded_move","status":"error",)"
            R"("error":"Move x not found in recorded moves library owner/set"})");
  EXPECT_THAT(await(R"({"type":"play_recorded_move","move_name":"../data/nod",)"
                    R"("dataset_name":"owner/set"})"),
              HasSubstr("not found"));
  EXPECT_THAT(await(R"({"type":"play_recorded_move","move_name":"x","dataset_name":"../../etc"})"),
              HasSubstr("is not on this robot's disk"));
  EXPECT_THAT(await(R"({"type":"preload_dataset","dataset_name":"owner/set"})"),
              HasSubstr(R"("status":"ok","dataset_name":"owner/set","local_path":")"));
  EXPECT_THAT(await(R"({"type":"preload_dataset","dataset_name":"a/b"})"),
              HasSubstr(R"x("error":"download failed (see daemon logs)")x"));
  ::unsetenv("HF_HUB_CACHE");
  fs::remove_all(cache);
}

}  // namespace
}  // namespace daruma::session
