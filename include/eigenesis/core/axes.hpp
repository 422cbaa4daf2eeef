// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "eigenesis/core/shape.hpp"

// Axes and how they stretch. Two shapes are aligned at the last axis; an axis that is missing or has size 1 is
// stretched (NumPy's rule).
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// An axis amid all those before and all those behind it: x seen as [outer, size, inner].
struct AxisView {
  Index outer = 1, size, inner = 1;
  template <int Rank>
  AxisView(const Shape<Rank>& shape, int axis) : size(shape[axis]) {
    for (int i = 0; i < Rank; ++i) (i < axis ? outer : inner) *= i == axis ? 1 : shape[i];
  }
};

template <int Rank>
Shape<Rank> with_axis(Shape<Rank> shape, int axis, Index size) {
  shape[axis] = size;
  return shape;
}
template <int Rank>
Shape<Rank - 1> without_axis(const Shape<Rank>& shape, int axis) {
  Shape<Rank - 1> result;
  for (int i = 0; i + 1 < Rank; ++i) result[i] = shape[i < axis ? i : i + 1];
  return result;
}

/// Whether stretching axes of size 1 makes `large` of `small`.
inline bool stretches_to(std::span<const Index> small, std::span<const Index> large) {
  if (small.size() > large.size()) return false;
  const auto tail = large.last(small.size());
  return std::ranges::equal(small, tail, [](Index s, Index l) { return s == l || s == 1; });
}

/// Neighbouring axes that are stretched, seen as the middle one of three axes: [outer, size, inner], where `outer` is
/// counted in the large shape and `inner` in the small one.
struct StretchedRun {
  Index outer, size, inner;
};

/// All of them, from the last to the first: the order for sums, whose results shrink. Broadcasts go the other way.
class StretchedRuns {
 public:
  /// Expects that `small` stretches to `large`.
  StretchedRuns(std::span<const Index> small, std::span<const Index> large) {
    const std::size_t missing = large.size() - small.size();
    const auto stretched = [&](std::size_t axis) { return axis < missing || small[axis - missing] == 1; };
    std::array<Index, max_rank + 1> outer{1};
    for (std::size_t axis = 0; axis < large.size(); ++axis) outer[axis + 1] = outer[axis] * large[axis];
    Index inner = 1;
    for (std::size_t axis = large.size(); axis > 0;) {
      Index size = 1;
      while (axis > 0 && stretched(axis - 1)) size *= large[--axis];
      if (size != 1) runs_[count_++] = {outer[axis], size, inner};
      if (axis > 0) inner *= large[--axis];
    }
  }
  const StretchedRun* begin() const { return runs_.data(); }
  const StretchedRun* end() const { return runs_.data() + count_; }
  std::size_t size() const { return count_; }

 private:
  std::array<StretchedRun, (max_rank + 1) / 2> runs_;
  std::size_t count_ = 0;
};

/// How the elements of a small shape lie among those of the shape that it stretches to.
enum class Spread {
  full,    // one each
  tiled,   // data[i % size]: leading axes are stretched (a bias), or there is one element
  repeat,  // data[i / count]: trailing axes are stretched (one number per sample)
  other
};
struct Broadcast {
  Spread spread;
  Index count = 1;  // of `repeat`: how many neighbours share an element
};
inline Broadcast classify(std::span<const Index> small, std::span<const Index> large) {
  const StretchedRuns runs(small, large);
  if (runs.size() == 0) return {Spread::full};
  const StretchedRun& last = *runs.begin();
  if (runs.size() == 1 && last.outer == 1) return {Spread::tiled};
  if (runs.size() == 1 && last.inner == 1) return {Spread::repeat, last.size};
  return {Spread::other};
}

/// A shape whose rank is only known at run time, as a value.
struct DynamicShape {
  std::array<Index, max_rank> sizes;
  std::size_t rank = 0;
  operator std::span<const Index>() const { return {sizes.data(), rank}; }
};

/// The shape to which all operands, things with a shape(), are stretched; throws ShapeError in the name of `function`.
template <class Operands>
DynamicShape common_shape(const char* function, const Operands& operands) {
  DynamicShape common;
  for (const auto& x : operands) common.rank = std::max(common.rank, x.shape().size());
  std::fill_n(common.sizes.begin(), common.rank, 1);
  for (const auto& x : operands)
    for (std::size_t i = 0, missing = common.rank - x.shape().size(); i < x.shape().size(); ++i)
      if (common.sizes[missing + i] == 1) common.sizes[missing + i] = x.shape()[i];
  for (const auto& x : operands) {
    if (stretches_to(x.shape(), common)) continue;
    std::string list;  // "[2, 3], [3] and [4, 3]"
    for (const auto& each : operands)
      list += (&each == &operands.front()  ? ""
               : &each == &operands.back() ? " and "
                                           : ", ") +
              to_string(ShapeView{each.shape()});
    fail<ShapeError>(function, ": expected shapes that agree or have size 1, axis by axis from the last, but got ",
                     list);
  }
  return common;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
