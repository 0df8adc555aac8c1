#include "format.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "fields.hpp"
#include <fmt/format.h>

namespace daruma::client {
namespace json = boost::json;
namespace {

std::string_view code_of(Ink ink) {
  switch (ink) {
    case Ink::kPlain:
      return "";
    case Ink::kDim:
      return "\033[2m";
    case Ink::kBold:
      return "\033[1m";
    case Ink::kGreen:
      return "\033[32m";
    case Ink::kYellow:
      return "\033[33m";
    case Ink::kRed:
      return "\033[31m";
  }
  return "";
}

/// Characters, not bytes: continuation bytes of UTF-8 do not count.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool parse_utc(std::string_view iso, std::tm& local, int& ms) {
  std::tm utc{};
  ms = 0;
  const std::string text(iso);
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d.%3d", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
                  &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &ms) < 6) {
    return false;
  }
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  const std::time_t time = timegm(&utc);
  return localtime_r(&time, &local) != nullptr;
}

std::string robot_kind(const json::value& status) {
  if (bool_of(status, "mockup_sim_enabled").value_or(false)) return "simulated (mock-up)";
  if (bool_of(status, "simulation_enabled").value_or(false)) return "simulated (MuJoCo)";
  if (bool_of(status, "wireless_version").value_or(false)) return "Reachy Mini (wireless)";
  return {};
}

std::string times(double count) {
  return count == 1 ? std::string("once") : fmt::format("{:.0f} times", count);
}

std::string cure_text(const json::value& cause) {
  const auto& cure = member_of(cause, "cure");
  const auto scope = text_of(cure, "scope");
  if (scope.empty()) return {};
  auto text = scope == "motor"
                  ? fmt::format("daruma restart --scope motor --motor {}", text_of(cause, "part"))
                  : fmt::format("daruma restart --scope {}", scope);
  if (const auto tried = number_of(cure, "tried").value_or(0); tried > 0) {
    const bool helped = bool_of(cure, "helped").value_or(false);
    text += fmt::format("   (tried {}, {})", times(tried), helped ? "helped" : "did not help");
  }
  return text;
}

std::string sentence(std::string text) {
  if (text.empty()) return text;
  const char last = text.back();
  return last == '.' || last == '!' || last == '?' ? text : text + ".";
}

}  // namespace

std::string Style::operator()(Ink ink, std::string_view text) const {
  if (!colour || ink == Ink::kPlain || text.empty()) return std::string(text);
  return fmt::format("{}{}\033[0m", code_of(ink), text);
}

bool wants_colour(bool is_terminal, const char* no_color) {
  return is_terminal && (no_color == nullptr || *no_color == '\0');
}

std::string duration(double seconds) {
  const double s = std::max(0.0, seconds);
  if (s < 0.9995) return fmt::format("{:.0f} ms", s * 1000);
  if (s < 59.95) return fmt::format("{:.1f} s", s);
  const auto whole = static_cast<long long>(std::lround(s));
  constexpr long long kMinute = 60, kHour = 3600, kDay = 86400;
  if (whole < kHour) return fmt::format("{} min {} s", whole / kMinute, whole % kMinute);
  if (whole < kDay) return fmt::format("{} h {} min", whole / kHour, whole % kHour / kMinute);
  return fmt::format("{} d {} h", whole / kDay, whole % kDay / kHour);
}

