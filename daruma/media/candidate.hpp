#pragma once

#include <string_view>

namespace daruma::media {

/// True when an ICE candidate of the other side may be handed to the agent: it has the form of
/// RFC 8839 5.1 and its address is a literal. Names are refused, those of mDNS (`.local`) above
/// all: GStreamer 1.22 resolves them in the background and the agent then outlives its peer, which
/// ends in a crash. Nothing is lost: the browser checks our own addresses, and the pair becomes
/// peer-reflexive. `candidate` is what follows `candidate:`. Pure; any thread.
bool is_usable_candidate(std::string_view candidate);

}  // namespace daruma::media
