// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Core>

#define EIGENESIS_VERSION_MAJOR 0
#define EIGENESIS_VERSION_MINOR 1
#define EIGENESIS_VERSION_PATCH 0

// With -ffast-math a NaN is undefined behaviour and the checks for it are compiled away.
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "eigenesis: -ffast-math (-ffinite-math-only) is not supported; remove it, the kernels are fast without it"
#endif

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 12
#error "eigenesis: GCC 12 or newer is required"
#endif

#if __cplusplus < 202002L
#error "eigenesis: C++20 is required; compile with -std=c++20"
#endif

// Inline functions of files built with different -m flags or Eigen alignments would be merged at link time into one
// that is wrong for the others. The flags are therefore part of every symbol's name, and a mix fails to link.
#if defined(__AVX512F__)
#define EIGENESIS_ABI_TARGET avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define EIGENESIS_ABI_TARGET avx2fma
#elif defined(__AVX2__)
#define EIGENESIS_ABI_TARGET avx2
#elif defined(__AVX__) && defined(__FMA__)
#define EIGENESIS_ABI_TARGET avxfma
#elif defined(__AVX__)
#define EIGENESIS_ABI_TARGET avx
#else
#define EIGENESIS_ABI_TARGET baseline
#endif
#define EIGENESIS_ABI_JOIN(target, alignment) abi_##target##_##alignment
#define EIGENESIS_ABI_NAME(target, alignment) EIGENESIS_ABI_JOIN(target, alignment)
#define EIGENESIS_ABI EIGENESIS_ABI_NAME(EIGENESIS_ABI_TARGET, EIGEN_MAX_ALIGN_BYTES)

// The CMake target eigenesis::compiled is a library of what does not depend on a program's own types: it is compiled
// once, there (EIGENESIS_COMPILED_HERE), instead of in every file of the programs that link it (EIGENESIS_COMPILED).
// Templates that it holds are named by EIGENESIS_COMPILE after their definition, for float; other functions begin with
// EIGENESIS_COMPILABLE, which makes templates of them.
#if defined(EIGENESIS_COMPILED_HERE)
#define EIGENESIS_COMPILE(...) template __VA_ARGS__
#elif defined(EIGENESIS_COMPILED)
#define EIGENESIS_COMPILE(...) extern template __VA_ARGS__
#else
#define EIGENESIS_COMPILE(...) static_assert(true)
#endif
#define EIGENESIS_COMPILABLE template <class = void>

namespace eigenesis::inline EIGENESIS_ABI {

using Index = Eigen::Index;

}  // namespace eigenesis::inline EIGENESIS_ABI
