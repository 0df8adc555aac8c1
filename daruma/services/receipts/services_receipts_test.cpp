#include <filesystem>
#include <fstream>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daruma/base/ids.hpp"
#include "daruma/services/receipts/receipt_file.hpp"
#include "daruma/services/receipts/receipt_json.hpp"

namespace daruma::services {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using lifecycle::Receipt;

Receipt full_receipt() {
  Receipt receipt;
  receipt.id = "7c0e-42";
  receipt.merged_into = "other";
  receipt.scope = lifecycle::Scope::kMotor;
  receipt.motor = "stewart_3";
  receipt.requested = WallTime{} + std::chrono::milliseconds(1767225600123);
  receipt.by = "webrtc";
  receipt.peer = "p\"1";
  receipt.flags = {true, true};
  receipt.boot_id = "boot";
  receipt.generation_before = 7;
  receipt.generation_after = 8;
  receipt.ack = "confirmed";
  receipt.phases = {{"stopping", 21, 14}, {"starting", 35, 28}};
  receipt.outcome = "done";
  receipt.error = "wake-up failed";
  receipt.notes = {"a note"};
  receipt.cured = false;
  receipt.downtime_ms = 63;
  receipt.causes_before = {"bus_silent (motor bus)"};
  receipt.causes_after = {"bus_silent (motor bus)"};
  receipt.torque_kept = true;
  receipt.max_step_deg = 0.02;
  return receipt;
}

TEST(ReceiptJson, KeepsEverything) {
  const auto written = receipt_json(full_receipt());
  EXPECT_EQ(written.at("requested").at("at"), "2026-01-01T00:00:00.123Z");
  const auto read = receipt_from(written);
  ASSERT_TRUE(read);
  EXPECT_EQ(json::serialize(receipt_json(*read)), json::serialize(written));
  Receipt bare;
  bare.id = "bare";
  const auto open = receipt_json(bare);
  EXPECT_TRUE(open.at("outcome").is_null());
  EXPECT_TRUE(open.at("generation").at("after").is_null());
  EXPECT_EQ(json::serialize(receipt_json(*receipt_from(open))), json::serialize(open));
}

TEST(ReceiptJson, RefusesWhatIsNone) {
  EXPECT_FALSE(receipt_from({{"id", 3}}));
  auto wrong = receipt_json(full_receipt());
  wrong["scope"] = "everything";
  EXPECT_FALSE(receipt_from(wrong));
}

class ReceiptFolder : public ::testing::Test {
 protected:
  ReceiptFolder() : folder_(fs::temp_directory_path() / ("daruma_receipts_" + make_uuid())) {}
  ~ReceiptFolder() override { fs::remove_all(folder_); }
  std::unique_ptr<ReceiptFile> open() {
    return std::make_unique<ReceiptFile>(folder_.string(), [this](std::function<void()> flush) {
      ++flushes_;
      pending_.push_back(std::move(flush));
    });
  }
  std::string path() const { return folder_ / "receipts.jsonl"; }
  static Receipt named(const std::string& id, const std::string& outcome = "") {
    Receipt receipt;
    receipt.id = id;
    receipt.outcome = outcome;
    return receipt;
  }

  fs::path folder_;
  int flushes_ = 0;
  std::vector<std::function<void()>> pending_;
};

TEST_F(ReceiptFolder, IsReadAgain) {
  {
    const auto file = open();
    ASSERT_TRUE(file->put(full_receipt()));
    ASSERT_TRUE(file->put(named("open")));
    ASSERT_TRUE(file->put_start({"boot", WallTime{} + std::chrono::seconds(5), false}));
  }
  const auto again = open();
  const auto newest = again->newest(10);
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[0].id, "open");
  EXPECT_EQ(again->last_generation(), 8U);
  ASSERT_EQ(again->starts().size(), 1U);
  EXPECT_FALSE(again->starts()[0].succeeded);
}

