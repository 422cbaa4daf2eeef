// SPDX-License-Identifier: MIT
// Pointwise kernels: whole vectors in, whole vectors out.

EIGENESIS_INLINE Vec power(Vec a, Vec b) {
  for (int i = 0; i < lanes; ++i) a[i] = static_cast<Real>(__builtin_pow(a[i], b[i]));
  return a;
}

// One name per operand, so that a kernel loads what it uses.
#define EIGENESIS_KERNEL(name, operands, expression)                                                        \
  inline void name##_kernel([[maybe_unused]] Real* out, [[maybe_unused]] const Real* a_, [[maybe_unused]] const Real* b_, \
                            [[maybe_unused]] const Real* c_, [[maybe_unused]] Real constant, Index n) {    \
    for (Index i = 0; i < n; i += lanes) {                                                                  \
      operands;                                                                                             \
      store(out + i, expression);                                                                           \
    }                                                                                                       \
  }
#define EIGENESIS_A const Vec a = load(a_ + i)
#define EIGENESIS_AB EIGENESIS_A, b = load(b_ + i)
#define EIGENESIS_ABC EIGENESIS_AB, c = load(c_ + i)
EIGENESIS_KERNEL(negate, EIGENESIS_A, -a)
EIGENESIS_KERNEL(abs, EIGENESIS_A, (Vec)((IntVec)a & ~(IntVec)broadcast(Real{-0.0})))
EIGENESIS_KERNEL(square, EIGENESIS_A, a* a)
EIGENESIS_KERNEL(reciprocal, EIGENESIS_A, Real{1} / a)
EIGENESIS_KERNEL(sqrt, EIGENESIS_A, square_root(a))
EIGENESIS_KERNEL(exp, EIGENESIS_A, exp(a))
EIGENESIS_KERNEL(expm1, EIGENESIS_A, expm1(a))
EIGENESIS_KERNEL(log, EIGENESIS_A, log(a))
EIGENESIS_KERNEL(log1p, EIGENESIS_A, log1p(a))
EIGENESIS_KERNEL(tanh, EIGENESIS_A, tanh(a))
EIGENESIS_KERNEL(sigmoid, EIGENESIS_A, sigmoid(a))
EIGENESIS_KERNEL(softplus, EIGENESIS_A, softplus(a))
EIGENESIS_KERNEL(erf, EIGENESIS_A, erf(a))
EIGENESIS_KERNEL(sin, EIGENESIS_A, sin(a))
EIGENESIS_KERNEL(cos, EIGENESIS_A, cos(a))
EIGENESIS_KERNEL(add_constant, EIGENESIS_A, a + constant)
EIGENESIS_KERNEL(multiply_constant, EIGENESIS_A, a* constant)
EIGENESIS_KERNEL(constant_minus, EIGENESIS_A, constant - a)
EIGENESIS_KERNEL(constant_over, EIGENESIS_A, constant / a)
EIGENESIS_KERNEL(add, EIGENESIS_AB, a + b)
EIGENESIS_KERNEL(subtract, EIGENESIS_AB, a - b)
EIGENESIS_KERNEL(multiply, EIGENESIS_AB, a* b)
EIGENESIS_KERNEL(divide, EIGENESIS_AB, a / b)
EIGENESIS_KERNEL(power, EIGENESIS_AB, power(a, b))
EIGENESIS_KERNEL(less, EIGENESIS_AB, a < b ? broadcast(1) : Vec{})
EIGENESIS_KERNEL(less_equal, EIGENESIS_AB, a <= b ? broadcast(1) : Vec{})
EIGENESIS_KERNEL(equal, EIGENESIS_AB, a == b ? broadcast(1) : Vec{})
EIGENESIS_KERNEL(select, EIGENESIS_ABC, a != Vec{} ? b : c)
EIGENESIS_KERNEL(multiply_add, EIGENESIS_ABC, a* b + c)
#undef EIGENESIS_KERNEL
#undef EIGENESIS_A
#undef EIGENESIS_AB
#undef EIGENESIS_ABC

inline Pointwise<Real> pointwise(Operation operation, const Real*) {
  static constexpr Pointwise<Real> kernels[] = {  // in the order of Operation
      negate_kernel, abs_kernel, square_kernel, reciprocal_kernel, sqrt_kernel, exp_kernel, expm1_kernel, log_kernel,
      log1p_kernel, tanh_kernel, sigmoid_kernel, softplus_kernel, erf_kernel, sin_kernel, cos_kernel,
      add_constant_kernel, multiply_constant_kernel, constant_minus_kernel, constant_over_kernel,
      add_kernel, subtract_kernel, multiply_kernel, divide_kernel, power_kernel, less_kernel, less_equal_kernel,
      equal_kernel, select_kernel, multiply_add_kernel};
  static_assert(sizeof kernels / sizeof *kernels == static_cast<std::size_t>(Operation::multiply_add) + 1);
  return kernels[static_cast<int>(operation)];
}
