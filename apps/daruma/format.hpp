#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

namespace daruma::client {

/// Turns what a daemon says into what people read. All pure; absent fields are left out.

enum class Ink { kPlain, kDim, kBold, kGreen, kYellow, kRed };

/// Colour, or none.
struct Style {
  bool colour = false;
  std::string operator()(Ink ink, std::string_view text) const;
};

/// Colour only on a terminal, and not when NO_COLOR is set to anything (no-color.org).
bool wants_colour(bool is_terminal, const char* no_color);

/// `63 ms`, `4.2 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`.
std::string duration(double seconds);
/// `2026-01-01T12:00:00.000Z` as local `2026-01-01 13:00:00`; anything else as it came.
std::string local_time(std::string_view iso);
/// The same with milliseconds and without the date.
std::string local_time_of_day(std::string_view iso);

struct Cell {
  std::string text;
  Ink ink = Ink::kPlain;
};
using Row = std::vector<Cell>;
/// Columns as wide as their widest cell, two spaces between, `indent` before, no trailing blanks.
std::string table(const std::vector<Row>& rows, const Style& style, int indent = 0);

/// Green, yellow or red for `healthy`, `degraded`, `unhealthy`; the states of a daemon likewise.
Ink ink_of(std::string_view word);

/// GET /api/daemon/status. `where` names the daemon.
std::string status_text(const boost::json::value& status, const std::string& where,
                        const Style& style);
/// GET /api/daemon/health.
std::string health_text(const boost::json::value& health, const Style& style);
/// The causes of a health object or of a dry run, with cure and hint.
std::string causes_text(const boost::json::value& causes, const Style& style);
/// The worst cause as one sentence, with its hint; empty when there is none.
std::string worst_cause(const boost::json::value& health);
/// The answer to a dry run.
std::string dry_run_text(const boost::json::value& plan, const Style& style);
/// One line of the log; `line` has timestamp and line.
std::string log_text(const boost::json::value& line, const Style& style);

/// GET /api/daemon/restarts.
std::string receipts_text(const boost::json::value& receipts, const Style& style);
/// GET /api/daemon/restarts/{id}.
std::string receipt_text(const boost::json::value& receipt, const Style& style);

/// How a restart ended.
struct Ending {
  bool well = false;
  std::string line;
};
/// One line that says how long it took and whether it helped. `health` is the robot's health after
/// it, null when it could not be asked.
Ending ending(const boost::json::value& receipt, const boost::json::value& health);

}  // namespace daruma::client
