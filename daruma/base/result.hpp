#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace daruma {

/// What went wrong, for a program. The one table in result.cpp gives each its wire text and HTTP
/// status.
enum class Errc {
  kInvalid,      ///< the input does not have the form that was asked for
  kNotFound,     ///< the named thing does not exist
  kBusy,         ///< something else is under way; try again
  kDenied,       ///< this caller may not
  kUnavailable,  ///< not built, not wired, or not running now
  kTimeout,      ///< a deadline passed
  kIo,           ///< the operating system refused
  kInternal,     ///< a bug of ours
};

/// An error with a sentence for people. `context` is complete: it is shown as it is.
struct Error {
  Errc code = Errc::kInternal;
  std::string context;
};

/// Short lower-case name of a code, e.g. `not_found`; used as `reason` on the wire and in logs.
std::string_view name(Errc code);
/// HTTP status that answers a request which ended with this code.
int http_status(Errc code);

/// A value or an Error. Becomes std::expected by changing this alias.
template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(Errc code, std::string context) {
  return tl::unexpected<Error>(Error{code, std::move(context)});
}

}  // namespace daruma
