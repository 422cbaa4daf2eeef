// SPDX-License-Identifier: MIT
#pragma once

#include <version>

#define EIGENESIS_VERSION_MAJOR 0
#define EIGENESIS_VERSION_MINOR 1
#define EIGENESIS_VERSION_PATCH 0

// What the library needs. The first line that the compiler prints says what is missing, and it stops there.
#if __cplusplus < 202002L
#error "eigenesis: C++20 is needed; compile with -std=c++20"
#define EIGENESIS_STOP
#elif defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 12
#error "eigenesis: GCC 12 or newer is needed"
#define EIGENESIS_STOP
#elif defined(__clang__) && __clang_major__ < 14
#error "eigenesis: clang 14 or newer is needed"
#define EIGENESIS_STOP
#elif defined(_LIBCPP_VERSION) && _LIBCPP_VERSION < 16000
#error "eigenesis: libc++ 16 or newer is needed, or libstdc++ (without -stdlib=libc++)"
#define EIGENESIS_STOP
#elif !__has_include(<Eigen/Core>)
#error "eigenesis: Eigen 3.4 or newer is needed; install it (apt: libeigen3-dev) and compile with -I/usr/include/eigen3"
#define EIGENESIS_STOP
// With -ffinite-math-only a NaN is undefined behaviour and the checks for it are compiled away; with the other parts of
// -ffast-math what the kernels do against rounding errors is. (Clang does not tell of these; see instruction_sets.hpp.)
#elif (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || defined(__ASSOCIATIVE_MATH__) || \
    defined(__RECIPROCAL_MATH__)
// clang-format off
#error "eigenesis: -ffast-math and its parts (-ffinite-math-only, -funsafe-math-optimizations, -fassociative-math, -freciprocal-math) are not supported; remove them, the kernels are fast without them"
// clang-format on
#define EIGENESIS_STOP
#endif
#if defined(EIGENESIS_STOP)
#include <stopped_by_the_error_above>
#endif

#include <Eigen/Core>
static_assert(EIGEN_VERSION_AT_LEAST(3, 4, 0), "eigenesis: Eigen 3.4 or newer is needed");

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

// A function that has a type of the library only as its result has no such name, so each file also asks for a symbol
// that tells of its flags. All files define theirs in the same COMDAT group, of which the linker keeps one: the symbol
// of a file with other flags is missing then.
#if defined(__ELF__)
#define EIGENESIS_FLAGS_JOIN(abi) eigenesis_needs_the_same_vector_flags_in_all_files__##abi
#define EIGENESIS_FLAGS_NAME(abi) EIGENESIS_FLAGS_JOIN(abi)
#define EIGENESIS_FLAGS EIGENESIS_FLAGS_NAME(EIGENESIS_ABI)
#define EIGENESIS_TEXT_OF(name) #name
#define EIGENESIS_TEXT(name) EIGENESIS_TEXT_OF(name)
extern "C" const char EIGENESIS_FLAGS;
namespace eigenesis::inline EIGENESIS_ABI::detail {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes"  // of `retain`, where the assembler does not know it
[[gnu::used, gnu::retain]] static void require_same_flags() {
#pragma GCC diagnostic pop
  asm volatile(
      ".pushsection .rodata.eigenesis_flags,\"aG\",%%progbits,eigenesis_flags,comdat\n"
      ".ifndef " EIGENESIS_TEXT(EIGENESIS_FLAGS) "\n"  // link-time optimisation puts many files into one
      ".globl " EIGENESIS_TEXT(EIGENESIS_FLAGS) "\n"
      EIGENESIS_TEXT(EIGENESIS_FLAGS) ": .byte 0\n"
      ".endif\n"
      ".popsection"
      :
      : "r"(&EIGENESIS_FLAGS));
}
}  // namespace eigenesis::inline EIGENESIS_ABI::detail
#undef EIGENESIS_TEXT
#undef EIGENESIS_TEXT_OF
#undef EIGENESIS_FLAGS
#undef EIGENESIS_FLAGS_NAME
#undef EIGENESIS_FLAGS_JOIN
#endif

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

/// Sizes, positions and counts: a signed number of 64 bits.
using Index = Eigen::Index;
static_assert(sizeof(Index) == 8,
              "eigenesis: Eigen::Index has to be a number of 64 bits; compile for a 64-bit system "
              "(without -m32), and without EIGEN_DEFAULT_DENSE_INDEX_TYPE");

}  // namespace eigenesis::inline EIGENESIS_ABI
