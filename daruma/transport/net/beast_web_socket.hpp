#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "daruma/base/loop.hpp"
#include "daruma/transport/net/server.hpp"
#include "daruma/transport/net/socket.hpp"

namespace daruma::net {

/// Answers a WebSocket handshake that was accepted, and hands the WebSocket to `upgrade.opened`.
/// A handshake of the wrong form (key, version) is refused by itself. Loop thread only.
void accept_web_socket(
    Loop& loop, Socket socket,
    const boost::beast::http::request<boost::beast::http::string_body>& handshake,
    std::string remote_ip, Server::Upgrade upgrade);

}  // namespace daruma::net
