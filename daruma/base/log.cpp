#include "daruma/base/log.hpp"

#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace daruma::log {
namespace {

constexpr std::size_t kLongestLine = 4096;
// The reference's line format; the desktop app reads it from stderr.
constexpr const char* kPattern = "%n - %* - %v";

/// The level words that clients of the reference know.
class LevelName final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    static constexpr std::string_view kNames[] = {"DEBUG", "DEBUG",    "INFO", "WARNING",
                                                  "ERROR", "CRITICAL", "OFF"};
    const auto word = kNames[static_cast<std::size_t>(message.level)];
    out.append(word.data(), word.data() + word.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelName>();
  }
};

std::unique_ptr<spdlog::formatter> make_formatter(const char* end_of_line) {
  auto formatter =
      std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::local, end_of_line);
  formatter->add_flag<LevelName>('*');
  formatter->set_pattern(kPattern);
  return formatter;
}

class RingSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit RingSink(std::shared_ptr<Ring> ring) : ring_(std::move(ring)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    ring_->add(message.time, std::string(text.data(), text.size()));
  }
  void flush_() override {}

 private:
  std::shared_ptr<Ring> ring_;
};

spdlog::level::level_enum level_from(const std::string& name) {
  if (name == "DEBUG") return spdlog::level::debug;
  if (name == "WARNING") return spdlog::level::warn;
  if (name == "ERROR") return spdlog::level::err;
  if (name == "CRITICAL") return spdlog::level::critical;
  return spdlog::level::info;
}

}  // namespace

std::vector<Line> Ring::since(std::uint64_t after, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::size_t fresh = newest_ > after ? static_cast<std::size_t>(newest_ - after) : 0;
  fresh = std::min({fresh, limit, lines_.size()});
  return {lines_.end() - static_cast<std::ptrdiff_t>(fresh), lines_.end()};
}

std::uint64_t Ring::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

void Ring::set_listener(std::function<void()> listener) {
  const std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

void Ring::add(WallTime time, std::string text) {
  if (text.size() > kLongestLine) text.resize(kLongestLine);
  auto timestamp = iso8601(time);
  std::function<void()> listener;
  {
    const std::lock_guard lock(mutex_);
    if (lines_.size() == kCapacity) lines_.pop_front();
    lines_.push_back({++newest_, std::move(timestamp), std::move(text)});
    listener = listener_;
  }
  if (listener) listener();
}

void start(const std::string& level, const std::string& file, std::shared_ptr<Ring> ring) {
  std::vector<spdlog::sink_ptr> sinks;
  auto add = [&sinks](spdlog::sink_ptr sink, const char* end_of_line) {
    sink->set_formatter(make_formatter(end_of_line));
    sinks.push_back(std::move(sink));
  };
  add(std::make_shared<spdlog::sinks::stderr_sink_mt>(), "\n");
  add(std::make_shared<RingSink>(std::move(ring)), "");
  if (!file.empty()) {
    try {
      add(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file), "\n");
    } catch (const spdlog::spdlog_ex& error) {
      spdlog::warn("cannot log to {}: {}", file, error.what());
    }
  }
  auto logger = std::make_shared<spdlog::logger>("daruma", sinks.begin(), sinks.end());
  logger->set_level(level_from(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace daruma::log
