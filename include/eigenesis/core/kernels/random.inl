// SPDX-License-Identifier: MIT
// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3; 2011) for a vector of counters at a time.

typedef std::uint32_t Words __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));
typedef std::uint64_t WideWords __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));
typedef std::uint32_t LooseWords __attribute__((vector_size(EIGENESIS_VECTOR_BYTES), aligned(4), may_alias));

/// Product of the even words, 64 bits each.
EIGENESIS_INLINE WideWords multiply_even(Words x, Words y) {
#if EIGENESIS_VECTOR_BYTES == 64
  return (WideWords)_mm512_maskz_mul_epu32(0xff, (__m512i)x, (__m512i)y);
#elif EIGENESIS_VECTOR_BYTES == 32
  return (WideWords)_mm256_mul_epu32((__m256i)x, (__m256i)y);
#elif EIGENESIS_X86
  return (WideWords)_mm_mul_epu32((__m128i)x, (__m128i)y);
#else
  return ((WideWords)x & 0xffffffff) * ((WideWords)y & 0xffffffff);
#endif
}

/// The high and low words of the products x y; written for little-endian words.
EIGENESIS_INLINE void multiply_wide(Words x, std::uint32_t y, Words& high, Words& low) {
  const Words factor = Words{} + y;
  const WideWords even = multiply_even(x, factor), odd = multiply_even((Words)((WideWords)x >> 32), factor);
  constexpr std::uint64_t low_half = 0xffffffff;
  low = (Words)((even & low_half) | (odd << 32));
  high = (Words)((even >> 32) | (odd & ~low_half));
}

/// The 64 words of the 16 counters block, ..., block + 15: word w of counter i is words[16 w + i].
inline void random_words(std::uint64_t key, std::uint64_t block, std::uint32_t* words) {
  for (int first = 0; first < 16; first += lanes) {
    Words c0, c1, c2{}, c3{};
    for (int i = 0; i < lanes; ++i) {
      const std::uint64_t counter = block + static_cast<std::uint64_t>(first + i);
      c0[i] = static_cast<std::uint32_t>(counter);
      c1[i] = static_cast<std::uint32_t>(counter >> 32);
    }
    auto key0 = static_cast<std::uint32_t>(key), key1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      Words high0, low0, high1, low1;
      multiply_wide(c0, 0xD2511F53, high0, low0);
      multiply_wide(c2, 0xCD9E8D57, high1, low1);
      c0 = high1 ^ c1 ^ key0, c1 = low1;
      c2 = high0 ^ c3 ^ key1, c3 = low0;
      key0 += 0x9E3779B9, key1 += 0xBB67AE85;
    }
    std::uint32_t* const out = words + first;
    *reinterpret_cast<LooseWords*>(out) = c0;
    *reinterpret_cast<LooseWords*>(out + 16) = c1;
    *reinterpret_cast<LooseWords*>(out + 32) = c2;
    *reinterpret_cast<LooseWords*>(out + 48) = c3;
  }
}

/// 64 uniform numbers in [low, high) of 24 bits from 64 words.
inline void uniform_chunk(const std::uint32_t* words, float* out, float low, float high) {
  for (int i = 0; i < 64; i += lanes) {
    const auto bits = (IntVec)(*reinterpret_cast<const LooseWords*>(words + i) >> 8);
    const Vec x = low + (high - low) * (__builtin_convertvector(bits, Vec) * 0x1p-24f);
    store(out + i, x < high ? x : broadcast(low));  // rounding may reach high
  }
}

/// 64 standard normal numbers from 64 words (Box & Muller 1958): radius sqrt(-2 ln u), u in (0, 1] of 31 bits; angle 2 pi v.
inline void normal_chunk(const std::uint32_t* words, float* out) {
  for (int half = 0; half < 64; half += 32)
    for (int i = half; i < half + 16; i += lanes) {
      const auto radius_bits = (IntVec)(*reinterpret_cast<const LooseWords*>(words + i) >> 1);
      const auto angle_bits = (IntVec)(*reinterpret_cast<const LooseWords*>(words + i + 16));
      const Vec u = __builtin_convertvector(radius_bits, Vec) * 0x1p-31f + 0x1p-32f;
      const Vec angle = __builtin_convertvector(angle_bits, Vec) * (0x1p-31f * 3.14159265f);
      const Vec radius = square_root(-2 * log(u));
      store(out + i, radius * cos(angle));
      store(out + i + 16, radius * sin(angle));
    }
}
