#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace daruma::protocol {

/// Longest text that goes out whole on channel `data`, in bytes of UTF-8 (release 1.13).
inline constexpr std::size_t kLongestWholeMessage = 60'000;
/// Characters (code points) of the original in one frame.
inline constexpr std::size_t kChunkCodePoints = 4096;

/// The frames to send for one text on channel `data`: the text itself, or, above
/// kLongestWholeMessage, `message_chunk` frames whose `data`, put together in order, are the text.
/// `text` is well-formed UTF-8; `id` names the message, 32 hex digits. Pure; any thread.
std::vector<std::string> chunk_message(std::string_view text, std::string_view id);

}  // namespace daruma::protocol
