// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include "eigenesis/kernels/product.hpp"
#include "eigenesis/kernels/reductions.hpp"
#include "eigenesis/core/tensor.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Features [N, F] in double. Throws DataError for a number that is not finite: comparisons would hide it.
template <class Scalar>
Tensor<double, 2> checked_features(const char* function, const Tensor<Scalar, 2>& features) {
  Tensor<double, 2> result(features.shape());
  for (Index i = 0; i < features.size(); ++i) {
    result.data()[i] = static_cast<double>(features.data()[i]);
    require<DataError>(std::isfinite(result.data()[i]), function, ": expected finite features but got ",
                       result.data()[i], " in sample ", i / features.shape(1));
  }
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
