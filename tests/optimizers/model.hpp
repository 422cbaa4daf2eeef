// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

/// y = x W + b, from fixed numbers; four samples and their targets.
template <class Scalar>
struct Affine {
  eigenesis::Parameter<Scalar, 2> weight = eigenesis::Tensor<Scalar, 2>(
      eigenesis::Shape{2, 3}, {Scalar(0.1), Scalar(-0.2), Scalar(0.3), Scalar(0.4), Scalar(0.5), Scalar(-0.6)});
  eigenesis::Parameter<Scalar, 1> bias =
      eigenesis::Tensor<Scalar, 1>(eigenesis::Shape{3}, {Scalar(0.05), Scalar(-0.15), Scalar(0.25)});

  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("bias", self.bias);
  }

  /// The squared error of tanh(x W + b), summed over features, averaged over samples.
  eigenesis::Variable<Scalar, 0> loss() const {
    using namespace eigenesis;
    const Tensor<double, 2> x(Shape{4, 2}, {0.5, -1.0, 1.5, 2.0, -0.3, 0.8, 2.0, -0.7});
    const Tensor<double, 2> target(Shape{4, 3}, {0.2, -0.4, 0.9, -0.5, 0.1, 0.3, 0.7, -0.8, 0.0, 0.4, 0.6, -0.2});
    const Variable inputs(Tensor<Scalar, 2>(x.matrix())), targets(Tensor<Scalar, 2>(target.matrix()));
    return mean(sum(square(tanh(matmul(inputs, weight) + bias) - targets), 1));
  }
};

template <class Scalar, int Rank>
struct One {
  eigenesis::Parameter<Scalar, Rank> weight;
  static void fields(auto& self, auto&& field) { field("weight", self.weight); }
};

template <class A, class B = A>
struct Pair {
  A first;
  B second;
  static void fields(auto& self, auto&& field) {
    field("first", self.first);
    field("second", self.second);
  }
};
