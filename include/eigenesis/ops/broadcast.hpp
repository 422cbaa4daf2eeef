// SPDX-License-Identifier: MIT
#pragma once

#include <ranges>

#include "eigenesis/autodiff/variable.hpp"

// sum <-> broadcast, each the other's gradient. Shapes are aligned at the last axis; an axis that is missing or has size 1
// is stretched (NumPy's rule).
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Whether stretching axes of size 1 makes `large` of `small`.
inline bool stretches_to(std::span<const Index> small, std::span<const Index> large) {
  if (small.size() > large.size()) return false;
  const auto tail = large.last(small.size());
  return std::ranges::equal(small, tail, [](Index s, Index l) { return s == l || s == 1; });
}

/// Neighbouring axes that are stretched, seen as the middle one of three axes: [outer, run, inner].
struct StretchedRun {
  Index outer, run, inner;
};

/// From the last run to the first: the order for sums, whose results shrink; broadcasts go the other way.
inline PoolVector<StretchedRun> stretched_runs(std::span<const Index> small, std::span<const Index> large) {
  const std::size_t missing = large.size() - small.size();
  const auto size_of = [&](std::size_t axis) { return axis < missing ? Index{1} : small[axis - missing]; };
  const auto product = [](std::size_t begin, std::size_t end, auto size) {
    Index result = 1;
    for (std::size_t i = begin; i < end; ++i) result *= size(i);
    return result;
  };
  const auto large_size = [&](std::size_t axis) { return large[axis]; };
  PoolVector<StretchedRun> runs;
  for (std::size_t end = large.size(); end > 0; --end) {
    std::size_t begin = end;
    while (begin > 0 && size_of(begin - 1) == 1) --begin;
    const StretchedRun run{product(0, begin, large_size), product(begin, end, large_size),
                           product(end, large.size(), size_of)};
    if (run.run != 1) runs.push_back(run);
    if (begin < end) end = begin + 1;
  }
  return runs;
}

template <class Scalar>
NodeRef<Scalar> broadcast_to(const NodeRef<Scalar>& x, std::span<const Index> shape);

/// The sum of x over the axes along which `shape` is stretched to the shape of x.
template <class Scalar>
NodeRef<Scalar> sum_to(const NodeRef<Scalar>& x, std::span<const Index> shape) {
  if (std::ranges::equal(x->shape, shape)) return x;
  NodeRef<Scalar> y = make_node<Scalar>(shape);
  const Scalar* from = x->data;
  Tensor<Scalar, 1> held;
  for (const auto& [outer, run, inner] : stretched_runs(shape, x->shape)) {
    Tensor<Scalar, 1> target(Shape{outer * inner});
    if (target.size() == 1)
      target.data()[0] = sum(from, run);
    else if (inner == 1)
      sum_columns(from, outer, run, target.data());
    else
      for (Index i = 0; i < outer; ++i) sum_rows(from + i * run * inner, run, inner, target.data() + i * inner);
    held = std::move(target);
    from = held.data();
  }
  std::copy_n(from, y->size(), y->data);
  add_rule(y, x, [x](const NodeRef<Scalar>&, const NodeRef<Scalar>& dy) { return broadcast_to(dy, x->shape); });
  return y;
}

template <class Scalar>
NodeRef<Scalar> broadcast_to(const NodeRef<Scalar>& x, std::span<const Index> shape) {
  if (std::ranges::equal(x->shape, shape)) return x;
  NodeRef<Scalar> y = make_node<Scalar>(shape);
  const Scalar* from = x->data;
  Tensor<Scalar, 1> held;
  for (const auto& [outer, run, inner] : std::views::reverse(stretched_runs(x->shape, shape))) {
    Tensor<Scalar, 1> target(Shape{outer * run * inner});
    Scalar* to = target.data();
    for (Index i = 0; i < outer; ++i, from += inner)
      if (inner == 1)
        to = std::fill_n(to, run, *from);
      else
        for (Index j = 0; j < run; ++j) to = std::copy_n(from, inner, to);
    held = std::move(target);
    from = held.data();
  }
  std::copy_n(from, y->size(), y->data);
  add_rule(y, x, [x](const NodeRef<Scalar>&, const NodeRef<Scalar>& dy) { return sum_to(dy, x->shape); });
  return y;
}

/// The shape to which all operands are stretched; throws ShapeError in the name of `function`.
template <class Scalar>
PoolVector<Index> common_shape(const char* function, std::span<const NodeRef<Scalar>> operands) {
  PoolVector<Index> shape;
  for (const NodeRef<Scalar>& x : operands) {
    if (x->shape.size() > shape.size()) shape.insert(shape.begin(), x->shape.size() - shape.size(), 1);
    const std::size_t missing = shape.size() - x->shape.size();
    for (std::size_t i = 0; i < x->shape.size(); ++i)
      if (shape[missing + i] == 1) shape[missing + i] = x->shape[i];
  }
  for (const NodeRef<Scalar>& x : operands)
    require(stretches_to(x->shape, shape), function, ": expected shapes that agree or have size 1, axis by axis from the last, but got ",
            ShapeView{operands.front()->shape}, " and ", ShapeView{(&x == &operands.front() ? operands.back() : x)->shape});
  return shape;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
