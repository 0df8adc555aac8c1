#include <algorithm>
#include <optional>

#include "commands.hpp"
#include "fields.hpp"
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "daruma/base/ids.hpp"

namespace daruma::client {
namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

/// Between two looks at the receipt: quick at first, since most restarts take a tenth of a second.
constexpr milliseconds kFirstLook{15};
constexpr milliseconds kLongestPause{200};
/// One look; longer than any answer takes, and much shorter than the wait.
constexpr milliseconds kLookPatience{1000};
/// A daemon that is back and does not know the receipt for so long will not find it any more.
constexpr milliseconds kReceiptLost{2000};
/// An answer that was lost is asked for again; the id makes repeating safe.
constexpr int kAttempts = 3;

std::string own_id() { return "cli-" + make_uuid().substr(0, 13); }

std::string request_target(const Options& options, const std::string& id) {
  Parameters parameters{{"scope", options.scope}, {"id", id}};
  if (!options.motor.empty()) parameters.emplace_back("motor", options.motor);
  if (options.sleep) parameters.emplace_back("goto_sleep_on_stop", "true");
  if (options.wake) parameters.emplace_back("wake_up_on_start", "true");
  if (options.dry_run) parameters.emplace_back("dry_run", "true");
  return with_query("/api/daemon/restart", parameters);
}

/// Prints the phases of a receipt as they come.
class Timeline {
 public:
  Timeline(Context& context, std::string scope) : context_(context), scope_(std::move(scope)) {}

  void show(const json::value& receipt) {
    if (context_.options.json) return;
    const auto& phases = array_of(receipt, "phases");
    const bool ended = !text_of(receipt, "outcome").empty();
    for (; shown_ < phases.size(); ++shown_) {
      const auto& phase = phases[shown_];
      const auto ms = number_of(phase, "ms").value_or(0);
      const bool over = ended || ms > 0 || shown_ + 1 < phases.size();
      if (!over) return show_running(text_of(phase, "phase"));
      erase_running();
      context_.out << fmt::format("  {:<16}{}", text_of(phase, "phase"), duration(ms / 1000))
                   << std::endl;
    }
  }

  void away() {
    if (scope_ == "process" && !context_.options.json) show_running("re-executing");
  }

  void erase_running() {
    if (running_.empty()) return;
    context_.out << "\r\033[K" << std::flush;
    running_.clear();
  }

 private:
  // Only a terminal can take a line back.
  void show_running(const std::string& phase) {
    if (!context_.terminal || phase == running_) return;
    erase_running();
    running_ = phase;
    context_.out << context_.style(Ink::kDim, fmt::format("  {} ...", phase)) << std::flush;
  }

  Context& context_;
  std::string scope_;
  std::size_t shown_ = 0;
  std::string running_;
};

/// Waits for the receipt's end. Nothing: it did not come in time, which was said.
class Wait {
 public:
  Wait(Context& context, std::string id, std::string scope)
      : context_(context), id_(std::move(id)), timeline_(context, std::move(scope)) {}

  std::optional<json::value> end() {
    const auto deadline = context_.now() + context_.options.timeout;
    auto pause = kFirstLook;
    while (context_.now() < deadline) {
      context_.sleep(pause);
      pause = std::min(kLongestPause, pause * 3 / 2);
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - context_.now());
      if (left <= milliseconds{0}) break;
      auto receipt = look(std::min(kLookPatience, left));
      if (!receipt) {
        if (lost_since_ && context_.now() - *lost_since_ >= kReceiptLost) return give_up_lost();
        continue;
      }
      show(*receipt, left);
      if (!text_of(*receipt, "outcome").empty()) {
        timeline_.erase_running();
        return receipt;
      }
    }
    timeline_.erase_running();
    say_error(context_, Exit::kFailed, why_late());
    return std::nullopt;
  }

 private:
  std::optional<json::value> look(milliseconds patience) {
    auto answer = ask(id_, patience);
    if (!answer) {
      trouble_ = answer.error().text;
      lost_since_.reset();
      timeline_.away();
      return std::nullopt;
    }
    trouble_.clear();
    if (answer->status == 200) {
      lost_since_.reset();
      return std::move(answer->body);
    }
    if (answer->status == 404 && !lost_since_) lost_since_ = context_.now();
    return std::nullopt;
  }

  /// The phases stand in the receipt of the request that was joined, if one was.
  void show(const json::value& receipt, milliseconds left) {
    const auto leader = text_of(receipt, "merged_into");
    if (leader.empty()) return timeline_.show(receipt);
    const auto answer = ask(leader, std::min(kLookPatience, left));
    if (answer && answer->status == 200) timeline_.show(answer->body);
  }

