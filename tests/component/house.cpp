#include "house.hpp"

#include <algorithm>

#include "daruma/base/ids.hpp"
#include "daruma/services/receipts/receipt_json.hpp"

namespace daruma::component {
namespace {

using lifecycle::Room;

/// A real room that tells the story of its start and stop.
class ToldRoom final : public Room {
 public:
  ToldRoom(std::unique_ptr<Room> room, Story& story) : room_(std::move(room)), story_(story) {}
  void start(const lifecycle::StartOptions& options, Started done) override {
    story_.add("room start");
    room_->start(options, std::move(done));
  }
  void goto_sleep(Slept done) override { room_->goto_sleep(std::move(done)); }
  void stop(Stopped done) override {
    story_.add("room stop");
    room_->stop(std::move(done));
  }
  void abandon() override { room_->abandon(); }
  Duration longest_move() const override { return room_->longest_move(); }
  bool has_motor(std::string_view name) const override { return room_->has_motor(name); }
  void restart_motor(std::string_view name, UniqueFunction<void(Status)> done) override {
    room_->restart_motor(name, std::move(done));
  }
  std::vector<lifecycle::Cause> causes() const override { return room_->causes(); }

 private:
  std::unique_ptr<Room> room_;
  Story& story_;
};

class ScriptedConnection final : public media::PeerConnection {
 public:
  ScriptedConnection(Scheduler& scheduler, Story& story, std::weak_ptr<media::PeerEvents> events)
      : scheduler_(scheduler), story_(story), events_(std::move(events)) {}
  void start() override {
    tell([](media::PeerEvents& events) { events.on_offer("an offer"); });
  }
  void set_answer(const std::string&) override {
    tell([](media::PeerEvents& events) { events.on_open(media::Channel::kData); });
  }
  void add_candidate(const std::string&, unsigned) override {}
  bool send(media::Channel, const std::string& text) override {
    story_.add("data " + text);
    return true;
  }
  void open_pose() override {}
  std::size_t buffered_bytes(media::Channel) const override { return 0; }
  void stop(UniqueFunction<void()> told, UniqueFunction<void()>) override {
    story_.add("session told");
    if (told) scheduler_.post(std::move(told));
  }

 private:
  template <class F>
  void tell(F call) {
    scheduler_.post([events = events_, call] {
      if (const auto open = events.lock()) call(*open);
    });
  }
  Scheduler& scheduler_;
  Story& story_;
  std::weak_ptr<media::PeerEvents> events_;
};

}  // namespace

void Story::add(std::string event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
}

std::vector<std::string> Story::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

std::size_t Story::count(std::string_view event) const {
  const auto all = events();
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const std::string& one) { return one.starts_with(event); }));
}

std::size_t Story::position(std::string_view event) const {
  const auto all = events();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const std::string& one) { return one.starts_with(event); });
  return static_cast<std::size_t>(found - all.begin());
}

std::unique_ptr<media::PeerConnection> ScriptedConnections::make(
    std::weak_ptr<media::PeerEvents> events) {
  newest_ = events;
  return std::make_unique<ScriptedConnection>(scheduler_, story_, std::move(events));
}

void ScriptedConnections::say(const std::string& text) {
  if (const auto open = newest_.lock()) open->on_text(text);
}

/// A process that can neither leave nor become another: that is for end-to-end tests.
class House::Process final : public lifecycle::Process {
 public:
  Status reexecute(const std::string&) override { return fail(Errc::kUnavailable, "in a test"); }
  void exit(int) override {}
};

House::House()
    : folder_(std::filesystem::temp_directory_path() / ("daruma_component_" + make_uuid())),
      process_(std::make_unique<Process>()) {
  config_.mockup_sim = true;
  thread_.call([this] {
    build();
    open_doors();
    supervisor_->boot(true, false);
  });
}

House::~House() {
  // In the reverse order, on the loop that they belong to.
  thread_.call([this] {
    supervisor_->remove_observer(*this);
    signalling_.reset();
    http_.reset();
    api_.reset();
    commands_.reset();
    publisher_.reset();
    supervisor_.reset();
    webrtc_.reset();
    sdk_.reset();
    connections_.reset();
    rooms_.reset();
    receipts_.reset();
  });
  thread_.loop().stop();
  thread_.loop().join_pool();
  std::filesystem::remove_all(folder_);
}

