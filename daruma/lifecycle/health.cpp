#include "daruma/lifecycle/health.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace daruma::lifecycle {
namespace {

bool names(const Cause& cause, std::string_view code, std::string_view part) {
  return cause.code == code && cause.part == part;
}

}  // namespace

void HealthBoard::raise(Cause cause, TimePoint now) {
  auto& causes = health_.causes;
  const auto standing = std::find_if(causes.begin(), causes.end(), [&](const Cause& other) {
    return names(other, cause.code, cause.part);
  });
  if (standing != causes.end()) {
    if (standing->detail == cause.detail && standing->verdict == cause.verdict) return;
    standing->detail = std::move(cause.detail);
    standing->hint = std::move(cause.hint);
    standing->verdict = cause.verdict;
    return refresh(now);
  }
  if (causes.size() == kMaxCauses) {
    spdlog::warn("health: {} ({}) is left out, {} causes stand already", cause.code, cause.part,
                 kMaxCauses);
    return;
  }
  spdlog::warn("health: {} ({}) came: {}", cause.code, cause.part, cause.detail);
  if (cause.since == TimePoint{}) cause.since = now;
  causes.push_back(std::move(cause));
  refresh(now);
}

void HealthBoard::clear(std::string_view code, std::string_view part, TimePoint now) {
  clear_if([&](const Cause& cause) { return names(cause, code, part); }, now);
}

void HealthBoard::clear_code(std::string_view code, TimePoint now) {
  clear_if([&](const Cause& cause) { return cause.code == code; }, now);
}

void HealthBoard::clear_if(const std::function<bool(const Cause&)>& gone, TimePoint now) {
  const auto count = std::erase_if(health_.causes, [&](const Cause& cause) {
    if (!gone(cause)) return false;
    spdlog::info("health: {} ({}) went after {:.1f} s", cause.code, cause.part,
                 seconds(now - cause.since));
    return true;
  });
  if (count > 0) refresh(now);
}

const Cause* HealthBoard::find(std::string_view code, std::string_view part) const {
  const auto found = std::find_if(health_.causes.begin(), health_.causes.end(),
                                  [&](const Cause& cause) { return names(cause, code, part); });
  return found == health_.causes.end() ? nullptr : &*found;
}

void HealthBoard::note_tried(Scope scope) {
  for (auto& cause : health_.causes) {
    cause.widest_tried = cause.tried == 0 ? scope : std::max(cause.widest_tried, scope);
    ++cause.tried;
    cause.helped = false;
  }
  if (!health_.causes.empty()) ++revision_;
}

void HealthBoard::refresh(TimePoint now) {
  ++revision_;
  std::stable_sort(health_.causes.begin(), health_.causes.end(),
                   [](const Cause& a, const Cause& b) { return a.verdict > b.verdict; });
  const auto worst = health_.causes.empty() ? Verdict::kHealthy : health_.causes.front().verdict;
  if (worst == health_.verdict) return;
  health_.verdict = worst;
  health_.since = now;
}

}  // namespace daruma::lifecycle
