#include "daruma/session/move_file.hpp"

#include <array>
#include <optional>

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <zlib.h>

#include "daruma/base/base64.hpp"

namespace daruma::session {
namespace json = boost::json;
namespace {

// Three decimals in each entry of a rotation put R^T R off by 2e-3.
constexpr double kRotationTolerance = 5e-3;

Result<std::string> gunzip(std::string_view packed) {
  constexpr int kGzip = 15 + 16;  // the largest window, with gzip's frame
  z_stream stream{};
  if (::inflateInit2(&stream, kGzip) != Z_OK) return fail(Errc::kUnavailable, "zlib cannot start");
  // zlib's interface predates const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::array<char, 64 * 1024> part;
  int state = Z_OK;
  while (state == Z_OK && out.size() <= kMaxUnpacked) {
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = part.size();
    state = ::inflate(&stream, Z_NO_FLUSH);
    out.append(part.data(), part.size() - stream.avail_out);
    if (state == Z_BUF_ERROR || (state == Z_OK && stream.avail_in == 0 && stream.avail_out != 0))
      break;
  }
  ::inflateEnd(&stream);
  if (out.size() > kMaxUnpacked) return fail(Errc::kInvalid, "it unpacks to more than 64 MiB");
  if (state == Z_STREAM_END) return out;
  return fail(Errc::kInvalid, state == Z_OK || state == Z_BUF_ERROR ? "the gzip data is cut short"
                                                                    : "it is not gzip data");
}

std::optional<double> number(const json::value& value) {
  boost::system::error_code error;
  const double result = value.to_number<double>(error);
  if (error) return std::nullopt;
  return result;
}

/// Numbers of a list, or of a list of lists, one after the other.
bool flatten(const json::value& value, double* out, std::size_t count, std::size_t& filled) {
  if (const auto* list = value.if_array()) {
    for (const auto& each : *list)
      if (!flatten(each, out, count, filled)) return false;
    return true;
  }
  const auto one = number(value);
  if (!one || filled == count) return false;
  out[filled++] = *one;
  return true;
}

template <std::size_t N>
std::optional<std::array<double, N>> numbers(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  std::array<double, N> out{};
  std::size_t filled = 0;
  if (value == nullptr || !value->is_array() || !flatten(*value, out.data(), N, filled) ||
      filled != N)
    return std::nullopt;
  return out;
}

Result<motion::RecordedMove::Frame> read_frame(const json::value& time, const json::value& data,
                                               std::size_t index) {
  const auto wrong = [index](std::string_view what) {
    return fail(Errc::kInvalid, fmt::format("frame {}: {}", index, what));
  };
  const auto t_s = number(time);
  if (!t_s) return wrong("its time is not a number");
  const auto* object = data.if_object();
  if (object == nullptr) return wrong("it is not an object");
  const auto head = numbers<16>(*object, "head");
  if (!head) return wrong("head is not a 4x4 list of numbers");
  auto pose = motion::pose_from_rows(*head, kRotationTolerance);
  if (!pose) return wrong(pose.error().context);
  const auto antennas = numbers<2>(*object, "antennas");
  if (!antennas) return wrong("antennas is not a list of two numbers");
  const auto* yaw = object->if_contains("body_yaw");
  const auto yaw_rad = yaw == nullptr || yaw->is_null() ? std::optional(0.0) : number(*yaw);
  if (!yaw_rad) return wrong("body_yaw is not a number");
  return motion::RecordedMove::Frame{*t_s, *pose, *antennas, *yaw_rad};
}

}  // namespace

Result<std::string> unpack(std::string packed, Packing packing) {
  if (packing == Packing::kPlain) {
    if (packed.size() > kMaxUnpacked) return fail(Errc::kInvalid, "it has more than 64 MiB");
    return packed;
  }
  auto bytes = from_base64(packed);
  if (packing == Packing::kBase64) return bytes;
  return gunzip(bytes);
}

Result<motion::RecordedMove> read_move(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error) return fail(Errc::kInvalid, "the move is not JSON: " + error.message());
  const auto* move = value.if_object();
  if (move == nullptr) return fail(Errc::kInvalid, "the move is not a JSON object");
  const auto member = [move](std::string_view key) { return move->if_contains(key); };
  const auto* description = member("description");
  if (description == nullptr || !description->is_string())
    return fail(Errc::kInvalid, "the move has no description");
  const auto* times = member("time");
  const auto* data = member("set_target_data");
  if (times == nullptr || !times->is_array()) return fail(Errc::kInvalid, "the move has no time");
  if (data == nullptr || !data->is_array())
    return fail(Errc::kInvalid, "the move has no set_target_data");
  const auto& time_list = times->get_array();
  const auto& data_list = data->get_array();
  if (time_list.size() != data_list.size())
    return fail(Errc::kInvalid, fmt::format("the move has {} times for {} targets",
                                            time_list.size(), data_list.size()));
  std::vector<motion::RecordedMove::Frame> frames;
  frames.reserve(std::min(data_list.size(), motion::RecordedMove::kMaxFrames + 1));
  for (std::size_t i = 0; i < data_list.size() && i <= motion::RecordedMove::kMaxFrames; ++i) {
    auto frame = read_frame(time_list[i], data_list[i], i);
    if (!frame) return tl::unexpected(std::move(frame.error()));
    frames.push_back(*frame);
  }
  return motion::RecordedMove::make(std::string(description->get_string()), std::move(frames));
}

}  // namespace daruma::session
