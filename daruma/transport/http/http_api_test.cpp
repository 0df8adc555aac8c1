#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "daruma/transport/http/api.hpp"
#include "daruma/transport/net/test_client.hpp"

namespace daruma::http {
namespace {

namespace json = boost::json;
using json::parse;
using protocol::Command;
using protocol::PeerContext;
using protocol::Reply;

struct Got {
  int status = 0;
  net::Response response;
  std::string body;
  json::value json() const { return parse(body); }
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return "";
  }
};

class ApiTest : public testing::Test {
 protected:
  ApiTest() : api_(dispatcher_, sources(), "") {
    auto& house = dispatcher_.house();
    const auto job = [this](const Command& command, const PeerContext& peer, Reply reply) {
      commands_.push_back(command);
      peer_ = peer;
      if (!refusal_.empty()) return reply.send(refusal_);
      if (command.type() == "restart_daemon" && command.flag("dry_run"))
        return reply.send(
            {{"command", "restart_daemon"}, {"dry_run", true}, {"scope", command.text("scope")}});
      reply.send({{"status", "ok"}, {"command", command.type()}, {"id", "j-1"}},
                 [this](bool sent) { sent ? ++delivered_ : ++lost_; });
    };
    for (const auto* type : {"start_daemon", "stop_daemon", "restart_daemon"}) house.on(type, job);
    house.on("get_health", [](const Command&, const PeerContext&, Reply reply) {
      reply.send({{"verdict", "healthy"}, {"causes", json::array{}}, {"command", "get_health"}});
    });
    house.on("get_restart_receipts", [this](const Command& c, const PeerContext&, Reply reply) {
      commands_.push_back(c);
      reply.send({{"command", "get_restart_receipts"},
                  {"receipts", json::array{json::object{{"id", "b"}}, json::object{{"id", "a"}}}}});
    });
    house.on("get_restart_receipt", [](const Command& c, const PeerContext&, Reply reply) {
      if (c.text("id") == "a b")
        return reply.send(
            {{"id", "a b"}, {"outcome", "failed"}, {"error", "why"}, {"command", c.type()}});
      reply.send({{"id", c.text("id")}, {"receipt", nullptr}, {"command", c.type()}});
    });
    house.on("get_robot_name", [this](const Command& c, const PeerContext&, Reply reply) {
      reply.send({{"command", c.type()}, {"name", stored_}});
    });
    house.on("set_robot_name", [this](const Command& c, const PeerContext&, Reply reply) {
      const bool blank = c.text("name").find_first_not_of(' ') == std::string::npos;
      if (!blank) stored_ = json::value(c.text("name"));
      reply.send({{"command", c.type()}, {"status", blank ? "error" : "ok"}, {"name", stored_}});
    });
    house.on("get_hardware_id", [](const Command&, const PeerContext&, Reply reply) {
      reply.send({{"hardware_id", nullptr}});
    });
  }

  Sources sources() {
    Sources sources;
    sources.status = [this] { return status_; };
    sources.logs = [](std::uint64_t after, std::size_t limit) {
      return json::object{{"newest", after}, {"lines", limit}};
    };
    sources.health_check = [this] { ++fed_; };
    sources.running_name = [] { return std::string("reachy_mini"); };
    return sources;
  }

  Got ask(std::string_view method, std::string_view target, std::string_view body = {},
          std::string_view content_type = "application/json") {
    net::Request request;
    request.method = method;
    const auto mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != target.npos) request.query = target.substr(mark + 1);
    request.body = body;
    request.content_type = content_type;
    request.remote_ip = "192.168.1.7";
    request.headers = {{"host", "robot.local:8000"}};
    Got got;
    api_.handle(request, net::Responder([&](net::Response response, protocol::Delivered told) {
                  got.status = response.status;
                  got.body = response.body ? *response.body : "";
                  got.response = std::move(response);
                  if (told) told(true);
                }));
    return got;
  }
  json::value detail(std::string_view method, std::string_view target, std::string_view body = {},
                     std::string_view content_type = "application/json") {
    const auto got = ask(method, target, body, content_type);
    EXPECT_EQ(got.status, 422) << got.body;
    return got.json().at("detail");
  }

