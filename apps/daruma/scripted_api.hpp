#pragma once

#include <deque>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "commands.hpp"
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace daruma::client {

/// A daemon of prepared answers. The last answer to a path (without its query) is repeated; a path
/// without answers is a 404.
class ScriptedApi final : public Api {
 public:
  using Reply = tl::expected<Answer, Unreachable>;

  void on(const std::string& path, int status, std::string_view body) {
    replies_[path].push_back(Answer{status, boost::json::parse(body)});
  }
  void on(const std::string& path, Trouble trouble) {
    replies_[path].push_back(tl::unexpected(Unreachable{trouble, "trouble"}));
  }

  Reply request(Method method, const std::string& target, std::chrono::milliseconds) override {
    requests.push_back((method == Method::kPost ? "POST " : "GET ") + target);
    const auto found = replies_.find(target.substr(0, target.find('?')));
    if (found == replies_.end())
      return Answer{404, boost::json::parse(R"({"detail":"Not Found"})")};
    auto reply = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    return reply;
  }

  std::vector<std::string> requests;

 private:
  std::map<std::string, std::deque<Reply>> replies_;
};

/// Runs a command line against a ScriptedApi on a clock that only sleeping advances.
struct CommandTest : ::testing::Test {
  Exit run_line(const std::vector<std::string>& arguments) {
    const auto read = read_options(arguments, "robot:8000");
    const auto& options = std::get<Options>(read);
    out.str("");
    err.str("");
    Context context{api,
                    options,
                    out,
                    err,
                    Style{},
                    false,
                    [this] { return now; },
                    [this](std::chrono::milliseconds time) {
                      now += time;
                      if (--naps_left == 0) out.setstate(std::ios::badbit);
                    }};
    return run(context);
  }

  ScriptedApi api;
  std::ostringstream out;
  std::ostringstream err;
  std::chrono::steady_clock::time_point now{};
  int naps_left = -1;  ///< the reader of the output goes away after so many sleeps
};

inline constexpr const char* kDarumaStatus =
    R"({"type":"daemon_status","state":"running","robot_name":"reachy_mini","generation":7,
        "uptime_s":192,"version":"1.13.0","mockup_sim_enabled":true,"error":null,
        "backend_status":{"motor_control_mode":"enabled","error":null},
        "health":{"verdict":"healthy","causes":[]}})";
inline constexpr const char* kReferenceStatus =
    R"({"type":"daemon_status","state":"running","robot_name":"reachy_mini","version":"1.13.0"})";
inline constexpr const char* kHealthy =
    R"({"verdict":"healthy","boot_id":"b","generation":7,"since_s":3,"causes":[]})";
inline constexpr const char* kUnhealthy =
    R"({"verdict":"unhealthy","boot_id":"b","generation":7,"since_s":0.9,"causes":[
        {"code":"bus_silent","part":"motor bus","verdict":"unhealthy","since_s":0.9,
         "detail":"no answer from 9 of 9 servos for 0.9 s",
         "cure":{"scope":"backend","tried":1,"helped":false},
         "hint":"check the motor power and the USB cable"}]})";

}  // namespace daruma::client
