// SPDX-License-Identifier: MIT
// Pointwise kernels: whole vectors in, whole vectors out.

EIGENESIS_INLINE Vec power(Vec a, Vec b) {
  for (int i = 0; i < lanes; ++i) a[i] = static_cast<Real>(__builtin_pow(a[i], b[i]));
  return a;
}

#define EIGENESIS_OPERANDS_1 const Vec a = load(x + i)
#define EIGENESIS_OPERANDS_2 EIGENESIS_OPERANDS_1, b = load(y + i)
#define EIGENESIS_OPERANDS_3 EIGENESIS_OPERANDS_2, c = load(z + i)
#define EIGENESIS_OPERATION(name, operands, value)                                                       \
  inline void name##_kernel(Real* out, [[maybe_unused]] const Real* x, [[maybe_unused]] const Real* y,   \
                            [[maybe_unused]] const Real* z, [[maybe_unused]] Real constant, Index n) {   \
    for (Index i = 0; i < n; i += lanes) {                                                               \
      EIGENESIS_OPERANDS_##operands;                                                                     \
      store(out + i, value);                                                                             \
    }                                                                                                    \
  }
#include "eigenesis/kernels/operations.inl"
#undef EIGENESIS_OPERATION
#undef EIGENESIS_OPERANDS_1
#undef EIGENESIS_OPERANDS_2
#undef EIGENESIS_OPERANDS_3

inline Pointwise<Real> pointwise(Operation operation, const Real*) {
  static constexpr Pointwise<Real> kernels[] = {
#define EIGENESIS_OPERATION(name, operands, value) name##_kernel,
#include "eigenesis/kernels/operations.inl"
#undef EIGENESIS_OPERATION
  };
  return kernels[static_cast<int>(operation)];
}
