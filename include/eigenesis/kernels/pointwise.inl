// SPDX-License-Identifier: MIT
// Pointwise kernels: whole vectors in, whole vectors out.

EIGENESIS_INLINE Vec power(Vec a, Vec b) {
  a = EIGENESIS_OF_REAL(a, flushed(a));
  for (int i = 0; i < lanes; ++i) a[i] = static_cast<Real>(__builtin_pow(a[i], b[i]));
  return a;
}

#define EIGENESIS_OPERANDS_1 const Vec a = load(first + i)
#define EIGENESIS_OPERANDS_2 EIGENESIS_OPERANDS_1, b = load(second + i)
#define EIGENESIS_OPERANDS_3 EIGENESIS_OPERANDS_2, c = load(third + i)
#define EIGENESIS_OPERATION(name, operands, value, ...)                                          \
  inline void name##_kernel(Real* out, const Real* first, [[maybe_unused]] const Real* second,   \
                            [[maybe_unused]] const Real* third, [[maybe_unused]] Real constant,  \
                            Index n) {                                                           \
    for (Index i = 0; i < n; i += lanes) {                                                       \
      EIGENESIS_OPERANDS_##operands;                                                             \
      store(out + i, value);                                                                     \
    }                                                                                            \
  }
#define EIGENESIS_FUNCTION(name, floats, doubles, derivative) \
  EIGENESIS_OPERATION(name, 1, EIGENESIS_OF_REAL(floats, doubles), )
#include "eigenesis/kernels/operations.inl"
#undef EIGENESIS_OPERANDS_1
#undef EIGENESIS_OPERANDS_2
#undef EIGENESIS_OPERANDS_3
#undef EIGENESIS_EACH
#undef EIGENESIS_OF_REAL

inline Pointwise<Real> pointwise(Operation operation, const Real*) {
  static constexpr Pointwise<Real> kernels[] = {
#define EIGENESIS_OPERATION(name, ...) name##_kernel,
#define EIGENESIS_FUNCTION(name, ...) name##_kernel,
#include "eigenesis/kernels/operations.inl"
  };
  return kernels[static_cast<int>(operation)];
}
