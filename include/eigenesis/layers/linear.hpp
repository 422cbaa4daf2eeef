// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/initializers.hpp"
#include "eigenesis/ops/arithmetic.hpp"
#include "eigenesis/ops/matmul.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// y = x W^T + b, x [N, in] -> y [N, out]. Weight and bias start as in PyTorch: U(-1/sqrt(in), 1/sqrt(in)).
/// Throws ShapeError unless x has `in` columns.
template <class Scalar = float>
struct Linear {
  Parameter<Scalar, 2> weight;  // [out, in]
  Parameter<Scalar, 1> bias;    // [out]

  Linear(Index in, Index out, Rng& rng) : weight(checked(in, out)), bias(Tensor<Scalar, 1>(Shape{out})) {
    const double bound = 1 / std::sqrt(static_cast<double>(in));
    initialize_uniform(weight, -bound, bound, rng);
    initialize_uniform(bias, -bound, bound, rng);
  }

  Variable<Scalar, 2> operator()(const Variable<Scalar, 2>& x) const {
    require(x.shape(1) == weight.shape(1), "Linear: expected x of shape [N, ", weight.shape(1), "] but got ",
            x.shape());
    return matmul(x, transposed(weight)) + bias;
  }
  template <int Rank>
  Variable<Scalar, 2> operator()(const Variable<Scalar, Rank>&) const {
    static_assert(Rank == 2, "eigenesis: Linear takes x of shape [N, in]; flatten images first (Flatten)");
  }

  static void fields(auto& self, auto&& field) {
    field("weight", self.weight);
    field("bias", self.bias);
  }

 private:
  static Tensor<Scalar, 2> checked(Index in, Index out) {
    require<ArgumentError>(in > 0 && out > 0, "Linear: expected sizes > 0 but got ", in, " and ", out);
    return Tensor<Scalar, 2>(Shape{out, in});
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
