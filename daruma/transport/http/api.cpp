#include "daruma/transport/http/api.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "daruma/protocol/json_text.hpp"
#include "daruma/transport/http/documents.hpp"
#include "daruma/transport/http/validation.hpp"
#include "daruma/transport/net/percent_encoding.hpp"

namespace daruma::http {
namespace json = boost::json;
using net::Request;
using net::Responder;
using net::Response;

namespace {

Response ok(protocol::Text text, std::string_view content_type = "application/json") {
  Response response;
  response.content_type = content_type;
  response.body = std::move(text);
  return response;
}

Response json_response(const json::value& body, int status = 200) {
  auto response = ok(protocol::message_text(body));
  response.status = status;
  return response;
}

/// Whether a path is the route's, and what stands for its parameter then.
bool matches(const Route& route, std::string_view path, std::string_view& value) {
  const auto brace = route.path.find('{');
  if (brace == route.path.npos) return path == route.path;
  const auto stem = route.path.substr(0, brace);
  if (!path.starts_with(stem)) return false;
  value = path.substr(stem.size());
  return !value.empty() && value.find('/') == value.npos;
}

std::string_view text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view{};
}

/// HTTP status of a command that was refused.
int status_of(std::string_view reason, std::string_view error) {
  if (reason == "busy" || reason == "would_not_help") return 409;
  if (reason == "denied") return 403;
  if (reason == "unknown_motor" || reason == "not_found") return 404;
  if (reason == "shutting_down" || reason == "not_running" || reason == "unavailable") return 503;
  if (reason == "timeout") return 504;
  if (reason == "io" || reason == "internal_error" || error == "internal_error") return 500;
  // A command of the table that nobody answers.
  if (error.ends_with("is not available on this daemon")) return 503;
  return 422;
}

Response refusal(const json::object& reply) {
  const auto reason = text_at(reply, "reason");
  const auto error = text_at(reply, "error");
  json::object body{{"detail", error}};
  // The reference's literal has one key.
  if (reason != "busy")
    for (const auto* key : {"reason", "hint", "phase"})
      if (const auto* value = reply.if_contains(key)) body[key] = *value;
  return json_response(body, status_of(reason, error));
}

Response method_not_allowed(std::string_view allowed) {
  auto response = net::detail(405, "Method Not Allowed");
  response.headers.emplace_back("allow", std::string(allowed));
  return response;
}

bool serves(const Route& route, std::string_view method) {
  return route.method == method || (route.head && method == "HEAD");
}

}  // namespace

Api::Api(protocol::Dispatcher& dispatcher, Sources sources, std::string web_folder)
    : dispatcher_(dispatcher), sources_(std::move(sources)), files_(std::move(web_folder)) {}

void Api::handle(const Request& request, Responder responder) {
  const Route* same_path = nullptr;
  for (const auto& route : route_table()) {
    std::string_view value;
    if (!matches(route, request.path, value)) continue;
    if (serves(route, request.method)) return answer(route, request, value, std::move(responder));
    if (same_path == nullptr) same_path = &route;
  }
  responder.send(other(request, same_path));
}

void Api::answer(const Route& route, const Request& request, std::string_view path_value,
                 Responder responder) {
  switch (route.answerer) {
    case Answerer::kStatus:
      return responder.send(ok(sources_.status()));
    case Answerer::kHealthCheck:
      sources_.health_check();
      return responder.send(json_response(json::object{{"status", "ok"}}));
    case Answerer::kOpenApi:
      if (!openapi_) openapi_ = std::make_shared<const std::string>(openapi_document());
      return responder.send(ok(openapi_));
    case Answerer::kDocs:
      if (!docs_) docs_ = std::make_shared<const std::string>(docs_page());
      return responder.send(ok(docs_, "text/html; charset=utf-8"));
    case Answerer::kLogs:
    case Answerer::kCommand:
      break;
  }
  auto checked = check(route, request, path_value);
  if (checked.refusal.status != 0) return responder.send(std::move(checked.refusal));
  if (!checked.problems.empty())
    return responder.send(
        json_response(json::object{{"detail", std::move(checked.problems)}}, 422));
  const auto& fields = checked.fields;
  if (route.answerer == Answerer::kLogs)
    return responder.send(
        json_response(sources_.logs(fields.at("after").to_number<std::uint64_t>(),
                                    fields.at("limit").to_number<std::size_t>())));
  dispatch(route, request, fields, std::move(responder));
}

void Api::dispatch(const Route& route, const Request& request, const json::object& fields,
                   Responder responder) {
  json::object message = fields;
  message["type"] = route.command;
  protocol::PeerContext peer;
  peer.peer_id = request.remote_ip;
  peer.transport = protocol::Transport::kHttp;
  peer.reach = protocol::reach_of(request.remote_ip);
  dispatcher_.submit(peer, json::serialize(message),
                     [this, &route, responder = std::move(responder)](
                         json::object reply, protocol::Delivered delivered) mutable {
                       responder.send(from_reply(route, std::move(reply)), std::move(delivered));
                     });
}

Response Api::from_reply(const Route& route, json::object reply) {
  if (reply.contains("error") && route.body != Body::kReceipt) return refusal(reply);
  reply.stable_erase("command");
  switch (route.body) {
    case Body::kWhole:
      break;
    case Body::kJob: {
      if (reply.contains("dry_run")) break;
      json::object job{{"job_id", reply.at("id")}};
      for (const auto& [key, value] : reply) job[key] = value;
      return json_response(job);
    }
    case Body::kReceipts:
      return json_response(reply.at("receipts"));
    case Body::kReceipt:
      if (reply.contains("receipt")) return net::detail(404, "Restart not found");
      break;
    case Body::kName:
      if (const auto* status = reply.if_contains("status"); status && *status == "error")
        return net::detail(422, "Invalid robot name");
      if (reply.at("name").is_null()) reply["name"] = sources_.running_name();
      return json_response(json::object{{"name", reply.at("name")}});
  }
  return json_response(reply);
}

Response Api::other(const Request& request, const Route* same_path) {
  if (same_path != nullptr) return method_not_allowed(same_path->method);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (request.path == "/" && !reads) return method_not_allowed("GET");
  // A slash too many, or one too few, is the same route to a person.
  const bool slash = request.path.size() > 1 && request.path.ends_with('/');
  const auto twin = slash ? request.path.substr(0, request.path.size() - 1) : request.path + "/";
  std::string_view ignored;
  const auto routes = route_table();
  const bool known = std::any_of(routes.begin(), routes.end(),
                                 [&](const Route& route) { return matches(route, twin, ignored); });
  const auto* host = request.header("host");
  if (slash && known && host != nullptr) {
    Response response{.status = 307, .content_type = ""};
    response.headers.emplace_back(
        "location", fmt::format("http://{}{}{}{}", *host, net::percent_encode_path(twin),
                                request.query.empty() ? "" : "?", request.query));
    return response;
  }
  if (reads)
    if (auto file = files_.find(request)) return std::move(*file);
  return net::detail(404, "Not Found");
}

}  // namespace daruma::http
