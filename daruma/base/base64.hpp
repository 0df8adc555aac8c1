#pragma once

#include <string>
#include <string_view>

namespace daruma {

/// The bytes behind base64 text (RFC 4648 4). Characters outside the alphabet are passed over and
/// what follows the padding is ignored, as Python's decoder does it. Pure.
std::string from_base64(std::string_view text);

}  // namespace daruma
