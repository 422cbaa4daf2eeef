// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include "eigenesis/pictures/axes.hpp"
#include "eigenesis/pictures/picture_inl.hpp"
#include "eigenesis/pictures/scatter.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

inline constexpr double key_row = 20;  // pixels

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

/// The names of classes, each beside its colour.
[[gnu::cold]] EIGENESIS_ONCE void draw_key(Canvas& canvas, std::span<const std::string> names, double left,
                                           double top) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double y = top + key_row * (static_cast<double>(i) + 0.5);
    canvas.disc({left + 5, y}, 5, series_colour(i));
    canvas.text({left + 18, y + Axes::text_size / 2}, names[i], Axes::text_size, Axes::ink);
  }
}

/// An arrow with its tip at `to`; its head is as long as the arrow at most.
[[gnu::cold]] EIGENESIS_ONCE void draw_arrow(Canvas& canvas, Point from, Point to, Colour colour) {
  const double x = to.x - from.x, y = to.y - from.y, length = std::hypot(x, y);
  if (length < 0.5) return canvas.disc(from, 1.2, colour, 0.9);
  const double head = std::min(6.0, 0.5 * length) / length, half = 0.5 * head;
  canvas.line({from, to}, 1.4, colour, 0.9);
  canvas.line({{to.x - head * x - half * y, to.y - head * y + half * x},
               to,
               {to.x - head * x + half * y, to.y - head * y - half * x}},
              1.4, colour, 0.9);
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
  for (const int label : options.labels) {
    require<ArgumentError>(label >= 0, function, ": expected labels >= 0 but got ", label);
    require<ArgumentError>(options.names.empty() || label < std::ssize(options.names), function,
                           ": expected a name for each label but got ", options.names.size(), " names and the label ",
                           label);
  }
  require<ArgumentError>(options.names.empty() || !options.labels.empty(), function,
                         ": expected labels for the names but got none");
  const auto most_names = static_cast<std::size_t>((static_cast<double>(options.size) - 76) / key_row);
  require<ArgumentError>(options.names.size() <= most_names, function, ": expected at most ", most_names,
                         " names in a picture of size ", options.size, " but got ", options.names.size());
  std::vector<Point> vectors;
  double longest = 0;
  if (options.vectors.size() > 0) {
    const auto numbers = options.vectors.values();
    vectors = checked_points(function, "vectors", {numbers.begin(), numbers.end()}, options.vectors.shape());
    require(vectors.size() == points.size(), function, ": expected ", points.size(),
            " vectors, one for each point, but got ", vectors.size());
    for (const Point& v : vectors) longest = std::max(longest, std::hypot(v.x, v.y));
  }
  require<ArgumentError>(options.arrow_scale >= 0 && std::isfinite(options.arrow_scale), function,
                         ": expected arrow_scale >= 0 but got ", options.arrow_scale);

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
  double key = 0;
  for (const std::string& name : options.names) key = std::max(key, std::ceil(Canvas::text_width(name, 10)) + 30);
  Canvas canvas(options.size + static_cast<Index>(key), static_cast<Index>(top + height + bottom), Colour(0xffffff));
  Axes axes(canvas, left, top, size - right, top + height, x, y);
  axes.draw(x_ticks, y_ticks);
  const auto inside = [&](const Point& p) { return p.x >= x.low && p.x <= x.high && p.y >= y.low && p.y <= y.high; };
  for (const Point& p : reference)
    if (inside(p)) canvas.disc(axes.at(p.x, p.y), options.radius, Colour(0x9aa1ac), 0.6);
  // So many points on a square grid are this far from each other.
  const double distance = 2 * reach / std::sqrt(std::max(1.0, static_cast<double>(points.size())));
  const double scale = options.arrow_scale > 0 ? options.arrow_scale : longest > 0 ? distance / longest : 0;
  canvas.clip(left, top, size - right, top + height);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& p = points[i];
    if (!inside(p)) continue;
    const Colour colour = series_colour(options.labels.empty() ? 0 : static_cast<std::size_t>(options.labels[i]));
    if (vectors.empty())
      canvas.disc(axes.at(p.x, p.y), options.radius, colour, 0.6);
    else
      draw_arrow(canvas, axes.at(p.x, p.y), axes.at(p.x + scale * vectors[i].x, p.y + scale * vectors[i].y), colour);
  }
  canvas.clip();
  draw_key(canvas, options.names, size - right + 14, top);
  axes.frame();
  canvas.text({(left + size - right) / 2, 28}, options.title, 12, Axes::ink, Align::centre);
  return reduced_picture(canvas);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
