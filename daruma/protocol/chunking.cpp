#include "daruma/protocol/chunking.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daruma/protocol/utf8.hpp"

namespace daruma::protocol {

std::vector<std::string> chunk_message(std::string_view text, std::string_view id) {
  if (text.size() <= kLongestWholeMessage) return {std::string(text)};
  const std::size_t count = (code_points(text) + kChunkCodePoints - 1) / kChunkCodePoints;
  std::vector<std::string> frames;
  frames.reserve(count);
  while (!text.empty()) {
    const auto part = first_code_points(text, kChunkCodePoints);
    text.remove_prefix(part.size());
    frames.push_back(boost::json::serialize(boost::json::object{{"type", "message_chunk"},
                                                                {"id", id},
                                                                {"index", frames.size()},
                                                                {"count", count},
                                                                {"data", part}}));
  }
  return frames;
}

}  // namespace daruma::protocol
