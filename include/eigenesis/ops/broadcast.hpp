// SPDX-License-Identifier: MIT
#pragma once

#include <ranges>

#include "eigenesis/autodiff/variable.hpp"
#include "eigenesis/kernels/reductions.hpp"

// sum <-> broadcast, each the other's gradient. Shapes are aligned at the last axis; an axis that is missing or has
// size 1 is stretched (NumPy's rule).
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
inline CachedVector<StretchedRun> stretched_runs(std::span<const Index> small, std::span<const Index> large) {
  const std::size_t missing = large.size() - small.size();
  const auto size_of = [&](std::size_t axis) { return axis < missing ? Index{1} : small[axis - missing]; };
  const auto product = [](std::size_t begin, std::size_t end, auto size) {
    Index result = 1;
    for (std::size_t i = begin; i < end; ++i) result *= size(i);
    return result;
  };
  const auto large_size = [&](std::size_t axis) { return large[axis]; };
  CachedVector<StretchedRun> runs;
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

/// Leads x through step(run, from, to), one run after the other, into y; `size` elements lie behind each run.
template <class Scalar, class Size, class Step>
void follow_runs(const CachedVector<StretchedRun>& runs, const NodeRef<Scalar>& x, const NodeRef<Scalar>& y, Size size,
                 Step step) {
  if (runs.empty()) std::copy_n(x->data(), x->size(), y->data());
  Tensor<Scalar, 1> between;
  const Scalar* from = x->data();
  for (const StretchedRun& run : runs) {
    if (&run == &runs.back()) return step(run, from, y->data());
    Tensor<Scalar, 1> target(Shape{size(run)});
    step(run, from, target.data());
    between = std::move(target);
    from = between.data();
  }
}

template <class Scalar>
NodeRef<Scalar> broadcast_to(const NodeRef<Scalar>& x, std::span<const Index> shape);

/// The sum of x over the axes along which `shape` is stretched to the shape of x.
template <class Scalar>
NodeRef<Scalar> sum_to(const NodeRef<Scalar>& x, std::span<const Index> shape) {
  if (std::ranges::equal(x->shape, shape)) return x;
  NodeRef<Scalar> y = make_node<Scalar>(shape);
  const auto size = [](const StretchedRun& r) { return r.outer * r.inner; };
  follow_runs(stretched_runs(shape, x->shape), x, y, size, [](const StretchedRun& r, const Scalar* from, Scalar* to) {
    if (r.outer == 1 && r.inner == 1)
      *to = sum(from, r.run);
    else if (r.inner == 1)
      sum_columns(from, r.outer, r.run, to);
    else
      for (Index i = 0; i < r.outer; ++i) sum_rows(from + i * r.run * r.inner, r.run, r.inner, to + i * r.inner);
  });
  add_rule(y, x, [x](const NodeRef<Scalar>&, const NodeRef<Scalar>& dy) { return broadcast_to(dy, x->shape); });
  return y;
}
EIGENESIS_COMPILE(NodeRef<float> sum_to<float>(const NodeRef<float>&, std::span<const Index>));

template <class Scalar>
NodeRef<Scalar> broadcast_to(const NodeRef<Scalar>& x, std::span<const Index> shape) {
  if (std::ranges::equal(x->shape, shape)) return x;
  NodeRef<Scalar> y = make_node<Scalar>(shape);
  CachedVector<StretchedRun> runs = stretched_runs(x->shape, shape);
  std::ranges::reverse(runs);
  const auto size = [](const StretchedRun& r) { return r.outer * r.run * r.inner; };
  follow_runs(runs, x, y, size, [](const StretchedRun& r, const Scalar* from, Scalar* to) {
    for (Index i = 0; i < r.outer; ++i, from += r.inner, to += r.run * r.inner)
      if (r.inner == 1)
        fill(to, r.run, *from);
      else if (r.inner > 0 && r.run > 0)
        repeat(std::copy_n(from, r.inner, to) - r.inner, r.inner, r.run * r.inner);
  });
  add_rule(y, x, [x](const NodeRef<Scalar>&, const NodeRef<Scalar>& dy) { return sum_to(dy, x->shape); });
  return y;
}
EIGENESIS_COMPILE(NodeRef<float> broadcast_to<float>(const NodeRef<float>&, std::span<const Index>));

/// Stands for "[2, 3], [3] and [4, 3]" in a message.
template <class Scalar>
struct ShapeList {
  std::span<const NodeRef<Scalar>> operands;
};
template <class Scalar>
std::string to_string(const ShapeList<Scalar>& list) {
  std::string result;
  for (std::size_t i = 0; i < list.operands.size(); ++i) {
    if (i > 0) result += i + 1 < list.operands.size() ? ", " : " and ";
    result += to_string(ShapeView{list.operands[i]->shape});
  }
  return result;
}

/// A shape whose rank is only known at run time, as a value.
struct DynamicShape {
  std::array<Index, max_rank> sizes;
  std::size_t rank = 0;
  operator std::span<const Index>() const { return {sizes.data(), rank}; }
};

/// The shape to which all operands are stretched; throws ShapeError in the name of `function`.
template <class Scalar>
DynamicShape common_shape(const char* function, std::span<const NodeRef<Scalar>> operands) {
  DynamicShape shape;
  for (const NodeRef<Scalar>& x : operands) shape.rank = std::max(shape.rank, x->shape.size());
  std::fill_n(shape.sizes.begin(), shape.rank, 1);
  for (const NodeRef<Scalar>& x : operands)
    for (std::size_t i = 0, missing = shape.rank - x->shape.size(); i < x->shape.size(); ++i)
      if (shape.sizes[missing + i] == 1) shape.sizes[missing + i] = x->shape[i];
  for (const NodeRef<Scalar>& x : operands)
    require(stretches_to(x->shape, shape), function,
            ": expected shapes that agree or have size 1, axis by axis from the last, but got ",
            ShapeList<Scalar>{operands});
  return shape;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
