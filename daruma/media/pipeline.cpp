#include "daruma/media/pipeline.hpp"

#include <chrono>
#include <cstring>
#include <thread>

#include <fmt/format.h>

namespace daruma::media {
namespace {

// Milliseconds between two connectivity checks (RFC 8445's Ta, there 50 at most; libnice: 20). All
// candidates of a robot are on its own network, so checks cost nothing and waiting costs dearly:
// a session opens in 77 ms with 20 and in 32 with 5.
constexpr guint kStunPacing_ms = 5;

constexpr const char* kClosedByPeer = "it closed the connection";

bool is_made_by(gpointer object, const char* factory) {
  if (!GST_IS_ELEMENT(object)) return false;
  const auto* made_by = gst_element_get_factory(GST_ELEMENT(object));
  return made_by != nullptr && std::strcmp(GST_OBJECT_NAME(made_by), factory) == 0;
}

/// Connects a signal to a function that gets its own copy of `hop` as the last argument.
void on(gpointer object, const char* signal, const Hop& hop, GCallback call) {
  g_signal_connect_data(
      object, signal, call, new Hop(hop),
      [](gpointer data, GClosure*) { delete static_cast<Hop*>(data); }, GConnectFlags{});
}

void post_lost(const Hop& hop, std::string reason) {
  hop.post([reason = std::move(reason)](PipelineEvents& events) { events.lost(reason); });
}

/// A promise's error as text; empty when there is none. Takes the reference.
std::string take_error(GstPromise* promise) {
  std::string text;
  const GstStructure* reply = gst_promise_get_reply(promise);
  if (gst_promise_wait(promise) != GST_PROMISE_RESULT_REPLIED) {
    text = "no reply";
  } else if (reply != nullptr && gst_structure_has_field(reply, "error")) {
    GError* error = nullptr;
    gst_structure_get(reply, "error", G_TYPE_ERROR, &error, nullptr);
    const GErrorPtr owned(error);
    text = error != nullptr && error->message != nullptr ? error->message : "unknown error";
  }
  gst_promise_unref(promise);
  return text;
}

void put(const Hop& hop, Inbox::Message message) {
  const auto gate = hop.gate.lock();
  if (!gate) return;
  switch (gate->inbox.put(std::move(message))) {
    case Inbox::Put::kFirst:
      return hop.post([](PipelineEvents& events) { events.messages_waiting(); });
    case Inbox::Put::kFull:
      return post_lost(hop, "it sends faster than it can be read");
    case Inbox::Put::kQueued:
    case Inbox::Put::kDropped:
      return;
  }
}

// Signals of a data channel. In 1.22 the payload ids of the two empty messages are swapped: an
// empty binary message comes as the string NULL, an empty text as empty (or no) bytes.

void on_message_string(GstWebRTCDataChannel*, const gchar* text, const Hop* hop) {
  if (text == nullptr) return put(*hop, {{}, 0, true});
  std::string copy(text);
  const std::size_t bytes = copy.size();
  put(*hop, {std::move(copy), bytes, false});
}

void on_message_data(GstWebRTCDataChannel*, GBytes* data, const Hop* hop) {
  const std::size_t bytes = data == nullptr ? 0 : g_bytes_get_size(data);
  put(*hop, {{}, bytes, bytes != 0});
}

void on_data_open(GstWebRTCDataChannel*, const Hop* hop) {
  hop->post([](PipelineEvents& events) { events.channel_opened(Channel::kData); });
}

void on_pose_open(GstWebRTCDataChannel*, const Hop* hop) {
  hop->post([](PipelineEvents& events) { events.channel_opened(Channel::kPose); });
}

void on_data_close(GstWebRTCDataChannel*, const Hop* hop) {
  post_lost(*hop, "channel data was closed");
}

void on_foreign_channel(GstElement*, GstWebRTCDataChannel*, const Hop* hop) {
  hop->post([](PipelineEvents& events) { events.foreign_channel(); });
}

// Signals of webrtcbin.

struct OfferWanted {
  Hop hop;
  GstPtr<GstElement> webrtc;
};

void on_offer_created(GstPromise* promise, gpointer data) {
  const auto* wanted = static_cast<OfferWanted*>(data);
  GstWebRTCSessionDescription* offer = nullptr;
  const GstStructure* reply = gst_promise_get_reply(promise);
  if (reply != nullptr)
    gst_structure_get(reply, "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &offer, nullptr);
  if (offer == nullptr) {
    // Interrupted by the end of the pipeline, or an error; lost() is not heard in the first case.
    post_lost(wanted->hop, "no offer: " + take_error(promise));
    return;
  }
  gst_promise_unref(promise);
  gchar* text = gst_sdp_message_as_text(offer->sdp);
  // Applied before it is told, so that no answer can be quicker. Candidates come later still: this
  // is the thread that would report them.
  GstPromise* applied = gst_promise_new();
  g_signal_emit_by_name(wanted->webrtc.get(), "set-local-description", offer, applied);
  gst_promise_unref(applied);
  wanted->hop.post([sdp = std::string(text)](PipelineEvents& events) { events.offer_made(sdp); });
  g_free(text);
  gst_webrtc_session_description_free(offer);
}

void ask_for_offer(GstElement* webrtc, const Hop& hop) {
  auto* wanted = new OfferWanted{hop, GstPtr<GstElement>(GST_ELEMENT(gst_object_ref(webrtc)))};
  GstPromise* promise = gst_promise_new_with_change_func(
      on_offer_created, wanted, [](gpointer data) { delete static_cast<OfferWanted*>(data); });
  g_signal_emit_by_name(webrtc, "create-offer", nullptr, promise);
}

void on_ice_candidate(GstElement*, guint section, const gchar* candidate, const Hop* hop) {
  if (candidate == nullptr) return;
  hop->post([section, text = std::string(candidate)](PipelineEvents& events) {
    events.candidate_found(text, section);
  });
}

void on_connection_state(GstElement*, GParamSpec*, const Hop* hop) {
  // The state is read on the loop: here webrtcbin may hold the lock that reading takes.
  hop->post([](PipelineEvents& events) { events.connection_changed(); });
}

void on_answer_applied(GstPromise* promise, gpointer data) {
  if (const auto error = take_error(promise); !error.empty())
    post_lost(*static_cast<Hop*>(data), "its answer was refused: " + error);
}

/// Runs on the thread that posts the message, and lets none reach the queue that nobody reads.
GstBusSyncReply on_bus_message(GstBus*, GstMessage* message, gpointer data) {
  const auto* hop = static_cast<Hop*>(data);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    const GErrorPtr owned(error);
    // All that a browser's close leaves in 1.22 is an error of the SCTP encoder, when the browser
    // aborts its association.
    if (is_made_by(GST_MESSAGE_SRC(message), "sctpenc"))
      post_lost(*hop, kClosedByPeer);
    else
      post_lost(*hop, fmt::format("{}: {}", GST_MESSAGE_SRC_NAME(message),
                                  error != nullptr ? error->message : "unknown error"));
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

/// DTLS hands a close_notify on as the end of the stream.
GstPadProbeReturn on_sctp_event(GstPad*, GstPadProbeInfo* info, gpointer data) {
  if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS)
    post_lost(*static_cast<Hop*>(data), kClosedByPeer);
  return GST_PAD_PROBE_OK;
}

/// The type of a DTLS record stands in its first byte, encrypted or not (RFC 6347 4.1): 21 is an
/// alert, and the only one we send is close_notify.
GstPadProbeReturn on_dtls_record(GstPad*, GstPadProbeInfo* info, gpointer data) {
  constexpr guint8 kAlert = 21;
  guint8 type = 0;
  gst_buffer_extract(GST_PAD_PROBE_INFO_BUFFER(info), 0, &type, 1);
  if (type == kAlert) static_cast<Hop*>(data)->goodbye->set();
  return GST_PAD_PROBE_OK;
}

/// The hop of the signal that told of the element outlives the element's pads.
void probe(GstElement* element, const char* pad_name, GstPadProbeType type,
           GstPadProbeCallback call, const Hop* hop) {
  const GstPtr<GstPad> pad(gst_element_get_static_pad(element, pad_name));
  gst_pad_add_probe(pad.get(), type, call, const_cast<Hop*>(hop), nullptr);
}

void on_element_added(GstBin*, GstBin*, GstElement* element, const Hop* hop) {
  if (is_made_by(element, "sctpdec"))
    probe(element, "sink", GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_sctp_event, hop);
  if (is_made_by(element, "dtlsenc"))
    probe(element, "src", GST_PAD_PROBE_TYPE_BUFFER, on_dtls_record, hop);
}

// From dtlsenc's pad to the socket.
constexpr auto kSocket = std::chrono::milliseconds(1);

bool is_open(GstWebRTCDataChannel* channel) {
  GstWebRTCDataChannelState state = GST_WEBRTC_DATA_CHANNEL_STATE_CONNECTING;
  g_object_get(channel, "ready-state", &state, nullptr);
  return state == GST_WEBRTC_DATA_CHANNEL_STATE_OPEN;
}

void configure_ice(GstElement* webrtc) {
  GObject* ice = nullptr;
  GObject* agent = nullptr;
  g_object_get(webrtc, "ice-agent", &ice, nullptr);
  if (ice == nullptr) return;
  g_object_get(ice, "agent", &agent, nullptr);
  if (agent != nullptr) {
    // No port mapping (it costs descriptors and nobody asked for it); checks that go on, so that a
    // peer that froze is noticed.
    g_object_set(agent, "upnp", FALSE, "stun-pacing-timer", kStunPacing_ms, "keepalive-conncheck",
                 TRUE, nullptr);
    g_object_unref(agent);
  }
  g_object_unref(ice);
}

}  // namespace

Result<std::shared_ptr<Pipeline>> Pipeline::build(const Hop& hop) {
  std::shared_ptr<Pipeline> made(new Pipeline(hop));
  if (auto done = made->make_elements(); !done) return tl::unexpected(std::move(done.error()));
  if (auto done = made->make_data_channel(); !done) return tl::unexpected(std::move(done.error()));
  return made;
}

Pipeline::~Pipeline() { close(); }

Status Pipeline::make_elements() {
  GstElement* webrtc = gst_element_factory_make("webrtcbin", nullptr);
  if (webrtc == nullptr) return fail(Errc::kUnavailable, "webrtcbin cannot be made");
  pipeline_.reset(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
  webrtc_.reset(GST_ELEMENT(gst_object_ref(webrtc)));
  gst_bin_add(GST_BIN(pipeline_.get()), webrtc);
  gst_util_set_object_arg(G_OBJECT(webrtc), "bundle-policy", "max-bundle");
  configure_ice(webrtc);
  connect_signals();
  return {};
}

void Pipeline::connect_signals() {
  on(webrtc_.get(), "on-ice-candidate", hop_, G_CALLBACK(on_ice_candidate));
  on(webrtc_.get(), "on-data-channel", hop_, G_CALLBACK(on_foreign_channel));
  on(webrtc_.get(), "notify::connection-state", hop_, G_CALLBACK(on_connection_state));
  on(pipeline_.get(), "deep-element-added", hop_, G_CALLBACK(on_element_added));
  GstBus* bus = gst_element_get_bus(pipeline_.get());
  gst_bus_set_sync_handler(bus, on_bus_message, new Hop(hop_),
                           [](gpointer data) { delete static_cast<Hop*>(data); });
  gst_object_unref(bus);
}

Status Pipeline::make_data_channel() {
  // webrtcbin's own thread runs from READY on; the offer is made in PLAYING. Between the two a
  // channel can be made that the first offer contains.
  if (gst_element_set_state(pipeline_.get(), GST_STATE_READY) == GST_STATE_CHANGE_FAILURE)
    return fail(Errc::kUnavailable, "webrtcbin cannot be started");
  GstWebRTCDataChannel* data = nullptr;
  g_signal_emit_by_name(webrtc_.get(), "create-data-channel", "data", nullptr, &data);
  if (data == nullptr) return fail(Errc::kUnavailable, "channel data cannot be made");
  data_.reset(data);
  connect_channel(data, Channel::kData);
  return {};
}

void Pipeline::play() {
  const std::lock_guard lock(state_mutex_);
  if (closed_) return;
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return post_lost(hop_, "webrtcbin cannot be started");
  // Not from on-negotiation-needed: that fires once, and may do so in READY, before there is a
  // channel to offer.
  ask_for_offer(webrtc_.get(), hop_);
}

void Pipeline::connect_channel(GstWebRTCDataChannel* channel, Channel kind) {
  // Channels end with their pipeline, so they share its hop.
  const auto connect = [&](const char* signal, GCallback call) {
    g_signal_connect(channel, signal, call, const_cast<Hop*>(&hop_));
  };
  if (kind == Channel::kPose) return connect("on-open", G_CALLBACK(on_pose_open));
  connect("on-open", G_CALLBACK(on_data_open));
  connect("on-close", G_CALLBACK(on_data_close));
  connect("on-message-string", G_CALLBACK(on_message_string));
  connect("on-message-data", G_CALLBACK(on_message_data));
}

void Pipeline::set_answer(SdpPtr answer) {
  GstWebRTCSessionDescription* description =
      gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, answer.release());
  GstPromise* promise = gst_promise_new_with_change_func(
      on_answer_applied, new Hop(hop_), [](gpointer data) { delete static_cast<Hop*>(data); });
  answer_.reset(gst_promise_ref(promise));
  g_signal_emit_by_name(webrtc_.get(), "set-remote-description", description, promise);
  gst_webrtc_session_description_free(description);
}

void Pipeline::add_candidate(const std::string& candidate, unsigned section) {
  g_signal_emit_by_name(webrtc_.get(), "add-ice-candidate", section, candidate.c_str());
}

GstWebRTCDataChannel* Pipeline::channel(Channel kind) const {
  if (kind == Channel::kData) return data_.get();
  return has_pose_.load(std::memory_order_acquire) ? pose_.get() : nullptr;
}

bool Pipeline::send(Channel kind, const std::string& text) {
  GError* error = nullptr;
  const gboolean sent =
      gst_webrtc_data_channel_send_string_full(channel(kind), text.c_str(), &error);
  const GErrorPtr owned(error);
  return sent != FALSE && error == nullptr;
}

std::size_t Pipeline::buffered_bytes(Channel kind) const {
  GstWebRTCDataChannel* const of = channel(kind);
  if (of == nullptr) return 0;
  guint64 bytes = 0;
  g_object_get(of, "buffered-amount", &bytes, nullptr);
  return static_cast<std::size_t>(bytes);
}

bool Pipeline::failed() const {
  GstWebRTCPeerConnectionState state = GST_WEBRTC_PEER_CONNECTION_STATE_NEW;
  g_object_get(webrtc_.get(), "connection-state", &state, nullptr);
  return state == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED;
}

void Pipeline::open_pose() {
  const std::lock_guard lock(state_mutex_);
  if (closed_ || pose_) return;
  GstStructure* options = gst_structure_new("options", "ordered", G_TYPE_BOOLEAN, FALSE,
                                            "max-retransmits", G_TYPE_INT, 0, nullptr);
  GstWebRTCDataChannel* pose = nullptr;
  g_signal_emit_by_name(webrtc_.get(), "create-data-channel", "pose", options, &pose);
  gst_structure_free(options);
  if (pose == nullptr) return;
  pose_.reset(pose);
  has_pose_.store(true, std::memory_order_release);
  connect_channel(pose, Channel::kPose);
  // It may have opened before somebody listened.
  if (is_open(pose)) on_pose_open(pose, &hop_);
}

GstPtr<GstPad> Pipeline::pad_of(const char* factory) const {
  GstPtr<GstPad> pad;
  GstIterator* encoders =
      gst_bin_iterate_all_by_element_factory_name(GST_BIN(webrtc_.get()), factory);
  GValue item = G_VALUE_INIT;
  if (gst_iterator_next(encoders, &item) == GST_ITERATOR_OK) {
    pad.reset(gst_element_get_static_pad(GST_ELEMENT(g_value_get_object(&item)), "src"));
    g_value_unset(&item);
  }
  gst_iterator_free(encoders);
  return pad;
}

void Pipeline::say_goodbye(Duration at_most) {
  const std::lock_guard lock(state_mutex_);
  if (closed_) return;
  const auto sctp = pad_of("sctpenc");
  if (!sctp) return;
  // DTLS turns the end of its stream into close_notify; going to NULL would send nothing.
  gst_pad_push_event(sctp.get(), gst_event_new_eos());
  // Without a session there is nothing to close, and nobody to wait for.
  const bool left = hop_.goodbye->wait_for(is_open(data_.get()) ? at_most : Duration(kSocket));
  if (left) std::this_thread::sleep_for(kSocket);
}

void Pipeline::close() {
  const std::lock_guard lock(state_mutex_);
  if (closed_ || !pipeline_) return;
  closed_ = true;
  // Frees a sender that waits for room in the SCTP buffer of a peer that stopped reading; going to
  // NULL would wait for it for ever.
  if (const auto pad = pad_of("sctpenc"))
    gst_pad_send_event(pad.get(), gst_event_new_flush_start());
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  // Frees what the promise holds; does nothing when it was kept.
  if (answer_) gst_promise_interrupt(answer_.get());
}

}  // namespace daruma::media
