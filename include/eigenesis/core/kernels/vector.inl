// SPDX-License-Identifier: MIT
// Vectors of Real, in the vector extensions of GCC and Clang.

typedef Real Vec __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));
typedef Int IntVec __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));
typedef Real LooseVec __attribute__((vector_size(EIGENESIS_VECTOR_BYTES), aligned(sizeof(Real)), may_alias));

constexpr int lanes = EIGENESIS_VECTOR_BYTES / sizeof(Real);

EIGENESIS_INLINE Vec load(const Real* p) { return *reinterpret_cast<const LooseVec*>(p); }
EIGENESIS_INLINE void store(Real* p, Vec x) { *reinterpret_cast<LooseVec*>(p) = x; }
EIGENESIS_INLINE Vec broadcast(Real x) { return x - Vec{}; }

/// The first `count` lanes of x, the others filled.
EIGENESIS_INLINE Vec keep(Vec x, Index count, Real fill) {
  IntVec lane;
  EIGENESIS_UNROLL
  for (int i = 0; i < lanes; ++i) lane[i] = i;
  return lane < IntVec{} + static_cast<Int>(count) ? x : broadcast(fill);
}

/// Stores the first `count` lanes only.
EIGENESIS_INLINE void store_first(Real* p, Vec x, Index count) {
#if EIGENESIS_VECTOR_BYTES == 64
  const auto mask = (1u << count) - 1u;
  if constexpr (lanes == 16)
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>(mask), (__m512)x);
  else
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>(mask), (__m512d)x);
#else
  for (Index i = 0; i < count; ++i) p[i] = x[i];
#endif
}

EIGENESIS_INLINE Vec square_root(Vec x) {
#if EIGENESIS_VECTOR_BYTES == 64
  if constexpr (sizeof(Real) == 4)
    return (Vec)_mm512_maskz_sqrt_ps(0xffff, (__m512)x);  // the one without a mask makes GCC 12 warn
  else
    return (Vec)_mm512_maskz_sqrt_pd(0xff, (__m512d)x);
#elif EIGENESIS_VECTOR_BYTES == 32
  if constexpr (sizeof(Real) == 4)
    return (Vec)_mm256_sqrt_ps((__m256)x);
  else
    return (Vec)_mm256_sqrt_pd((__m256d)x);
#elif EIGENESIS_X86
  if constexpr (sizeof(Real) == 4)
    return (Vec)_mm_sqrt_ps((__m128)x);
  else
    return (Vec)_mm_sqrt_pd((__m128d)x);
#else
  Vec root;
  for (int i = 0; i < lanes; ++i) root[i] = static_cast<Real>(__builtin_sqrt(x[i]));
  return root;
#endif
}

/// One step of the transposition of a square of vectors: exchanges the off-diagonal blocks of `size` x `size`.
template <int size, int... lane>
EIGENESIS_INLINE void exchange_blocks(Vec (&x)[lanes], std::integer_sequence<int, lane...>) {
  EIGENESIS_UNROLL
  for (int i = 0; i < lanes; ++i) {
    if (i & size) continue;
    const Vec low = x[i], high = x[i + size];
    x[i] = __builtin_shufflevector(low, high, (lane & size ? lane - size + lanes : lane)...);
    x[i + size] = __builtin_shufflevector(low, high, (lane & size ? lane + lanes : lane + size)...);
  }
}

EIGENESIS_INLINE void transpose_square(Vec (&x)[lanes]) {
  using Lanes = std::make_integer_sequence<int, lanes>;
  if constexpr (lanes >= 16) exchange_blocks<8>(x, Lanes{});
  if constexpr (lanes >= 8) exchange_blocks<4>(x, Lanes{});
  if constexpr (lanes >= 4) exchange_blocks<2>(x, Lanes{});
  exchange_blocks<1>(x, Lanes{});
}
