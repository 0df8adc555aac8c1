#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace daruma::client {

/// Reading what another program wrote: whatever is absent or of another type is empty. Never
/// throws.
std::string text_of(const boost::json::value& value, std::string_view key);
std::optional<double> number_of(const boost::json::value& value, std::string_view key);
std::optional<bool> bool_of(const boost::json::value& value, std::string_view key);
/// The member; null when there is none.
const boost::json::value& member_of(const boost::json::value& value, std::string_view key);
const boost::json::array& array_of(const boost::json::value& value, std::string_view key);
/// `value` as an array; empty when it is none.
const boost::json::array& as_array(const boost::json::value& value);

/// Text that is safe to print: control characters, which a terminal would obey, become `?`.
std::string printable(std::string_view text);

}  // namespace daruma::client
