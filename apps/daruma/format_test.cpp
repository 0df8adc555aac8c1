#include "format.hpp"

#include <cstdlib>

#include "fields.hpp"
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

namespace daruma::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Format, DurationsReadLikeSpeech) {
  EXPECT_EQ(duration(-1), "0 ms");
  EXPECT_EQ(duration(0.0634), "63 ms");
  EXPECT_EQ(duration(0.9996), "1.0 s");
  EXPECT_EQ(duration(4.21), "4.2 s");
  EXPECT_EQ(duration(59.96), "1 min 0 s");
  EXPECT_EQ(duration(192), "3 min 12 s");
  EXPECT_EQ(duration(3599.7), "1 h 0 min");
  EXPECT_EQ(duration(7500), "2 h 5 min");
  EXPECT_EQ(duration(3 * 86400.0 + 4 * 3600.0), "3 d 4 h");
}

TEST(Format, TimesAreLocal) {
  ASSERT_EQ(setenv("TZ", "UTC-2", 1), 0);  // two hours east of Greenwich
  tzset();
  EXPECT_EQ(local_time("2026-01-01T23:30:00.250Z"), "2026-01-02 01:30:00");
  EXPECT_EQ(local_time_of_day("2026-01-01T23:30:00.250Z"), "01:30:00.250");
  EXPECT_EQ(local_time("soon"), "soon");
  EXPECT_EQ(local_time(""), "");
}

TEST(Format, ColourOnlyOnATerminalThatWantsIt) {
  EXPECT_TRUE(wants_colour(true, nullptr));
  EXPECT_TRUE(wants_colour(true, ""));
  EXPECT_FALSE(wants_colour(true, "1"));
  EXPECT_FALSE(wants_colour(false, nullptr));
  EXPECT_EQ(Style{true}(Ink::kRed, "x"), "\033[31mx\033[0m");
  EXPECT_EQ(Style{false}(Ink::kRed, "x"), "x");
}

TEST(Format, TablesAlignByCharactersWhateverTheInk) {
  const std::vector<Row> rows{{{"é"}, {"b", Ink::kRed}}, {{"long"}, {"c"}}, {{"x"}, {""}}};
  EXPECT_EQ(table(rows, Style{}, 1), " é     b\n long  c\n x\n");
  EXPECT_THAT(table(rows, Style{true}), HasSubstr("é     \033[31mb\033[0m\n"));
}

TEST(Format, ReceiptsAreATable) {
  setenv("TZ", "UTC", 1);
  tzset();
  const auto receipts = boost::json::parse(R"json([
    {"id":"b","scope":"backend","requested":{"at":"2026-01-01T00:00:02.000Z","by":"http"},
     "outcome":null,"downtime_ms":0,"cured":null,"causes_before":[]},
    {"id":"a","scope":"daemon","action":"restart",
     "requested":{"at":"2026-01-01T00:00:01.000Z","by":"webrtc"},
     "outcome":"done","downtime_ms":63,"cured":true,"causes_before":["start_failed (room)"]
}])json");
  EXPECT_EQ(receipts_text(receipts, Style{}),
            "WHEN                 ID  WHAT     SCOPE    BY      OUTCOME  AWAY   HELPED\n"
            "2026-01-01 00:00:02  b   restart  backend  http    running         -\n"
            "2026-01-01 00:00:01  a   restart  daemon   webrtc  done     63 ms  yes\n");
}

TEST(Format, OneReceiptTellsTheWholeStory) {
  setenv("TZ", "UTC", 1);
  tzset();
  const auto receipt = boost::json::parse(R"({"id":"a","scope":"daemon","merged_into":null,
    "requested":{"at":"2026-01-01T00:00:01.000Z","by":"webrtc","peer":"p"},
    "flags":{"goto_sleep_on_stop":true,"wake_up_on_start":true},"boot_id":"x",
    "generation":{"before":7,"after":8},"ack":"sent",
    "phases":[{"phase":"stopping","at_ms":21,"ms":14}],"outcome":"done","error":null,"cured":true,
    "downtime_ms":63,"causes_before":[],"causes_after":[],"torque_kept":true,"max_step_deg":0.02,
    "notes":["sleep move skipped: no motor power"]})");
  EXPECT_EQ(receipt_text(receipt, Style{}),
            "a\n"
            "  what          restart daemon\n"
            "  flags         sleep before, wake after\n"
            "  asked         2026-01-01 00:00:01 by webrtc\n"
            "  answer        sent\n"
            "  outcome       done\n"
            "  away          63 ms\n"
            "  helped        -\n"
            "  torque kept   yes\n"
            "  largest step  0.02 degrees\n"
            "  generation    7 -> 8\n"
            "  notes         sleep move skipped: no motor power\n"
            "\n"
            "  stopping  14 ms  at 21 ms\n");
}

TEST(Format, EndingsSayHowLongAndWhetherItHelped) {
  const auto healthy = boost::json::parse(R"({"verdict":"healthy","causes":[]})");
  const auto ill = boost::json::parse(R"({"verdict":"unhealthy","causes":[
      {"code":"start_failed","part":"robot","detail":"no such file","hint":"mend it"}]})");
  const auto done = boost::json::parse(
      R"({"scope":"daemon","outcome":"done","downtime_ms":63,"cured":true,"causes_before":[]})");
  EXPECT_EQ(ending(done, healthy).line, "Restarted daemon in 63 ms; the robot is healthy.");
  EXPECT_EQ(ending(done, nullptr).line, "Restarted daemon in 63 ms.");
  EXPECT_TRUE(ending(done, nullptr).well);
  EXPECT_FALSE(ending(done, ill).well);
  EXPECT_EQ(
      ending(done, ill).line,
      "Restarted daemon in 63 ms; the robot is unhealthy: no such file (robot). Hint: mend it.");

  auto cured = done;
  cured.as_object()["causes_before"] = {"start_failed (robot)"};
  EXPECT_EQ(ending(cured, healthy).line,
            "Restarted daemon in 63 ms; that helped: the robot is healthy.");

  const auto interrupted = boost::json::parse(R"({"scope":"process","outcome":"interrupted"})");
  EXPECT_FALSE(ending(interrupted, healthy).well);
  EXPECT_THAT(ending(interrupted, healthy).line, HasSubstr("was interrupted"));

  auto no_wake_up = done;
  no_wake_up.as_object()["error"] = "wake-up failed: no motor power";
  EXPECT_FALSE(ending(no_wake_up, healthy).well);
  EXPECT_THAT(ending(no_wake_up, healthy).line, HasSubstr("but wake-up failed"));
}

TEST(Fields, WhatIsAbsentOrOfAnotherTypeIsEmpty) {
  const auto value = boost::json::parse(R"({"a":1,"b":"x","c":[1]})");
  EXPECT_EQ(text_of(value, "a"), "");
  EXPECT_EQ(text_of(value, "none"), "");
  EXPECT_EQ(number_of(value, "b"), std::nullopt);
  EXPECT_EQ(bool_of(value, "a"), std::nullopt);
  EXPECT_TRUE(array_of(value, "a").empty());
  EXPECT_EQ(array_of(value, "c").size(), 1U);
  EXPECT_TRUE(member_of(boost::json::value("text"), "a").is_null());
  EXPECT_EQ(status_text(boost::json::value(nullptr), "here", Style{}), " at here\n");
}

TEST(Fields, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(printable("a\x1b]0;b\x07"
                      "c\x7f"),
            "a?]0;b?c?");
  EXPECT_EQ(printable("caf\xC3\xA9"), "caf\xC3\xA9");
}

}  // namespace
}  // namespace daruma::client
