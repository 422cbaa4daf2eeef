// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/ops/reduce.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// reshape(), but without a copy where the rank stays.
template <class Scalar, int Rank, int NewRank>
Variable<Scalar, NewRank> with_shape(const Variable<Scalar, Rank>& x, const Shape<NewRank>& shape) {
  if constexpr (Rank == NewRank)
    return x;
  else
    return reshape(x, shape);
}

/// mean((x - mean)^2) along an axis.
template <class Scalar, int MeanRank>
Variable<Scalar, 1> biased_variance(const Variable<Scalar, 2>& x, const Variable<Scalar, MeanRank>& mean_of_x,
                                    int axis) {
  return mean(map([](auto t, auto m) { return square(t - m); }, x, mean_of_x), axis);
}

/// A parameter for each feature, all of one value.
template <class Scalar>
Tensor<Scalar, 1> per_feature(const char* layer, Index features, Scalar value) {
  require<ArgumentError>(features > 0, layer, ": expected features > 0 but got ", features);
  return Tensor<Scalar, 1>(Shape{features}, value);
}

/// (x - mean) / sqrt(variance + epsilon) * weight + bias.
template <class Scalar, int MeanRank>
Variable<Scalar, 2> normalize(const Variable<Scalar, 2>& x, const Variable<Scalar, MeanRank>& mean,
                              const Variable<Scalar, MeanRank>& variance, double epsilon,
                              const Variable<Scalar, 1>& weight, const Variable<Scalar, 1>& bias) {
  const auto scale = map([epsilon](auto v) { return 1 / sqrt(v + epsilon); }, variance);
  return map([](auto t, auto m, auto s, auto w, auto b) { return (t - m) * s * w + b; }, x, mean, scale, weight, bias);
}

/// x as rows of features, the last axis; throws ShapeError in the name of `layer` unless there are `features` of them.
template <class Scalar, int Rank>
Variable<Scalar, 2> feature_rows(const char* layer, const Variable<Scalar, Rank>& x, Index features) {
  static_assert(Rank >= 2, "eigenesis: normalisation takes x of shape [N, ..., F]");
  require(x.shape(-1) == features, layer, ": expected x with ", features, " features in its last axis but got ",
          x.shape());
  return with_shape(x, Shape{x.size() / features, features});
}

}  // namespace detail

/// Batch normalisation over the last axis, x [N, ..., F] (Ioffe and Szegedy 2015). In training each feature is
/// normalised by its mean and biased variance over the batch, and the running statistics move by `momentum` towards the
/// batch's mean and unbiased variance, as in PyTorch; in evaluation the running statistics are used, and a sample does
/// not depend on its batch. It stands for PyTorch's BatchNorm1d, 2d and 3d. Throws ArgumentError for features < 1,
/// ShapeError for a wrong number of features, or in training for one value per feature.
template <class Scalar = float>
struct BatchNorm {
  Parameter<Scalar, 1> weight, bias;                         // [F]
  mutable Tensor<Scalar, 1> running_mean, running_variance;  // [F]; training moves them if the Pass says so
  double momentum = 0.1;
  double epsilon = 1e-5;

  explicit BatchNorm(Index features)
      : weight(detail::per_feature<Scalar>("BatchNorm", features, 1)),
        bias(Tensor<Scalar, 1>(Shape{features}, 0)),
        running_mean(Shape{features}, 0),
        running_variance(Shape{features}, 1) {}

  template <int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x) const {
    const Variable<Scalar, 2> rows = detail::feature_rows("BatchNorm", x, weight.size());
    return detail::with_shape(
        detail::normalize(rows, Variable(running_mean), Variable(running_variance), epsilon, weight, bias), x.shape());
  }
  template <int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x, Pass pass) const {
    if (!pass.training()) return (*this)(x);
    const Variable<Scalar, 2> rows = detail::feature_rows("BatchNorm", x, weight.size());
    const Index n = rows.shape(0);
    require(n > 1, "BatchNorm: expected more than one value per feature in training but got x of shape ", x.shape());
    const Variable<Scalar, 1> batch_mean = mean(rows, 0);
    const Variable<Scalar, 1> variance = detail::biased_variance(rows, batch_mean, 0);
    if (pass.update_state) update_running(batch_mean.value(), variance.value(), n);
    return detail::with_shape(detail::normalize(rows, batch_mean, variance, epsilon, weight, bias), x.shape());
  }

  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("bias", self.bias);
    field("running_mean", self.running_mean);
    field("running_var", self.running_variance);
  }

 private:
  void update_running(const Tensor<Scalar, 1>& batch_mean, const Tensor<Scalar, 1>& variance, Index n) const {
    const auto rate = static_cast<Scalar>(momentum);
    const auto unbiased = static_cast<Scalar>(static_cast<double>(n) / static_cast<double>(n - 1));
    running_mean.array() += rate * (batch_mean.array() - running_mean.array());
    running_variance.array() += rate * (unbiased * variance.array() - running_variance.array());
  }
};

/// Layer normalisation over the last axis, x [N, ..., F]: each row by its own mean and biased variance (Ba et al.
/// 2016). Throws ArgumentError for features < 1, ShapeError for a wrong number of features.
template <class Scalar = float>
struct LayerNorm {
  Parameter<Scalar, 1> weight, bias;  // [F]
  double epsilon = 1e-5;

  explicit LayerNorm(Index features)
      : weight(detail::per_feature<Scalar>("LayerNorm", features, 1)), bias(Tensor<Scalar, 1>(Shape{features}, 0)) {}

  template <int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x) const {
    const Variable<Scalar, 2> rows = detail::feature_rows("LayerNorm", x, weight.size());
    const Shape<2> column{rows.shape(0), 1};
    const Variable<Scalar, 2> row_mean = reshape(mean(rows, 1), column);
    const Variable<Scalar, 2> variance = reshape(detail::biased_variance(rows, row_mean, 1), column);
    return detail::with_shape(detail::normalize(rows, row_mean, variance, epsilon, weight, bias), x.shape());
  }

  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("bias", self.bias);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
