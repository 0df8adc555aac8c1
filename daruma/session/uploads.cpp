#include "daruma/session/uploads.hpp"

#include <fmt/format.h>

namespace daruma::session {

void UploadSlots::drop(Slots::iterator slot) {
  bytes_ -= slot->second.text.size();
  slots_.erase(slot);
}

Status UploadSlots::start(const std::string& id, std::size_t parts, Packing packing,
                          TimePoint now) {
  for (auto slot = slots_.begin(); slot != slots_.end();) {
    const auto next = std::next(slot);
    if (now - slot->second.heard > kLife) drop(slot);
    slot = next;
  }
  // As the reference: also when the id has a slot already.
  if (slots_.size() == kMaxSlots)
    return fail(Errc::kBusy, fmt::format("{} uploads are under way", kMaxSlots));
  if (const auto same = slots_.find(id); same != slots_.end()) drop(same);
  slots_[id] = {.parts = parts, .received = 0, .packing = packing, .heard = now, .text = {}};
  return {};
}

Status UploadSlots::add(const std::string& id, std::size_t index, std::string_view part,
                        TimePoint now) {
  const auto found = slots_.find(id);
  if (found == slots_.end()) return fail(Errc::kInvalid, "no such upload");
  Slot& slot = found->second;
  if (index != slot.received || index >= slot.parts) {
    const auto wanted = slot.received;
    drop(found);
    return fail(Errc::kInvalid, fmt::format("part {} came where {} was due", index, wanted));
  }
  if (bytes_ + part.size() > kMaxBytes) {
    drop(found);
    return fail(Errc::kBusy, "all uploads together hold more than 64 MiB");
  }
  bytes_ += part.size();
  slot.text += part;
  slot.heard = now;
  ++slot.received;
  return {};
}

Result<UploadSlots::Whole> UploadSlots::finish(const std::string& id) {
  const auto found = slots_.find(id);
  if (found == slots_.end()) return fail(Errc::kInvalid, "no such upload");
  const auto received = found->second.received;
  const auto parts = found->second.parts;
  Whole whole{std::move(found->second.text), found->second.packing};
  bytes_ -= whole.text.size();
  slots_.erase(found);
  if (received != parts)
    return fail(Errc::kInvalid, fmt::format("{} of {} parts came", received, parts));
  return whole;
}

}  // namespace daruma::session
