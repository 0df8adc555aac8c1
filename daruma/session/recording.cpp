#include "daruma/session/recording.hpp"

#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace daruma::session {

void Recording::start() {
  stop();
  on_ = true;
}

Status Recording::append(const boost::json::object& record) {
  if (!on_) return {};
  const std::size_t bytes = boost::json::serialize(record).size();
  if (bytes_ + bytes > kMaxBytes)
    return fail(Errc::kBusy, fmt::format("the recording is full: it holds {} records of together "
                                         "{} MB; stop it to get them",
                                         records_.size(), kMaxBytes >> 20));
  bytes_ += bytes;
  records_.push_back(record);
  return {};
}

boost::json::array Recording::stop() {
  on_ = false;
  bytes_ = 0;
  return std::exchange(records_, {});
}

}  // namespace daruma::session