TEST_F(ReceiptFolder, ATornLastLineIsDropped) {
  {
    const auto file = open();
    ASSERT_TRUE(file->put(named("whole", "done")));
  }
  const auto line = json::serialize(receipt_json(named("torn", "done")));
  for (std::size_t cut = 0; cut < line.size(); cut += 7) {
    std::ofstream(path(), std::ios::app) << line.substr(0, cut);
    const auto file = open();
    EXPECT_EQ(file->newest(10).size(), 1U) << cut;
    EXPECT_EQ(file->newest(10)[0].id, "whole");
  }
}

TEST_F(ReceiptFolder, DamageCostsTheDamagedLinesOnly) {
  fs::create_directories(folder_);
  std::ofstream(path()) << "garbage\n[]\n{\"start\":3}\n"
                        << '\0' << "\n"
                        << json::serialize(receipt_json(named("good", "done"))) << "\n";
  const auto file = open();
  ASSERT_EQ(file->newest(10).size(), 1U);
  EXPECT_EQ(file->newest(10)[0].id, "good");
}

TEST_F(ReceiptFolder, SurvivesTheDeathOfTheProcess) {
  const auto child = ::fork();
  if (child == 0) {
    const auto file = open();
    static_cast<void>(file->put(named("accepted")));
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(open()->find("accepted"));
}

TEST_F(ReceiptFolder, KeepsTheNewestAndStaysSmall) {
  const auto file = open();
  for (int i = 0; i < 10000; ++i) {
    ASSERT_TRUE(file->put(named(std::to_string(i))));
    ASSERT_TRUE(file->put(named(std::to_string(i), "done")));
  }
  EXPECT_EQ(file->newest(100000).size(), lifecycle::ReceiptLog::kKept);
  EXPECT_EQ(file->newest(1)[0].id, "9999");
  EXPECT_FALSE(file->find("1"));
  EXPECT_LT(fs::file_size(path()), 2 * 1024 * 1024);
}

TEST_F(ReceiptFolder, OneFlushServesAllThatCameMeanwhile) {
  const auto file = open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(file->put(named(std::to_string(i))));
  EXPECT_EQ(flushes_, 1);
  pending_[0]();
  ASSERT_TRUE(file->put(named("later")));
  EXPECT_EQ(flushes_, 2);
}

TEST_F(ReceiptFolder, AnUnwritableFolderIsAnErrorAndKeepsInMemory) {
  ReceiptFile file("/proc/daruma", [](const auto&) {});
  ASSERT_TRUE(file.broken());
  const auto put = file.put(named("kept"));
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Errc::kIo);
  EXPECT_THAT(put.error().context, ::testing::HasSubstr("/proc/daruma"));
  EXPECT_TRUE(file.find("kept"));
}

TEST_F(ReceiptFolder, AFolderThatWasDeletedIsMadeAgainWithAllThatIsKept) {
  const auto file = open();
  ASSERT_TRUE(file->put(named("before")));
  fs::remove_all(folder_);
  ASSERT_TRUE(file->put(named("after")));
  const auto again = open();
  EXPECT_TRUE(again->find("before"));
  EXPECT_TRUE(again->find("after"));
}

TEST_F(ReceiptFolder, AHugeFileIsPutAside) {
  fs::create_directories(folder_);
  std::ofstream(path()) << "x";
  fs::resize_file(path(), ReceiptFile::kLargestFile + 1);
  EXPECT_TRUE(open()->newest(10).empty());
  EXPECT_TRUE(fs::exists(path() + ".aside"));
}

TEST_F(ReceiptFolder, StartsAreOneRecordEach) {
  const auto file = open();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(file->put_start({"boot", WallTime{}, false}));
    ASSERT_TRUE(file->put_start({"boot", WallTime{}, true}));
  }
  EXPECT_EQ(file->starts().size(), ReceiptFile::kKeptStarts);
  EXPECT_TRUE(file->starts().back().succeeded);
}

}  // namespace
}  // namespace daruma::services
