#include <cstddef>
#include <cstdint>

#include "decoder_fuzz.hpp"

/// libFuzzer's entry; the same check runs on mutated seeds in decoder_fuzz_test.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  daruma::fuzz::decode_anything({reinterpret_cast<const char*>(data), size});
  return 0;
}
