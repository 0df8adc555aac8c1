#pragma once

#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

#include "daruma/base/loop.hpp"
#include "daruma/protocol/dispatcher.hpp"
#include "daruma/transport/http/route_table.hpp"
#include "daruma/transport/http/static_files.hpp"
#include "daruma/transport/net/server.hpp"

namespace daruma::http {

/// What routes need that is no command.
struct Sources {
  /// The daemon's status as text; kept ready, because it is asked for most.
  UniqueFunction<protocol::Text()> status;
  UniqueFunction<boost::json::object(std::uint64_t after, std::size_t limit)> logs;
  UniqueFunction<void()> health_check;
  /// The name of a robot that was never given one.
  UniqueFunction<std::string()> running_name;
};

/// The HTTP door: finds the route, checks what the request says, and hands it to the dispatcher as
/// a command; serves the page and the documents. Knows no robot. Loop thread only.
class Api {
 public:
  Api(protocol::Dispatcher& dispatcher, Sources sources, std::string web_folder);
  void handle(const net::Request& request, net::Responder responder);

 private:
  void answer(const Route& route, const net::Request& request, std::string_view path_value,
              net::Responder responder);
  void dispatch(const Route& route, const net::Request& request, const boost::json::object& fields,
                net::Responder responder);
  net::Response from_reply(const Route& route, boost::json::object reply);
  net::Response other(const net::Request& request, const Route* same_path);

  protocol::Dispatcher& dispatcher_;
  Sources sources_;
  StaticFiles files_;
  protocol::Text openapi_;
  protocol::Text docs_;
};

}  // namespace daruma::http
