#include "commands.hpp"

#include "fields.hpp"
#include "log_follower.hpp"
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace daruma::client {
namespace json = boost::json;
namespace {

constexpr const char* kStatus = "/api/daemon/status";
constexpr const char* kHealth = "/api/daemon/health";
constexpr const char* kRestarts = "/api/daemon/restarts";
constexpr const char* kLogs = "/api/daemon/logs";
constexpr std::chrono::milliseconds kLogPeriod{250};
/// As many as the daemon keeps, so that a burst between two requests is not cut.
constexpr int kLogBurst = 2000;

bool is_status(const Answer& answer) {
  return answer.status == 200 && text_of(answer.body, "type") == "daemon_status";
}

Exit print_json(Context& context, const json::value& value) {
  context.out << json::serialize(value) << "\n";
  return Exit::kDone;
}

Exit status(Context& context) {
  const auto answer = context.api.get(kStatus);
  if (!answer) return say(context, answer.error());
  if (!is_status(*answer)) {
    if (answer->status == 400 || answer->status == 403) return say_refusal(context, *answer);
    return say_not_daruma(context, Kind::kOther, "");
  }
  if (context.options.json) return print_json(context, answer->body);
  context.out << status_text(answer->body, context.options.address.text(), context.style);
  return Exit::kDone;
}

/// GET of a route that only Daruma has; `what` names it for people.
tl::expected<json::value, Exit> get_ours(Context& context, const std::string& target,
                                         std::string_view what) {
  auto answer = context.api.get(target);
  if (!answer) return tl::unexpected(say(context, answer.error()));
  if (answer->status == 200) return std::move(answer->body);
  if (answer->status == 404) {
    const auto kind = kind_of(context.api);
    if (!kind) return tl::unexpected(say(context, kind.error()));
    if (*kind != Kind::kDaruma) return tl::unexpected(say_not_daruma(context, *kind, what));
  }
  return tl::unexpected(say_refusal(context, *answer));
}

Exit health(Context& context) {
  const auto body = get_ours(context, kHealth, "health report");
  if (!body) return body.error();
  if (context.options.json) {
    print_json(context, *body);
  } else {
    context.out << health_text(*body, context.style);
  }
  return text_of(*body, "verdict") == "unhealthy" ? Exit::kFailed : Exit::kDone;
}

Exit receipts(Context& context) {
  const auto& id = context.options.id;
  const auto target =
      id.empty() ? with_query(kRestarts, {{"limit", std::to_string(context.options.count)}})
                 : fmt::format("{}/{}", kRestarts, escape(id));
  const auto body = get_ours(context, target, "receipts");
  if (!body) return body.error();
  if (context.options.json) return print_json(context, *body);
  context.out << (id.empty() ? receipts_text(*body, context.style)
                             : receipt_text(*body, context.style));
  return Exit::kDone;
}

void print_lines(Context& context, const json::array& lines) {
  for (const auto& line : lines) {
    if (context.options.json) {
      print_json(context, line);
    } else {
      context.out << log_text(line, context.style);
    }
  }
  context.out.flush();
}

void remark(Context& context, const std::string& text) {
  context.err << context.style(Ink::kDim, "-- " + text) << std::endl;
}

/// Follows for ever; ends by a signal, or when the output is closed.
Exit follow(Context& context, LogFollower& follower) {
  bool away = false;
  while (context.out.good()) {
    context.sleep(kLogPeriod);
    const auto answer =
        context.api.get(with_query(kLogs, {{"after", std::to_string(follower.after())},
                                           {"limit", std::to_string(kLogBurst)}}));
    if (!answer || answer->status != 200) {
      if (!away) remark(context, "the daemon does not answer; waiting for it");
      away = true;
      continue;
    }
    if (away) remark(context, "the daemon answers again");
    away = false;
    const auto fresh = follower.take(answer->body);
    if (fresh.restarted) remark(context, "the daemon's process was replaced");
    if (fresh.skipped > 0) remark(context, fmt::format("{} lines were missed", fresh.skipped));
    print_lines(context, fresh.lines);
  }
  return Exit::kFailed;
}

Exit logs(Context& context) {
  const auto body = get_ours(
      context,
      with_query(kLogs, {{"after", "0"}, {"limit", std::to_string(context.options.count)}}), "log");
  if (!body) return body.error();
  LogFollower follower;
  print_lines(context, follower.take(*body).lines);
  return context.options.follow ? follow(context, follower) : Exit::kDone;
}

}  // namespace

Exit run(Context& context) {
  switch (context.options.verb) {
    case Verb::kStatus:
      return status(context);
    case Verb::kHealth:
      return health(context);
    case Verb::kRestart:
      return restart(context);
    case Verb::kReceipts:
      return receipts(context);
    case Verb::kLogs:
      return logs(context);
  }
  return Exit::kUsageOrUnreachable;
}

tl::expected<Kind, Unreachable> kind_of(Api& api) {
  const auto answer = api.get(kStatus);
  if (!answer) return tl::unexpected(answer.error());
  if (!is_status(*answer)) return Kind::kOther;
  return member_of(answer->body, "generation").is_null() ? Kind::kReference : Kind::kDaruma;
}

Exit say_error(Context& context, Exit exit, const std::string& text) {
  if (context.options.json) {
    print_json(context, json::object{{"error", text}});
  } else {
    context.err << "daruma: " << text << std::endl;
  }
  return exit;
}

Exit say(Context& context, const Unreachable& trouble) {
  return say_error(context, Exit::kUsageOrUnreachable, trouble.text);
}

Exit say_refusal(Context& context, const Answer& answer) {
  if (context.options.json) {
    auto body = answer.body.is_object() ? answer.body.get_object() : json::object{};
    body["http_status"] = answer.status;
    print_json(context, body);
    return Exit::kFailed;
  }
  auto text = text_of(answer.body, "detail");
  if (text.empty()) {
    // A list of validation errors has a message in each.
    for (const auto& item : array_of(answer.body, "detail")) {
      if (!text.empty()) text += "; ";
      text += text_of(item, "msg");
    }
  }
  if (text.empty()) text = "no reason was given";
  context.err << fmt::format("daruma: refused ({}): {}", answer.status, text) << std::endl;
  if (const auto hint = text_of(answer.body, "hint"); !hint.empty()) {
    context.err << "        hint: " << hint << std::endl;
  }
  return Exit::kFailed;
}

Exit say_not_daruma(Context& context, Kind kind, std::string_view what) {
  const auto where = context.options.address.text();
  if (kind == Kind::kReference) {
    return say_error(context, Exit::kFailed,
                     fmt::format("The daemon at {} is the reference's, which has no {}. "
                                 "`daruma status` works with it.",
                                 where, what));
  }
  return say_error(context, Exit::kUsageOrUnreachable,
                   fmt::format("What answers at {} is not a Reachy Mini daemon.", where));
}

}  // namespace daruma::client
