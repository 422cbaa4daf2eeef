// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/pictures/picture.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How draw_heat_map() draws.
struct HeatMapOptions {
  std::string title = {}, x_label = {}, y_label = {};  // above, beneath and on the left; empty: none
  Limits x_limits = {}, y_limits = {};  // what the columns and rows cover; 0 and 0: numbers of columns and rows
  Limits colours = {};                  // values of the first and the last colour; 0 and 0: the least and the greatest
  Index width = 640, height = 560;      // of the picture, in pixels
};

namespace detail {

Picture heat_map(std::string_view function, const std::vector<double>& values, const Shape<2>& shape,
                 const HeatMapOptions& options);

}  // namespace detail

/// Values [rows, columns] as colours, with a scale on the right: values(i, j) is the cell of column j and row i, the
/// first row at the bottom, as y grows upwards. Values beyond the colours have the nearest one; where a value is not
/// finite, the cell is grey. Throws ShapeError for an empty tensor, ArgumentError if no value is finite and for options
/// that do not fit.
template <class Scalar>
Picture draw_heat_map(const Tensor<Scalar, 2>& values, const HeatMapOptions& options = {}) {
  return detail::heat_map("draw_heat_map", {values.values().begin(), values.values().end()}, values.shape(), options);
}

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/pictures/heat_map_inl.hpp"
#endif