  protocol::Dispatcher dispatcher_;
  protocol::Text status_ = std::make_shared<const std::string>(R"({"type":"daemon_status"})");
  std::vector<Command> commands_;
  PeerContext peer_;
  json::object refusal_;
  json::value stored_ = nullptr;
  int delivered_ = 0;
  int lost_ = 0;
  int fed_ = 0;
  Api api_;
};

TEST_F(ApiTest, TheStatusIsSharedNotCopied) {
  const auto got = ask("GET", "/api/daemon/status");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.response.content_type, "application/json");
  EXPECT_EQ(got.response.body, status_);
}

TEST_F(ApiTest, JobsAnswerTheirIdAndReportTheAck) {
  const auto got = ask("POST", "/api/daemon/start?wake_up=true");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.json(), parse(R"({"job_id":"j-1","status":"ok","id":"j-1"})"));
  EXPECT_EQ(delivered_, 1);
  ASSERT_EQ(commands_.size(), 1U);
  EXPECT_EQ(commands_[0].type(), "start_daemon");
  EXPECT_TRUE(commands_[0].flag("wake_up"));
  EXPECT_EQ(peer_.transport, protocol::Transport::kHttp);
  EXPECT_EQ(peer_.reach, protocol::Reach::kLan);
  EXPECT_EQ(ask("POST", "/api/daemon/stop?goto_sleep=0").status, 200);
  EXPECT_FALSE(commands_[1].flag("goto_sleep"));
}

TEST_F(ApiTest, RestartTakesTheCommandsFieldsFromTheQuery) {
  EXPECT_EQ(ask("POST", "/api/daemon/restart").status, 200);
  EXPECT_EQ(commands_[0].text("scope"), "daemon");
  EXPECT_FALSE(commands_[0].named("id"));
  EXPECT_EQ(ask("POST",
                "/api/daemon/restart?goto_sleep_on_stop=yes&wake_up_on_start=ON&scope=motor&"
                "motor=stewart_3&id=7c0e%2B42&confirm=t&official=false")
                .status,
            200);
  const auto& command = commands_[1];
  EXPECT_TRUE(command.flag("goto_sleep_on_stop"));
  EXPECT_TRUE(command.flag("wake_up_on_start"));
  EXPECT_TRUE(command.flag("confirm"));
  EXPECT_EQ(command.text("scope"), "motor");
  EXPECT_EQ(command.text("motor"), "stewart_3");
  EXPECT_EQ(command.text("id"), "7c0e+42");
}

TEST_F(ApiTest, ADryRunAnswersThePlan) {
  EXPECT_EQ(ask("POST", "/api/daemon/restart?dry_run=1&scope=auto").json(),
            parse(R"({"dry_run":true,"scope":"auto"})"));
}

TEST_F(ApiTest, BodiesOfRoutesWithoutABodyAreIgnored) {
  EXPECT_EQ(ask("POST", "/api/daemon/restart", "not json").status, 200);
  EXPECT_EQ(ask("POST", "/api/daemon/restart", "\xFF", "text/plain").status, 200);
}

