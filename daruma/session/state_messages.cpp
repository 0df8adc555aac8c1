#include "daruma/session/state_messages.hpp"

#include <charconv>
#include <cmath>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace daruma::session {
namespace json = boost::json;
namespace {

using control::Snapshot;

json::value number(double value) {
  // The wire has no word for NaN; null keeps the message a JSON text (contract commands.md 1.2).
  return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

json::array numbers(const double* first, std::size_t count) {
  json::array out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) out.push_back(number(first[i]));
  return out;
}

json::array pose_rows(const kinematics::Pose& X_WH) {
  json::array rows;
  rows.reserve(4);
  for (int r = 0; r < 4; ++r) {
    json::array row;
    row.reserve(4);
    for (int c = 0; c < 4; ++c) row.push_back(number(X_WH.matrix()(r, c)));
    rows.push_back(std::move(row));
  }
  return rows;
}

json::object nobody_in_sight() {
  return {{"detected", false}, {"x", nullptr}, {"y", nullptr}, {"roll", nullptr}, {"ts", nullptr}};
}

void append(std::string& text, double value) {
  if (!std::isfinite(value)) {
    text += "null";
    return;
  }
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  text.append(std::begin(digits), end);
}

void append_list(std::string& text, const double* first, std::size_t count) {
  text += '[';
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) text += ',';
    append(text, first[i]);
  }
  text += ']';
}

json::object statistics_json(const Snapshot& now) {
  const auto& loop = now.statistics;
  if (!loop.valid) return {};
  const auto ms = [](double s) { return s * 1000; };
  return {
      {"mean_control_loop_frequency", number(loop.mean_control_loop_frequency_hz)},
      {"max_control_loop_interval", number(loop.max_control_loop_interval_s)},
      {"nb_error", loop.nb_error},
      // The reference's text, its missing space included; clients show it as it is.
      {"motor_controller",
       fmt::format("ControlLoopStats(period=~{:.2f}ms, read_dt=~{:.2f} ms, write_dt=~{:.2f} ms)",
                   ms(loop.mean_period_s), ms(loop.mean_read_s), ms(loop.mean_write_s))},
      {"period_p99", number(loop.period_p99_s)},
      {"period_error_p99", number(loop.period_error_p99_s)},
      {"skipped", now.skipped},
      {"limited", now.limited}};
}

}  // namespace

json::object state_json(Robot& robot) {
  const Snapshot& now = robot.snapshot();
  json::object state;
  state.reserve(10);
  state["head_pose"] = pose_rows(now.X_WH);
  state["antennas"] = numbers(&now.measured_rad[model::kHeadJointCount], 2);
  state["head_joint_positions"] = numbers(now.measured_rad.data(), model::kHeadJointCount);
  state["body_yaw"] = number(now.measured_rad[0]);
  state["motor_mode"] = backend::name(robot.mode());
  state["is_recording"] = robot.recording.on();
  state["is_move_running"] = robot.move_running();
  state["face_target"] = nobody_in_sight();
  state["doa"] = nullptr;
  state["imu"] = nullptr;
  return state;
}

std::string joint_positions_text(const Snapshot& now) {
  std::string text;
  text.reserve(320);
  text += R"({"type":"joint_positions","head_joint_positions":)";
  append_list(text, now.measured_rad.data(), model::kHeadJointCount);
  text += R"(,"antennas_joint_positions":)";
  append_list(text, &now.measured_rad[model::kHeadJointCount], 2);
  text += '}';
  return text;
}

std::string head_pose_text(const Snapshot& now) {
  std::string text;
  text.reserve(448);
  text += R"({"type":"head_pose","head_pose":[)";
  for (int r = 0; r < 4; ++r) {
    if (r != 0) text += ',';
    const auto& m = now.X_WH.matrix();
    const double row[4] = {m(r, 0), m(r, 1), m(r, 2), m(r, 3)};
    append_list(text, row, 4);
  }
  text += "]}";
  return text;
}

std::string pose_frame_text(Robot& robot, std::uint64_t sequence) {
  return json::serialize(json::object{{"state", state_json(robot)}, {"seq", sequence}});
}

json::object backend_status_json(Robot& robot, const Scheduler& scheduler) {
  const Snapshot& now = robot.snapshot();
  const auto unix_s = [&](TimePoint time) {
    return seconds(scheduler.wall_now().time_since_epoch()) - seconds(scheduler.now() - time);
  };
  json::object status;
  status["ready"] = robot.answers();
  status["motor_control_mode"] = backend::name(robot.mode());
  status["last_alive"] = now.ready ? json::value(unix_s(now.last_good)) : json::value(nullptr);
  status["control_loop_stats"] = statistics_json(now);
  status["error"] = nullptr;
  return status;
}

}  // namespace daruma::session
