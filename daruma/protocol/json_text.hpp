#pragma once

#include <string>

#include <boost/json/value.hpp>

#include "daruma/protocol/peer.hpp"

namespace daruma::protocol {

/// Compact JSON as every client can read it: numbers in their shortest plain form (`50.2`, not
/// `5.02E1`), and `null` for what is not finite, which JSON cannot say. Any thread.
std::string json_text(const boost::json::value& value);
/// The same as a message that many peers may share.
Text message_text(const boost::json::value& value);

}  // namespace daruma::protocol
