#pragma once

#include <boost/json/value.hpp>

#include "daruma/base/result.hpp"
#include "daruma/protocol/command.hpp"

namespace daruma::protocol {

/// One JSON value as a field's checked value, by the wire's lax rules and the field's bounds. Null
/// is the caller's business. Errors are kInvalid and begin with the field's name. The result shares
/// no memory with `json`. Throws std::bad_alloc only.
Result<Command::Value> convert(const FieldSpec& field, const boost::json::value& json);

/// The sentence that says what a field of this type must be, e.g. `Input should be a valid number`.
std::string_view wanted(FieldType type);

}  // namespace daruma::protocol
