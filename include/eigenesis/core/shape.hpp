// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <span>
#include <string>

#include "eigenesis/machine/error.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The highest rank of a tensor.
inline constexpr int max_rank = 6;

/// The sizes of a tensor's axes, the last one contiguous in memory: `Shape{64, 784}` is a Shape<2>.
template <int Rank>
struct Shape {
  static_assert(Rank >= 0 && Rank <= max_rank, "eigenesis: tensors have rank 0 to 6");
  std::array<Index, static_cast<std::size_t>(Rank)> sizes{};  // of the axes, the first one first

  /// The size of an axis, which is not checked.
  constexpr Index& operator[](int axis) { return sizes[static_cast<std::size_t>(axis)]; }
  constexpr Index operator[](int axis) const { return sizes[static_cast<std::size_t>(axis)]; }
  /// Number of elements; 1 for rank 0.
  constexpr Index size() const {
    Index product = 1;
    for (const Index s : sizes) product *= s;
    return product;
  }
  /// The sizes, for code that takes any rank.
  constexpr operator std::span<const Index>() const { return sizes; }
  /// Whether all sizes are equal.
  constexpr bool operator==(const Shape& other) const {
    for (int axis = 0; axis < Rank; ++axis)
      if ((*this)[axis] != other[axis]) return false;
    return true;
  }
};

template <class... Sizes>
Shape(Sizes...) -> Shape<static_cast<int>(sizeof...(Sizes))>;

namespace detail {

/// The most that strides, paddings, dilations and factors may be: their products with sizes of tensors then fit into an
/// Index.
inline constexpr Index max_step = Index{1} << 20;

/// Axis counted from the front; negative axes count from the back.
inline int checked_axis(std::string_view function, int axis, int rank) {
  require<ArgumentError>(axis >= -rank && axis < rank, function, ": expected an axis in [", -rank, ", ", rank - 1,
                         "] but got ", axis);
  return axis < 0 ? axis + rank : axis;
}

}  // namespace detail

/// "[64, 784]".
template <int Rank>
std::string to_string(const Shape<Rank>& shape) {
  return to_string(detail::ShapeView{shape});
}

}  // namespace eigenesis::inline EIGENESIS_ABI
