// SPDX-License-Identifier: MIT
// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3; 2011) for a vector of counters at a time.

typedef std::uint64_t WideWords __attribute__((vector_size(EIGENESIS_VECTOR_BYTES)));
typedef std::uint32_t LooseWords __attribute__((vector_size(EIGENESIS_VECTOR_BYTES), aligned(4), may_alias));

/// Products of the low halves.
EIGENESIS_INLINE WideWords multiply_low(WideWords x, WideWords y) {
#if EIGENESIS_X86
  EIGENESIS_INSTRUCTION("pmuludq", x, y);
  return x;
#else
  return (x & 0xffffffff) * (y & 0xffffffff);
#endif
}

/// The 64 words of the 16 counters block, ..., block + 15: word w of counter i is words[16 w + i].
inline void random_words(std::uint64_t key, std::uint64_t block, std::uint32_t* words) {
  WideWords pairs;  // 0, 2, 4, ...
  EIGENESIS_UNROLL
  for (int i = 0; i < lanes / 2; ++i) pairs[i] = static_cast<std::uint64_t>(2 * i);
  for (int first = 0; first < 16; first += lanes) {
    // A counter in each 64-bit lane, even and odd ones; the high halves of its four words do not matter.
    const WideWords even = pairs + (block + static_cast<std::uint64_t>(first)), odd = even + 1;
    WideWords c[2][4] = {{even, even >> 32}, {odd, odd >> 32}};
    WideWords key0 = WideWords{} + (key & 0xffffffff), key1 = WideWords{} + (key >> 32);
    for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9, key1 += 0xBB67AE85)
      EIGENESIS_UNROLL
      for (int i = 0; i < 2; ++i) {
        const WideWords product0 = multiply_low(c[i][0], WideWords{} + 0xD2511F53);
        const WideWords product2 = multiply_low(c[i][2], WideWords{} + 0xCD9E8D57);
        c[i][0] = (product2 >> 32) ^ c[i][1] ^ key0;
        c[i][1] = product2;
        c[i][2] = (product0 >> 32) ^ c[i][3] ^ key1;
        c[i][3] = product0;
      }
    EIGENESIS_UNROLL
    for (int w = 0; w < 4; ++w)  // a little-endian pair of words
      *reinterpret_cast<LooseWords*>(words + 16 * w + first) = (Words)((c[0][w] & 0xffffffff) | (c[1][w] << 32));
  }
}

/// 64 uniform numbers in [low, high) of 24 bits from 64 words.
inline void uniform_chunk(const std::uint32_t* words, float* out, float low, float high) {
  for (int i = 0; i < 64; i += lanes) {
    const auto bits = (IntVec)(*reinterpret_cast<const LooseWords*>(words + i) >> 8);
    const Vec part = __builtin_convertvector(bits, Vec) * 0x1p-24f, x = horner(part, broadcast(high - low), low);
    store(out + i, x < high ? x : broadcast(low));  // rounding may reach high
  }
}

/// 64 standard normal numbers from 64 words (Box & Muller 1958): radius sqrt(-2 ln u), u in (0, 1] of 31 bits, and an
/// angle of 32 bits.
inline void normal_chunk(const std::uint32_t* words, float* out) {
  for (int half = 0; half < 64; half += 32)
    for (int i = half; i < half + 16; i += lanes) {
      const auto radius_bits = (IntVec)(*reinterpret_cast<const LooseWords*>(words + i) >> 1);
      const auto angle_bits = (IntVec)(*reinterpret_cast<const LooseWords*>(words + i + 16));
      const Vec u = __builtin_convertvector(radius_bits, Vec) * 0x1p-31f + 0x1p-32f;
      const Vec quarters = __builtin_convertvector(angle_bits, Vec) * 0x1p-30f;  // of a turn, in [-2, 2]
      IntVec quarter;
      const Vec f = (quarters - nearest(quarters, 1.0f, quarter)) * 1.57079633f;
      const Vec sine = small_sin(f), cosine = small_cos(f);
      const Vec radius = square_root(-2.0f * normal_log(u));
      store(out + i, radius * rotate(sine, cosine, quarter + 1));
      store(out + i + 16, radius * rotate(sine, cosine, quarter));
    }
}
