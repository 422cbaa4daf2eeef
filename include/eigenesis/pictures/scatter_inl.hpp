// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include "eigenesis/pictures/axes.hpp"
#include "eigenesis/pictures/picture_inl.hpp"
#include "eigenesis/pictures/scatter.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

[[gnu::cold]] EIGENESIS_ONCE std::vector<Point> checked_points(std::string_view function, const char* what,
                                                               const std::vector<double>& values,
                                                               const Shape<2>& shape) {
  require(shape[1] == 2, function, ": expected ", what, " of shape [N, 2] but got ", shape);
  std::vector<Point> points(static_cast<std::size_t>(shape[0]));
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i] = {values[2 * i], values[2 * i + 1]};
    require<NumericError>(std::isfinite(points[i].x) && std::isfinite(points[i].y), function, ": expected finite ",
                          what, " but got nan or inf");
  }
  return points;
}

[[gnu::cold]] EIGENESIS_ONCE Picture scatter(std::string_view function, const std::vector<double>& values,
                                             const Shape<2>& shape, const ScatterOptions& options) {
  const auto given = options.reference.values();
  std::vector<Point> reference;
  if (!given.empty())
    reference = checked_points(function, "reference points", {given.begin(), given.end()}, options.reference.shape());
  const std::vector<Point> points = checked_points(function, "points", values, shape);
  require<ArgumentError>(options.size >= 100 && options.size <= 8192, function,
                         ": expected a size in [100, 8192] but got ", options.size);
  require<ArgumentError>(options.radius > 0 && options.limit >= 0, function,
                         ": expected radius > 0 and limit >= 0 but got ", options.radius, " and ", options.limit);
  require(options.labels.empty() || options.labels.size() == points.size(), function, ": expected ", points.size(),
          " labels, one for each point, but got ", options.labels.size());
  for (const int label : options.labels)
    require<ArgumentError>(label >= 0, function, ": expected labels >= 0 but got ", label);

  Interval x, y;
  for (const auto& set : {points, reference})
    for (const Point& p : set) {
      x.include(p.x);
      y.include(p.y);
    }
  // One scale for both axes.
  double reach = options.limit;
  Point middle{0, 0};
  if (reach == 0 && !x.empty()) {
    reach = 0.53 * std::max(x.high - x.low, y.high - y.low);
    middle = {(x.low + x.high) / 2, (y.low + y.high) / 2};
  }
  // However large the numbers are, the axes must tell their two ends apart.
  reach = std::max(reach == 0 ? 1 : reach, 1e-9 * std::max(std::abs(middle.x), std::abs(middle.y)));
  x = {middle.x - reach, middle.x + reach};
  y = {middle.y - reach, middle.y + reach};

  const auto x_ticks = linear_ticks(x, 7), y_ticks = linear_ticks(y, 7);
  const double size = static_cast<double>(options.size), left = std::ceil(label_width(y_ticks)) + 22, right = 20;
  const double top = options.title.empty() ? 18 : 44, height = size - left - right, bottom = 32;
  Canvas canvas(options.size, static_cast<Index>(top + height + bottom), Colour(0xffffff));
  Axes axes(canvas, left, top, size - right, top + height, x, y);
  axes.draw(x_ticks, y_ticks);
  const auto inside = [&](const Point& p) { return p.x >= x.low && p.x <= x.high && p.y >= y.low && p.y <= y.high; };
  for (const Point& p : reference)
    if (inside(p)) canvas.disc(axes.at(p.x, p.y), options.radius, Colour(0x9aa1ac), 0.6);
  for (std::size_t i = 0; i < points.size(); ++i)
    if (inside(points[i]))
      canvas.disc(axes.at(points[i].x, points[i].y), options.radius,
                  series_colour(options.labels.empty() ? 0 : static_cast<std::size_t>(options.labels[i])), 0.6);
  axes.frame();
  canvas.text({(left + size - right) / 2, 28}, options.title, 12, Axes::ink, Align::centre);
  return reduced_picture(canvas);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
