#include "daruma/model/hardware_config.hpp"

namespace daruma::model {

HardwareConfig default_hardware_config() {
  // Contract robot.md 1.2, the file that the reference ships.
  constexpr std::array<std::int32_t, 3> kTurning{200, 0, 0};
  constexpr std::array<std::int32_t, 3> kLifting{300, 0, 0};
  HardwareConfig config;
  config.motors = {{{10, 0, 0, 4095, 0, 52, 3, kTurning},
                    {11, 1024, 1502, 2958, 0, 52, 3, kLifting},
                    {12, -1024, 1138, 2844, 0, 52, 3, kLifting},
                    {13, 1024, 1502, 2958, 0, 52, 3, kLifting},
                    {14, -1024, 1138, 2594, 0, 52, 3, kLifting},
                    {15, 1024, 1252, 2958, 0, 52, 3, kLifting},
                    {16, -1024, 1138, 2594, 0, 52, 3, kLifting},
                    {17, 0, 0, 4095, 0, 52, 3, kTurning},
                    {18, 0, 0, 4095, 0, 52, 3, kTurning}}};
  return config;
}

}  // namespace daruma::model
