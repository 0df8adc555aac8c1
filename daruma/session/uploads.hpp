#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daruma/base/clock.hpp"
#include "daruma/session/move_file.hpp"

namespace daruma::session {

/// Uploads of one kind that are not finished: text in numbered parts. What breaks a rule is dropped
/// with a reason for the log; the client learns it when it plays. An id is a name in this map and
/// nowhere else. Source: contract commands.md 2.10. Loop thread only.
class UploadSlots {
 public:
  static constexpr std::size_t kMaxSlots = 4;
  static constexpr Duration kLife = std::chrono::seconds(300);
  /// Of all parts in all slots together. One upload may take all of it.
  static constexpr std::size_t kMaxBytes = 64 * 1024 * 1024;

  struct Whole {
    std::string text;
    Packing packing = Packing::kPlain;
  };

  /// kBusy when all slots are taken; drops those that have been silent for kLife first.
  Status start(const std::string& id, std::size_t parts, Packing packing, TimePoint now);
  /// The next part. kInvalid when it is not the next, or there is no such upload; kBusy when all
  /// slots hold kMaxBytes. Either drops the upload.
  Status add(const std::string& id, std::size_t index, std::string_view part, TimePoint now);
  /// All parts together, in order. kInvalid when some are missing.
  Result<Whole> finish(const std::string& id);

  std::size_t bytes() const { return bytes_; }

 private:
  struct Slot {
    std::size_t parts = 0;
    std::size_t received = 0;
    Packing packing = Packing::kPlain;
    TimePoint heard{};
    std::string text;
  };
  using Slots = std::map<std::string, Slot>;
  void drop(Slots::iterator slot);

  Slots slots_;
  std::size_t bytes_ = 0;
};

}  // namespace daruma::session
