// SPDX-License-Identifier: MIT
// Elementary functions of doubles, lane by lane through the C library: accuracy counts here, not speed.

#define EIGENESIS_LANEWISE(name, expression)                  \
  EIGENESIS_INLINE Vec name(Vec vector) {                     \
    for (int i = 0; i < lanes; ++i) {                         \
      const Real x = vector[i];                               \
      vector[i] = static_cast<Real>(expression);              \
    }                                                         \
    return vector;                                            \
  }
EIGENESIS_LANEWISE(exp, __builtin_exp(x))
EIGENESIS_LANEWISE(expm1, __builtin_expm1(x))
EIGENESIS_LANEWISE(log, __builtin_log(x))
EIGENESIS_LANEWISE(log1p, __builtin_log1p(x))
EIGENESIS_LANEWISE(tanh, __builtin_tanh(x))
EIGENESIS_LANEWISE(sigmoid, x < 0 ? __builtin_exp(x) / (1 + __builtin_exp(x)) : 1 / (1 + __builtin_exp(-x)))
EIGENESIS_LANEWISE(softplus, (x < 0 ? 0 : x) + __builtin_log1p(__builtin_exp(x < 0 ? x : -x)))
EIGENESIS_LANEWISE(erf, __builtin_erf(x))
EIGENESIS_LANEWISE(sin, __builtin_sin(x))
EIGENESIS_LANEWISE(cos, __builtin_cos(x))
#undef EIGENESIS_LANEWISE
