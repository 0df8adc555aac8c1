#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daruma/motion/moves.hpp"

namespace daruma::session {

/// How a client packs what it uploads. Source: contract commands.md 2.10.
enum class Packing : std::uint8_t { kPlain, kBase64, kGzipBase64 };

/// Bytes of an unpacked upload; more is refused.
inline constexpr std::size_t kMaxUnpacked = 64 * 1024 * 1024;

/// The bytes that were packed. kInvalid: not gzip, cut short, or larger than kMaxUnpacked, which is
/// noticed before it is unpacked. Pure; any thread.
Result<std::string> unpack(std::string packed, Packing packing);

/// A recorded move in the wire's JSON: `description`, `time`, `set_target_data`. Rotations may be
/// off by what three decimals lose. kInvalid names the frame. Pure; any thread; takes a second for
/// the largest. Source: contract robot.md 4.6.
Result<motion::RecordedMove> read_move(std::string_view text);

}  // namespace daruma::session
