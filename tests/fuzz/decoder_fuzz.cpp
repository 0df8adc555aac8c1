#include "decoder_fuzz.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "daruma/protocol/command.hpp"
#include "daruma/protocol/utf8.hpp"

namespace daruma::fuzz {
namespace {

// The longest sentence quotes kLongestQuote characters and names a field or its choices.
constexpr std::size_t kLongestSentence = 400;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "decode_anything: %s\n", what);
  std::abort();
}

}  // namespace

void decode_anything(std::string_view bytes) {
  using namespace daruma::protocol;
  auto command = decode(bytes);
  if (!command) {
    const auto& sentence = command.error().context;
    require(!sentence.empty() && code_points(sentence) <= kLongestSentence, "length of the error");
    require(is_valid_utf8(sentence), "the error is UTF-8");
    return;
  }
  require(find_command(command->type()) == &command->spec(), "the row is of the table");
  for (const auto& field : command->spec().fields) {
    const bool absent = !command->has(field.name);
    require(!absent || field.presence == Presence::kNullable, "a field that must have a value");
    if (absent) continue;
    if (field.type == FieldType::kNumber)
      require(std::isfinite(command->number(field.name)), "a finite number");
    if (field.type != FieldType::kNumbers) continue;
    const auto& numbers = command->numbers(field.name);
    require(!field.max_length || numbers.size() <= *field.max_length, "length of a list");
    for (const double number : numbers) require(std::isfinite(number), "finite numbers");
  }
}

}  // namespace daruma::fuzz
