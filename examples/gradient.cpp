// SPDX-License-Identifier: MIT
// Gradients, and gradients of gradients, of formulas and of an operation of one's own.
#include <eigenesis/eigenesis.hpp>

#include "arguments.hpp"
using namespace eigenesis;

// An activation of one's own is one line: map() derives it, any number of times.
Variable<double, 1> swish(const Variable<double, 1>& x) {
  return map([](auto t) { return t * sigmoid(t); }, x);
}

// An operation of one's own is its value and one rule for each input, written in differentiable operations.
// Here: the outer product y[i, j] = a[i] b[j], so that da = dy b and db = dy^T a.
Variable<double, 2> outer(const Variable<double, 1>& a, const Variable<double, 1>& b) {
  Tensor<double, 2> y(Shape{a.size(), b.size()});
  y.matrix() = a.value().array().matrix() * b.value().array().matrix().transpose();
  return record(std::move(y), wrt(a, [b](const auto&, const auto& dy) { return sum(dy * b, 1); }),
                wrt(b, [a](const auto&, const auto& dy) { return sum(transpose(dy) * a, 1); }));
}

int main(int argc, char** argv) {
  return run_example("gradient", [&] {
    Arguments arguments(argc, argv, "Takes first, second and third derivatives of swish(x) = x sigmoid(x).", {});

    const auto x = watch(Tensor<double, 1>({3}, {-1.0, 0.0, 2.0}));
    const auto y = swish(x);
    const auto first = gradient(sum(y), x);  // as differentiable as y is
    const auto second = gradient(sum(first), x);
    const auto third = gradient(sum(second), x);
    std::printf("%8s %12s %12s %12s %12s\n", "x", "swish", "first", "second", "third");
    for (Index i = 0; i < x.size(); ++i)
      std::printf("%8.3f %12.8f %12.8f %12.8f %12.8f\n", x.value()(i), y.value()(i), first.value()(i),
                  second.value()(i), third.value()(i));

    // d(sum(outer(x, y)^2))/dx = 2 x |y|^2 + ... through both operands, y depending on x.
    const auto dx = gradient(sum(square(outer(x, y))), x);
    std::printf("\ngradient of |x swish(x)^T|^2: %.8f %.8f %.8f\n", dx.value()(0), dx.value()(1), dx.value()(2));
  });
}
