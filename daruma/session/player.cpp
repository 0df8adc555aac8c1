#include "daruma/session/player.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daruma/protocol/json_text.hpp"

namespace daruma::session {
namespace fs = std::filesystem;
namespace json = boost::json;
namespace {

using control::MoveOutcome;
using protocol::Command;
using protocol::PeerContext;
using protocol::Reply;

constexpr std::string_view kDefaultDataset = "pollen-robotics/reachy-mini-emotions-library";

Packing packing_of(const Command& command) {
  const auto& encoding = command.text("encoding");
  if (encoding == "json") return Packing::kPlain;
  return encoding == "gzip+base64" ? Packing::kGzipBase64 : Packing::kBase64;
}

fs::path hub_cache() {
  const auto of = [](const char* name) -> const char* { return std::getenv(name); };
  if (const auto* cache = of("HF_HUB_CACHE")) return cache;
  if (const auto* home = of("HF_HOME")) return fs::path(home) / "hub";
  const auto* home = of("HOME");
  return fs::path(home == nullptr ? "/" : home) / ".cache/huggingface/hub";
}

/// The folder of a data set that is on the disk. Source: contract robot.md 4.6.
Result<fs::path> dataset_folder(const std::string& dataset) {
  const auto missing = [&] {
    return fail(Errc::kInvalid, fmt::format("{} is not on this robot's disk", dataset));
  };
  const auto slash = dataset.find('/');
  // One owner, one name: nothing that could lead out of the cache.
  if (slash == dataset.npos || dataset.find('/', slash + 1) != dataset.npos ||
      dataset.find("..") != dataset.npos)
    return missing();
  const auto root = hub_cache() / fmt::format("datasets--{}--{}", dataset.substr(0, slash),
                                              dataset.substr(slash + 1));
  std::ifstream ref(root / "refs" / "main");
  std::string hash;
  if (!(ref >> hash) || hash.find('/') != hash.npos || hash.find("..") != hash.npos)
    return missing();
  std::error_code error;
  const auto folder = root / "snapshots" / hash;
  if (!fs::is_directory(folder, error)) return missing();
  return folder;
}

Result<motion::RecordedMove> read_recorded(const std::string& dataset, const std::string& name) {
  const auto missing = [&] {
    return fail(Errc::kInvalid,
                fmt::format("Move {} not found in recorded moves library {}", name, dataset));
  };
  const auto folder = dataset_folder(dataset);
  if (!folder) return tl::unexpected(folder.error());
  if (name.empty() || name.find('/') != name.npos) return missing();
  for (const auto& place : {*folder / (name + ".json"), *folder / "data" / (name + ".json")}) {
    std::error_code error;
    const auto size = fs::file_size(place, error);
    if (error) continue;
    if (size > kMaxUnpacked) return fail(Errc::kInvalid, "the move's file has more than 64 MiB");
    std::ifstream file(place, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    return read_move(content.str());
  }
  return missing();
}

void log(std::string_view what, const std::string& id, const Status& status) {
  if (!status)
    spdlog::warn("{} of '{}' dropped: {}", what, id.substr(0, 64), status.error().context);
}

}  // namespace

Player::Player(Loop& loop, Robot& robot, protocol::Topics& topics)
    : loop_(loop), robot_(robot), topics_(topics) {}

void Player::register_in(protocol::Handlers& handlers) {
  const auto self = shared_from_this();
  register_uploads(handlers);
  handlers.on(
      "play_uploaded_move", [self](const Command& command, const PeerContext&, Reply reply) {
        self->play_uploaded({command.text("upload_id"), command.number("initial_goto_duration"),
                             command.number("audio_lead_ms") / 1000});
        reply.nothing();
      });
  handlers.on("cancel_move", [self](const Command& command, const PeerContext&, Reply reply) {
    if (!self->playing_.empty() && self->playing_ == command.text("upload_id"))
      self->robot_.stop_move();
    reply.nothing();
  });
  handlers.on("play_uploaded_audio",
              [self](const Command& command, const PeerContext&, Reply reply) {
                const auto& id = command.text("upload_id");
                const auto& sounds = self->ready_sounds_;
                const bool known = std::find(sounds.begin(), sounds.end(), id) != sounds.end();
                self->tell("play_uploaded_audio", id,
                           known ? json::object{{"started", true}}
                                 : json::object{{"error", "no such uploaded audio"}});
                reply.nothing();
              });
  handlers.on("cancel_audio",
              [](const Command&, const PeerContext&, Reply reply) { reply.nothing(); });
  handlers.on("play_recorded_move",
              [self](const Command& command, const PeerContext&, Reply reply) {
                self->play_recorded(command, std::move(reply));
              });
  handlers.on("preload_dataset", [self](const Command& command, const PeerContext&, Reply reply) {
    self->preload(command.text("dataset_name"), std::move(reply));
  });
}

void Player::register_uploads(protocol::Handlers& handlers) {
  const auto self = shared_from_this();
  struct Kind {
    UploadSlots* slots;
    std::string name;
  };
  for (const auto& kind : {Kind{&moves_, "move"}, Kind{&sounds_, "audio"}}) {
    const auto what = fmt::format("upload_{}", kind.name);
    handlers.on(what + "_start", [self, slots = kind.slots, what](const Command& command,
                                                                  const PeerContext&, Reply reply) {
      log(what, command.text("upload_id"),
          slots->start(command.text("upload_id"),
                       static_cast<std::size_t>(command.integer("total_chunks")),
                       packing_of(command), self->loop_.now()));
      reply.nothing();
    });
    handlers.on(what + "_chunk", [self, slots = kind.slots, what](const Command& command,
                                                                  const PeerContext&, Reply reply) {
      log(what, command.text("upload_id"),
          slots->add(command.text("upload_id"),
                     static_cast<std::size_t>(command.integer("chunk_index")),
                     command.text("chunk"), self->loop_.now()));
      reply.nothing();
    });
  }
  handlers.on("upload_move_finish",
              [self](const Command& command, const PeerContext&, Reply reply) {
                self->finish_move(command.text("upload_id"));
                reply.nothing();
              });
  handlers.on("upload_audio_finish",
              [self](const Command& command, const PeerContext&, Reply reply) {
                const auto& id = command.text("upload_id");
                const auto whole = self->sounds_.finish(id);
                log("upload_audio", id, whole ? Status() : tl::unexpected(whole.error()));
                if (whole) {
                  if (self->ready_sounds_.size() == kMaxReady) self->ready_sounds_.pop_front();
                  self->ready_sounds_.push_back(id);
                }
                reply.nothing();
              });
}

std::deque<Player::Ready>::iterator Player::find(const std::string& id) {
  return std::find_if(ready_.begin(), ready_.end(), [&](const Ready& one) { return one.id == id; });
}

void Player::finish_move(const std::string& id) {
  auto whole = moves_.finish(id);
  if (!whole) return log("upload_move", id, tl::unexpected(whole.error()));
  UniqueFunction<void()> waits;
  const auto drop = [&](std::deque<Ready>::iterator one) {
    waits = std::move(one->then);
    ready_.erase(one);
  };
  if (const auto same = find(id); same != ready_.end())
    drop(same);
  else if (ready_.size() == kMaxReady)
    drop(ready_.begin());
  ready_.push_back({.id = id, .move = nullptr, .error = {}, .is_read = false, .then = nullptr});
  if (waits) waits();
  loop_.on_pool([id, whole = std::move(*whole), &loop = loop_, weak = weak_from_this()]() mutable {
    auto text = unpack(std::move(whole.text), whole.packing);
    auto move = text ? read_move(*text) : tl::unexpected(std::move(text.error()));
    loop.post([id, move = std::move(move), weak]() mutable {
      if (const auto self = weak.lock()) self->move_read(id, std::move(move));
    });
  });
}

void Player::move_read(const std::string& id, Result<motion::RecordedMove> move) {
  const auto ready = find(id);
  if (ready == ready_.end() || ready->is_read) return;
  ready->is_read = true;
  if (move) {
    ready->move = std::make_shared<const motion::RecordedMove>(std::move(*move));
  } else {
    ready->error = move.error().context;
    spdlog::warn("upload_move of '{}': {}", id.substr(0, 64), ready->error);
  }
  if (auto then = std::move(ready->then)) then();
}

void Player::play_uploaded(const Playback& playback) {
  const auto ready = find(playback.id);
  if (ready == ready_.end())
    return tell("play_uploaded_move", playback.id,
                {{"error", "no such uploaded move (upload first)"}});
  if (!ready->is_read) {
    ready->then = [weak = weak_from_this(), playback] {
      if (const auto self = weak.lock()) self->play_uploaded(playback);
    };
    return;
  }
  // Consumed, whatever becomes of it.
  const Ready taken = std::move(*ready);
  ready_.erase(ready);
  if (!taken.move) return tell("play_uploaded_move", playback.id, {{"error", taken.error}});
  begin(playback, taken.move);
}

void Player::begin(const Playback& playback, const Move& move) {
  const auto sound = std::find(ready_sounds_.begin(), ready_sounds_.end(), playback.id);
  const bool has_audio = sound != ready_sounds_.end();
  if (has_audio) ready_sounds_.erase(sound);
  const auto end = [weak = weak_from_this(), id = playback.id, has_audio](json::object extra) {
    const auto self = weak.lock();
    if (!self) return;
    extra["has_audio"] = has_audio;
    self->tell("play_uploaded_move", id, std::move(extra));
  };
  const auto given =
      play(move, playback.initial_goto_s, has_audio ? std::max(0.0, playback.lead_s) : 0,
           [weak = weak_from_this(), id = playback.id, end](MoveOutcome outcome) {
             if (const auto self = weak.lock(); self && self->playing_ == id)
               self->playing_.clear();
             if (outcome == MoveOutcome::kCompleted) return end({{"finished", true}});
             if (outcome == MoveOutcome::kUnreachable)
               return end({{"error",
                            "head pose out of reach; the robot holds the last pose it could "
                            "reach"}});
             end({{"cancelled", true}});
           });
  if (!given) return end({{"error", given.error().context}});
  playing_ = playback.id;
  tell("play_uploaded_move", playback.id,
       {{"started", true}, {"duration_s", move->duration_s()}, {"has_audio", has_audio}});
}

Status Player::play(const Move& move, double initial_goto_s, double wait_s, Robot::Moved moved) {
  if (!robot_.answers()) return fail(Errc::kUnavailable, kNoMotors);
  if (robot_.move_running()) return fail(Errc::kBusy, kMoveRunning);
  using control::Step;
  control::Plan plan;
  if (initial_goto_s > 0)
    plan.add({.kind = Step::Kind::kGoto,
              .duration_s = initial_goto_s,
              .to = move->evaluate(0),
              .ends_out_of_reach = true});
  if (wait_s > 0) plan.add({.kind = Step::Kind::kWait, .duration_s = wait_s});
  plan.add({.kind = Step::Kind::kPlay,
            .duration_s = move->duration_s(),
            .recording = move.get(),
            .ends_out_of_reach = true});
  return robot_.play(plan, std::move(moved), move);
}

void Player::play_recorded(const Command& command, Reply reply) {
  auto dataset = command.has("dataset_name") ? command.text("dataset_name") : std::string();
  if (dataset.empty()) dataset = kDefaultDataset;
  auto pending = std::make_shared<Reply>(std::move(reply));
  loop_.on_pool([dataset, name = command.text("move_name"),
                 goto_s = command.number("initial_goto_duration"), pending, &loop = loop_,
                 weak = weak_from_this()] {
    auto move = std::make_shared<Result<motion::RecordedMove>>(read_recorded(dataset, name));
    loop.post([name, goto_s, pending, move, weak] {
      const auto refuse = [&](std::string_view why) {
        pending->send({{"command", "play_recorded_move"}, {"status", "error"}, {"error", why}});
      };
      const auto self = weak.lock();
      if (!self) return refuse("restarting");
      if (!*move) return refuse(move->error().context);
      const auto given = self->play(
          std::make_shared<const motion::RecordedMove>(std::move(**move)), goto_s, 0,
          [name](MoveOutcome outcome) {
            if (outcome == MoveOutcome::kUnreachable)
              spdlog::warn("the move {} stopped: a head pose of it is out of reach", name);
          });
      if (!given) return refuse(given.error().context);
      pending->send({{"command", "play_recorded_move"}, {"status", "ok"}, {"move_name", name}});
    });
  });
}

void Player::preload(const std::string& dataset, Reply reply) {
  auto pending = std::make_shared<Reply>(std::move(reply));
  loop_.on_pool([dataset, pending, &loop = loop_] {
    const auto folder = dataset_folder(dataset);
    if (!folder) spdlog::warn("preload_dataset: {}", folder.error().context);
    const auto path = folder ? folder->string() : std::string();
    loop.post([dataset, path, pending] {
      json::object answer{{"command", "preload_dataset"}};
      answer["status"] = path.empty() ? "error" : "ok";
      answer["dataset_name"] = dataset;
      if (path.empty())
        answer["error"] = "download failed (see daemon logs)";
      else
        answer["local_path"] = path;
      pending->send(std::move(answer));
    });
  });
}

void Player::tell(std::string_view type, const std::string& id, json::object extra) {
  json::object message{{"type", type}, {"upload_id", id}};
  for (auto& member : extra) message[member.key()] = std::move(member.value());
  topics_.publish(protocol::Topic::kEvents, protocol::message_text(message));
}

}  // namespace daruma::session
