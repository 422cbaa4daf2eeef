// SPDX-License-Identifier: MIT
// Gives libFuzzer the target that EIGENESIS_FUZZ_TARGET names.
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::EIGENESIS_FUZZ_TARGET({data, size});
  return 0;
}