  tl::expected<Answer, Unreachable> ask(const std::string& id, milliseconds patience) {
    return context_.api.request(Method::kGet, "/api/daemon/restarts/" + escape(id), patience);
  }

  std::optional<json::value> give_up_lost() {
    timeline_.erase_running();
    say_error(context_, Exit::kFailed,
              fmt::format("The daemon answers but has no receipt {}: its state folder may not be "
                          "writable. See `daruma health`.",
                          id_));
    return std::nullopt;
  }

  std::string why_late() const {
    const auto waited = duration(static_cast<double>(context_.options.timeout.count()));
    if (!trouble_.empty()) return fmt::format("Not back after {}. {}", waited, trouble_);
    return fmt::format(
        "Restart {} is not over after {}; `daruma receipts {}` shows how it goes on.", id_, waited,
        id_);
  }

  Context& context_;
  std::string id_;
  Timeline timeline_;
  std::string trouble_;  ///< why the last look failed; empty when it did not
  std::optional<steady_clock::time_point> lost_since_;
};

/// The reference ignores what it does not know, so it would restart on a dry run, and restart
/// everything for one motor. Empty: go ahead.
std::optional<Exit> refuse_reference(Context& context) {
  const auto& options = context.options;
  const bool plain =
      options.scope == "daemon" && !options.dry_run && !options.sleep && !options.wake;
  if (plain) return std::nullopt;
  const auto kind = kind_of(context.api);
  if (!kind) return say(context, kind.error());
  if (*kind == Kind::kDaruma) return std::nullopt;
  return say_not_daruma(context, *kind, "scopes, flags or dry run; `daruma restart` alone works");
}

tl::expected<Answer, Unreachable> send(Context& context, const std::string& target) {
  for (int attempt = 1;; ++attempt) {
    auto answer = context.api.request(Method::kPost, target, Api::kPatience);
    const bool may_be_lost = !answer && (answer.error().trouble == Trouble::kLost ||
                                         answer.error().trouble == Trouble::kTimedOut);
    if (!may_be_lost || attempt == kAttempts) return answer;
    context.sleep(kLongestPause);
  }
}

Exit finish(Context& context, const json::value& receipt) {
  const auto health = context.api.get("/api/daemon/health");
  const auto known = health && health->status == 200;
  const auto end = ending(receipt, known ? health->body : json::value());
  if (context.options.json) {
    context.out << json::serialize(receipt) << std::endl;
  } else {
    context.out << context.style(end.well ? Ink::kGreen : Ink::kRed, end.line) << std::endl;
  }
  return end.well ? Exit::kDone : Exit::kFailed;
}

Exit without_receipt(Context& context, const Answer& answer) {
  if (text_of(answer.body, "job_id").empty()) return say_not_daruma(context, Kind::kOther, "");
  if (context.options.json) {
    context.out << json::serialize(answer.body) << std::endl;
  } else {
    context.out << "The daemon took the request. It is the reference's and keeps no receipts; "
                   "`daruma status` shows when it runs again."
                << std::endl;
  }
  return Exit::kDone;
}

}  // namespace

Exit restart(Context& context) {
  const auto& options = context.options;
  if (const auto refused = refuse_reference(context)) return *refused;
  const auto id = options.id.empty() ? own_id() : options.id;
  const auto answer = send(context, request_target(options, id));
  if (!answer) return say(context, answer.error());
  if (answer->status != 200) {
    const auto kind = answer->status == 404 ? kind_of(context.api) : Kind::kDaruma;
    if (kind && *kind == Kind::kOther) return say_not_daruma(context, *kind, "");
    return say_refusal(context, *answer);
  }
  const auto& ack = answer->body;
  if (options.dry_run) {
    context.out << (options.json ? json::serialize(ack) + "\n" : dry_run_text(ack, context.style));
    return Exit::kDone;
  }
  if (text_of(ack, "id").empty()) return without_receipt(context, *answer);
  if (options.no_wait) {
    context.out << (options.json ? json::serialize(ack)
                                 : fmt::format("Scheduled as {}; `daruma receipts {}` shows what "
                                               "becomes of it.",
                                               text_of(ack, "id"), text_of(ack, "id")))
                << std::endl;
    return Exit::kDone;
  }
  const auto receipt = Wait(context, id, text_of(ack, "scope")).end();
  return receipt ? finish(context, *receipt) : Exit::kFailed;
}

}  // namespace daruma::client
