// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "eigenesis/pictures/picture_inl.hpp"
#include "eigenesis/pictures/plot_inl.hpp"
#include "eigenesis/pictures/scatter.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

inline constexpr double key_row = 20;  // pixels
inline constexpr double label_room =
    40;  // for the labels of the y axis; wider ones make the square smaller, not the picture

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

/// The names of classes, each beside its colour, in as many columns as its height needs.
class Key {
 public:
  Key(std::span<const std::string> names, double height)
      : names_(names), rows_(static_cast<std::size_t>(std::max(1.0, height / key_row))) {
    for (const std::string& name : names)
      column_ = std::max(column_, std::ceil(Canvas::text_width(name, Axes::text_size)) + 30);
  }
  double width() const { return column_ * std::ceil(static_cast<double>(names_.size()) / static_cast<double>(rows_)); }

  [[gnu::cold]] void draw(Canvas& canvas, double left, double top) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const double x = left + column_ * static_cast<double>(i / rows_);
      const double y = top + key_row * (static_cast<double>(i % rows_) + 0.5);
      canvas.disc({x + 5, y}, 5, series_colour(i));
      canvas.text({x + 18, y + Axes::text_size / 2}, names_[i], Axes::text_size, Axes::ink);
    }
  }

 private:
  std::span<const std::string> names_;
  std::size_t rows_;
  double column_ = 0;
};

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

/// What the two axes show: one scale for both, unless the options give one of them its limits.
[[gnu::cold]] EIGENESIS_ONCE std::array<Interval, 2> scatter_axes(std::string_view function,
                                                                  const std::vector<Point>& points,
                                                                  const std::vector<Point>& reference,
                                                                  const ScatterOptions& options) {
  const auto given = [](const Limits& limits) { return limits.low != 0 || limits.high != 0; };
  const bool own_scales = given(options.x_limits) || given(options.y_limits);
  require<ArgumentError>(options.limit == 0 || !own_scales, function,
                         ": expected a limit, or x_limits and y_limits, but got both");
  std::array<Interval, 2> axes;
  for (const auto* set : {&points, &reference})
    for (const Point& p : *set) {
      axes[0].include(p.x);
      axes[1].include(p.y);
    }
  double longest = 0, farthest = 0;  // of the middles
  std::array<double, 2> middles{};
  for (std::size_t i = 0; i < 2 && options.limit == 0 && !axes[i].empty(); ++i) {
    middles[i] = (axes[i].low + axes[i].high) / 2;
    longest = std::max(longest, axes[i].high - axes[i].low);
    farthest = std::max(farthest, std::abs(middles[i]));
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const double length = own_scales && !axes[i].empty() ? axes[i].high - axes[i].low : longest;
    const double reach = options.limit > 0 ? options.limit : length > 0 ? 0.53 * length : 1;
    // However large the numbers are, the axes must tell their two ends apart.
    const double wide = std::max(reach, 1e-9 * (own_scales ? std::abs(middles[i]) : farthest));
    axes[i] = limited(function, {middles[i] - wide, middles[i] + wide}, i == 0 ? options.x_limits : options.y_limits);
  }
  return axes;
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

  const std::array<Interval, 2> shown = scatter_axes(function, points, reference, options);
  const Interval x = shown[0], y = shown[1];
  const auto x_ticks = linear_ticks(x, 7), y_ticks = linear_ticks(y, 7);
  const double size = static_cast<double>(options.size),
               left = 22 + std::max(label_room, std::ceil(label_width(y_ticks)));
  const double right = 20, height = size - left - right;
  const double top = options.title.empty() ? 18 : 44, bottom = top + size - 22 - label_room - right + 32;
  const Key key(options.names, height);
  require<ArgumentError>(key.width() <= 2 * size, function,
                         ": expected names whose key is at most twice as wide as the ", "picture, ", 2 * options.size,
                         ", but got one of ", key.width(), " for ", options.names.size(),
                         " names; give it a greater size");
  Canvas canvas(options.size + static_cast<Index>(key.width()), static_cast<Index>(bottom), Colour(0xffffff));
  Axes axes(canvas, left, top, size - right, top + height, x, y);
  axes.draw(x_ticks, y_ticks);
  const auto inside = [&](const Point& p) { return p.x >= x.low && p.x <= x.high && p.y >= y.low && p.y <= y.high; };
  for (const Point& p : reference)
    if (inside(p)) canvas.disc(axes.at(p.x, p.y), options.radius, Colour(0x9aa1ac), 0.6);
  // So many points on a square grid are this far from each other.
  const double distance =
      std::sqrt((x.high - x.low) * (y.high - y.low) / std::max(1.0, static_cast<double>(points.size())));
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
  key.draw(canvas, size - right + 14, top);
  axes.frame();
  canvas.text({(left + size - right) / 2, 28}, options.title, 12, Axes::ink, Align::centre);
  return reduced_picture(canvas);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