TEST_F(ApiTest, RefusalsHaveTheirStatus) {
  const auto refused = [&](json::object reply) {
    refusal_ = std::move(reply);
    return ask("POST", "/api/daemon/restart");
  };
  const auto busy = refused({{"error", "Daemon is busy."}, {"reason", "busy"}});
  EXPECT_EQ(busy.status, 409);
  EXPECT_EQ(busy.json(), parse(R"({"detail":"Daemon is busy."})"));
  const auto useless =
      refused({{"error", "no"}, {"reason", "would_not_help"}, {"hint", "check the cable"}});
  EXPECT_EQ(useless.status, 409);
  EXPECT_EQ(useless.json(),
            parse(R"({"detail":"no","reason":"would_not_help","hint":"check the cable"})"));
  EXPECT_EQ(refused({{"error", "x"}, {"reason", "unknown_motor"}}).status, 404);
  EXPECT_EQ(refused({{"error", "x"}, {"reason", "denied"}}).status, 403);
  EXPECT_EQ(refused({{"error", "x"}, {"reason", "shutting_down"}}).status, 503);
  EXPECT_EQ(refused({{"error", "internal_error"}}).status, 500);
  EXPECT_EQ(refused({{"error", "Invalid command: motor: goes with scope motor only"}}).status, 422);
}

TEST_F(ApiTest, ACommandThatNobodyAnswersIs503) {
  protocol::Dispatcher empty;
  Api api(empty, sources(), "");
  net::Request request;
  request.method = "GET";
  request.path = "/api/daemon/health";
  int status = 0;
  api.handle(request, net::Responder([&](const net::Response& response, protocol::Delivered) {
               status = response.status;
             }));
  EXPECT_EQ(status, 503);
}

TEST_F(ApiTest, ReceiptsAndHealth) {
  EXPECT_EQ(ask("GET", "/api/daemon/health").json(), parse(R"({"verdict":"healthy","causes":[]})"));
  EXPECT_EQ(ask("GET", "/api/daemon/restarts").json(), parse(R"([{"id":"b"},{"id":"a"}])"));
  EXPECT_EQ(commands_[0].integer("limit"), 20);
  ask("GET", "/api/daemon/restarts?limit=5&limit=7");
  EXPECT_EQ(commands_[1].integer("limit"), 7) << "the last of repeated ones counts";
  // A receipt's own key `error` is no refusal.
  const auto receipt = ask("GET", "/api/daemon/restarts/a b");
  EXPECT_EQ(receipt.status, 200);
  EXPECT_EQ(receipt.json(), parse(R"({"id":"a b","outcome":"failed","error":"why"})"));
  const auto unknown = ask("GET", "/api/daemon/restarts/nobody");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_TRUE(unknown.json().at("detail").is_string());
  EXPECT_EQ(ask("GET", "/api/daemon/hardware-id").json(), parse(R"({"hardware_id":null})"));
}

TEST_F(ApiTest, RobotName) {
  EXPECT_EQ(ask("GET", "/api/daemon/robot-name").json(), parse(R"({"name":"reachy_mini"})"));
  EXPECT_EQ(ask("POST", "/api/daemon/robot-name", R"({"name":"Otto","more":1})").json(),
            parse(R"({"name":"Otto"})"));
  EXPECT_EQ(ask("GET", "/api/daemon/robot-name").json(), parse(R"({"name":"Otto"})"));
  const auto blank = ask("POST", "/api/daemon/robot-name", R"({"name":"  "})");
  EXPECT_EQ(blank.status, 422);
  EXPECT_EQ(blank.json(), parse(R"({"detail":"Invalid robot name"})"));
}

TEST_F(ApiTest, LogsAndHealthCheck) {
  EXPECT_EQ(ask("GET", "/api/daemon/logs").json(), parse(R"({"newest":0,"lines":100})"));
  EXPECT_EQ(ask("GET", "/api/daemon/logs?after=12&limit=3").json(),
            parse(R"({"newest":12,"lines":3})"));
  EXPECT_EQ(detail("GET", "/api/daemon/logs?after=-1").at(0).at("type"), "greater_than_equal");
  EXPECT_EQ(detail("GET", "/api/daemon/logs?after=99999999999999999999").at(0).at("loc"),
            parse(R"(["query","after"])"));
  EXPECT_EQ(ask("POST", "/health-check").json(), parse(R"({"status":"ok"})"));
  EXPECT_EQ(fed_, 1);
}

