// SPDX-License-Identifier: MIT
// Vectors of Real, in the vector extensions of GCC and Clang.

typedef Real Vec __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));
typedef Int IntVec __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));
typedef Real LooseVec __attribute__((vector_size(EIGENESIS_VECTOR_BYTES), aligned(sizeof(Real)), may_alias));

constexpr int lanes = EIGENESIS_VECTOR_BYTES / sizeof(Real);

EIGENESIS_INLINE Vec load(const Real* p) { return *reinterpret_cast<const LooseVec*>(p); }
EIGENESIS_INLINE void store(Real* p, Vec x) { *reinterpret_cast<LooseVec*>(p) = x; }
EIGENESIS_INLINE Vec broadcast(Real x) { return x - Vec{}; }

/// Vectors of doubles, in which numbers are summed, and vectors of as many Reals.
typedef double Wide __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));
constexpr int wide_lanes = EIGENESIS_VECTOR_BYTES / sizeof(double);
typedef Real Narrow __attribute__((vector_size(wide_lanes * sizeof(Real)), aligned(sizeof(Real)), may_alias));

EIGENESIS_INLINE Wide load_wide(const Real* p) {
  const Narrow& x = *reinterpret_cast<const Narrow*>(p);
#if EIGENESIS_X86
  if constexpr (sizeof(Real) == 4) {  // GCC 12 would convert halves
    Wide y;
    asm(EIGENESIS_VEX "cvtps2pd {%1, %0|%0, %1}" : "=v"(y) : "m"(x));
    return y;
  }
#endif
  return __builtin_convertvector(x, Wide);
}

/// The first `count` of them, and zeros.
EIGENESIS_INLINE Wide load_wide(const Real* p, Index count) {
  typedef std::int64_t Lanes __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));
  Lanes lane;
  EIGENESIS_UNROLL
  for (int i = 0; i < wide_lanes; ++i) lane[i] = i;
  return lane < Lanes{} + count ? load_wide(p) : Wide{};
}

/// The first `count` lanes of x, the others filled.
EIGENESIS_INLINE Vec keep(Vec x, Index count, Real fill) {
  IntVec lane;
  EIGENESIS_UNROLL
  for (int i = 0; i < lanes; ++i) lane[i] = i;
  return lane < IntVec{} + static_cast<Int>(count) ? x : broadcast(fill);
}

/// Stores the first `count` lanes only.
EIGENESIS_INLINE void store_first(Real* p, Vec x, Index count) {
  for (Index i = 0; i < count; ++i) p[i] = x[i];
}

/// Stores x, or of the last vector the part that there is.
EIGENESIS_INLINE void store_part(Real* to, Vec x, Index left) {
  if (left >= lanes)
    store(to, x);
  else
    store_first(to, x, left);
}

/// a b + c, with one rounding where there is an instruction for it. The compiler's own choice depends on its tuning.
EIGENESIS_INLINE Vec multiply_add(Vec a, Vec b, Vec c) {
#if EIGENESIS_FMA && defined(__aarch64__)
  if constexpr (sizeof(Real) == 4)
    asm("fmla %0.4s, %1.4s, %2.4s" : "+w"(c) : "w"(a), "w"(b));
  else
    asm("fmla %0.2d, %1.2d, %2.2d" : "+w"(c) : "w"(a), "w"(b));
  return c;
#elif EIGENESIS_FMA
  if constexpr (sizeof(Real) == 4)
    asm("vfmadd231ps {%2, %1, %0|%0, %1, %2}" : "+v"(c) : "v"(a), "v"(b));
  else
    asm("vfmadd231pd {%2, %1, %0|%0, %1, %2}" : "+v"(c) : "v"(a), "v"(b));
  return c;
#else
  return a * b + c;
#endif
}

/// p x + c, as multiply_add; for polynomials, where p is not needed any more.
EIGENESIS_INLINE Vec horner(Vec p, Vec x, Vec c) {
#if EIGENESIS_FMA && EIGENESIS_X86
  if constexpr (sizeof(Real) == 4)
    asm("vfmadd213ps {%2, %1, %0|%0, %1, %2}" : "+v"(p) : "v"(x), "v"(c));
  else
    asm("vfmadd213pd {%2, %1, %0|%0, %1, %2}" : "+v"(p) : "v"(x), "v"(c));
  return p;
#else
  return multiply_add(p, x, c);
#endif
}
EIGENESIS_INLINE Vec horner(Vec p, Vec x, Real c) { return horner(p, x, broadcast(c)); }

EIGENESIS_INLINE Vec square_root(Vec x) {
#if EIGENESIS_X86
  if constexpr (sizeof(Real) == 4)
    asm(EIGENESIS_VEX "sqrtps %0, %0" : "+v"(x));
  else
    asm(EIGENESIS_VEX "sqrtpd %0, %0" : "+v"(x));
#else
  for (int i = 0; i < lanes; ++i) x[i] = static_cast<Real>(__builtin_sqrt(x[i]));
#endif
  return x;
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

/// out [columns, rows] = the transpose of x [rows, columns], at most `lanes` of both. Rows that x lacks are taken as
/// copies of its last, and `width` elements of each row of out are written.
[[gnu::noinline]] inline void transpose_block(const Real* x, Index x_row, Index rows, Index columns, Real* out,
                                              Index out_row, Index width) {
  Vec square[lanes];
  EIGENESIS_UNROLL
  for (int i = 0; i < lanes; ++i) square[i] = load(x + (i < rows ? i : rows - 1) * x_row);
  transpose_square(square);
  if (columns >= lanes && width >= lanes) {
    EIGENESIS_UNROLL
    for (int i = 0; i < lanes; ++i) store(out + i * out_row, square[i]);
  } else {
    Real rest[lanes * lanes];
    EIGENESIS_UNROLL
    for (int i = 0; i < lanes; ++i) store(rest + i * lanes, square[i]);
    for (Index i = 0; i < columns && i < lanes; ++i)
      for (Index j = 0; j < width && j < lanes; ++j) out[i * out_row + j] = rest[i * lanes + j];
  }
}
