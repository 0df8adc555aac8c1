#include "decoder_fuzz.hpp"

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "daruma/protocol/command_table.hpp"

namespace daruma::fuzz {
namespace {

using protocol::FieldSpec;
using protocol::FieldType;

constexpr std::uint32_t kSeed = 20261124;
constexpr int kInputs = 200'000;
// A slow machine or a sanitizer build tests fewer inputs rather than longer.
constexpr auto kBudget = std::chrono::seconds(5);

boost::json::value example(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::kBool:
      return true;
    case FieldType::kInt:
      return 1;
    case FieldType::kNumber:
      return 0.5;
    case FieldType::kString:
      return boost::json::value(field.choices.empty() ? std::string_view("text")
                                                      : field.choices.front());
    case FieldType::kNumbers:
      return boost::json::array(field.min_length.value_or(3), boost::json::value(0.25));
    case FieldType::kStrings:
      return boost::json::array{"stewart_1"};
    case FieldType::kObject:
      return boost::json::object{{"a", 1}};
    case FieldType::kObjects:
      break;
  }
  return boost::json::array{boost::json::object{{"name", "x"}, {"values", {1, 2}}}};
}

/// One well-formed message for each row of the table.
std::vector<std::string> corpus() {
  std::vector<std::string> messages;
  for (const auto& spec : protocol::command_table()) {
    boost::json::object message{{"type", spec.type}};
    for (const auto& field : spec.fields) message[field.name] = example(field);
    messages.push_back(boost::json::serialize(message));
  }
  return messages;
}

class Mutator {
 public:
  explicit Mutator(std::vector<std::string> seeds) : seeds_(std::move(seeds)) {}

  std::string next() {
    std::string text = seeds_[below(seeds_.size())];
    for (std::size_t i = 1 + below(4); i > 0 && !text.empty(); --i) change(text);
    return text;
  }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }

  void change(std::string& text) {
    static constexpr std::string_view kTokens[] = {"null",
                                                   "NaN",
                                                   "1e400",
                                                   "-0",
                                                   "true",
                                                   "[]",
                                                   "{}",
                                                   "\"\"",
                                                   "\\u0000",
                                                   "\\ud800",
                                                   "\xF0\x9F\x99\x82",
                                                   "\xFF",
                                                   "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                                                   "9223372036854775808",
                                                   "1e-400",
                                                   "\"type\":",
                                                   ","};
    const std::size_t at = below(text.size());
    switch (below(6)) {
      case 0:
        text[at] = static_cast<char>(below(256));
        break;
      case 1:
        text.erase(at, 1 + below(8));
        break;
      case 2:
        text.insert(at, kTokens[below(std::size(kTokens))]);
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), below(64)));
        break;
      case 4:
        text.resize(at);
        break;
      default:
        text.replace(at, 1 + below(6), kTokens[below(std::size(kTokens))]);
        break;
    }
  }

  std::vector<std::string> seeds_;
  std::mt19937 random_{kSeed};
};

TEST(DecoderFuzz, TheCorpusHoldsTheRule) {
  for (const auto& message : corpus()) decode_anything(message);
}

TEST(DecoderFuzz, MutatedMessagesHoldTheRule) {
  Mutator mutator(corpus());
  const auto end = std::chrono::steady_clock::now() + kBudget;
  int inputs = 0;
  while (inputs < kInputs && std::chrono::steady_clock::now() < end) {
    decode_anything(mutator.next());
    ++inputs;
  }
  std::cout << "seed " << kSeed << ", " << inputs << " inputs\n";
  EXPECT_GT(inputs, 1000);
}

}  // namespace
}  // namespace daruma::fuzz