void House::build() {
  auto& loop = thread_.loop();
  receipts_ = std::make_unique<services::ReceiptFile>(
      folder_.string(), [&loop](std::function<void()> flush) { loop.on_pool(std::move(flush)); });
  rooms_ = std::make_unique<session::RoomFactory>(
      loop, dispatcher_, topics_, config_,
      [servos = backend::MockupServos()](const model::HardwareConfig&) {
        return std::make_unique<backend::Mockup>(servos);
      },
      [this]() -> Result<model::HardwareConfig> {
        const std::lock_guard lock(problem_mutex_);
        if (problem_) return fail(Errc::kInvalid, *problem_);
        return model::default_hardware_config();
      });
  connections_ = std::make_unique<ScriptedConnections>(loop, story_);
  sdk_ = std::make_unique<websocket::SdkDoor>(loop, dispatcher_, topics_,
                                              [this] { return publisher_->text(); });
  webrtc_ = std::make_unique<webrtc::Door>(loop, dispatcher_, topics_, *connections_);
  lifecycle::Sessions& sessions = *this;
  supervisor_ = std::make_unique<lifecycle::Supervisor>(
      loop, *receipts_, sessions, *process_, [this] { return make_room(); },
      lifecycle::Boot{make_uuid(), "", {}, ""});
  publisher_ = std::make_unique<services::StatusPublisher>(loop, *supervisor_, topics_, config_);
  commands_ = std::make_unique<services::LifecycleCommands>(
      *supervisor_, *publisher_, config_.restart_from, services::receipt_json);
  commands_->register_in(dispatcher_.house());
  publisher_->set_backend_status([this] { return rooms_->backend_status(); });
  publisher_->start();
  supervisor_->add_observer(*this);
}

void House::open_doors() {
  auto& loop = thread_.loop();
  http::Sources sources;
  sources.status = [this] { return publisher_->text(); };
  api_ = std::make_unique<http::Api>(dispatcher_, std::move(sources), "");
  net::Server::Options options;
  options.addresses = {"127.0.0.1"};
  http_ = std::make_unique<net::Server>(
      loop, options, guard_,
      [this](const net::Request& request, net::Responder responder) {
        api_->handle(request, std::move(responder));
      },
      [this](const net::Request& request) { return sdk_->upgrade(request); });
  signalling_ = std::make_unique<net::Server>(
      loop, options, guard_, [](const net::Request&, net::Responder) {},
      [this](const net::Request& request) { return webrtc_->upgrade(request); });
  for (auto* door : {http_.get(), signalling_.get()})
    if (const auto started = door->start(); !started)
      throw std::runtime_error(started.error().context);
}

std::unique_ptr<Room> House::make_room() {
  return std::make_unique<ToldRoom>(rooms_->make(), story_);
}

void House::end_all(UniqueFunction<void()> done) {
  webrtc_->hold_offers(true);
  auto both = std::make_shared<UniqueFunction<void()>>(std::move(done));
  auto left = std::make_shared<int>(2);
  const auto one_ended = [both, left] {
    if (--*left == 0) (*both)();
  };
  webrtc_->end_sessions(one_ended);
  sdk_->close_all(1012, "service restart", one_ended);
}

void House::on_status() {
  if (!supervisor_->in_transition()) webrtc_->hold_offers(false);
}

lifecycle::LifecycleStatus House::status() {
  return thread_.call([this] { return supervisor_->status(); });
}

std::optional<lifecycle::Receipt> House::receipt(const std::string& id) {
  return thread_.call([&] { return supervisor_->receipt(id); });
}

void House::say_on_data(const std::string& text) {
  thread_.call([&] { connections_->say(text); });
}

void House::break_hardware(std::optional<std::string> problem) {
  const std::lock_guard lock(problem_mutex_);
  problem_ = std::move(problem);
}

}  // namespace daruma::component
