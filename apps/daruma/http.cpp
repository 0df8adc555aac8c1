#include "http.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <curl/curl.h>
#include <fmt/format.h>

namespace daruma::client {
namespace json = boost::json;
namespace {

/// The largest body that is read: 256 receipts or 2,000 log lines of 4 KiB are well below.
constexpr std::size_t kLargestBody = 16 * 1024 * 1024;
constexpr std::chrono::milliseconds kConnectPatience{2000};

std::size_t append(char* data, std::size_t size, std::size_t count, void* body) {
  auto& text = *static_cast<std::string*>(body);
  if (text.size() + size * count > kLargestBody) return 0;  // makes the transfer fail
  text.append(data, size * count);
  return size * count;
}

Trouble trouble_of(CURLcode code, long os_error) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return Trouble::kHostNotFound;
    case CURLE_COULDNT_CONNECT:
      return os_error == ENETUNREACH || os_error == EHOSTUNREACH ? Trouble::kNoRoute
                                                                 : Trouble::kRefused;
    case CURLE_OPERATION_TIMEDOUT:
      return Trouble::kTimedOut;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WRITE_ERROR:
      return Trouble::kNotADaemon;
    default:
      return Trouble::kLost;
  }
}

std::string sentence(Trouble trouble, const Address& address, std::string_view detail) {
  switch (trouble) {
    case Trouble::kHostNotFound:
      return fmt::format(
          "Host '{}' was not found: is the name right, and the robot on this network?",
          address.host);
    case Trouble::kRefused:
      return fmt::format("Nothing listens at {}: is the daemon running?", address.text());
    case Trouble::kNoRoute:
      return fmt::format("No network leads to {}: is it the right address?", address.text());
    case Trouble::kTimedOut:
      return fmt::format("No answer from {} in time: is the robot on, and on this network?",
                         address.text());
    case Trouble::kNotADaemon:
      return fmt::format("What answers at {} is not a Reachy Mini daemon.", address.text());
    case Trouble::kLost:
      break;
  }
  return fmt::format("The connection to {} broke: {}.", address.text(), detail);
}

class CurlApi final : public Api {
 public:
  explicit CurlApi(Address address) : address_(std::move(address)) {}

  tl::expected<Answer, Unreachable> request(Method method, const std::string& target,
                                            std::chrono::milliseconds patience) override {
    std::string body;
    const auto url = address_.base_url() + target;
    prepare(method, url, patience, body);
    const auto code = curl_easy_perform(curl_.get());
    if (code != CURLE_OK) {
      long os_error = 0;
      curl_easy_getinfo(curl_.get(), CURLINFO_OS_ERRNO, &os_error);
      return unreachable(trouble_of(code, os_error),
                         error_[0] != '\0' ? error_ : curl_easy_strerror(code));
    }
    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    boost::system::error_code error;
    auto parsed = json::parse(body, error);
    if (error) return unreachable(Trouble::kNotADaemon, "not JSON");
    return Answer{static_cast<int>(status), std::move(parsed)};
  }

 private:
  void prepare(Method method, const std::string& url, std::chrono::milliseconds patience,
               std::string& body) {
    auto* curl = curl_.get();
    curl_easy_reset(curl);  // keeps the connection
    error_[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "daruma");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::min(kConnectPatience, patience).count()));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &append);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    if (method == Method::kPost) {
      curl_easy_setopt(curl, CURLOPT_POST, 1L);
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    }
  }

  tl::unexpected<Unreachable> unreachable(Trouble trouble, std::string_view detail) const {
    return tl::unexpected(Unreachable{trouble, sentence(trouble, address_, detail)});
  }

  Address address_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_{curl_easy_init(), &curl_easy_cleanup};
  char error_[CURL_ERROR_SIZE] = {};
};

}  // namespace

std::unique_ptr<Api> make_http_api(Address address) {
  return std::make_unique<CurlApi>(std::move(address));
}

}  // namespace daruma::client
