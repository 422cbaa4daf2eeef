// SPDX-License-Identifier: MIT
// The table of all pointwise operations, read several times: each reader first defines one or both of the macros.
//
// EIGENESIS_FUNCTION(name, floats, doubles, derivative): an elementary function f of one number. The row makes its kernels,
// the function of a Symbol and the function of a Variable; beside it stands one line in tests/ops/pointwise_test.cpp.
//   floats      f of a vector `a` of floats; long formulas are functions in math_float.inl
//   doubles     f of a vector `a` of doubles; EIGENESIS_EACH(f(x)) computes it for each of its elements x
//   derivative  d * f'(a), a formula of Symbols; y = f(a)
//
// EIGENESIS_OPERATION(name, operands, value, by_a, by_b, by_c): what Symbol's operators and other functions record.
//   operands    how many of the vectors a, b, c the value reads
//   value       a formula of vectors of either type, and of the number `constant`
//   by_a ...    d times the derivative of the value y by each operand, a formula of Symbols; 0 if there is none

#ifndef EIGENESIS_OPERATION
#define EIGENESIS_OPERATION(...)
#endif
#ifndef EIGENESIS_FUNCTION
#define EIGENESIS_FUNCTION(...)
#endif

// clang-format off
// |x|; the gradient at 0 is 0.
EIGENESIS_FUNCTION(abs, absolute(a), absolute(a), d * ((0 < a) - (a < 0)))
EIGENESIS_FUNCTION(square, a * a, a * a, d * (2 * a))
EIGENESIS_FUNCTION(sqrt, square_root(a), square_root(a), 0.5 * d / y)
EIGENESIS_FUNCTION(exp, exp(a), EIGENESIS_EACH(__builtin_exp(x)), d * y)
// exp(x) - 1, accurate near 0.
EIGENESIS_FUNCTION(expm1, expm1(a), EIGENESIS_EACH(__builtin_expm1(x)), d * (y + 1))
EIGENESIS_FUNCTION(log, log(a), EIGENESIS_EACH(__builtin_log(x)), d / a)
// log(1 + x), accurate near 0.
EIGENESIS_FUNCTION(log1p, log1p(a), EIGENESIS_EACH(__builtin_log1p(x)), d / (1 + a))
EIGENESIS_FUNCTION(sin, sin(a), EIGENESIS_EACH(__builtin_sin(x)), d * cos(a))
EIGENESIS_FUNCTION(cos, cos(a), EIGENESIS_EACH(__builtin_cos(x)), -(d * sin(a)))
EIGENESIS_FUNCTION(erf, erf(a), EIGENESIS_EACH(__builtin_erf(x)), d * (2 * std::numbers::inv_sqrtpi * exp(-square(a))))
EIGENESIS_FUNCTION(tanh, tanh(a), EIGENESIS_EACH(__builtin_tanh(x)), d * (1 - square(y)))
// 1 / (1 + exp(-x)).
EIGENESIS_FUNCTION(sigmoid, sigmoid(a),
                   EIGENESIS_EACH(x < 0 ? __builtin_exp(x) / (1 + __builtin_exp(x)) : 1 / (1 + __builtin_exp(-x))),
                   d * (y * (1 - y)))
// log(1 + exp(x)) = -log sigmoid(-x), without overflow.
EIGENESIS_FUNCTION(softplus, softplus(a),
                   EIGENESIS_EACH((x < 0 ? 0 : x) + __builtin_log1p(__builtin_exp(x < 0 ? x : -x))), d * sigmoid(a))

EIGENESIS_OPERATION(negate, 1, -a, -d, 0, 0)
EIGENESIS_OPERATION(reciprocal, 1, Real{1} / a, -(d * square(y)), 0, 0)
EIGENESIS_OPERATION(add_constant, 1, a + constant, d, 0, 0)
EIGENESIS_OPERATION(multiply_constant, 1, a * constant, d * constant, 0, 0)
EIGENESIS_OPERATION(divide_constant, 1, a / constant, d / constant, 0, 0)
EIGENESIS_OPERATION(constant_minus, 1, constant - a, -d, 0, 0)
EIGENESIS_OPERATION(constant_over, 1, constant / a, -(d * (y / a)), 0, 0)
EIGENESIS_OPERATION(add, 2, a + b, d, d, 0)
EIGENESIS_OPERATION(subtract, 2, a - b, d, -d, 0)
EIGENESIS_OPERATION(multiply, 2, a * b, d * b, d * a, 0)
EIGENESIS_OPERATION(divide, 2, a / b, d / b, -(d * (y / b)), 0)
EIGENESIS_OPERATION(power, 2, power(a, b), d * power_by_base(a, b), d * (y * log_of_base(a)), 0)
EIGENESIS_OPERATION(less, 2, a < b ? broadcast(1) : Vec{}, 0, 0, 0)
EIGENESIS_OPERATION(less_equal, 2, a <= b ? broadcast(1) : Vec{}, 0, 0, 0)
EIGENESIS_OPERATION(equal, 2, a == b ? broadcast(1) : Vec{}, 0, 0, 0)
// b where a > 0 (or NaN), constant * b elsewhere: (leaky) ReLU and its gradient. 0 * b would not be 0 for all b.
EIGENESIS_OPERATION(gate, 2, a <= Vec{} ? (constant == 0 ? Vec{} : b * constant) : b, 0, trace(Operation::gate, constant, a, d), 0)
EIGENESIS_OPERATION(select, 3, a != Vec{} ? b : c, 0, select(a, d, 0), select(a, 0, d))
// clang-format on

#undef EIGENESIS_OPERATION
#undef EIGENESIS_FUNCTION
