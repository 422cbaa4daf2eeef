// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/ops/arrange.hpp"
#include "eigenesis/ops/reduce.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Joins x and a condition [N, C] in the last axis, as conditional models do first (Mirza and Osindero 2014):
/// rows [N, F] -> [N, F + C]; images [N, H, W, F] -> [N, H, W, F + C], the same condition at every pixel.
///   Sequential{AppendCondition{}, Linear(100 + 10, 256, rng), Relu{}, Linear(256, 784, rng)}
/// Throws ShapeError unless there is one condition for each sample.
struct AppendCondition {
  template <class Scalar, int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x) const {
    static_assert(
        Rank < 0,
        "eigenesis: this network takes a condition. Give it one: model(x, condition), sample(conditions, rng); to "
        "fit, data that are Conditioned{samples, conditions}");
    return x;
  }
  template <class Scalar, int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x, const Variable<Scalar, 2>& condition) const {
    static_assert(Rank == 2 || Rank == 4, "eigenesis: AppendCondition takes rows [N, F] or images [N, H, W, F]");
    require(condition.shape(0) == x.shape(0), "AppendCondition: expected one condition for each sample, [", x.shape(0),
            ", C], but got ", condition.shape());
    if constexpr (Rank == 2) {
      return concatenate({x, condition}, 1);
    } else {
      const Index n = x.shape(0), channels = condition.shape(1);
      const auto pixel = reshape(condition, Shape{n, Index{1}, Index{1}, channels});
      return concatenate({x, broadcast(pixel, Shape{n, x.shape(1), x.shape(2), channels})}, -1);
    }
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
