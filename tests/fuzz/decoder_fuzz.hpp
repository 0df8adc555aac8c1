#pragma once

#include <string_view>

namespace daruma::fuzz {

/// What must hold for any bytes: decoding neither throws nor crashes, and ends in a command of the
/// table or in a short, well-formed sentence. Aborts when it does not hold.
void decode_anything(std::string_view bytes);

}  // namespace daruma::fuzz
