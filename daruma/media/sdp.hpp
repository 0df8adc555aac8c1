#pragma once

#include <string>

#include "daruma/base/result.hpp"
#include "daruma/media/gst_ptr.hpp"

namespace daruma::media {

/// Reads an answer and makes it fit for webrtcbin 1.22, which trusts what it is given: the sections
/// must be those of the offer, in their order, and live ones must carry what ICE, DTLS and SCTP
/// need (kInvalid says what is missing). Candidates that is_usable_candidate() refuses are taken
/// out, those beyond `max_candidates` too. Rejected sections get the transport attributes of a live
/// one, without which 1.22 refuses the whole answer. Pure; any thread.
Result<SdpPtr> read_answer(const std::string& answer, const std::string& offer,
                           std::size_t max_candidates);

/// Number of sections (m-lines) of an SDP that we have made ourselves.
unsigned section_count(const std::string& sdp);

}  // namespace daruma::media
