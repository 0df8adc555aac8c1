#pragma once

#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

#include "daruma/base/result.hpp"
#include "daruma/base/unique_function.hpp"
#include "daruma/protocol/peer.hpp"

namespace daruma::protocol {

/// The one answer to one command. Move-only; answering empties it. A Reply that is destroyed
/// unanswered answers `internal_error` by itself and is counted: a bug by definition.
/// Loop thread only.
class Reply {
 public:
  /// Takes the answer to the peer. `delivered` may be empty.
  using Sink = UniqueFunction<void(boost::json::object message, Delivered delivered)>;

  Reply() = default;
  Reply(std::string_view command, Sink sink, std::uint64_t* dropped_count);
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&& other) noexcept;
  ~Reply();

  explicit operator bool() const { return static_cast<bool>(sink_); }

  /// Answers with exactly this object.
  void send(boost::json::object message, Delivered delivered = {});
  /// Answers `{"status":"ok","command":"<type>"}` and the extra keys.
  void ok(boost::json::object extra = {});
  /// Answers `{"error":"<text>","command":"<type>"}` and the extra keys.
  void error(std::string_view text, boost::json::object extra = {});
  /// Answers with an Error of ours: its text, and its code's name as `reason`.
  void error(const Error& error);
  /// Ends without an answer; for commands whose row says so.
  void nothing();

 private:
  void drop();

  std::string command_;
  Sink sink_;
  std::uint64_t* dropped_count_ = nullptr;
};

}  // namespace daruma::protocol
