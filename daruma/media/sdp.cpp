#include "daruma/media/sdp.hpp"

#include <charconv>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "daruma/media/candidate.hpp"
#include "daruma/media/peer_connection.hpp"

namespace daruma::media {
namespace {

SdpPtr parse(const std::string& text) {
  if (text.empty()) return nullptr;
  GstSDPMessage* message = nullptr;
  if (gst_sdp_message_new(&message) != GST_SDP_OK) return nullptr;
  SdpPtr owner(message);
  const auto* bytes = reinterpret_cast<const guint8*>(text.data());
  if (gst_sdp_message_parse_buffer(bytes, static_cast<guint>(text.size()), message) != GST_SDP_OK)
    return nullptr;
  return owner;
}

GstSDPMedia* section(GstSDPMessage* message, guint index) {
  return const_cast<GstSDPMedia*>(gst_sdp_message_get_media(message, index));
}

/// An attribute of a section, or of the session when the section has none. Null when absent.
const char* attribute(const GstSDPMessage* message, const GstSDPMedia* media, const char* key) {
  const char* value = gst_sdp_media_get_attribute_val(media, key);
  return value != nullptr ? value : gst_sdp_message_get_attribute_val(message, key);
}

bool is_live(const GstSDPMedia* media) { return gst_sdp_media_get_port(media) != 0; }

bool same(const char* a, const char* b) {
  return a != nullptr && b != nullptr && std::strcmp(a, b) == 0;
}

/// What is wrong with one live section; empty when nothing is.
std::string_view fault_of(const GstSDPMessage* message, const GstSDPMedia* media) {
  for (const char* key : {"ice-ufrag", "ice-pwd", "fingerprint"}) {
    const char* value = attribute(message, media, key);
    if (value == nullptr || *value == '\0') return key;
  }
  const char* setup = attribute(message, media, "setup");
  if (!same(setup, "active") && !same(setup, "passive")) return "setup";
  if (!same(gst_sdp_media_get_media(media), "application")) return {};
  const char* port = gst_sdp_media_get_attribute_val(media, "sctp-port");
  unsigned number = 0;
  const char* end = port == nullptr ? nullptr : port + std::strlen(port);
  if (port == nullptr || std::from_chars(port, end, number).ptr != end || number == 0 ||
      number > 65535)
    return "sctp-port";
  return {};
}

Status check(const GstSDPMessage* answer, const GstSDPMessage* offer) {
  const guint count = gst_sdp_message_medias_len(offer);
  if (gst_sdp_message_medias_len(answer) != count)
    return fail(Errc::kInvalid, fmt::format("{} sections were offered, {} answered", count,
                                            gst_sdp_message_medias_len(answer)));
  bool any_live = false;
  for (guint i = 0; i < count; ++i) {
    const auto* ours = gst_sdp_message_get_media(offer, i);
    const auto* theirs = gst_sdp_message_get_media(answer, i);
    if (!same(gst_sdp_media_get_media(ours), gst_sdp_media_get_media(theirs)) ||
        !same(gst_sdp_media_get_attribute_val(ours, "mid"),
              gst_sdp_media_get_attribute_val(theirs, "mid")))
      return fail(Errc::kInvalid, fmt::format("section {} is not the one that was offered", i));
    if (!is_live(theirs)) continue;
    any_live = true;
    if (const auto fault = fault_of(answer, theirs); !fault.empty())
      return fail(Errc::kInvalid, fmt::format("section {} has no usable {}", i, fault));
  }
  if (!any_live) return fail(Errc::kInvalid, "every section was rejected");
  return {};
}

void filter_candidates(GstSDPMessage* answer, std::size_t max_candidates) {
  std::size_t kept = 0;
  for (guint i = 0; i < gst_sdp_message_medias_len(answer); ++i) {
    GstSDPMedia* media = section(answer, i);
    for (guint k = gst_sdp_media_attributes_len(media); k-- > 0;) {
      const auto* attribute = gst_sdp_media_get_attribute(media, k);
      if (!same(attribute->key, "candidate")) continue;
      const bool usable = attribute->value != nullptr && is_usable_candidate(attribute->value);
      if (usable && kept < max_candidates)
        ++kept;
      else
        gst_sdp_media_remove_attribute(media, k);
    }
  }
}

/// Browsers answer a rejected section without transport attributes.
void fill_rejected(GstSDPMessage* answer) {
  const guint count = gst_sdp_message_medias_len(answer);
  const GstSDPMedia* live = nullptr;
  for (guint i = 0; i < count && live == nullptr; ++i)
    if (is_live(section(answer, i))) live = section(answer, i);
  if (live == nullptr) return;
  for (guint i = 0; i < count; ++i) {
    GstSDPMedia* media = section(answer, i);
    if (is_live(media)) continue;
    for (const char* key : {"ice-ufrag", "ice-pwd", "setup", "fingerprint"}) {
      const char* value = attribute(answer, live, key);
      if (value != nullptr && gst_sdp_media_get_attribute_val(media, key) == nullptr)
        gst_sdp_media_add_attribute(media, key, value);
    }
  }
}

}  // namespace

Result<SdpPtr> read_answer(const std::string& answer, const std::string& offer,
                           std::size_t max_candidates) {
  if (answer.size() > PeerConnection::kMaxSdp)
    return fail(Errc::kInvalid, fmt::format("longer than {} bytes", PeerConnection::kMaxSdp));
  const auto ours = parse(offer);
  auto theirs = parse(answer);
  if (!ours || !theirs) return fail(Errc::kInvalid, "not an SDP");
  if (auto checked = check(theirs.get(), ours.get()); !checked)
    return tl::unexpected(std::move(checked.error()));
  filter_candidates(theirs.get(), max_candidates);
  fill_rejected(theirs.get());
  return theirs;
}

unsigned section_count(const std::string& sdp) {
  const auto message = parse(sdp);
  return message ? gst_sdp_message_medias_len(message.get()) : 0;
}

}  // namespace daruma::media
