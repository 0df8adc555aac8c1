#include "daruma/protocol/dispatcher.hpp"

#include <cassert>
#include <exception>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/protocol/utf8.hpp"

namespace daruma::protocol {
namespace {

/// The caller's sink while a handler runs. The handler may throw, and then its Reply, destroyed on
/// the way out, would answer before the text of the exception is known: that answer is held back.
struct Pending {
  Reply::Sink sink;
  int exceptions_before = 0;
  bool in_handler = true;
  bool held_back = false;

  void answer(boost::json::object message, Delivered delivered) {
    if (in_handler && std::uncaught_exceptions() > exceptions_before) {
      held_back = true;
      return;
    }
    if (sink) sink(std::move(message), std::move(delivered));
  }
};

/// The reference's name of a way in, as its log lines have it.
std::string_view label(Transport transport) {
  switch (transport) {
    case Transport::kWebRtc:
      return "WebRTC";
    case Transport::kWebSocket:
      return "WS";
    case Transport::kHttp:
      break;
  }
  return "HTTP";
}

}  // namespace

void Handlers::on(std::string_view type, Handler handler) {
  const CommandSpec* spec = find_command(type);
  assert(spec != nullptr && "no such command in the table");
  if (spec != nullptr) by_spec_[spec] = std::move(handler);
}

Handlers::Handler* Handlers::find(const CommandSpec& spec) {
  const auto found = by_spec_.find(&spec);
  return found == by_spec_.end() ? nullptr : &found->second;
}

void Dispatcher::submit(const PeerContext& peer, std::string_view text, Reply::Sink sink) {
  std::string type;
  const auto command = decode(text, &type);
  if (command) return submit(peer, *command, std::move(sink));
  refuse(peer, type, command.error(), sink);
}

void Dispatcher::submit(const PeerContext& peer, const Command& command, Reply::Sink sink) {
  const CommandSpec& spec = command.spec();
  if (spec.owner == Owner::kRoom && room_ == nullptr)
    return answer_absent(command, std::move(sink));
  Handlers* owner = spec.owner == Owner::kHouse ? &house_ : room_;
  Handlers::Handler* handler = spec.owner == Owner::kNobody ? nullptr : owner->find(spec);
  if (handler != nullptr) return call(*handler, peer, command, std::move(sink));
  make_reply(command, std::move(sink))
      .error(fmt::format("{} is not available on this daemon", spec.type));
}

void Dispatcher::refuse(const PeerContext& peer, const std::string& type, const Error& error,
                        Reply::Sink& sink) {
  if (const auto suppressed = mistakes_.admit(now_()))
    spdlog::warn("{} invalid command: {}{}", label(peer.transport), error.context,
                 *suppressed == 0 ? "" : fmt::format(" ({} more left out)", *suppressed));
  if (!sink) return;
  boost::json::object message{{"error", "Invalid command: " + error.context}};
  const CommandSpec* spec = find_command(type);
  const bool bare = spec != nullptr && spec->bare_refusal;
  if (!type.empty() && !bare && code_points(type) <= kLongestQuote) message["command"] = type;
  sink(std::move(message), {});
}

void Dispatcher::call(Handlers::Handler& handler, const PeerContext& peer, const Command& command,
                      Reply::Sink sink) {
  auto pending = std::make_shared<Pending>(Pending{std::move(sink), std::uncaught_exceptions()});
  Reply reply = make_reply(command, [pending](boost::json::object message, Delivered delivered) {
    pending->answer(std::move(message), std::move(delivered));
  });
  const std::uint64_t dropped_before = dropped_replies_;
  try {
    handler(command, peer, std::move(reply));
    pending->in_handler = false;
  } catch (const std::exception& e) {
    pending->in_handler = false;
    if (dropped_replies_ == dropped_before) ++dropped_replies_;
    spdlog::error("{} command error: {}: {}", label(peer.transport), command.type(), e.what());
    if (pending->held_back) make_reply(command, std::move(pending->sink)).error(e.what());
  }
}

void Dispatcher::answer_absent(const Command& command, Reply::Sink sink) {
  Absence absence{"not_initialized", "The robot is not running"};
  if (absence_) absence = absence_();
  make_reply(command, std::move(sink))
      .error(absence.error, {{"reason", "not_running"}, {"phase", absence.phase}});
}

Reply Dispatcher::make_reply(const Command& command, Reply::Sink sink) {
  return Reply(command.type(), std::move(sink), &dropped_replies_);
}

std::vector<std::string> Dispatcher::disagreements(Handlers* room) {
  std::vector<std::string> sentences;
  const auto compare = [&](Handlers& handlers, Owner owner, std::string_view who) {
    for (const CommandSpec& spec : command_table()) {
      const bool handled = handlers.find(spec) != nullptr;
      if (spec.owner == owner && !handled)
        sentences.push_back(
            fmt::format("{} belongs to the {}, which has no handler", spec.type, who));
      if (spec.owner != owner && handled)
        sentences.push_back(
            fmt::format("{} has a handler of the {}, to which it does not belong", spec.type, who));
    }
  };
  compare(house_, Owner::kHouse, "house");
  if (room != nullptr) compare(*room, Owner::kRoom, "room");
  return sentences;
}

}  // namespace daruma::protocol
