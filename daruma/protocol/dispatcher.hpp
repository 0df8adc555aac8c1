#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daruma/base/clock.hpp"
#include "daruma/protocol/command.hpp"
#include "daruma/protocol/log_limiter.hpp"
#include "daruma/protocol/peer.hpp"
#include "daruma/protocol/reply.hpp"

namespace daruma::protocol {

/// Who says something, and how he wants to be answered.
struct PeerContext {
  std::string peer_id;
  Transport transport = Transport::kHttp;
  Reach reach = Reach::kLocal;
  /// The peer itself, for handlers that push to it later; empty on HTTP.
  std::weak_ptr<Peer> peer;
};

/// Handlers by command type. A room brings one of these and takes it away when it ends.
class Handlers {
 public:
  using Handler = UniqueFunction<void(const Command&, const PeerContext&, Reply)>;
  void on(std::string_view type, Handler handler);
  Handler* find(const CommandSpec& spec);

 private:
  std::unordered_map<const CommandSpec*, Handler> by_spec_;
};

/// The one way of every command from every transport to its handler:
///
///     text -> decode by the table -> owner (house | room | nobody) -> handler(command, peer,
///     reply)
///
/// The dispatcher answers by itself what cannot be decoded (`Invalid command: ...`), what is not
/// built (`... is not available on this daemon`) and what needs a room while there is none.
/// Loop thread only. Nothing a client can send makes it throw, block or grow.
class Dispatcher {
 public:
  /// `now` paces the log of client mistakes: one line a second at most.
  explicit Dispatcher(UniqueFunction<TimePoint()> now = &Clock::now) : now_(std::move(now)) {}

  /// Handlers of the house; set up before the doors open.
  Handlers& house() { return house_; }

  /// The room's handlers, while there is one. The room keeps them alive until unmount(), which no
  /// room handler may call from inside itself.
  void mount(Handlers* room) { room_ = room; }
  /// From now on room commands are answered `{"error":"...","command":...,"reason":"not_running",
  /// "phase":phase}`. `phase` is the room's state word.
  void unmount() { room_ = nullptr; }
  /// What to say while no room is mounted; asked for each refused command.
  struct Absence {
    std::string phase;  ///< `starting`, `stopping`, `stopped`, `error`, `not_initialized`
    std::string error;  ///< the sentence; may carry the cause of a failed start
  };
  void set_absence(UniqueFunction<Absence()> absence) { absence_ = std::move(absence); }

  /// A message of a client; `sink` gets the answer, if any.
  void submit(const PeerContext& peer, std::string_view text, Reply::Sink sink);
  /// A command that a route has already decoded.
  void submit(const PeerContext& peer, const Command& command, Reply::Sink sink);

  /// Every type that the table gives to the house or to the room and that has no handler, and the
  /// reverse, as sentences. Empty when table and handlers agree. `room` may be null.
  std::vector<std::string> disagreements(Handlers* room);

  /// Replies that were dropped unanswered, and handlers that threw: bugs.
  std::uint64_t dropped_replies() const { return dropped_replies_; }

 private:
  void refuse(const PeerContext& peer, const std::string& type, const Error& error,
              Reply::Sink& sink);
  void call(Handlers::Handler& handler, const PeerContext& peer, const Command& command,
            Reply::Sink sink);
  void answer_absent(const Command& command, Reply::Sink sink);
  Reply make_reply(const Command& command, Reply::Sink sink);

  Handlers house_;
  Handlers* room_ = nullptr;
  UniqueFunction<Absence()> absence_;
  std::uint64_t dropped_replies_ = 0;
  UniqueFunction<TimePoint()> now_;
  LogLimiter mistakes_;
};

}  // namespace daruma::protocol
