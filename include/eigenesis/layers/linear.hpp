// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/initializers.hpp"
#include "eigenesis/ops/matmul.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Options of a Linear.
struct LinearOptions {
  bool bias = true;  // false: none is added
};

/// y = x W + b, x [N, in] -> y [N, out]. Weight and bias start as in PyTorch: U(-1/sqrt(in), 1/sqrt(in)). Without b:
/// Linear(in, out, {.bias = false}, rng). Throws ShapeError unless x has `in` columns.
template <class Scalar = float>
struct Linear {
  Parameter<Scalar, 2> weight;  // [in, out]; PyTorch's is the transpose
  Parameter<Scalar, 1> bias;    // [out], or [0] and no field without

  Linear(Index in, Index out, LinearOptions options, Rng& rng)
      : weight(checked(in, out)), bias(Tensor<Scalar, 1>(Shape{options.bias ? out : 0})) {
    detail::initialize_by_fan_in(weight, bias, rng);
  }
  Linear(Index in, Index out, Rng& rng) : Linear(in, out, LinearOptions{}, rng) {}

  Variable<Scalar, 2> operator()(const Variable<Scalar, 2>& x) const {
    require(x.shape(1) == weight.shape(0), "Linear: expected x of shape [N, ", weight.shape(0), "] but got ",
            x.shape());
    return bias.size() > 0 ? matmul(x, weight, bias) : matmul(x, weight);
  }
  template <int Rank>  // for its message only
  Variable<Scalar, 2> operator()(const Variable<Scalar, Rank>&) const {
    static_assert(Rank == 2, "eigenesis: Linear takes x of shape [N, in]; flatten images first (Flatten)");
  }

  static void fields(auto& self, auto&& field) {
    field("weight", self.weight, InFiles::features_first);
    if (self.bias.size() > 0) field("bias", self.bias);
  }

 private:
  static Tensor<Scalar, 2> checked(Index in, Index out) {
    require<ArgumentError>(in > 0 && out > 0, "Linear: expected sizes > 0 but got ", in, " and ", out);
    return Tensor<Scalar, 2>(Shape{in, out});
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
