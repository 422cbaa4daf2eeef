// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <string_view>

#include "eigenesis/machine/error.hpp"

// Run-time choice of the instruction set needs x86-64 and the target attributes of GCC and Clang.
#if defined(__x86_64__) && defined(__GNUC__)
#define EIGENESIS_X86 1
#else
#define EIGENESIS_X86 0
#endif

namespace eigenesis::inline EIGENESIS_ABI {

/// Instruction sets the heavy kernels are compiled for. `baseline` is whatever the compiler was told to assume.
enum class Isa { baseline, avx2, avx512 };

/// Whether this processor and its operating system can run the instruction set.
inline bool supports(Isa isa) {
#if EIGENESIS_X86
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::avx2) return avx2;
  if (isa == Isa::avx512)
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
#endif
  return isa == Isa::baseline;
}

namespace detail {

inline Isa choose_isa(const char* wish) {
  if (wish == nullptr || *wish == '\0')
    return supports(Isa::avx512) ? Isa::avx512 : supports(Isa::avx2) ? Isa::avx2 : Isa::baseline;
  const std::string_view word = wish;
  require<ArgumentError>(word == "baseline" || word == "avx2" || word == "avx512",
                         "EIGENESIS_ISA: expected baseline, avx2 or avx512 but got ", word);
  const Isa isa = word == "avx512" ? Isa::avx512 : word == "avx2" ? Isa::avx2 : Isa::baseline;
  require<ArgumentError>(supports(isa), "EIGENESIS_ISA: expected an instruction set of this processor but got ", word);
  return isa;
}

}  // namespace detail

/// Its word in EIGENESIS_ISA.
constexpr std::string_view isa_name(Isa isa) {
  return isa == Isa::avx512 ? "avx512" : isa == Isa::avx2 ? "avx2" : "baseline";
}

/// The instruction set in use: the best of the processor, or what the environment variable EIGENESIS_ISA
/// (baseline, avx2 or avx512) demands, read once. Throws ArgumentError for another word or one that cannot run here.
inline Isa isa() {
  static const Isa chosen = detail::choose_isa(std::getenv("EIGENESIS_ISA"));
  return chosen;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
