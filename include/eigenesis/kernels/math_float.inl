// SPDX-License-Identifier: MIT
// Elementary functions of floats, without branches. Polynomials are weighted minimax fits to 40-digit values, their
// coefficients rounded to float one after the other; the relative error of each fit is stated beside it.

#define EIGENESIS_OF_REAL(floats, doubles) floats

/// The bits of floats, for arithmetic that wraps around.
typedef std::uint32_t Words __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));

/// ln 2 in two parts: products of the first with whole numbers below 2^15 are exact.
constexpr float ln2_high = 0x1.63p-1f, ln2_low = -0x1.bd0106p-13f;
constexpr float infinity = __builtin_inff(), not_a_number = __builtin_nanf("");

EIGENESIS_INLINE Vec absolute(Vec x) { return (Vec)((IntVec)x & 0x7fffffff); }
EIGENESIS_INLINE Vec with_sign(Vec magnitude, Vec sign) {
  return (Vec)((IntVec)magnitude | ((IntVec)sign & ~0x7fffffff));
}
#if EIGENESIS_X86
EIGENESIS_INLINE Vec smaller(Vec x, Vec y) {
  EIGENESIS_INSTRUCTION("minps", x, y);
  return x;
}
EIGENESIS_INLINE Vec larger(Vec x, Vec y) {
  EIGENESIS_INSTRUCTION("maxps", x, y);
  return x;
}
#else
EIGENESIS_INLINE Vec smaller(Vec x, Vec y) { return x < y ? x : y; }
EIGENESIS_INLINE Vec larger(Vec x, Vec y) { return x > y ? x : y; }
#endif
/// x in [low, high]; NaN stays NaN, as the second operand is taken unless the first is smaller or larger.
EIGENESIS_INLINE Vec clamp(Vec x, float low, float high) { return larger(broadcast(low), smaller(broadcast(high), x)); }
/// 2^n for n in [-126, 127].
EIGENESIS_INLINE Vec power_of_two(IntVec n) { return (Vec)((n + 127) << 23); }

/// x 2^n for x in [0.5, 2] and n in [-152, 129], also where 2^n is infinite or subnormal; whole = n.
EIGENESIS_INLINE Vec scale(Vec x, [[maybe_unused]] Vec whole, [[maybe_unused]] IntVec n) {
#if EIGENESIS_VECTOR_BYTES == 64
  EIGENESIS_INSTRUCTION("scalefps", x, whole);
  return x;
#else
  const IntVec half = n >> 1;
  return x * power_of_two(half) * power_of_two(n - half);
#endif
}

/// The whole number nearest to factor x, |factor x| < 2^22, as float and as n.
EIGENESIS_INLINE Vec nearest(Vec x, float factor, IntVec& n) {
  const Vec shifted = horner(x, broadcast(factor), 0x1.8p23f);
  n = (IntVec)((Words)shifted - 0x4B400000);
  return shifted - 0x1.8p23f;
}

/// exp(f) - 1 for |f| <= ln 2 / 2 (1.4e-8).
EIGENESIS_INLINE Vec small_expm1(Vec f) {
  Vec p = horner(broadcast(0x1.6b96f4p-10f), f, 0x1.1226d8p-7f);
  p = horner(p, f, 0x1.5556f8p-5f);
  p = horner(p, f, 0x1.5554b2p-3f);
  p = horner(p, f, 0x1.fffffep-2f);
  return horner(p, f * f, f);
}

/// x - whole ln 2.
EIGENESIS_INLINE Vec without_ln2(Vec x, Vec whole) {
  return multiply_add(whole, broadcast(-ln2_low), x - whole * ln2_high);
}

EIGENESIS_INLINE Vec exp(Vec x) {
  IntVec n;
  x = clamp(x, -104.0f, 89.0f);
  const Vec whole = nearest(x, 0x1.715476p+0f, n);
  return scale(small_expm1(without_ln2(x, whole)) + 1.0f, whole, n);
}

EIGENESIS_INLINE Vec expm1(Vec x) {
  IntVec n;
  x = clamp(x, -18.0f, 89.0f);
  const Vec whole = nearest(x, 0x1.715476p+0f, n);
  const Vec part = small_expm1(without_ln2(x, whole));
  const Vec half = power_of_two(n - 1);
  return n == IntVec{} ? part : 2.0f * horner(part, half, half - 0.5f);
}

/// ln x for x > 0 and normal or 0 (5.8e-9).
EIGENESIS_INLINE Vec normal_log(Vec x) {
  const IntVec e = (IntVec)((Words)x - 0x3f3504f3) >> 23;  // mantissa in [sqrt(1/2), sqrt(2))
  const Vec f = (Vec)((Words)x - ((Words)e << 23)) - 1.0f;
  const Vec exponent = __builtin_convertvector(e, Vec);
  Vec p = horner(broadcast(-0x1.38c9dep-4f), f, 0x1.055ec6p-3f);
  p = horner(p, f, -0x1.0d8242p-3f);
  p = horner(p, f, 0x1.22d92ep-3f);
  p = horner(p, f, -0x1.54728ap-3f);
  p = horner(p, f, 0x1.99a01cp-3f);
  p = horner(p, f, -0x1.000226p-2f);
  p = horner(p, f, 0x1.555554p-2f);
  const Vec square = f * f;
  return multiply_add(exponent, broadcast(ln2_high), f + horner(horner(p, f, -0.5f), square, exponent * ln2_low));
}

/// -infinity for subnormal x too, as they are 0 in all kernels.
EIGENESIS_INLINE Vec log(Vec x) {
  const Vec special = absolute(x) < 0x1p-126f ? broadcast(-infinity) : x > 0.0f ? x : broadcast(not_a_number);
  return ((x >= 0x1p-126f) & (x < infinity)) ? normal_log(x) : special;
}

