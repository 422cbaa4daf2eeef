// SPDX-License-Identifier: MIT
// What operations.inl needs for doubles: their functions go element by element through the C library, as accuracy
// counts here, not speed.

EIGENESIS_INLINE Vec absolute(Vec x) { return (Vec)((IntVec)x & 0x7fffffffffffffff); }

/// x with 0 for what is subnormal, which the C library takes apart bit by bit.
EIGENESIS_INLINE Vec flushed(Vec x) { return absolute(x) < 0x1p-1022 ? (Vec)((IntVec)x & ~0x7fffffffffffffff) : x; }

template <class F>
EIGENESIS_INLINE Vec each_element(Vec a, F f) {
  a = flushed(a);
  for (int i = 0; i < lanes; ++i) a[i] = f(a[i]);
  return a;
}
#define EIGENESIS_EACH(expression) each_element(a, [](Real x) -> Real { return expression; })
#define EIGENESIS_OF_REAL(floats, doubles) doubles
