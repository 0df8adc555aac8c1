#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/json/value.hpp>

#include "daruma/base/result.hpp"
#include "daruma/protocol/command_table.hpp"

namespace daruma::protocol {

/// A decoded command: a table row and one checked value for each of its fields. Values have been
/// converted by the wire's lax rules and lie within the row's bounds; a handler checks nothing
/// again.
class Command {
 public:
  using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string,
                             std::vector<double>, std::vector<std::string>, boost::json::value>;
  /// The most fields a row may have; the table's test holds it.
  static constexpr std::size_t kMaxFields = 8;

  explicit Command(const CommandSpec& spec) : spec_(&spec) {}

  const CommandSpec& spec() const { return *spec_; }
  std::string_view type() const { return spec_->type; }

  /// True when the field has a value: the row has it, and it is neither absent nor null.
  bool has(std::string_view field) const;
  /// The value of a field that has one and has that type; asserted.
  bool flag(std::string_view field) const;
  std::int64_t integer(std::string_view field) const;
  double number(std::string_view field) const;
  const std::string& text(std::string_view field) const;
  const std::vector<double>& numbers(std::string_view field) const;
  const std::vector<std::string>& strings(std::string_view field) const;
  const boost::json::value& json(std::string_view field) const;

  /// True when the message itself named the field (with any value, null too): tells a request that
  /// uses Daruma's own fields from one that does not.
  bool named(std::string_view field) const;

  Value& value(std::size_t index) { return values_.at(index); }
  void set_named(std::size_t index) { named_ |= 1U << index; }

 private:
  const Value& get(std::string_view field) const;

  const CommandSpec* spec_;
  std::array<Value, kMaxFields> values_;
  std::uint32_t named_ = 0;
};

/// Limits of a message before anything is built from it.
inline constexpr std::size_t kMaxMessageBytes = 1024 * 1024;
inline constexpr std::size_t kMaxDepth = 32;

/// Decodes one message by the command table. Errors are kInvalid with the text that follows
/// `Invalid command: ` on the wire. Never throws, whatever the text. Any thread.
/// The wire's lax rules hold: numeric strings for numbers, 1/0/"yes"/... for bools, integral floats
/// for ints, the last of repeated keys, unknown keys ignored. NaN, infinities and numbers beyond
/// double are refused by name (the reference lets them through to its motors). `type`, when given,
/// takes the message's type word once it could be read, also when the rest is refused.
Result<Command> decode(std::string_view text, std::string* type = nullptr);
/// The same for an object that a REST route has put together.
Result<Command> decode(const boost::json::object& message);

}  // namespace daruma::protocol