EIGENESIS_INLINE Vec log1p(Vec x) {
  const Vec u = 1.0f + x;
  const Vec lost = x - (u - 1.0f);  // what rounding took from u
  return ((u > 0.0f) & (u < infinity)) ? normal_log(u) + lost / u : log(u);
}

EIGENESIS_INLINE Vec tanh(Vec x) {
  const Vec t = expm1(2.0f * clamp(absolute(x), 0.0f, 10.0f));
  return with_sign(t / (t + 2.0f), x);
}

EIGENESIS_INLINE Vec sigmoid(Vec x) {
  const Vec e = exp(-absolute(x));
  return (x < 0.0f ? e : broadcast(1.0f)) / (1.0f + e);
}

EIGENESIS_INLINE Vec softplus(Vec x) {
  const Vec e = exp(-absolute(x));
  Vec p = horner(broadcast(-0x1.af5e2p-9f), e, 0x1.49211cp-6f);  // ln(1 + e) for 0 <= e <= 1 (5.3e-9)
  p = horner(p, e, -0x1.d6b75ep-5f);
  p = horner(p, e, 0x1.b4b094p-4f);
  p = horner(p, e, -0x1.3a43ep-3f);
  p = horner(p, e, 0x1.934b6ep-3f);
  p = horner(p, e, -0x1.ff23e8p-3f);
  p = horner(p, e, 0x1.554ddp-2f);
  p = horner(p, e, -0x1.ffffd2p-2f);
  return (x < 0.0f ? Vec{} : x) + horner(p, e * e, e);
}

EIGENESIS_INLINE Vec erf(Vec x) {
  const Vec a = clamp(absolute(x), 0.0f, 4.0f), z = a * a;
  // erf(a) / a - 1 for a <= 1 (1.4e-9); p a may be subnormal
  Vec p = horner(broadcast(0x1.4771fep-14f), z, -0x1.a3515ep-11f);
  p = horner(p, z, 0x1.53f224p-8f);
  p = horner(p, z, -0x1.b7f71ap-6f);
  p = horner(p, z, 0x1.ce2ce6p-4f);
  p = horner(p, z, -0x1.81273ep-2f);
  p = horner(p, z, 0x1.06eba8p-3f);
  // ln(1 - erf(a)) for 1 <= a <= 4 (1.2e-9)
  Vec q = horner(broadcast(0x1.8bfce2p-13f), a, -0x1.8599d8p-9f);
  q = horner(q, a, 0x1.67784p-6f);
  q = horner(q, a, -0x1.a73a66p-4f);
  q = horner(q, a, -0x1.4698a2p-1f);
  q = horner(q, a, -0x1.20938cp+0f);
  q = horner(q, a, -0x1.3b0848p-12f);
  return with_sign(a < 1.0f ? (p + 1.0f) * a : 1.0f - exp(q), x);
}

/// sin (4.0e-9) and cos (1.2e-10) of f, |f| <= pi / 4.
EIGENESIS_INLINE Vec small_sin(Vec f) {
  const Vec z = f * f;
  Vec p = horner(broadcast(-0x1.9951f2p-13f), z, 0x1.110774p-7f);
  p = horner(p, z, -0x1.555546p-3f);
  return horner(p * z, f, f);
}
EIGENESIS_INLINE Vec small_cos(Vec f) {
  const Vec z = f * f;
  Vec p = horner(broadcast(0x1.99e80cp-16f), z, -0x1.6c0c28p-10f);
  p = horner(p, z, 0x1.55554ap-5f);
  return horner(p, z * z, 1.0f - 0.5f * z);
}

/// sin(f + quarter pi / 2) from sin f and cos f.
EIGENESIS_INLINE Vec rotate(Vec sine, Vec cosine, IntVec quarter) {
  const Vec result = (quarter & 1) != 0 ? cosine : sine;
  return (Vec)((IntVec)result ^ ((quarter & 2) << 30));
}

/// x - n pi / 2, |x| <= 10^4; the first three parts of pi / 2 have 11 bits or less, so their products are exact. What
/// rounding takes when the third is subtracted goes with the fourth.
EIGENESIS_INLINE Vec reduced_angle(Vec x, IntVec& n) {
  const Vec whole = nearest(x, 0x1.45f306p-1f, n);
  const Vec high = (x - whole * 0x1.92p0f) - whole * 0x1.fb4p-12f, third = whole * 0x1.444p-24f, rest = high - third;
  return rest - horner(whole, broadcast(0x1.68c234p-39f), third - (high - rest));
}

/// sin(x + quarter pi / 2). Larger angles, infinity and NaN go one by one through the C library.
EIGENESIS_INLINE Vec sin_from(Vec x, int quarter) {
  typedef std::uint64_t Pairs __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));
  IntVec n;
  const Vec f = reduced_angle(x, n);
  Vec result = rotate(small_sin(f), small_cos(f), n + quarter);
  const IntVec small = absolute(x) <= 1e4f;
  const Pairs pairs = (Pairs)small;
  std::uint64_t all = pairs[0];
  EIGENESIS_UNROLL
  for (int i = 1; i < lanes / 2; ++i) all &= pairs[i];
  if (all != ~std::uint64_t{0})
    for (int i = 0; i < lanes; ++i)
      if (!small[i]) result[i] = static_cast<float>(quarter == 0 ? __builtin_sin(x[i]) : __builtin_cos(x[i]));
  return result;
}

EIGENESIS_INLINE Vec sin(Vec x) { return sin_from(x, 0); }
EIGENESIS_INLINE Vec cos(Vec x) { return sin_from(x, 1); }
