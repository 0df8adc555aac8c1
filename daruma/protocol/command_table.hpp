#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace daruma::protocol {

enum class FieldType : std::uint8_t {
  kBool,
  kInt,
  kNumber,
  kString,
  kNumbers,
  kStrings,
  kObject,
  kObjects
};

/// What an absent field means.
enum class Presence : std::uint8_t {
  kRequired,  ///< absent or null is refused
  kNullable,  ///< absent and null are the same: no value
  kDefault,   ///< absent takes the default; null is refused
};

/// One field of a command: the only place where its type and bounds are written.
struct FieldSpec {
  std::string_view name;
  FieldType type;
  Presence presence = Presence::kRequired;
  /// Default as JSON text, for kDefault.
  std::string_view default_json = {};
  /// Bounds of a number, or of every number in a list; inclusive unless `exclusive_minimum`.
  std::optional<double> minimum = std::nullopt;
  std::optional<double> maximum = std::nullopt;
  bool exclusive_minimum = false;
  /// Bounds of a string's length in characters, or of a list's length.
  std::optional<std::uint32_t> min_length = std::nullopt;
  std::optional<std::uint32_t> max_length = std::nullopt;
  /// Allowed strings; empty means any.
  std::span<const std::string_view> choices = {};
  /// A string of the characters 0x20..0x7e only.
  bool printable_ascii = false;
  /// An empty list means no value, whatever the length bounds say.
  bool empty_is_absent = false;
  std::string_view meaning = {};
};

/// Who answers a command.
enum class Owner : std::uint8_t {
  kHouse,   ///< lives as long as the process
  kRoom,    ///< part of the running robot; answered with `not_running` while there is none
  kNobody,  ///< on the wire, not built yet: `<type> is not available on this daemon`
};

/// What a caller gets.
enum class Answer : std::uint8_t {
  kOnce,     ///< one reply, at once
  kLate,     ///< one reply, when the work is done
  kPushes,   ///< no reply; pushes follow (`subscribe_logs`, uploads that are played)
  kNothing,  ///< never a reply
};

enum class Access : std::uint8_t { kObserve, kOperate, kAdminister };

/// Whose word it is.
enum class Origin : std::uint8_t { kReference, kDaruma };

struct CommandSpec {
  std::string_view type;
  std::span<const FieldSpec> fields;
  Owner owner;
  Answer answer;
  Access access;
  Origin origin;
  std::string_view meaning;
  /// A request of the wrong form is answered by `error` alone, word for word as the wire has it;
  /// other commands add `command`, so that a waiting client can match the answer.
  bool bare_refusal = false;

  /// Position of a field, or -1.
  int index_of(std::string_view field) const;
};

/// All typed commands: the reference's 58 of release 1.13, then Daruma's own. The only list there
/// is; decoder, dispatcher, access rule, docs/commands.md and tests read it. Any thread.
std::span<const CommandSpec> command_table();
/// The row of a type, or nullptr.
const CommandSpec* find_command(std::string_view type);

}  // namespace daruma::protocol
