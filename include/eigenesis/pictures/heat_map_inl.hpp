// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/pictures/heat_map.hpp"
#include "eigenesis/pictures/picture_inl.hpp"
#include "eigenesis/pictures/plot_inl.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A colour for t in [0, 1], darker for less: viridis (Smith and van der Walt 2015, CC0), between nine of its colours.
[[gnu::cold]] EIGENESIS_ONCE Colour heat_colour(double t) {
  static constexpr unsigned stops[] = {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c,
                                       0x28ae80, 0x5ec962, 0xaddc30, 0xfde725};
  const double place = 8 * std::clamp(t, 0.0, 1.0);
  const auto i = std::min<std::size_t>(static_cast<std::size_t>(place), 7);
  Colour colour(stops[i]);
  const Colour next(stops[i + 1]);
  for (std::size_t c = 0; c < 3; ++c)
    colour.rgb[c] += static_cast<float>(place - static_cast<double>(i)) * (next.rgb[c] - colour.rgb[c]);
  return colour;
}

[[gnu::cold]] EIGENESIS_ONCE Picture heat_map(std::string_view function, const std::vector<double>& values,
                                              const Shape<2>& shape, const HeatMapOptions& options) {
  check_plot_size(function, options.width, options.height);
  require(!values.empty(), function, ": expected values of shape [rows, columns] but got ", shape);
  Interval range;
  for (const double value : values)
    if (std::isfinite(value)) range.include(value);
  require<ArgumentError>(!range.empty(), function, ": expected at least one finite value but got none");
  if (range.low == range.high) range = range.widened(0);
  range = limited(function, range, options.colours);
  const auto [rows, columns] = shape.sizes;
  const Interval x = limited(function, {0, static_cast<double>(columns)}, options.x_limits);
  const Interval y = limited(function, {0, static_cast<double>(rows)}, options.y_limits);

  const double bar = 16, gap = 14;
  const auto count = std::max(2, static_cast<int>(options.height / 60));
  const auto labels = linear_ticks(range, count);
  Plot plot({.title = options.title,
             .x_label = options.x_label,
             .y_label = options.y_label,
             .width = options.width,
             .height = options.height,
             .key = gap + bar + 8 + std::ceil(label_width(labels))},
            x, y);
  const auto between = [](double low, double high, Index i, Index all) {
    return low + (high - low) * static_cast<double>(i) / static_cast<double>(all);
  };
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < columns; ++j) {
      const double value = values[static_cast<std::size_t>(i * columns + j)];
      plot.canvas.rectangle(
          between(plot.left, plot.right, j, columns), between(plot.bottom, plot.top, i + 1, rows),
          between(plot.left, plot.right, j + 1, columns), between(plot.bottom, plot.top, i, rows),
          std::isfinite(value) ? heat_colour((value - range.low) / (range.high - range.low)) : Colour(0xb8bcc4));
    }
  plot.finish();
  // The scale.
  const double left = plot.right + gap;
  for (double pixel = plot.top; pixel < plot.bottom; ++pixel)
    plot.canvas.rectangle(left, pixel, left + bar, pixel + 1,
                          heat_colour((plot.bottom - pixel - 0.5) / (plot.bottom - plot.top)));
  for (const Tick& tick : labels) {
    const double at = plot.bottom - (plot.bottom - plot.top) * (tick.at - range.low) / (range.high - range.low);
    plot.canvas.text({left + bar + 8, at + Axes::text_size / 2}, tick.label, Axes::text_size, Axes::ink);
  }
  return exact_picture(plot.canvas);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
