#include "daruma/services/daemon/lifecycle_commands.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <spdlog/spdlog.h>

#include "daruma/protocol/json_text.hpp"
#include "daruma/services/daemon/json.hpp"

namespace daruma::services {
namespace json = boost::json;
using lifecycle::Action;
using lifecycle::Admission;
using lifecycle::Refusal;
using protocol::Command;
using protocol::PeerContext;
using protocol::Reply;

namespace {

lifecycle::Requester requester(const PeerContext& peer) {
  return {std::string(protocol::name(peer.transport)), peer.peer_id,
          std::string(protocol::name(peer.reach))};
}

lifecycle::Request restart_request(const Command& command, const PeerContext& peer) {
  lifecycle::Request request;
  request.action = Action::kRestart;
  // The table allows no other word, so the fallback is never taken.
  request.scope = lifecycle::scope_from(command.text("scope")).value_or(lifecycle::Scope::kDaemon);
  if (command.has("motor")) request.motor = command.text("motor");
  if (command.has("id")) request.id = command.text("id");
  request.flags = {command.flag("goto_sleep_on_stop"), command.flag("wake_up_on_start")};
  request.confirm = command.flag("confirm");
  request.requester = requester(peer);
  return request;
}

void answer_refusal(const Refusal& refusal, Reply reply) {
  json::object extra{{"reason", lifecycle::name(refusal.reason)}};
  if (!refusal.hint.empty()) extra["hint"] = refusal.hint;
  reply.error(refusal.error, std::move(extra));
}

json::value milliseconds_or_null(const std::optional<long long>& ms) {
  return ms ? json::value(*ms) : json::value(nullptr);
}

}  // namespace

LifecycleCommands::LifecycleCommands(lifecycle::LifecyclePort& lifecycle, StatusPublisher& status,
                                     std::vector<std::string> restart_from,
                                     ReceiptJson receipt_json)
    : lifecycle_(lifecycle),
      status_(status),
      restart_from_(std::move(restart_from)),
      receipt_json_(receipt_json) {
  lifecycle_.add_observer(*this);
}

LifecycleCommands::~LifecycleCommands() { lifecycle_.remove_observer(*this); }

void LifecycleCommands::register_in(protocol::Handlers& handlers) {
  handlers.on("restart_daemon", [this](const Command& command, const PeerContext& peer,
                                       Reply reply) { restart(command, peer, std::move(reply)); });
  handlers.on("restart_confirm", [this](const Command& command, const PeerContext&, Reply reply) {
    if (lifecycle_.confirm(command.text("id"))) return reply.nothing();
    reply.error("restart_confirm: no restart with this id waits for it",
                {{"reason", "not_found"}, {"id", command.text("id")}});
  });
  handlers.on("start_daemon", [this](const Command& command, const PeerContext& peer, Reply reply) {
    start_or_stop(Action::kStart, {false, command.flag("wake_up")}, peer, std::move(reply));
  });
  handlers.on("stop_daemon", [this](const Command& command, const PeerContext& peer, Reply reply) {
    start_or_stop(Action::kStop, {command.flag("goto_sleep"), false}, peer, std::move(reply));
  });
  handlers.on("get_health", [this](const Command&, const PeerContext&, Reply reply) {
    auto health = health_json(lifecycle_.status());
    health["command"] = "get_health";
    reply.send(std::move(health));
  });
  handlers.on("get_daemon_status", [this](const Command&, const PeerContext&, Reply reply) {
    auto status = status_.status();
    status["command"] = "get_daemon_status";
    reply.send(std::move(status));
  });
  handlers.on(
      "get_restart_receipt", [this](const Command& command, const PeerContext&, Reply reply) {
        const auto receipt = lifecycle_.receipt(command.text("id"));
        json::object out = receipt ? receipt_json_(*receipt)
                                   : json::object{{"id", command.text("id")}, {"receipt", nullptr}};
        out["command"] = "get_restart_receipt";
        reply.send(std::move(out));
      });
  handlers.on(
      "get_restart_receipts", [this](const Command& command, const PeerContext&, Reply reply) {
        const auto limit = static_cast<std::size_t>(command.integer("limit"));
        json::array receipts;
        for (const auto& receipt : lifecycle_.receipts(limit)) {
          receipts.push_back(receipt_json_(receipt));
        }
        reply.send({{"command", "get_restart_receipts"}, {"receipts", std::move(receipts)}});
      });
}

void LifecycleCommands::restart(const Command& command, const PeerContext& peer, Reply reply) {
  const auto request = restart_request(command, peer);
  if (request.motor && request.scope != lifecycle::Scope::kMotor)
    return reply.send({{"error", "Invalid command: motor: goes with scope motor only"}});
  if (refuse(peer, request, reply)) return;
  if (command.flag("dry_run")) return dry_run(request, std::move(reply));

  auto taken = lifecycle_.admit(request);
  if (const auto* refusal = std::get_if<Refusal>(&taken)) {
    return answer_refusal(*refusal, std::move(reply));
  }
  const auto& admission = std::get<Admission>(taken);
  json::object ack{{"status", "ok"}, {"command", "restart_daemon"}, {"scheduled", true}};
  const bool speaks_ours = command.named("id") || command.named("scope");
  if (speaks_ours || peer.transport == protocol::Transport::kHttp) {
    ack["id"] = admission.id;
    ack["scope"] = lifecycle::name(admission.scope);
    ack["merged"] = admission.merged;
    ack["duplicate"] = admission.duplicate;
    ack["generation"] = admission.generation;
  }
  if (speaks_ours && watchers_.size() < kMaxWatchers) watchers_[admission.id] = peer.peer;
  answer(admission, std::move(ack), std::move(reply));
}

void LifecycleCommands::start_or_stop(Action action, lifecycle::Flags flags,
                                      const PeerContext& peer, Reply reply) {
  lifecycle::Request request;
  request.action = action;
  request.flags = flags;
  request.requester = requester(peer);
  if (refuse(peer, request, reply)) return;
  auto taken = lifecycle_.admit(request);
  if (const auto* refusal = std::get_if<Refusal>(&taken)) {
    return answer_refusal(*refusal, std::move(reply));
  }
  const auto& admission = std::get<Admission>(taken);
  const auto* command = action == Action::kStart ? "start_daemon" : "stop_daemon";
  answer(admission,
         {{"status", "ok"},
          {"command", command},
          {"id", admission.id},
          {"no_effect", admission.no_effect}},
         std::move(reply));
}

void LifecycleCommands::answer(const Admission& admission, json::object ack, Reply reply) {
  reply.send(std::move(ack), [this, id = admission.id](bool sent) {
    lifecycle_.acknowledged(id,
                            sent ? lifecycle::AckOutcome::kSent : lifecycle::AckOutcome::kFailed);
  });
}

void LifecycleCommands::dry_run(const lifecycle::Request& request, Reply reply) {
  const auto told = lifecycle_.dry_run(request);
  if (const auto* refusal = std::get_if<Refusal>(&told)) {
    return answer_refusal(*refusal, std::move(reply));
  }
  const auto& plan = std::get<lifecycle::DryRun>(told);
  const auto now = lifecycle_.status().now;
  json::array causes;
  for (const auto& cause : plan.causes) causes.push_back(cause_json(cause, now));
  reply.send({{"command", "restart_daemon"},
              {"dry_run", true},
              {"scope", lifecycle::name(plan.scope)},
              {"peers_kept", plan.peers_kept},
              {"moves", plan.moves},
              {"expected_ms", json::object{{"p50", milliseconds_or_null(plan.p50_ms)},
                                           {"p99", milliseconds_or_null(plan.p99_ms)}}},
              {"causes", std::move(causes)}});
}

bool LifecycleCommands::refuse(const PeerContext& peer, const lifecycle::Request& request,
                               Reply& reply) {
  const auto from = protocol::name(peer.reach);
  if (std::find(restart_from_.begin(), restart_from_.end(), from) == restart_from_.end()) {
    spdlog::info("{} refused: by={} peer={} from={} reason=denied", lifecycle::name(request.action),
                 protocol::name(peer.transport), peer.peer_id, from);
    answer_refusal({lifecycle::RefusalReason::kDenied,
                    "this daemon takes no such request from " + std::string(from), ""},
                   std::move(reply));
    return true;
  }
  if (peer.transport != protocol::Transport::kHttp) return false;
  // REST jobs exclude one another, as clients of the reference expect; a repeated id is no new job.
  const auto status = lifecycle_.status();
  if (!status.transition_id || (request.id && lifecycle_.receipt(*request.id))) return false;
  const auto running = lifecycle_.receipt(*status.transition_id);
  if (!running || running->by != "http") return false;
  reply.error("Daemon is busy.", {{"reason", name(Errc::kBusy)}});
  return true;
}

void LifecycleCommands::on_progress(const std::string& id, lifecycle::Scope scope,
                                    std::string_view phase, long long elapsed_ms,
                                    const std::optional<std::string>& error) {
  const auto found = watchers_.find(id);
  if (found == watchers_.end()) return;
  const auto peer = found->second.lock();
  if (phase == "done" || phase == "failed") watchers_.erase(found);
  const bool peers_kept = scope == lifecycle::Scope::kMotor || scope == lifecycle::Scope::kBackend;
  if (!peer || !peers_kept) return;
  const json::object message{{"type", "restart_progress"},
                             {"id", id},
                             {"scope", lifecycle::name(scope)},
                             {"phase", phase},
                             {"elapsed_ms", elapsed_ms},
                             {"error", error ? json::value(*error) : json::value(nullptr)}};
  peer->send(protocol::message_text(message), {});
}

}  // namespace daruma::services
