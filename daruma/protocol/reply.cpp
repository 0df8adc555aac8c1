#include "daruma/protocol/reply.hpp"

#include <exception>

#include <spdlog/spdlog.h>

namespace daruma::protocol {

Reply::Reply(std::string_view command, Sink sink, std::uint64_t* dropped_count)
    : command_(command), sink_(std::move(sink)), dropped_count_(dropped_count) {}

Reply& Reply::operator=(Reply&& other) noexcept {
  if (this == &other) return *this;
  drop();
  command_ = std::move(other.command_);
  sink_ = std::move(other.sink_);
  dropped_count_ = other.dropped_count_;
  return *this;
}

Reply::~Reply() { drop(); }

void Reply::send(boost::json::object message, Delivered delivered) {
  if (!sink_) return;
  // Emptied first: whatever the sink does, there is no second answer.
  auto sink = std::move(sink_);
  sink_ = nullptr;
  sink(std::move(message), std::move(delivered));
}

void Reply::ok(boost::json::object extra) {
  boost::json::object message{{"status", "ok"}, {"command", command_}};
  for (auto& [key, value] : extra) message.insert_or_assign(key, std::move(value));
  send(std::move(message));
}

void Reply::error(std::string_view text, boost::json::object extra) {
  boost::json::object message{{"error", text}, {"command", command_}};
  for (auto& [key, value] : extra) message.insert_or_assign(key, std::move(value));
  send(std::move(message));
}

void Reply::error(const Error& error) {
  this->error(error.context, {{"reason", name(error.code)}});
}

void Reply::nothing() { sink_ = nullptr; }

void Reply::drop() {
  if (!sink_) return;
  if (dropped_count_ != nullptr) ++*dropped_count_;
  try {
    spdlog::error("{} was not answered", command_);
    error("internal_error");
  } catch (const std::exception& e) {
    sink_ = nullptr;
    spdlog::error("{}: the answer could not be sent: {}", command_, e.what());
  }
}

}  // namespace daruma::protocol
