#pragma once

#include <string>

namespace daruma {

/// A random version-4 UUID in the usual 36-character form. From any thread.
std::string make_uuid();

}  // namespace daruma
