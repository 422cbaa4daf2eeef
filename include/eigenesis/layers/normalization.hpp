// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/ranks.hpp"
#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/machine/float_state.hpp"
#include "eigenesis/ops/reduce.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// A parameter for each feature, all of one value.
template <class Scalar>
Tensor<Scalar, 1> per_feature(const char* layer, Index features, Scalar value) {
  require<ArgumentError>(features > 0, layer, ": expected features > 0 but got ", features);
  return Tensor<Scalar, 1>(Shape{features}, value);
}

/// (x - mean) / sqrt(variance + epsilon) * weight + bias.
template <class Scalar, int Rank, int MeanRank>
Variable<Scalar, Rank> normalize(const Variable<Scalar, Rank>& x, const Variable<Scalar, MeanRank>& mean,
                                 const Variable<Scalar, MeanRank>& variance, double epsilon,
                                 const Variable<Scalar, 1>& weight, const Variable<Scalar, 1>& bias) {
  const auto scale = map([epsilon](auto v) { return 1 / sqrt(v + epsilon); }, variance);
  return map([](auto t, auto m, auto s, auto w, auto b) { return (t - m) * s * w + b; }, x, mean, scale, weight, bias);
}

/// The mean of each feature, the last axis.
template <class Scalar, int Rank>
Variable<Scalar, 1> feature_mean(const Variable<Scalar, Rank>& x) {
  const Index features = x.shape(-1);
  return sum_to(x, Shape{features}) / (x.size() / features);
}
/// The mean of dy (x - mean) of each feature.
template <class Scalar, int Rank>
Variable<Scalar, 1> feature_covariance(const Variable<Scalar, Rank>& dy, const Variable<Scalar, Rank>& x,
                                       const Variable<Scalar, 1>& mean) {
  return feature_mean(map([](auto d, auto t, auto m) { return d * (t - m); }, dy, x, mean));
}

/// normalize() by the mean and variance of each feature over x itself, with few passes over memory: the gradient
/// through both is one formula, dx = w s (dy - mean(dy) - (x - mean) s^2 covariance(dy, x)), s = 1 / sqrt(variance +
/// epsilon).
template <class Scalar, int Rank>
Variable<Scalar, Rank> normalize_features(const Variable<Scalar, Rank>& x, const Variable<Scalar, 1>& mean,
                                          const Variable<Scalar, 1>& variance, double epsilon,
                                          const Variable<Scalar, 1>& weight, const Variable<Scalar, 1>& bias) {
  Tensor<Scalar, Rank> y = [&] {
    const NoGradient rules_follow;
    return normalize(x, mean, variance, epsilon, weight, bias).value();
  }();
  return record(
      std::move(y),
      wrt(x,
          [x, mean, variance, epsilon, weight](const auto&, const auto& dy) {
            const auto slope =
                map([epsilon](auto c, auto v) { return c / (v + epsilon); }, feature_covariance(dy, x, mean), variance);
            const auto scale = map([epsilon](auto w, auto v) { return w / sqrt(v + epsilon); }, weight, variance);
            return map(
                [](auto d, auto d_mean, auto t, auto m, auto k, auto s) { return (d - d_mean - (t - m) * k) * s; }, dy,
                feature_mean(dy), x, mean, slope, scale);
          }),
      wrt(weight,
          [x, mean, variance, epsilon](const auto&, const auto& dy) {
            const Index n = x.size() / mean.size();
            return map([epsilon, n](auto c, auto v) { return n * c / sqrt(v + epsilon); },
                       feature_covariance(dy, x, mean), variance);
          }),
      wrt(bias, [](const auto&, const auto& dy) { return sum_to(dy, Shape{dy.shape(-1)}); }));
}

/// The mean of x over ranks, of which this one has `weight`. It is the gradient's rule too: what is minimised is the
/// mean of the ranks' losses with such weights.
template <class Scalar>
[[gnu::cold]] Variable<Scalar, 1> mean_over_ranks(const Variable<Scalar, 1>& x, Index weight) {
  RanksOfStep* const ranks = RanksOfStep::now();
  require<ArgumentError>(ranks != nullptr,
                         "BatchNorm: expected the gradient of statistics over all ranks to be taken in the step that "
                         "computed them");
  Tensor<Scalar, 1> y = x.value();
  const std::span<Scalar> part(y.data(), static_cast<std::size_t>(y.size()));
  ranks->average("the statistics of BatchNorm", weight, {&part, 1}, {});
  return record(std::move(y), wrt(x, [weight](const auto&, const auto& dy) { return mean_over_ranks(dy, weight); }));
}