TEST_F(ApiTest, QueryErrorsHaveTheReferencesForm) {
  EXPECT_EQ(detail("POST", "/api/daemon/start"),
            parse(R"([{"type":"missing","loc":["query","wake_up"],"msg":"Field required",
                       "input":null}])"));
  for (const auto* word : {"maybe", "", "2"})
    EXPECT_EQ(detail("POST", std::string("/api/daemon/start?wake_up=") + word),
              (json::array{json::object{
                  {"type", "bool_parsing"},
                  {"loc", json::array{"query", "wake_up"}},
                  {"msg", "Input should be a valid boolean, unable to interpret input"},
                  {"input", word}}}));
  EXPECT_EQ(detail("GET", "/api/daemon/restarts?limit=0"),
            parse(R"([{"type":"greater_than_equal","loc":["query","limit"],
                       "msg":"Input should be greater than or equal to 1","input":"0",
                       "ctx":{"ge":1}}])"));
  EXPECT_EQ(detail("GET", "/api/daemon/restarts?limit=1000"),
            parse(R"([{"type":"less_than_equal","loc":["query","limit"],
                       "msg":"Input should be less than or equal to 256","input":"1000",
                       "ctx":{"le":256}}])"));
  EXPECT_EQ(detail("GET", "/api/daemon/restarts?limit=x"),
            parse(R"([{"type":"int_parsing","loc":["query","limit"],
                "msg":"Input should be a valid integer, unable to parse string as an integer",
                "input":"x"}])"));
  EXPECT_EQ(detail("POST", "/api/daemon/restart?scope=house"),
            parse(R"([{"type":"enum","loc":["query","scope"],
                "msg":"Input should be 'motor', 'backend', 'daemon', 'process' or 'auto'",
                "input":"house",
                "ctx":{"expected":"'motor', 'backend', 'daemon', 'process' or 'auto'"}}])"));
  // All of them at once, in the order of the table.
  const auto several = detail("POST", "/api/daemon/restart?id=&dry_run=x&confirm=x");
  ASSERT_EQ(several.as_array().size(), 3U);
  EXPECT_EQ(several.at(0).at("type"), "string_too_short");
  EXPECT_EQ(several.at(0).at("ctx"), parse(R"({"min_length":1})"));
  EXPECT_EQ(several.at(2).at("loc"), parse(R"(["query","confirm"])"));
  EXPECT_TRUE(commands_.empty()) << "nothing was dispatched";
}

TEST_F(ApiTest, PathErrorsHaveTheirPlace) {
  EXPECT_EQ(detail("GET", "/api/daemon/restarts/" + std::string(65, 'x')).at(0),
            (json::object{{"type", "string_too_long"},
                          {"loc", json::array{"path", "id"}},
                          {"msg", "String should have at most 64 characters"},
                          {"input", std::string(65, 'x')},
                          {"ctx", json::object{{"max_length", 64}}}}));
  EXPECT_EQ(detail("GET", "/api/daemon/restarts/\xC3\xA9").at(0).at("type"),
            "string_pattern_mismatch");
}

