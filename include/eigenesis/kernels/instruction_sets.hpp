// SPDX-License-Identifier: MIT
#pragma once

// One source for several instruction sets. A program compiled with plain -O2 must run on every processor and be fast on
// each, so all heavy loops are compiled up to three times and chosen when the program runs:
//
//   namespace           the compiler's target                      bytes of a vector
//   detail::baseline    what it was told to assume                 16
//   detail::avx2        avx2, fma                                  32
//   detail::avx512      fma, avx512f, avx512vl, avx512dq, avx512bw 64
//
// This header sets the target and EIGENESIS_VECTOR_BYTES and includes bodies.inl, once for each row of the table;
// bodies.inl includes the loops (*.inl), once with Real = float and once with Real = double. The loops use vectors of
// EIGENESIS_VECTOR_BYTES bytes, an extension of GCC and Clang, so one text gives the code for each width. To call one,
// EIGENESIS_DISPATCH(use, call) chooses the namespace of the instruction set `use`, by default that of isa().
//
// The loops call nothing but builtins and each other: a shared inline function compiled here could be merged at link
// time with the one other code calls, and bring AVX-512 to processors without it.
//
// The compiler joins no product with a sum here, as it would only do so from some level of optimisation on, and each in
// its own way. Where one rounding is wanted for both, the loops say so (multiply_add). So one instruction set gives the
// same bits whatever compiled it.

#include <cstdint>
#include <utility>

#include "eigenesis/kernels/micro_kernels.hpp"
#include "eigenesis/kernels/operations.hpp"
#include "eigenesis/machine/isa.hpp"

// Casts of vectors have no other spelling, and a lane's number is an int.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#if defined(__clang__)
#pragma float_control(precise, on, push)  // whatever -funsafe-math-optimizations allows elsewhere
#pragma STDC FP_CONTRACT OFF              // until the pop
#define EIGENESIS_UNROLL _Pragma("clang loop unroll(full)")
#else
#pragma GCC diagnostic ignored "-Wuseless-cast"  // of a Real that is a float
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#define EIGENESIS_UNROLL _Pragma("GCC unroll 16")
#endif
#define EIGENESIS_INLINE inline __attribute__((always_inline))

// The few instructions that vector extensions do not name: x = instruction(x, y). The header of all intrinsics
// would take longer to compile than the kernels.
#define EIGENESIS_INSTRUCTION_SSE(name, x, y) asm(name " {%1, %0|%0, %1}" : "+v"(x) : "v"(y))
#define EIGENESIS_INSTRUCTION_AVX(name, x, y) asm("v" name " {%1, %0, %0|%0, %0, %1}" : "+v"(x) : "v"(y))

#define EIGENESIS_VECTOR_BYTES 16
#if defined(__aarch64__)
#define EIGENESIS_FMA 1
#else
#define EIGENESIS_FMA 0  // also with -mfma, for the same bits
#endif
#if defined(__AVX__)
#define EIGENESIS_VEX "v"
#define EIGENESIS_INSTRUCTION EIGENESIS_INSTRUCTION_AVX
#else
#define EIGENESIS_VEX ""
#define EIGENESIS_INSTRUCTION EIGENESIS_INSTRUCTION_SSE
#endif
namespace eigenesis::inline EIGENESIS_ABI::detail::baseline {
#include "eigenesis/kernels/bodies.inl"
}
#undef EIGENESIS_VECTOR_BYTES

#undef EIGENESIS_FMA
#undef EIGENESIS_VEX
#undef EIGENESIS_INSTRUCTION
#if EIGENESIS_X86

#define EIGENESIS_FMA 1
#define EIGENESIS_VEX "v"
#define EIGENESIS_INSTRUCTION EIGENESIS_INSTRUCTION_AVX
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define EIGENESIS_VECTOR_BYTES 32
namespace eigenesis::inline EIGENESIS_ABI::detail::avx2 {
#include "eigenesis/kernels/bodies.inl"
}
#undef EIGENESIS_VECTOR_BYTES
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("fma,avx512f,avx512vl,avx512dq,avx512bw"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("fma,avx512f,avx512vl,avx512dq,avx512bw")
#endif
#define EIGENESIS_VECTOR_BYTES 64
namespace eigenesis::inline EIGENESIS_ABI::detail::avx512 {
#include "eigenesis/kernels/bodies.inl"
}
#undef EIGENESIS_VECTOR_BYTES
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

/// Calls a function of the namespace of the instruction set `use`.
#define EIGENESIS_DISPATCH(use, call) \
  do {                                \
    switch (use) {                    \
      case Isa::avx512:               \
        return avx512::call;          \
      case Isa::avx2:                 \
        return avx2::call;            \
      default:                        \
        return baseline::call;        \
    }                                 \
  } while (false)

#else
#define EIGENESIS_DISPATCH(use, call) return (static_cast<void>(use), baseline::call)
#endif

#if defined(__clang__)
#pragma float_control(pop)
#else
#pragma GCC pop_options
#endif
#pragma GCC diagnostic pop
#undef EIGENESIS_FMA
#undef EIGENESIS_VEX
#undef EIGENESIS_INSTRUCTION
#undef EIGENESIS_INSTRUCTION_AVX
#undef EIGENESIS_INSTRUCTION_SSE
#undef EIGENESIS_UNROLL
#undef EIGENESIS_INLINE