/// Throws ShapeError in the name of `layer` unless the last axis of x has `features` elements.
template <class Scalar, int Rank>
void check_features(const char* layer, const Variable<Scalar, Rank>& x, Index features) {
  static_assert(Rank >= 2, "eigenesis: normalisation takes x of shape [N, ..., F]");
  require(x.shape(-1) == features, layer, ": expected x with ", features, " features in its last axis but got ",
          x.shape());
}

}  // namespace detail

/// Batch normalisation over the last axis, x [N, ..., F] (Ioffe and Szegedy 2015). In training each feature is
/// normalised by its mean and biased variance over the batch, and the running statistics move by `momentum` towards the
/// batch's mean and unbiased variance, as in PyTorch; in evaluation the running statistics are used, and a sample does
/// not depend on its batch. It stands for PyTorch's BatchNorm1d, 2d and 3d. A batch with NaN or
/// infinities gives NaN, but leaves the running statistics as they are. Throws ArgumentError for features < 1,
/// ShapeError for a wrong number of features, or in training for one value per feature, and NumericError in training
/// for running statistics that are not finite.
template <class Scalar = float>
struct BatchNorm {
  static constexpr bool needs_pass = true, mixes_samples = true;

  Parameter<Scalar, 1> weight, bias;                         // [F]
  mutable Tensor<Scalar, 1> running_mean, running_variance;  // [F]; training moves them if the Pass says so
  double momentum = 0.1;                                     // weight of a new batch in the running averages
  double epsilon = 1e-5;                                     // added to the variance

  explicit BatchNorm(Index features)
      : weight(detail::per_feature<Scalar>("BatchNorm", features, 1)),
        bias(Tensor<Scalar, 1>(Shape{features}, 0)),
        running_mean(Shape{features}, 0),
        running_variance(Shape{features}, 1) {}

  template <int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x, Pass pass = {}) const {
    detail::check_features("BatchNorm", x, weight.size());
    detail::expect_handed_on("BatchNorm", pass);
    if (!pass.is_training())
      return detail::normalize(x, Variable(running_mean), Variable(running_variance), epsilon, weight, bias);
    detail::RanksOfStep* const ranks = detail::RanksOfStep::now();
    const bool synchronised = ranks && ranks->synchronises();
    const Index n = x.size() / weight.size();
    require(n > 1 || synchronised,
            "BatchNorm: expected more than one value per feature in training but got x of shape ", x.shape());
    const auto over_ranks = [&](Variable<Scalar, 1> own) {
      return synchronised ? detail::mean_over_ranks(own, n) : own;
    };
    const Variable<Scalar, 1> mean = over_ranks(detail::feature_mean(x));
    const Variable<Scalar, 1> variance =
        over_ranks(detail::feature_mean(map([](auto t, auto m) { return square(t - m); }, x, mean)));
    if (pass.updates_state()) {
      if (ranks) [[unlikely]]
        update_over_ranks(*ranks, mean.value(), variance.value(), n);
      else
        update_running(mean.value(), variance.value(), n, 1);
    }
    if (synchronised) return detail::normalize(x, mean, variance, epsilon, weight, bias);
    return detail::normalize_features(x, mean, variance, epsilon, weight, bias);
  }

  std::string details() const {
    return detail::options_text(detail::option("momentum", momentum, 0.1) + detail::option("epsilon", epsilon, 1e-5));
  }
  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("bias", self.bias);
    field("running_mean", self.running_mean);
    field("running_var", self.running_variance, InFiles::at_least_zero);
  }

 private:
  /// The running statistics move by the means of the ranks' statistics, so that all ranks have the same.
  [[gnu::cold, gnu::noinline]] void update_over_ranks(detail::RanksOfStep& ranks, Tensor<Scalar, 1> mean,
                                                      Tensor<Scalar, 1> variance, Index n) const {
    const auto size = static_cast<std::size_t>(mean.size());
    const std::span<Scalar> parts[] = {{mean.data(), size}, {variance.data(), size}};
    const Index all = ranks.average("the statistics of BatchNorm", n, parts, {});
    update_running(mean, variance, all, ranks.synchronises() ? 1 : ranks.ranks());
  }
  /// By the statistics of n values per feature in so many groups, each with a mean of its own.
  void update_running(const Tensor<Scalar, 1>& mean, const Tensor<Scalar, 1>& variance, Index n, Index groups) const {
    if (!variance.array().isFinite().all()) return;
    require<NumericError>(running_mean.array().isFinite().all() && running_variance.array().isFinite().all(),
                          "BatchNorm: expected finite running averages but got nan or inf");
    const auto rate = static_cast<Scalar>(momentum);
    const auto unbiased = static_cast<Scalar>(static_cast<double>(n) / static_cast<double>(n - groups));
    for (Index i = 0; i < mean.size(); ++i) {
      running_mean(i) += detail::rounded(rate * (mean(i) - running_mean(i)));
      running_variance(i) += detail::rounded(rate * (detail::rounded(unbiased * variance(i)) - running_variance(i)));
    }
  }
};

