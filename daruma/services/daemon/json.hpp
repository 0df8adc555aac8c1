#pragma once

#include <boost/json/object.hpp>

#include "daruma/lifecycle/port.hpp"

namespace daruma::services {

/// Health as recovery.md shows it: verdict, boot id, generation, since, causes. Any thread.
boost::json::object health_json(const lifecycle::LifecycleStatus& status);

/// One cause of it, times relative to `now`.
boost::json::object cause_json(const lifecycle::Cause& cause, TimePoint now);

}  // namespace daruma::services
