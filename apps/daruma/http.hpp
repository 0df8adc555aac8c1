#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "address.hpp"
#include <boost/json/value.hpp>
#include <tl/expected.hpp>

namespace daruma::client {

/// Why no daemon answered.
enum class Trouble {
  kHostNotFound,  ///< the name does not resolve
  kRefused,       ///< nothing listens there
  kNoRoute,       ///< the network does not lead there
  kTimedOut,      ///< packets go nowhere, or the answer does not come
  kLost,          ///< the connection broke in the middle
  kNotADaemon,    ///< something answers, but not in JSON
};

struct Unreachable {
  Trouble trouble;
  std::string text;  ///< a sentence for people, complete
};

struct Answer {
  int status = 0;
  boost::json::value body;
};

enum class Method { kGet, kPost };

/// Requests to one daemon. Not thread-safe.
class Api {
 public:
  virtual ~Api() = default;
  /// `target` is path and query. Waits `patience` at most.
  virtual tl::expected<Answer, Unreachable> request(Method method, const std::string& target,
                                                    std::chrono::milliseconds patience) = 0;

  tl::expected<Answer, Unreachable> get(const std::string& target) {
    return request(Method::kGet, target, kPatience);
  }

  static constexpr std::chrono::milliseconds kPatience{5000};
};

/// Over HTTP/1.1 on one kept-alive connection, never through a proxy: robots are on the local
/// network.
std::unique_ptr<Api> make_http_api(Address address);

}  // namespace daruma::client