std::string local_time(std::string_view iso) {
  std::tm tm{};
  int ms = 0;
  if (!parse_utc(iso, tm, ms)) return printable(iso);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

std::string local_time_of_day(std::string_view iso) {
  std::tm tm{};
  int ms = 0;
  if (!parse_utc(iso, tm, ms)) return printable(iso);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
}

std::string table(const std::vector<Row>& rows, const Style& style, int indent) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width(row[i].text));
    }
  }
  std::string out;
  for (const auto& row : rows) {
    std::string blanks(static_cast<std::size_t>(indent), ' ');
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!row[i].text.empty()) {
        out += blanks + style(row[i].ink, row[i].text);
        blanks.clear();
      }
      blanks.append(widths[i] - width(row[i].text) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

Ink ink_of(std::string_view word) {
  if (word == "healthy" || word == "running" || word == "done") return Ink::kGreen;
  if (word == "unhealthy" || word == "error" || word == "failed") return Ink::kRed;
  if (word.empty()) return Ink::kPlain;
  return Ink::kYellow;
}

std::string status_text(const json::value& status, const std::string& where, const Style& style) {
  const auto state = text_of(status, "state");
  const auto& health = member_of(status, "health");
  const auto verdict = text_of(health, "verdict");
  std::vector<Row> rows;
  const auto add = [&rows](std::string_view key, const std::string& value, Ink ink = Ink::kPlain) {
    if (!value.empty()) rows.push_back({{std::string(key), Ink::kDim}, {value, ink}});
  };
  add("state", state, ink_of(state));
  add("health", verdict, ink_of(verdict));
  // The causes below say it better.
  if (array_of(health, "causes").empty()) add("error", text_of(status, "error"), Ink::kRed);
  add("robot", robot_kind(status));
  add("motors", text_of(member_of(status, "backend_status"), "motor_control_mode"));
  if (const auto up = number_of(status, "uptime_s")) add("up for", duration(*up));
  if (const auto number = number_of(status, "generation")) {
    add("generation", fmt::format("{:.0f}", *number));
  }
  add("version", text_of(status, "version"));
  auto out = fmt::format("{} at {}\n", style(Ink::kBold, text_of(status, "robot_name")), where);
  out += table(rows, style, 2);
  if (const auto causes = causes_text(member_of(health, "causes"), style); !causes.empty()) {
    out += "\n" + causes;
  }
  return out;
}

std::string causes_text(const json::value& causes, const Style& style) {
  std::string out;
  for (const auto& cause : as_array(causes)) {
    const auto verdict = text_of(cause, "verdict");
    out += fmt::format(
        "{}  {}", style(verdict.empty() ? Ink::kYellow : ink_of(verdict), text_of(cause, "code")),
        text_of(cause, "part"));
    if (const auto since = number_of(cause, "since_s")) {
      out += style(Ink::kDim, fmt::format("  for {}", duration(*since)));
    }
    out += '\n';
    std::vector<Row> rows;
    const auto add = [&rows](std::string_view key, const std::string& value) {
      if (!value.empty()) rows.push_back({{std::string(key), Ink::kDim}, {value}});
    };
    add("what", text_of(cause, "detail"));
    add("cure", cure_text(cause));
    add("hint", text_of(cause, "hint"));
    out += table(rows, style, 2);
  }
  return out;
}

std::string health_text(const json::value& health, const Style& style) {
  const auto verdict = text_of(health, "verdict");
  auto out = style(ink_of(verdict), verdict);
  if (const auto since = number_of(health, "since_s")) {
    out += fmt::format(" for {}", duration(*since));
  }
  if (const auto number = number_of(health, "generation")) {
    out += style(Ink::kDim, fmt::format("  (generation {:.0f})", *number));
  }
  out += '\n';
  if (const auto causes = causes_text(member_of(health, "causes"), style); !causes.empty()) {
    out += "\n" + causes;
  }
  return out;
}

std::string worst_cause(const json::value& health) {
  const auto& causes = array_of(health, "causes");
  if (causes.empty()) return {};
  const auto& cause = causes.front();  // the daemon lists the worst first
  const auto detail = text_of(cause, "detail");
  auto text = fmt::format("{} ({})", detail.empty() ? text_of(cause, "code") : detail,
                          text_of(cause, "part"));
  const auto hint = sentence(text_of(cause, "hint"));
  text = sentence(text);
  return hint.empty() ? text : text + " Hint: " + hint;
}

std::string dry_run_text(const json::value& plan, const Style& style) {
  const auto flag = [&plan](std::string_view key, std::string_view yes, std::string_view no) {
    return std::string(bool_of(plan, key).value_or(false) ? yes : no);
  };
  const auto& expected = member_of(plan, "expected_ms");
  const auto p50 = number_of(expected, "p50");
  const auto p99 = number_of(expected, "p99");
  const auto time = p50 && p99 ? fmt::format("{} as a rule, {} at worst", duration(*p50 / 1000),
                                             duration(*p99 / 1000))
                               : std::string("not known yet: no such restart is on record");
  const std::vector<Row> rows{
      {{"scope", Ink::kDim}, {text_of(plan, "scope")}},
      {{"clients", Ink::kDim}, {flag("peers_kept", "stay connected", "have to reconnect")}},
      {{"moves", Ink::kDim}, {flag("moves", "the robot will move", "nothing moves")}},
      {{"takes", Ink::kDim}, {time}}};
  auto out = "Nothing was done. A restart like this:\n" + table(rows, style, 2);
  if (const auto causes = causes_text(member_of(plan, "causes"), style); !causes.empty()) {
    out += "\nWhat is wrong now:\n" + causes;
  }
  return out;
}

std::string log_text(const json::value& line, const Style& style) {
  const auto text = text_of(line, "line");
  Ink ink = Ink::kPlain;
  if (text.find(" - WARNING - ") != std::string::npos) ink = Ink::kYellow;
  if (text.find(" - ERROR - ") != std::string::npos) ink = Ink::kRed;
  if (text.find(" - CRITICAL - ") != std::string::npos) ink = Ink::kRed;
  return fmt::format("{}  {}\n", style(Ink::kDim, local_time_of_day(text_of(line, "timestamp"))),
                     style(ink, text));
}

}  // namespace daruma::client
