#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "daruma/transport/net/server.hpp"

namespace daruma::net {

const std::string* Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return &value;
  return nullptr;
}

Response detail(int status, std::string_view text) {
  Response response{.status = status};
  response.body = std::make_shared<const std::string>(
      boost::json::serialize(boost::json::object{{"detail", text}}));
  return response;
}

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this == &other) return *this;
  drop();
  sink_ = std::move(other.sink_);
  return *this;
}

Responder::~Responder() { drop(); }

void Responder::send(Response response, protocol::Delivered delivered) {
  if (!sink_) return;
  auto sink = std::move(sink_);
  sink_ = nullptr;
  sink(std::move(response), std::move(delivered));
}

void Responder::drop() {
  if (sink_) send(detail(500, "Internal Server Error"));
}

}  // namespace daruma::net
