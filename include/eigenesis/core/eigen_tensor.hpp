// SPDX-License-Identifier: MIT
#pragma once

// Not part of the umbrella: Eigen's tensor module takes half a second to include and much longer to use.
#include <unsupported/Eigen/CXX11/Tensor>

#include "eigenesis/core/tensor.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A view of x as an Eigen tensor, without a copy; of a temporary, a copy.
template <class Scalar, int Rank>
Eigen::TensorMap<Eigen::Tensor<Scalar, Rank, Eigen::RowMajor>, Eigen::Aligned64> eigen_tensor(Tensor<Scalar, Rank>& x) {
  return {x.data(), x.shape().sizes};
}
template <class Scalar, int Rank>
Eigen::TensorMap<const Eigen::Tensor<Scalar, Rank, Eigen::RowMajor>, Eigen::Aligned64> eigen_tensor(
    const Tensor<Scalar, Rank>& x) {
  return {x.data(), x.shape().sizes};
}
template <class Scalar, int Rank>
Eigen::Tensor<Scalar, Rank, Eigen::RowMajor> eigen_tensor(Tensor<Scalar, Rank>&& x) {
  return eigen_tensor(std::as_const(x));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
