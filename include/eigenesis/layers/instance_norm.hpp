// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/layers/normalization.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Instance normalisation, x [N, H, W, F] (Ulyanov et al. 2016): each feature of each image by its own mean and biased
/// variance over the pixels, in training and evaluation. Throws ArgumentError for features < 1, ShapeError for a wrong
/// number of features or a single pixel.
template <class Scalar = float>
struct InstanceNorm {
  Parameter<Scalar, 1> weight, bias;  // [F]
  double epsilon = 1e-5;

  explicit InstanceNorm(Index features)
      : weight(detail::per_feature<Scalar>("InstanceNorm", features, 1)), bias(Tensor<Scalar, 1>(Shape{features}, 0)) {}

  Variable<Scalar, 4> operator()(const Variable<Scalar, 4>& x) const {
    const Index n = x.shape(0), pixels = x.shape(1) * x.shape(2), features = weight.size();
    require(x.shape(3) == features, "InstanceNorm: expected x of shape [N, H, W, ", features, "] but got ", x.shape());
    require(pixels > 1, "InstanceNorm: expected more than one pixel but got x of shape ", x.shape());
    const Shape<3> statistics{n, 1, features};
    const auto rows = reshape(x, Shape{n, pixels, features});
    const auto means = reshape(mean(rows, 1), statistics);
    const auto centred = rows - means;
    const auto variance = reshape(mean(square(centred), 1), statistics);
    const auto scale = map([epsilon = epsilon](auto v, auto w) { return w / sqrt(v + epsilon); }, variance, weight);
    return reshape(map([](auto t, auto s, auto b) { return t * s + b; }, centred, scale, bias), x.shape());
  }

  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("bias", self.bias);
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
