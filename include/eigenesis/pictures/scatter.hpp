// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/pictures/picture.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How draw_scatter() draws.
struct ScatterOptions {
  /// What stands above the picture.
  std::string title = {};
  std::vector<int> labels = {};         // [N] >= 0, one colour for each class; empty: one colour for all
  Tensor<float, 2> reference = {};      // [M, 2], drawn in grey beneath the points: the data beside a model's samples
  double limit = 0;                     // The axes show [-limit, limit]; 0: as far as the points need.
  Limits x_limits = {}, y_limits = {};  // what each axis shows, in place of `limit`, each to a scale of its own
  double radius = 2;                    // of the dots, in pixels
  Index size = 560;                     // of the picture, in pixels
  std::vector<std::string> names = {};  // of the classes: a key of the colours, on the right, where it hides no point
  Tensor<float, 2> vectors = {};        // [N, 2], an arrow from each point instead of a dot: a vector field
  double arrow_scale = 0;  // length of an arrow to that of its vector; 0: the longest one spans the points' distance
};

namespace detail {

/// `values` are those of the points, row by row.
Picture scatter(std::string_view function, const std::vector<double>& values, const Shape<2>& shape,
                const ScatterOptions& options);

template <class Scalar>
Picture scatter(std::string_view function, const Tensor<Scalar, 2>& points, const ScatterOptions& options) {
  return scatter(function, {points.values().begin(), points.values().end()}, points.shape(), options);
}

}  // namespace detail

/// Points [N, 2] in the plane; those beyond the axes are left out. Throws ShapeError, ArgumentError, NumericError for
/// points that are not finite.
///   draw_scatter(grid, {.reference = data, .vectors = gradients})   a vector field over data
template <class Scalar>
Picture draw_scatter(const Tensor<Scalar, 2>& points, const ScatterOptions& options = {}) {
  return detail::scatter("draw_scatter", points, options);
}

/// Writes points in the plane as a PNG file: save_png(path, draw_scatter(points, options)).
template <class Scalar>
void save_scatter(const std::string& path, const Tensor<Scalar, 2>& points, const ScatterOptions& options = {}) {
  detail::check_png_name("save_scatter", path);
  detail::write_picture("save_scatter", path, detail::scatter("save_scatter", points, options));
}

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/pictures/scatter_inl.hpp"
#endif
