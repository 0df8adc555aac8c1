#include "log_follower.hpp"

#include "fields.hpp"

namespace daruma::client {
namespace {

std::uint64_t sequence_of(const boost::json::value& line) {
  return static_cast<std::uint64_t>(number_of(line, "sequence").value_or(0));
}

}  // namespace

LogFollower::Fresh LogFollower::take(const boost::json::value& body) {
  Fresh fresh;
  const auto& lines = array_of(body, "lines");
  if (last_sequence_ == 0) {
    fresh.lines = lines;
  } else {
    const auto first = lines.empty() ? 0 : sequence_of(lines.front());
    if (first < last_sequence_ || (first == last_sequence_ && lines.front() != last_)) {
      last_sequence_ = 0;
      fresh.restarted = true;
      return fresh;
    }
    if (first > last_sequence_) fresh.skipped = first - last_sequence_ - 1;
    for (const auto& line : lines) {
      if (sequence_of(line) > last_sequence_) fresh.lines.push_back(line);
    }
  }
  if (!fresh.lines.empty()) {
    last_ = fresh.lines.back();
    last_sequence_ = sequence_of(last_);
  }
  return fresh;
}

}  // namespace daruma::client
