#include "daruma/base/result.hpp"

#include <array>
#include <cstddef>

namespace daruma {
namespace {

struct Row {
  std::string_view name;
  int http_status;
};

constexpr std::array<Row, 8> kRows{{
    {"invalid", 422},
    {"not_found", 404},
    {"busy", 409},
    {"denied", 403},
    {"unavailable", 503},
    {"timeout", 504},
    {"io", 500},
    {"internal_error", 500},
}};

const Row& row(Errc code) { return kRows.at(static_cast<std::size_t>(code)); }

}  // namespace

std::string_view name(Errc code) { return row(code).name; }
int http_status(Errc code) { return row(code).http_status; }

}  // namespace daruma
