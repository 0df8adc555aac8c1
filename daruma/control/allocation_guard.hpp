#pragma once

#include <cstdint>

namespace daruma::control {

/// Tests only; allocation_guard.cpp replaces the global operator new of the test program. While
/// `watch_allocations` is set on a thread, each of its allocations is counted.
extern thread_local bool watch_allocations;
std::uint64_t watched_allocations();

}  // namespace daruma::control
