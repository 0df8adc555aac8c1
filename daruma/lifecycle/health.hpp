#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daruma/base/clock.hpp"

namespace daruma::lifecycle {

/// What a restart rebuilds, narrowest first; `kAuto` is the narrowest that cures the present
/// causes.
enum class Scope : std::uint8_t { kMotor, kBackend, kDaemon, kProcess, kAuto };
/// `motor`, `backend`, `daemon`, `process`, `auto`.
std::string_view name(Scope scope);
std::optional<Scope> scope_from(std::string_view word);

enum class Verdict : std::uint8_t { kHealthy, kDegraded, kUnhealthy };
/// `healthy`, `degraded`, `unhealthy`.
std::string_view name(Verdict verdict);

/// The codes that this build can raise; recovery.md's table says when. The bus adds its own.
namespace code {
inline constexpr std::string_view kControlSlow = "control_slow";
inline constexpr std::string_view kControlStalled = "control_stalled";
inline constexpr std::string_view kMediaFailed = "media_failed";
inline constexpr std::string_view kConfigInvalid = "config_invalid";
inline constexpr std::string_view kStartFailed = "start_failed";
inline constexpr std::string_view kCrashLoop = "crash_loop";
inline constexpr std::string_view kStateFolder = "state_folder_unwritable";
inline constexpr std::string_view kInternalError = "internal_error";
}  // namespace code

/// One reason why the robot is not well. (code, part) names it.
struct Cause {
  std::string code;
  std::string part;  ///< `motor bus`, `control loop`, a servo's name, a file
  Verdict verdict = Verdict::kDegraded;
  std::string detail;  ///< a sentence with figures
  std::string hint;    ///< what a person can do
  /// The narrowest scope that may cure it; nullopt: physical, or cures itself.
  std::optional<Scope> cure;
  TimePoint since{};
  int tried = 0;  ///< restarts tried against it while it stood
  bool helped = false;
  Scope widest_tried = Scope::kMotor;  ///< valid when tried > 0
};

/// Health as shown everywhere.
struct Health {
  Verdict verdict = Verdict::kHealthy;
  TimePoint since{};
  std::vector<Cause> causes;  ///< worst first
};

/// The causes that stand now. Whoever sees a fault raises it, again and again if it likes; the log
/// has one line when a cause comes and one when it goes. Loop thread only.
class HealthBoard {
 public:
  explicit HealthBoard(TimePoint now) { health_.since = now; }

  /// Most causes kept; one more is dropped and said in the log.
  static constexpr std::size_t kMaxCauses = 64;

  /// Adds the cause, or refreshes detail, hint and verdict of the one with the same code and part.
  void raise(Cause cause, TimePoint now);
  void clear(std::string_view code, std::string_view part, TimePoint now);
  /// Clears every cause of a code, whatever its part.
  void clear_code(std::string_view code, TimePoint now);
  const Cause* find(std::string_view code, std::string_view part) const;
  const Health& health() const { return health_; }
  /// Notes that a restart of this scope is tried against every standing cause. One that is gone
  /// afterwards was helped; one that stands shows `helped: false`.
  void note_tried(Scope scope);
  /// Changes whenever anything visible changed.
  std::uint64_t revision() const { return revision_; }

 private:
  void clear_if(const std::function<bool(const Cause&)>& gone, TimePoint now);
  void refresh(TimePoint now);
  Health health_;
  std::uint64_t revision_ = 0;
};

}  // namespace daruma::lifecycle
