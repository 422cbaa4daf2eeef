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

// Functions that need no type of the program's own are compiled in one of two ways. A header x.hpp declares them and
// x_inl.hpp beside it defines them as EIGENESIS_ONCE. A program of headers alone reads both. A program that links the
// CMake target eigenesis::compiled has EIGENESIS_COMPILED defined and reads the declarations; the sources of that
// target, in cmake/compiled, read the definitions. A function template over the type of numbers goes the same way:
// behind its definition, EIGENESIS_INSTANTIATE(name) compiles it for float and double.
#if defined(EIGENESIS_COMPILED)
#define EIGENESIS_ONCE
#define EIGENESIS_INSTANTIATE(name)           \
  template decltype(name<float>) name<float>; \
  template decltype(name<double>) name<double>
#else
#define EIGENESIS_ONCE inline
#define EIGENESIS_INSTANTIATE(name) static_assert(true)
#endif

namespace eigenesis::inline EIGENESIS_ABI {

using Index = Eigen::Index;

}  // namespace eigenesis::inline EIGENESIS_ABI
