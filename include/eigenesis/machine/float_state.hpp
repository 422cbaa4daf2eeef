// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <type_traits>

#include "eigenesis/machine/isa.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

// The processor's control register for floating-point numbers (rounding, traps, subnormal numbers), one for each
// thread. The asm statements of set_float_state() also keep memory accesses on their side of it.
#if EIGENESIS_X86
using FloatState = std::uint32_t;  // MXCSR; "denormals are zero" and "flush to zero"
constexpr FloatState flush_bits = 0x8040;
inline FloatState float_state() {
  FloatState state;
  asm volatile("stmxcsr %0" : "=m"(state));
  return state;
}
inline void set_float_state(FloatState state) { asm volatile("ldmxcsr %0" : : "m"(state) : "memory"); }
#elif defined(__aarch64__)
using FloatState = std::uint64_t;  // FPCR
constexpr FloatState flush_bits = 1 << 24;
inline FloatState float_state() {
  FloatState state;
  asm volatile("mrs %0, fpcr" : "=r"(state));
  return state;
}
inline void set_float_state(FloatState state) { asm volatile("msr fpcr, %0" : : "r"(state) : "memory"); }
#else
using FloatState = std::uint32_t;
constexpr FloatState flush_bits = 0;
inline FloatState float_state() { return 0; }
inline void set_float_state(FloatState) {}
#endif

/// A product of numbers that is rounded before it is added to anything. Where there is an instruction for both, the
/// compiler may join them, with one rounding less: that depends on flags, level of optimisation and compiler, and with
/// it the last bit of the sum. Outside of the kernels, which are compiled without that, sums of products need this.
template <class T>
requires std::is_floating_point_v<T>
inline T rounded(T product) {
#if EIGENESIS_X86
  asm("" : "+x"(product));
#elif defined(__aarch64__)
  asm("" : "+w"(product));
#else
  asm("" : "+m"(product));
#endif
  return product;
}

/// While it lives, this thread takes subnormal numbers for 0 and gives 0 for them: floats below 1.18e-38, doubles below
/// 2.23e-308. Afterwards the floating-point state is what it was. All kernels run so, whatever the thread and the
/// instruction set: a subnormal number costs the processor up to a hundred times as much as another, and averages of
/// gradients that stay 0 end there. What only moves numbers (reshape, transpose, slice, files) keeps subnormal ones.
/// x86-64 and AArch64 only.
class FlushSubnormals {
 public:
  FlushSubnormals() : before_(float_state()), changes_((before_ & flush_bits) != flush_bits) {
    if (changes_) set_float_state(before_ | flush_bits);
  }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;
  ~FlushSubnormals() {
    if (changes_) set_float_state(before_);
  }
  /// x, computed before the scope ends. (What is written to memory is so anyhow.)
  template <class T>
  T keep(T x) const {
    asm volatile("" : "+m"(x));
    return x;
  }

 private:
  FloatState before_;
  bool changes_;  // not inside of another scope: to set the state takes 10 ns
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