TEST_F(ApiTest, BodyErrorsHaveTheReferencesForm) {
  const auto* path = "/api/daemon/robot-name";
  EXPECT_EQ(
      detail("POST", path, "{}"),
      parse(R"([{"type":"missing","loc":["body","name"],"msg":"Field required","input":{}}])"));
  EXPECT_EQ(detail("POST", path, ""),
            parse(R"([{"type":"missing","loc":["body"],"msg":"Field required","input":null}])"));
  EXPECT_EQ(detail("POST", path, "null").at(0).at("type"), "missing");
  EXPECT_EQ(detail("POST", path, R"({"name":""})"),
            parse(R"([{"type":"string_too_short","loc":["body","name"],
                "msg":"String should have at least 1 character","input":"",
                "ctx":{"min_length":1}}])"));
  EXPECT_EQ(detail("POST", path, R"({"name":7})"),
            parse(R"([{"type":"string_type","loc":["body","name"],
                "msg":"Input should be a valid string","input":7}])"));
  EXPECT_EQ(detail("POST", path, R"({"name":null})").at(0).at("type"), "string_type");
  for (const auto* body : {"[1]", "7", "\"x\""}) {
    const auto wrong = detail("POST", path, body);
    EXPECT_EQ(wrong.at(0).at("type"), "model_attributes_type");
    EXPECT_EQ(wrong.at(0).at("loc"), parse(R"(["body"])"));
    EXPECT_EQ(wrong.at(0).at("input"), parse(body));
  }
  for (const std::string& body :
       {std::string("{\"name\":"), std::string("{\"name\":\"a\"} x"), std::string("{'name':1}"),
        std::string("{\"name\":NaN}"), std::string(1000, '[')}) {
    const auto broken = detail("POST", path, body);
    EXPECT_EQ(broken.at(0).at("type"), "json_invalid") << body;
    EXPECT_EQ(broken.at(0).at("msg"), "JSON decode error");
    EXPECT_EQ(broken.at(0).at("loc").at(0), "body");
    EXPECT_TRUE(broken.at(0).at("loc").at(1).is_number());
    EXPECT_TRUE(broken.at(0).at("ctx").at("error").is_string());
  }
}

TEST_F(ApiTest, ContentTypesOfBodies) {
  const auto* path = "/api/daemon/robot-name";
  const auto* body = R"({"name":"a"} )";
  for (const auto* type : {"", "application/json", "Application/JSON; charset=utf-8",
                           "application/json ;x=y", "application/merge-patch+json"})
    EXPECT_EQ(ask("POST", path, body, type).status, 200) << type;
  for (const auto* type : {"text/plain", "application/x-www-form-urlencoded", "text/json"}) {
    const auto wrong = detail("POST", path, body, type);
    EXPECT_EQ(wrong.at(0).at("type"), "model_attributes_type") << type;
    EXPECT_EQ(wrong.at(0).at("input"), body);
  }
  const auto no_text = ask("POST", path, "{\"name\":\"\xFF\"}");
  EXPECT_EQ(no_text.status, 400);
  EXPECT_EQ(no_text.json(), parse(R"({"detail":"There was an error parsing the body"})"));
}

TEST_F(ApiTest, UnknownPathsMethodsAndSlashes) {
  const auto unknown = ask("GET", "/api/nothing");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.json(), parse(R"({"detail":"Not Found"})"));
  EXPECT_EQ(ask("POST", "/nothing").status, 404);
  EXPECT_EQ(ask("GET", "/api/daemon/restarts/a/b").status, 404);
  EXPECT_EQ(ask("GET", "/ws/sdk").status, 404);

  const auto wrong = ask("DELETE", "/api/daemon/robot-name");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.json(), parse(R"({"detail":"Method Not Allowed"})"));
  EXPECT_EQ(wrong.header("allow"), "GET") << "the first route's method only, as in the reference";
  EXPECT_EQ(ask("HEAD", "/api/daemon/status").status, 405);
  EXPECT_EQ(ask("OPTIONS", "/api/daemon/status").status, 405);
  EXPECT_EQ(ask("GET", "/api/daemon/start?wake_up=1").header("allow"), "POST");
  EXPECT_EQ(ask("POST", "/").status, 405);

  const auto slash = ask("GET", "/api/daemon/status/?a=b%20c");
  EXPECT_EQ(slash.status, 307);
  EXPECT_EQ(slash.body, "");
  EXPECT_EQ(slash.header("location"), "http://robot.local:8000/api/daemon/status?a=b%20c");
  EXPECT_EQ(ask("GET", "/api/daemon/restarts/a b/").header("location"),
            "http://robot.local:8000/api/daemon/restarts/a%20b");
}

