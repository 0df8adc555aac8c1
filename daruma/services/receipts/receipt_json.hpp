#pragma once

#include <boost/json/object.hpp>

#include "daruma/lifecycle/receipt.hpp"

namespace daruma::services {

/// A receipt as the wire and the file show it (recovery.md, "Progress and receipts"). Any thread.
boost::json::object receipt_json(const lifecycle::Receipt& receipt);
/// The reverse, for the file; nullopt when it is not one.
std::optional<lifecycle::Receipt> receipt_from(const boost::json::object& json);

}  // namespace daruma::services
