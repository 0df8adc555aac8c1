#pragma once

#include <chrono>
#include <functional>
#include <ostream>

#include "format.hpp"
#include "http.hpp"
#include "options.hpp"

namespace daruma::client {

/// What a command works with; in tests a scripted daemon and a clock that does not wait.
struct Context {
  Api& api;
  const Options& options;
  std::ostream& out;
  std::ostream& err;
  Style style;
  bool terminal = false;  ///< a running phase may be shown and overwritten
  std::function<std::chrono::steady_clock::time_point()> now;
  std::function<void(std::chrono::milliseconds)> sleep;
};

/// Runs what the options say.
Exit run(Context& context);

/// `restart` (restart.cpp).
Exit restart(Context& context);

// For the commands among themselves.

/// Says why nobody answered.
Exit say(Context& context, const Unreachable& trouble);
/// Says what the daemon refused, with its hint.
Exit say_refusal(Context& context, const Answer& answer);
/// An error of this program's own making.
Exit say_error(Context& context, Exit exit, const std::string& text);
/// What answers, after it turned out not to have Daruma's own routes.
enum class Kind { kDaruma, kReference, kOther };
tl::expected<Kind, Unreachable> kind_of(Api& api);
Exit say_not_daruma(Context& context, Kind kind, std::string_view what);

}  // namespace daruma::client