TEST_F(ApiTest, TheDocumentListsEveryRouteWithItsParameters) {
  const auto document = ask("GET", "/openapi.json");
  EXPECT_EQ(document.status, 200);
  EXPECT_EQ(ask("HEAD", "/openapi.json").status, 200);
  const auto root = document.json();
  EXPECT_EQ(root.at("openapi"), "3.1.0");
  const auto& schemas = root.at("components").at("schemas").as_object();
  std::size_t listed = 0;
  for (const auto& route : route_table()) {
    if (route.head) continue;  // the documents themselves
    SCOPED_TRACE(std::string(route.method) + " " + std::string(route.path));
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    const auto* path = root.at("paths").as_object().if_contains(route.path);
    ASSERT_NE(path, nullptr);
    const auto* operation = path->as_object().if_contains(method);
    ASSERT_NE(operation, nullptr);
    ++listed;
    std::size_t parameters = 0;
    if (const auto* list = operation->as_object().if_contains("parameters"))
      parameters = list->as_array().size();
    else if (const auto* body = operation->as_object().if_contains("requestBody"))
      parameters =
          body->at_pointer("/content/application~1json/schema/properties").as_object().size();
    EXPECT_EQ(parameters, route.parameters.size());
    if (!route.schema.empty()) {
      EXPECT_TRUE(schemas.contains(route.schema));
    }
    EXPECT_NE(ask("GET", "/docs").body.find(route.path), std::string::npos);
  }
  std::size_t operations = 0;
  for (const auto& path : root.at("paths").as_object())
    operations += path.value().as_object().size();
  EXPECT_EQ(operations, listed) << "and nothing else";
}

TEST_F(ApiTest, EveryReferenceInTheDocumentExists) {
  const auto text = ask("GET", "/openapi.json").body;
  const auto root = parse(text);
  constexpr std::string_view kReference = "\"$ref\":\"#/components/schemas/";
  std::size_t found = 0;
  for (auto at = text.find(kReference); at != text.npos; at = text.find(kReference, at + 1)) {
    const auto begin = at + kReference.size();
    const auto name = text.substr(begin, text.find('"', begin) - begin);
    EXPECT_TRUE(root.at("components").at("schemas").as_object().contains(name)) << name;
    ++found;
  }
  EXPECT_GT(found, 10U);
}

TEST_F(ApiTest, TheDocsPageNeedsNobodyElse) {
  const auto docs = ask("GET", "/docs");
  EXPECT_EQ(docs.response.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(docs.body.find("https://"), std::string::npos);
  EXPECT_EQ(docs.body.find("<script"), std::string::npos);
}

TEST_F(ApiTest, BehindARealServer) {
  net::test::LoopThread runner;
  protocol::OriginGuard guard;
  std::unique_ptr<net::Server> server;
  net::Server::Options options;
  options.name = "test";
  options.addresses = {"127.0.0.1"};
  const auto port = runner.call([&] {
    server = std::make_unique<net::Server>(
        runner.loop(), options, guard,
        [&](const net::Request& request, net::Responder responder) {
          api_.handle(request, std::move(responder));
        },
        [](const net::Request&) { return net::Server::Upgrade{}; });
    EXPECT_TRUE(server->start());
    return server->port();
  });
  EXPECT_EQ(net::test::fetch(port, "GET", "/api/daemon/status").body, *status_);
  const auto started = net::test::fetch(port, "POST", "/api/daemon/start?wake_up=1",
                                        {{"content-type", "text/plain"}}, "anything");
  EXPECT_EQ(started.status, 200);
  EXPECT_EQ(net::test::fetch(port, "GET", "/api/daemon/status/").header("location"),
            "http://localhost/api/daemon/status");
  const auto head = net::test::fetch(port, "HEAD", "/docs");
  EXPECT_EQ(head.status, 200);
  EXPECT_NE(head.header("content-length"), "0");
  runner.call([&] { server.reset(); });
}

}  // namespace
}  // namespace daruma::http
