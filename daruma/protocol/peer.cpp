#include "daruma/protocol/peer.hpp"

#include "daruma/protocol/ip_address.hpp"

namespace daruma::protocol {

std::string_view name(Transport transport) {
  switch (transport) {
    case Transport::kWebRtc:
      return "webrtc";
    case Transport::kWebSocket:
      return "websocket";
    case Transport::kHttp:
      break;
  }
  return "http";
}

std::string_view name(Reach reach) {
  switch (reach) {
    case Reach::kLocal:
      return "local";
    case Reach::kLan:
      return "lan";
    case Reach::kRelay:
      break;
  }
  return "relay";
}

Reach reach_of(std::string_view ip_address) {
  const auto address = IpAddress::parse(ip_address);
  return address && address->is_loopback() ? Reach::kLocal : Reach::kLan;
}

}  // namespace daruma::protocol
