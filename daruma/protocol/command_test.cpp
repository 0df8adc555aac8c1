#include "daruma/protocol/command.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "daruma/protocol/utf8.hpp"

namespace daruma::protocol {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// The sentence of a refusal, or an empty text.
std::string refusal(std::string_view text) {
  const auto command = decode(text);
  return command ? std::string() : command.error().context;
}

std::string volume(std::string_view json) {
  return fmt::format(R"({{"type":"set_volume","volume":{}}})", json);
}
std::string yaw(std::string_view json) {
  return fmt::format(R"({{"type":"set_body_yaw","body_yaw":{}}})", json);
}
std::string wobbling(std::string_view json) {
  return fmt::format(R"({{"type":"set_wobbling","enabled":{}}})", json);
}
std::string list_of(std::size_t count, std::string_view item = "0") {
  std::string text = "[";
  for (std::size_t i = 0; i < count; ++i) text.append(i == 0 ? "" : ",").append(item);
  return text + "]";
}

TEST(Decode, TakesNumbersByTheLaxRules) {
  const std::pair<const char*, double> rows[] = {
      {"0.5", 0.5},          {"-2", -2.0},
      {"true", 1.0},         {"false", 0.0},
      {"1e3", 1000.0},       {R"("0.25")", 0.25},
      {R"(" +1e1 ")", 10.0}, {"18446744073709551615", 18446744073709551615.0}};
  for (const auto& [json, number] : rows) {
    const auto command = decode(yaw(json));
    ASSERT_TRUE(command) << json << ": " << command.error().context;
    EXPECT_DOUBLE_EQ(command->number("body_yaw"), number) << json;
  }
  for (const auto* json :
       {R"("a")", R"("")", R"("1x")", R"("+-1")", R"("0x10")", "null", "[]", "{}"})
    EXPECT_EQ(refusal(yaw(json)), "body_yaw: Input should be a valid number") << json;
}

TEST(Decode, TakesIntegersByTheLaxRules) {
  const std::pair<const char*, int> rows[] = {
      {"50", 50},        {"50.0", 50},      {"5e1", 50},    {"true", 1}, {R"("50")", 50},
      {R"(" 50 ")", 50}, {R"("50.0")", 50}, {R"("+7")", 7}, {"0", 0},    {"100", 100}};
  for (const auto& [json, number] : rows) {
    const auto command = decode(volume(json));
    ASSERT_TRUE(command) << json << ": " << command.error().context;
    EXPECT_EQ(command->integer("volume"), number) << json;
  }
  for (const auto* json : {"50.5", R"("50.5")", R"("5e1")", "null", R"("fifty")", "1e300", "[50]"})
    EXPECT_EQ(refusal(volume(json)), "volume: Input should be a valid integer") << json;
  EXPECT_EQ(refusal(volume("101")), "volume: Input should be less than or equal to 100");
  EXPECT_EQ(refusal(volume("-1")), "volume: Input should be greater than or equal to 0");
}

TEST(Decode, TakesBoolsByTheLaxRules) {
  for (const auto* json :
       {"true", "1", "1.0", R"("yes")", R"("on")", R"("true")", R"("TRUE")", R"("1")"}) {
    const auto command = decode(wobbling(json));
    ASSERT_TRUE(command) << json;
    EXPECT_TRUE(command->flag("enabled")) << json;
  }
  for (const auto* json : {"false", "0", "0.0", R"("no")", R"("off")", R"("False")", R"("0")"}) {
    const auto command = decode(wobbling(json));
    ASSERT_TRUE(command) << json;
    EXPECT_FALSE(command->flag("enabled")) << json;
  }
  for (const auto* json : {"2", "-1", "0.5", R"("maybe")", R"("")", "null", "[]", R"("falsehood")"})
    EXPECT_EQ(refusal(wobbling(json)), "enabled: Input should be a valid boolean") << json;
}

TEST(Decode, RefusesWhatIsNotFinite) {
  for (const auto* json : {"NaN", "Infinity", "-Infinity", "1e99999999999999"})
    EXPECT_THAT(refusal(yaw(json)), StartsWith("Invalid JSON: NaN, Infinity")) << json;
  for (const auto* json :
       {"1e400", "-1e400", R"("nan")", R"("inf")", R"("-Infinity")", R"("1e400")"})
    EXPECT_EQ(refusal(yaw(json)), "body_yaw: Input should be a finite number") << json;
  EXPECT_EQ(refusal(R"({"type":"set_antennas","antennas":[0,1e400]})"),
            "antennas.1: Input should be a finite number");
  EXPECT_EQ(refusal(R"({"type":"append_record","record":{"a":[{"b":1e400}]}})"),
            "record: Input should be a finite number");
  EXPECT_THAT(refusal(R"({"a":"NaN",})"), StartsWith("Invalid JSON: syntax"));
}

TEST(Decode, ChecksTheLengthOfLists) {
  const std::tuple<const char*, const char*, std::size_t> rows[] = {
      {"set_target", "head", 16},      {"set_head_joints", "joints", 7},
      {"set_antennas", "antennas", 2}, {"set_full_target", "head", 16},
      {"goto_target", "head", 16},     {"goto_target", "antennas", 2}};
  for (const auto& [type, field, length] : rows) {
    const auto message = [&, t = type, f = field](std::size_t n) {
      return fmt::format(R"({{"type":"{}","{}":{}}})", t, f, list_of(n));
    };
    const auto command = decode(message(length));
    ASSERT_TRUE(command) << type;
    EXPECT_EQ(command->numbers(field).size(), length);
    EXPECT_THAT(refusal(message(length - 1)), HasSubstr(fmt::format("at least {} items", length)));
    EXPECT_THAT(refusal(message(length + 1)), HasSubstr(fmt::format("at most {} items", length)));
  }
  EXPECT_TRUE(decode(R"({"type":"set_speech_offsets","offsets":[1]})"));
  EXPECT_THAT(refusal(R"({"type":"set_full_target","head":[]})"), StartsWith("head: List"));
  const auto absent = decode(R"({"type":"goto_target","head":[],"antennas":[]})");
  ASSERT_TRUE(absent);
  EXPECT_FALSE(absent->has("head"));
  EXPECT_FALSE(absent->has("antennas"));
  EXPECT_DOUBLE_EQ(absent->number("duration"), 0.5);
}

TEST(Decode, TellsAbsentNullAndDefaultApart) {
  EXPECT_EQ(refusal(R"({"type":"set_target"})"), "Field required: head");
  EXPECT_EQ(refusal(R"({"type":"set_target","head":null})"), "head: Input should be a valid list");
  EXPECT_EQ(refusal(R"({"type":"restart_daemon","dry_run":null})"),
            "dry_run: Input should be a valid boolean");
  const auto restart = decode(R"({"type":"restart_daemon","motor":null,"whatever":1})");
  ASSERT_TRUE(restart);
  EXPECT_TRUE(restart->named("motor"));
  EXPECT_FALSE(restart->has("motor"));
  EXPECT_FALSE(restart->named("scope"));
  EXPECT_EQ(restart->text("scope"), "daemon");
  EXPECT_FALSE(restart->flag("wake_up_on_start"));
}

TEST(Decode, ChecksStrings) {
  const auto id = [](std::string_view text) {
    return fmt::format(R"({{"type":"restart_daemon","id":"{}"}})", text);
  };
  EXPECT_TRUE(decode(id("7c0e-42")));
  EXPECT_TRUE(decode(id(std::string(64, 'x'))));
  EXPECT_THAT(refusal(id(std::string(65, 'x'))), HasSubstr("at most 64 characters, not 65"));
  EXPECT_THAT(refusal(id("")), HasSubstr("at least 1 character, not 0"));
  EXPECT_THAT(refusal(id("\xC3\xA9")), HasSubstr("printable ASCII"));
  EXPECT_THAT(refusal(id("\\n")), HasSubstr("printable ASCII"));
  EXPECT_EQ(refusal(R"({"type":"restart_daemon","id":5})"), "id: Input should be a valid string");
  EXPECT_THAT(refusal(R"({"type":"restart_daemon","scope":"all"})"),
              StartsWith("scope: Input should be one of 'motor', 'backend'"));
  std::string astral;  // 64 characters are 256 bytes here
  for (int i = 0; i < 64; ++i) astral += "\xF0\x9F\x99\x82";
  EXPECT_TRUE(decode(fmt::format(R"({{"type":"set_robot_name","name":"{}"}})", astral)));
  EXPECT_FALSE(decode(fmt::format(R"({{"type":"set_robot_name","name":"{}x"}})", astral)));
}

TEST(Decode, HoldsBoundsOfEveryKind) {
  const auto play = [](std::string_view field, std::string_view number) {
    return fmt::format(R"({{"type":"play_uploaded_move","upload_id":"u","{}":{}}})", field, number);
  };
  EXPECT_EQ(refusal(play("play_frequency", "0")), "play_frequency: Input should be greater than 0");
  EXPECT_TRUE(decode(play("play_frequency", "200")));
  EXPECT_FALSE(decode(play("play_frequency", "200.1")));
  EXPECT_TRUE(decode(play("audio_lead_ms", "-2000")));
  EXPECT_FALSE(decode(play("audio_lead_ms", "-2001")));
  const auto chunk = [](std::size_t n) {
    return fmt::format(
        R"({{"type":"upload_move_chunk","upload_id":"u","chunk_index":0,"chunk":"{}"}})",
        std::string(n, 'x'));
  };
  EXPECT_TRUE(decode(chunk(16384)));
  EXPECT_FALSE(decode(chunk(16385)));
}

TEST(Decode, TheLastOfRepeatedKeysCounts) {
  const auto command =
      decode(R"({"type":"set_volume","volume":1,"type":"set_body_yaw","body_yaw":1,"body_yaw":2})");
  ASSERT_TRUE(command);
  EXPECT_EQ(command->type(), "set_body_yaw");
  EXPECT_DOUBLE_EQ(command->number("body_yaw"), 2.0);
}

TEST(Decode, RefusesWhatIsNoCommand) {
  EXPECT_EQ(refusal("[]"), "Input should be a valid object");
  for (const auto* text : {"{}", R"({"type":5})", R"({"type":null})"})
    EXPECT_EQ(refusal(text), "Unable to extract tag using discriminator 'type'");
  EXPECT_EQ(refusal(R"({"type":"x"})"),
            "Input tag 'x' found using 'type' does not match any of the expected tags");
  for (const auto* text : {"", "{", "{}}", "{} {}", "nonsense", R"({"type":"get_state",})"})
    EXPECT_THAT(refusal(text), StartsWith("Invalid JSON: ")) << text;
  EXPECT_EQ(refusal("{\"type\":\"\xFF\"}"), "Invalid JSON: the text is not UTF-8");
  EXPECT_EQ(refusal("{\"type\":\"\xED\xA0\x80\"}"), "Invalid JSON: the text is not UTF-8");
}

TEST(Decode, QuotesLittleAndHarmlesslyWhatTheClientSaid) {
  std::string type = "\\n";
  for (int i = 0; i < 500; ++i) type += "\xF0\x9F\x99\x82";
  const auto text = refusal(fmt::format(R"({{"type":"{}"}})", type));
  EXPECT_TRUE(is_valid_utf8(text));
  EXPECT_LT(code_points(text), 200U);
  EXPECT_EQ(text.find('\n'), text.npos);
}

TEST(Decode, IsBoundedInDepthAndSize) {
  const auto nested = [](std::size_t depth) {
    return fmt::format(R"({{"type":"append_record","record":{{"a":{}{}}}}})",
                       std::string(depth, '['), std::string(depth, ']'));
  };
  EXPECT_TRUE(decode(nested(kMaxDepth - 2)));
  EXPECT_EQ(refusal(nested(kMaxDepth - 1)), "Invalid JSON: nested deeper than 32");
  EXPECT_FALSE(decode(nested(1000)));
  EXPECT_FALSE(decode(std::string(200'000, '[')));
  EXPECT_FALSE(decode(std::string(200'000, '{')));
  EXPECT_THAT(refusal(fmt::format(R"({{"type":"set_antennas","antennas":{}}})", list_of(100'000))),
              HasSubstr("at most 2 items, not 100000"));
  const std::string message = R"({"type":"get_state"})";
  EXPECT_TRUE(decode(message + std::string(kMaxMessageBytes - message.size(), ' ')));
  EXPECT_EQ(refusal(message + std::string(kMaxMessageBytes - message.size() + 1, ' ')),
            "Message longer than 1048576 bytes");
}

TEST(Decode, ValuesOutliveTheText) {
  std::string text =
      R"({"type":"append_record","record":{"k":["a long string that is on the heap",1]}})";
  const auto command = decode(text);
  text.assign(text.size(), 'x');
  ASSERT_TRUE(command);
  EXPECT_EQ(command->json("record"),
            boost::json::parse(R"({"k":["a long string that is on the heap",1]})"));
}

TEST(Decode, ReadsTheTypeEvenOfARefusedMessage) {
  std::string type;
  EXPECT_FALSE(decode(R"({"type":"set_volume"})", &type));
  EXPECT_EQ(type, "set_volume");
  EXPECT_TRUE(decode(boost::json::object{{"type", "set_volume"}, {"volume", "30"}}));
}

}  // namespace
}  // namespace daruma::protocol
