#include "daruma/services/receipts/receipt_file.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daruma/services/receipts/receipt_json.hpp"

namespace daruma::services {
namespace fs = std::filesystem;
namespace json = boost::json;
using lifecycle::Receipt;
using lifecycle::StartRecord;

namespace {

std::string line_of(const Receipt& receipt) {
  return json::serialize(receipt_json(receipt)) + '\n';
}

std::string line_of(const StartRecord& start) {
  const auto since_epoch = start.at.time_since_epoch();
  return json::serialize(json::object{{"start", json::object{{"boot_id", start.boot_id},
                                                             {"at_ms", milliseconds(since_epoch)},
                                                             {"succeeded", start.succeeded}}}}) +
         '\n';
}

std::optional<StartRecord> start_from(const json::object& line) {
  try {
    const auto& start = line.at("start").as_object();
    return StartRecord{std::string(start.at("boot_id").as_string()),
                       WallTime{} + std::chrono::milliseconds(start.at("at_ms").to_number<long>()),
                       start.at("succeeded").as_bool()};
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Status os_error(std::string_view verb, const std::string& path) {
  return fail(Errc::kIo, fmt::format("cannot {} {}: {}", verb, path, std::strerror(errno)));
}

}  // namespace

/// The open file, shared with a flush that may still run when the log has gone.
struct ReceiptFile::File {
  explicit File(int descriptor) : fd(descriptor) {}
  ~File() { ::close(fd); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  /// Somebody deleted it: what is written goes nowhere.
  bool deleted() const {
    struct stat found {};
    return ::fstat(fd, &found) == 0 && found.st_nlink == 0;
  }
  const int fd;
  std::atomic<bool> flush_due{false};
};

ReceiptFile::ReceiptFile(const std::string& folder, OnPool on_pool)
    : path_((fs::path(folder) / "receipts.jsonl").string()), on_pool_(std::move(on_pool)) {
  read();
  // Written anew at each start: bounds the file and proves that the folder can be written.
  static_cast<void>(note(rewrite()));
}

ReceiptFile::~ReceiptFile() = default;

void ReceiptFile::read() {
  std::error_code error;
  const auto size = fs::file_size(path_, error);
  if (error) return;
  if (size > kLargestFile) {
    spdlog::warn("{} has {} bytes and is put aside", path_, size);
    fs::rename(path_, path_ + ".aside", error);
    return;
  }
  std::ifstream file(path_, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  std::string_view rest = text;
  // What follows the last line end was torn when the process died.
  for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    read_line(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
}

void ReceiptFile::read_line(std::string_view line) {
  boost::system::error_code error;
  const auto value = json::parse(line, error);
  if (error || !value.is_object()) return;
  const auto& object = value.get_object();
  if (const auto start = start_from(object)) return keep(*start);
  if (const auto receipt = receipt_from(object)) keep(*receipt);
}

void ReceiptFile::keep(const Receipt& receipt) {
  last_generation_ =
      std::max({last_generation_, receipt.generation_before, receipt.generation_after});
  // Searched from the end: what changes is nearly always the newest.
  const auto same = std::find_if(receipts_.rbegin(), receipts_.rend(),
                                 [&](const Receipt& other) { return other.id == receipt.id; });
  if (same != receipts_.rend()) {
    *same = receipt;
    return;
  }
  if (receipts_.size() == kKept) receipts_.pop_front();
  receipts_.push_back(receipt);
}

void ReceiptFile::keep(const StartRecord& record) {
  if (record.succeeded && !starts_.empty() && starts_.back().boot_id == record.boot_id &&
      !starts_.back().succeeded) {
    starts_.back().succeeded = true;
    return;
  }
  if (starts_.size() == kKeptStarts) starts_.pop_front();
  starts_.push_back(record);
}

Status ReceiptFile::put(const Receipt& receipt) {
  keep(receipt);
  return note(append(line_of(receipt), true));
}

Status ReceiptFile::put_start(const StartRecord& record) {
  keep(record);
  // Counted across deaths of the process, not of the machine: no flush.
  return note(append(line_of(record), false));
}

Status ReceiptFile::note(Status written) {
  broken_ = written ? std::nullopt : std::optional(written.error());
  return written;
}

Status ReceiptFile::append(const std::string& line, bool durable) {
  if (!file_ || lines_ >= kMostLines || file_->deleted()) {
    // The rewrite holds the line already: it was kept before.
    return rewrite();
  }
  ++lines_;
  if (!write_all(file_->fd, line)) {
    auto failed = os_error("write", path_);
    file_.reset();  // half a line may stand there: the next change begins a new file
    return failed;
  }
  if (durable && !file_->flush_due.exchange(true)) {
    on_pool_([file = file_] {
      file->flush_due = false;
      ::fdatasync(file->fd);
    });
  }
  return {};
}

Status ReceiptFile::rewrite() {
  // The folder may have gone since, with the file in it.
  std::error_code ignored;
  fs::create_directories(fs::path(path_).parent_path(), ignored);
  const auto temporary = path_ + ".new";
  const int fd = ::open(temporary.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0) return os_error("write", temporary);
  auto fresh = std::make_shared<File>(fd);
  std::string text;
  for (const auto& start : starts_) text += line_of(start);
  for (const auto& receipt : receipts_) text += line_of(receipt);
  if (!write_all(fd, text)) return os_error("write", temporary);
  if (::rename(temporary.c_str(), path_.c_str()) != 0) return os_error("replace", path_);
  file_ = std::move(fresh);
  lines_ = starts_.size() + receipts_.size();
  return {};
}

std::optional<Receipt> ReceiptFile::find(std::string_view id) const {
  const auto found = std::find_if(receipts_.rbegin(), receipts_.rend(),
                                  [&](const Receipt& receipt) { return receipt.id == id; });
  if (found == receipts_.rend()) return std::nullopt;
  return *found;
}

std::vector<Receipt> ReceiptFile::newest(std::size_t limit) const {
  const auto count = static_cast<std::ptrdiff_t>(std::min(limit, receipts_.size()));
  return {receipts_.rbegin(), receipts_.rbegin() + count};
}

std::vector<StartRecord> ReceiptFile::starts() const { return {starts_.begin(), starts_.end()}; }

}  // namespace daruma::services
