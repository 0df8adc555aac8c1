#pragma once

#include <boost/json/object.hpp>

namespace daruma::http {

/// Schemas of the bodies that routes name. Any thread.
boost::json::object component_schemas();

}  // namespace daruma::http