/// Layer normalisation over the last axis, x [N, ..., F]: each row by its own mean and biased variance (Ba et al.
/// 2016). Throws ArgumentError for features < 1, ShapeError for a wrong number of features.
template <class Scalar = float>
struct LayerNorm {
  Parameter<Scalar, 1> weight, bias;  // [F]
  double epsilon = 1e-5;              // added to the variance

  explicit LayerNorm(Index features)
      : weight(detail::per_feature<Scalar>("LayerNorm", features, 1)), bias(Tensor<Scalar, 1>(Shape{features}, 0)) {}

  template <int Rank>
  Variable<Scalar, Rank> operator()(const Variable<Scalar, Rank>& x) const {
    detail::check_features("LayerNorm", x, weight.size());
    const Index features = weight.size();
    Shape<Rank> column = x.shape();
    column[Rank - 1] = 1;
    const auto row_mean = sum_to(x, column) / features;
    const auto variance = sum_to(map([](auto t, auto m) { return square(t - m); }, x, row_mean), column) / features;
    return detail::normalize(x, row_mean, variance, epsilon, weight, bias);
  }

  std::string details() const { return detail::options_text(detail::option("epsilon", epsilon, 1e-5)); }
  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("bias", self.bias);
  }
};

/// Options of an InstanceNorm.
struct InstanceNormOptions {
  bool affine = false;  // whether a learned weight and bias follow
};

/// Instance normalisation, x [N, H, W, F] (Ulyanov et al. 2016): each feature of each image by its own mean and biased
/// variance over the pixels, in training and evaluation. As in PyTorch, it has parameters only if asked for:
/// InstanceNorm(64, {.affine = true}). Throws ArgumentError for features < 1, ShapeError for a wrong number of features
/// or a single pixel.
template <class Scalar = float>
struct InstanceNorm {
  Index features;                     // F
  Parameter<Scalar, 1> weight, bias;  // [F], or [0] and no fields without
  double epsilon = 1e-5;              // added to the variance

  explicit InstanceNorm(Index channels, InstanceNormOptions options = {})
      : features(detail::per_feature<Scalar>("InstanceNorm", channels, 1).size()),
        weight(Tensor<Scalar, 1>(Shape{options.affine ? features : 0}, 1)),
        bias(Tensor<Scalar, 1>(weight.shape(), 0)) {}

  Variable<Scalar, 4> operator()(const Variable<Scalar, 4>& x) const {
    const Index n = x.shape(0), pixels = x.shape(1) * x.shape(2);
    require(x.shape(3) == features, "InstanceNorm: expected x of shape [N, H, W, ", features, "] but got ", x.shape());
    require(pixels > 1, "InstanceNorm: expected more than one pixel but got x of shape ", x.shape());
    const Shape<3> statistics{n, 1, features};
    const auto rows = reshape(x, Shape{n, pixels, features});
    const auto means = sum_to(rows, statistics) / pixels;
    const auto variances = sum_to(map([](auto t, auto m) { return square(t - m); }, rows, means), statistics) / pixels;
    if (weight.size() > 0) return reshape(detail::normalize(rows, means, variances, epsilon, weight, bias), x.shape());
    const auto scale = map([e = epsilon](auto v) { return 1 / sqrt(v + e); }, variances);
    return reshape(map([](auto t, auto m, auto s) { return (t - m) * s; }, rows, means, scale), x.shape());
  }

  std::string details() const { return detail::options_text(detail::option("epsilon", epsilon, 1e-5)); }
  static void fields(auto& self, auto&& field) {
    if (self.weight.size() == 0) return;
    field("weight", self.weight);
    field("bias", self.bias);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
