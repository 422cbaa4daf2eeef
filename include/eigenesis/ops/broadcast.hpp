// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/variable.hpp"
#include "eigenesis/core/axes.hpp"

// sum <-> broadcast, each the other's gradient.
namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// The sum of x over the axes along which `shape` is stretched to the shape of x.
template <class Scalar>
AnyVariable<Scalar> sum_to(const AnyVariable<Scalar>& x, std::span<const Index> shape);
/// x stretched to `shape`.
template <class Scalar>
AnyVariable<Scalar> broadcast_to(const AnyVariable<Scalar>& x, std::span<const Index> shape);

}  // namespace detail

/// x stretched to a larger shape (NumPy's rule, aligned at the last axis); throws ShapeError.
template <class Scalar, int Rank, int NewRank>
Variable<Scalar, NewRank> broadcast(const Variable<Scalar, Rank>& x, const Shape<NewRank>& shape) {
  require(detail::stretches_to(x.shape(), shape), "broadcast: expected a shape that ", x.shape(),
          " can be stretched to but got ", shape);
  return Variable<Scalar, NewRank>(detail::broadcast_to<Scalar>(x, shape));
}

/// The reverse of broadcast: x summed over the axes along which `shape` is stretched to that of x; throws ShapeError.
template <class Scalar, int Rank, int NewRank>
Variable<Scalar, NewRank> sum_to(const Variable<Scalar, Rank>& x, const Shape<NewRank>& shape) {
  require(detail::stretches_to(shape, x.shape()), "sum_to: expected a shape that can be stretched to ", x.shape(),
          " but got ", shape);
  return Variable<Scalar, NewRank>(detail::sum_to<Scalar>(x, shape));
}

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/ops/broadcast_inl.hpp"
#endif
