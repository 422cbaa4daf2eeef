// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <vector>

#include "eigenesis/autodiff/variable.hpp"
#include "eigenesis/core/axes.hpp"
#include "eigenesis/kernels/transpose.hpp"

// Moving elements without computing: reshape, transpose, slice <-> pad, concatenate <-> split.
namespace eigenesis::inline EIGENESIS_ABI {

/// The same elements in the same order under another shape of equal size; throws ShapeError.
template <class Scalar, int Rank, int NewRank>
Variable<Scalar, NewRank> reshape(const Variable<Scalar, Rank>& x, const Shape<NewRank>& shape) {
  require(shape.size() == x.size(), "reshape: expected ", x.size(), " elements as in ", x.shape(), " but got ", shape);
  detail::describe<Scalar>("reshape");
  return record(x.value().reshaped(shape),
                wrt(x, [from = x.shape()](const auto&, const auto& dy) { return reshape(dy, from); }));
}

/// The last two axes exchanged, [..., M, N] -> [..., N, M].
template <class Scalar, int Rank>
requires(Rank >= 2) Variable<Scalar, Rank> transpose(const Variable<Scalar, Rank>& x) {
  Shape<Rank> shape = x.shape();
  const Index rows = shape[Rank - 2], columns = shape[Rank - 1];
  std::swap(shape[Rank - 2], shape[Rank - 1]);
  Tensor<Scalar, Rank> y(shape);
  for (Index i = 0; i < y.size(); i += rows * columns)
    detail::transpose(x.value().data() + i, rows, columns, y.data() + i);
  detail::describe<Scalar>("transpose");
  return record(std::move(y), wrt(x, [](const auto&, const auto& dy) { return transpose(dy); }));
}

namespace detail {

/// Copies `count` entries along an axis, from entry `x_begin` of x to entry `y_begin` of y.
template <class Scalar, int Rank>
void copy_entries(const Tensor<Scalar, Rank>& x, Index x_begin, Tensor<Scalar, Rank>& y, Index y_begin, Index count,
                  int axis) {
  const AxisView from(x.shape(), axis), to(y.shape(), axis);
  for (Index i = 0; i < from.outer; ++i)
    std::copy_n(x.data() + (i * from.size + x_begin) * from.inner, count * from.inner,
                y.data() + (i * to.size + y_begin) * to.inner);
}

}  // namespace detail

template <class Scalar, int Rank>
Variable<Scalar, Rank> pad(const Variable<Scalar, Rank>& x, int axis, Index before, Index after);

/// Entries [begin, end) along an axis; throws ArgumentError unless 0 <= begin <= end <= size.
template <class Scalar, int Rank>
Variable<Scalar, Rank> slice(const Variable<Scalar, Rank>& x, int axis, Index begin, Index end) {
  axis = detail::checked_axis("slice", axis, Rank);
  Shape<Rank> shape = x.shape();
  const Index size = shape[axis];
  require<ArgumentError>(0 <= begin && begin <= end && end <= size, "slice: expected 0 <= begin <= end <= ", size,
                         " but got [", begin, ", ", end, ")");
  shape[axis] = end - begin;
  Tensor<Scalar, Rank> y(shape);
  detail::copy_entries(x.value(), begin, y, 0, end - begin, axis);
  detail::describe<Scalar>("slice", {axis, begin, end});
  return record(std::move(y), wrt(x, [axis, begin, after = size - end](const auto&, const auto& dy) {
                  return pad(dy, axis, begin, after);
                }));
}

/// Zeros added before and after along an axis; throws ArgumentError for counts outside of [0, 2^40].
template <class Scalar, int Rank>
Variable<Scalar, Rank> pad(const Variable<Scalar, Rank>& x, int axis, Index before, Index after) {
  axis = detail::checked_axis("pad", axis, Rank);
  constexpr Index most = Index{1} << 40;
  require<ArgumentError>(std::min(before, after) >= 0 && std::max(before, after) <= most,
                         "pad: expected counts in [0, 2^40] but got ", before, " and ", after);
  Shape<Rank> shape = x.shape();
  const Index size = shape[axis];
  shape[axis] += before + after;
  Tensor<Scalar, Rank> y(shape, Scalar{0});
  detail::copy_entries(x.value(), 0, y, before, size, axis);
  detail::describe<Scalar>("pad", {axis, before, after});
  return record(std::move(y), wrt(x, [axis, before, size](const auto&, const auto& dy) {
                  return slice(dy, axis, before, before + size);
                }));
}

/// Variables joined along an axis; all other sizes must agree, else ShapeError.
template <class Scalar, int Rank>
Variable<Scalar, Rank> concatenate(std::span<const Variable<Scalar, Rank>> parts, int axis) {
  axis = detail::checked_axis("concatenate", axis, Rank);
  require<ArgumentError>(!parts.empty(), "concatenate: expected at least one variable but got none");
  Shape<Rank> shape = parts.front().shape();
  shape[axis] = 0;
  for (const auto& part : parts) {
    Shape<Rank> expected = parts.front().shape();
    expected[axis] = part.shape()[axis];
    require(part.shape() == expected, "concatenate: expected shapes that differ in axis ", axis, " only but got ",
            parts.front().shape(), " and ", part.shape());
    shape[axis] += part.shape()[axis];
  }
  Tensor<Scalar, Rank> y(shape);
  detail::CachedVector<Index> ends{0};  // of the parts in y
  for (const auto& part : parts) {
    detail::copy_entries(part.value(), 0, y, ends.back(), part.shape()[axis], axis);
    ends.push_back(ends.back() + part.shape()[axis]);
  }
  detail::describe<Scalar>("concatenate", {axis});
  return record(std::move(y), wrt_each(parts, [axis, ends](std::size_t i, const auto&, const auto& dy) {
                  return slice(dy, axis, ends[i], ends[i + 1]);
                }));
}
template <class Scalar, int Rank>
Variable<Scalar, Rank> concatenate(std::initializer_list<Variable<Scalar, Rank>> parts, int axis) {
  return concatenate(std::span<const Variable<Scalar, Rank>>(parts.begin(), parts.size()), axis);
}
template <class Scalar, int Rank>
Variable<Scalar, Rank> concatenate(const std::vector<Variable<Scalar, Rank>>& parts, int axis) {
  return concatenate(std::span<const Variable<Scalar, Rank>>(parts), axis);
}

/// The parts of the given sizes along an axis, which must add up to its size, else ShapeError.
template <class Scalar, int Rank>
std::vector<Variable<Scalar, Rank>> split(const Variable<Scalar, Rank>& x, int axis, std::span<const Index> sizes) {
  axis = detail::checked_axis("split", axis, Rank);
  Index left = x.shape()[axis];
  bool fits = true;
  for (const Index size : sizes) fits = fits && size >= 0 && size <= left, left -= fits ? size : 0;
  require(fits && left == 0, "split: expected sizes >= 0 that add up to ", x.shape()[axis], " but got ",
          detail::ShapeView{sizes});
  std::vector<Variable<Scalar, Rank>> parts;
  Index begin = 0;
  for (const Index size : sizes) {
    parts.push_back(slice(x, axis, begin, begin + size));
    begin += size;
  }
  return parts;
}
template <class Scalar, int Rank>
std::vector<Variable<Scalar, Rank>> split(const Variable<Scalar, Rank>& x, int axis,
                                          std::initializer_list<Index> sizes) {
  return split(x, axis, std::span<const Index>(sizes.begin(), sizes.size()));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
