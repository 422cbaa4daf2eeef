// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include "eigenesis/kernels/reductions.hpp"
#include "eigenesis/ops/arrange.hpp"
#include "eigenesis/ops/pointwise.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The sum of all elements, [...] -> [].
template <class Scalar, int Rank>
Variable<Scalar, 0> sum(const Variable<Scalar, Rank>& x) {
  return sum_to(x, Shape<0>{});
}
/// The sum along one axis, which goes away: sum(x, 1) of [N, F] is [N].
template <class Scalar, int Rank>
Variable<Scalar, Rank - 1> sum(const Variable<Scalar, Rank>& x, int axis) {
  axis = detail::checked_axis("sum", axis, Rank);
  return reshape(sum_to(x, detail::with_axis(x.shape(), axis, 1)), detail::without_axis(x.shape(), axis));
}
/// The mean of all elements, [...] -> []; NaN without elements.
template <class Scalar, int Rank>
Variable<Scalar, 0> mean(const Variable<Scalar, Rank>& x) {
  return sum(x) / x.size();
}
/// The mean along one axis, which goes away.
template <class Scalar, int Rank>
Variable<Scalar, Rank - 1> mean(const Variable<Scalar, Rank>& x, int axis) {
  axis = detail::checked_axis("mean", axis, Rank);
  return sum(x, axis) / x.shape()[axis];
}
/// One sum for each sample: over all axes but the first, [N, ...] -> [N].
template <class Scalar, int Rank>
requires(Rank >= 1) Variable<Scalar, 1> sum_per_sample(const Variable<Scalar, Rank>& x) {
  Shape<Rank> kept;
  kept.sizes.fill(1);
  kept[0] = x.shape()[0];
  return reshape(sum_to(x, kept), Shape{kept[0]});
}

namespace detail {

template <int Rank>
int checked_filled_axis(std::string_view function, int axis, const Shape<Rank>& shape) {
  axis = checked_axis(function, axis, Rank);
  require<ArgumentError>(shape[axis] > 0, function, ": expected at least one element along axis ", axis,
                         " but got shape ", shape);
  return axis;
}

}  // namespace detail

/// The largest element along one axis, which goes away; NaN if any element is. Equal largest elements share the
/// gradient. Throws ArgumentError for an axis without elements.
template <class Scalar, int Rank>
Variable<Scalar, Rank - 1> maximum(const Variable<Scalar, Rank>& x, int axis) {
  axis = detail::checked_filled_axis("maximum", axis, x.shape());
  const detail::AxisView view(x.shape(), axis);
  Tensor<Scalar, Rank - 1> y(detail::without_axis(x.shape(), axis));
  if (view.inner == 1) {
    detail::max_columns(x.value().data(), view.outer, view.size, y.data());
  } else {
    Tensor<Scalar, 2> flipped(Shape{view.inner, view.size});
    for (Index i = 0; i < view.outer; ++i) {
      detail::transpose(x.value().data() + i * flipped.size(), view.size, view.inner, flipped.data());
      detail::max_columns(flipped.data(), view.inner, view.size, y.data() + i * view.inner);
    }
  }
  detail::describe<Scalar>("maximum", {axis});
  return record(std::move(y), wrt(x, [x, axis](const auto& largest, const auto& dy) {
                  const Shape<Rank> kept = detail::with_axis(x.shape(), axis, 1);
                  const auto hit = detach([&] {
                    const NoGradient constant;
                    return map([](auto t, auto m) { return t == m; }, x, reshape(largest, kept));
                  }());
                  return hit * (reshape(dy, kept) / sum_to(hit, kept));
                }));
}

/// A number would be taken for an axis. The larger of it and x: map([](auto t) { return maximum(t, 0.5); }, x).
template <class Scalar, int Rank, std::floating_point N>
void maximum(const Variable<Scalar, Rank>& x, N number) = delete;

namespace detail {

/// The largest element along an axis, which stays with size 1, as a constant. What follows does not depend on it, but
/// with it exp(x - shift) cannot overflow. An infinite one would give inf - inf: 0 instead.
template <class Scalar, int Rank>
Variable<Scalar, Rank> softmax_shift(const Variable<Scalar, Rank>& x, int axis) {
  const NoGradient constant;
  return detach(map([](auto m) { return select(abs(m) == std::numeric_limits<double>::infinity(), 0, m); },
                    reshape(maximum(x, axis), with_axis(x.shape(), axis, 1))));
}

}  // namespace detail

/// log(sum(exp(x))) along one axis, which goes away; without overflow. Of nothing but -infinity it is -infinity, and
/// the gradient is 0. As softmax and log_softmax, it throws ArgumentError for an axis without elements.
template <class Scalar, int Rank>
Variable<Scalar, Rank - 1> logsumexp(const Variable<Scalar, Rank>& x, int axis) {
  axis = detail::checked_filled_axis("logsumexp", axis, x.shape());
  const auto shift = detail::softmax_shift(x, axis);
  // A sum of 0, of nothing but -infinity, has no slope: infinity times the 0 of each exp would be NaN.
  const auto finite_slope = [](auto total) {
    return select(total == 0, -std::numeric_limits<double>::infinity(), log(total));
  };
  return reshape(shift + map(finite_slope, sum_to(exp(x - shift), shift.shape())),
                 detail::without_axis(x.shape(), axis));
}
/// log(softmax(x)) along one axis.
template <class Scalar, int Rank>
Variable<Scalar, Rank> log_softmax(const Variable<Scalar, Rank>& x, int axis) {
  axis = detail::checked_filled_axis("log_softmax", axis, x.shape());
  const auto shift = detail::softmax_shift(x, axis);
  const auto shifted = x - shift;  // first, as beside a large x the logarithm would be rounded away
  return shifted - log(sum_to(exp(shifted), shift.shape()));
}
/// exp(x) / sum(exp(x)) along one axis.
template <class Scalar, int Rank>
Variable<Scalar, Rank> softmax(const Variable<Scalar, Rank>& x, int axis) {
  axis = detail::checked_filled_axis("softmax", axis, x.shape());
  const auto shift = detail::softmax_shift(x, axis);
  const auto power = exp(x - shift);
  return power / sum_to(power, shift.shape());
}

}  // namespace eigenesis::inline EIGENESIS_ABI
