#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "daruma/lifecycle/receipt.hpp"

namespace daruma::services {

/// The receipts in one JSON Lines file, `receipts.jsonl` in the state folder. Each change is one
/// appended line, so whatever kills the process loses at most a torn last line, which is dropped
/// when the file is read again. The disk is asked to make lines durable on the pool: one flush for
/// however many lines came meanwhile, so a flood of requests never waits for it.
///
/// Lines: a receipt as the wire shows it, or `{"start":{"boot_id":..,"at_ms":..,"succeeded":..}}`.
/// Loop thread only.
class ReceiptFile final : public lifecycle::ReceiptLog {
 public:
  /// Runs a flush where it may block; see Loop::on_pool.
  using OnPool = std::function<void(std::function<void()>)>;
  /// Starts kept for the crash loop rule.
  static constexpr std::size_t kKeptStarts = 16;
  /// Appended lines after which the file is written anew with only what is kept.
  static constexpr std::size_t kMostLines = 2048;
  /// A larger file is not ours; it is put aside.
  static constexpr std::size_t kLargestFile = 16 * 1024 * 1024;

  /// Reads what is there; makes the folder. Blocks: before the loop runs.
  ReceiptFile(const std::string& folder, OnPool on_pool);
  ~ReceiptFile() override;
  ReceiptFile(const ReceiptFile&) = delete;
  ReceiptFile& operator=(const ReceiptFile&) = delete;

  Status put(const lifecycle::Receipt& receipt) override;
  std::optional<lifecycle::Receipt> find(std::string_view id) const override;
  std::vector<lifecycle::Receipt> newest(std::size_t limit) const override;
  Status put_start(const lifecycle::StartRecord& record) override;
  std::vector<lifecycle::StartRecord> starts() const override;
  std::uint64_t last_generation() const override { return last_generation_; }
  std::optional<Error> broken() const override { return broken_; }

 private:
  struct File;
  void read();
  void read_line(std::string_view line);
  void keep(const lifecycle::Receipt& receipt);
  void keep(const lifecycle::StartRecord& record);
  Status append(const std::string& line, bool durable);
  Status rewrite();
  Status note(Status written);

  std::string path_;
  OnPool on_pool_;
  std::shared_ptr<File> file_;
  std::size_t lines_ = 0;
  std::deque<lifecycle::Receipt> receipts_;  ///< oldest first, kKept at most
  std::deque<lifecycle::StartRecord> starts_;
  std::uint64_t last_generation_ = 0;
  std::optional<Error> broken_;
};

}  // namespace daruma::services
