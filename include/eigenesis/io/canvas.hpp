// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "eigenesis/io/font.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

struct Point {
  double x, y;
};
using Polyline = std::vector<Point>;

/// Red, green and blue in [0, 1].
struct Colour {
  std::array<float, 3> rgb;
  constexpr explicit Colour(const std::array<float, 3>& values) : rgb(values) {}
  constexpr explicit Colour(unsigned hex) {
    for (unsigned c = 0; c < 3; ++c) rgb[c] = static_cast<float>(hex >> (16 - 8 * c) & 255) / 255.0f;
  }
};

/// The colour of the i-th series or class: ten that are told apart easily, then again.
inline Colour series_colour(std::size_t i) {
  static constexpr unsigned colours[] = {0x2f6fb0, 0xe0782c, 0x3a9d5d, 0xd1495b, 0x7d5ba6,
                                         0x2a9aa8, 0xb8860b, 0xd663a4, 0x7a5548, 0x6b7280};
  return Colour(colours[i % 10]);
}

inline double distance_to_segment(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y, square = dx * dx + dy * dy;
  const double t = square > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / square, 0.0, 1.0) : 0;
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

/// Where text stands in relation to its point.
enum class Align { left, centre, right };

/// The polylines of one glyph in units of the font, y upwards from the baseline.
inline std::vector<Polyline> glyph_lines(char character) {
  std::vector<Polyline> lines;
  const std::string_view strokes = glyph(character);
  for (std::size_t begin = 0; begin < strokes.size();) {
    const std::size_t end = std::min(strokes.find(' ', begin), strokes.size());
    std::string_view stroke = strokes.substr(begin, end - begin);
    begin = end + 1;
    const bool closed = stroke.ends_with('*');
    struct Node {
      Point at;
      bool control;
    };
    std::vector<Node> nodes;
    for (std::size_t i = 0; i + 1 < stroke.size(); i += 2) {
      const bool control = stroke[i + 1] < 'a';
      nodes.push_back({{double(stroke[i] - '0'), double(stroke[i + 1] - (control ? 'A' : 'a') - 3)}, control});
    }
    const auto middle = [](Point a, Point b) { return Point{(a.x + b.x) / 2, (a.y + b.y) / 2}; };
    if (closed) {
      const Point start = nodes[0].control ? middle(nodes.back().at, nodes[0].at) : nodes[0].at;
      if (nodes[0].control) nodes.insert(nodes.begin(), {start, false});
      nodes.push_back({start, false});
    }
    Polyline line{nodes[0].at};
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      if (!nodes[i].control) {
        line.push_back(nodes[i].at);
        continue;
      }
      const Point a = line.back(), b = nodes[i].at;
      const bool implied = nodes[i + 1].control;
      const Point c = implied ? middle(b, nodes[i + 1].at) : nodes[i + 1].at;
      for (int step = 1; step <= 8; ++step) {
        const double t = step / 8.0, u = 1 - t;
        line.push_back({u * u * a.x + 2 * u * t * b.x + t * t * c.x, u * u * a.y + 2 * u * t * b.y + t * t * c.y});
      }
      if (!implied) ++i;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

/// Width of a glyph without the space behind it, in units of the font; all digits are equally wide.
inline double glyph_width(char character) {
  if (character == ' ') return 2;
  if (character >= '0' && character <= '9') return 4;
  char width = '0';
  const std::string_view strokes = glyph(character);
  for (const char c : strokes)
    if (c >= '0' && c <= '9') width = std::max(width, c);
  return width - '0';
}

/// A picture to draw on. Coordinates are in pixels, y downwards; pixel (i, j) covers [j, j + 1] x [i, i + 1].
class Canvas {
 public:
  Canvas(Index width, Index height, Colour background)
      : width_(width), height_(height), pixels_(static_cast<std::size_t>(width * height), background.rgb) {}

  void rectangle(double left, double top, double right, double bottom, Colour colour, double opacity = 1) {
    cover(left, top, right, bottom, [&](Point p) {
      const double x = std::min(p.x + 0.5, right) - std::max(p.x - 0.5, left);
      const double y = std::min(p.y + 0.5, bottom) - std::max(p.y - 0.5, top);
      return std::max(x, 0.0) * std::max(y, 0.0);
    });
    paint(colour, opacity);
  }

  void disc(Point centre, double radius, Colour colour, double opacity = 1) {
    cover(centre.x - radius, centre.y - radius, centre.x + radius, centre.y + radius,
          [&](Point p) { return radius + 0.5 - std::hypot(p.x - centre.x, p.y - centre.y); });
    paint(colour, opacity);
  }

  /// Joined segments with round ends, painted as one: where they meet nothing is painted twice.
  void line(const Polyline& points, double thickness, Colour colour, double opacity = 1) {
    cover_line(points, thickness);
    paint(colour, opacity);
  }

  /// Text on the baseline through `at`; upright text reads from bottom to top. `size` is the height of a capital.
  void text(Point at, std::string_view text, double size, Colour colour, Align align = Align::left, bool upright = false) {
    const double unit = size / 7;
    double x = align == Align::left ? 0 : text_width(text, size) * (align == Align::right ? -1 : -0.5);
    for (const char c : text) {
      if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) continue;  // one box for each character that is not ASCII
      for (Polyline& stroke : glyph_lines(c)) {
        for (Point& p : stroke) {
          const double along = x + unit * p.x, above = unit * p.y;
          p = upright ? Point{at.x - above, at.y - along} : Point{at.x + along, at.y - above};
        }
        cover_line(stroke, std::max(1.0, 0.13 * size));
      }
      x += unit * (glyph_width(c) + glyph_space);
    }
    paint(colour, 1);
  }

  static double text_width(std::string_view text, double size) {
    double width = 0;
    for (const char c : text)
      if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) width += glyph_width(c) + glyph_space;
    return text.empty() ? 0 : (width - glyph_space) * size / 7;
  }

  Index width() const { return width_; }
  Index height() const { return height_; }

  /// Rows of pixels, red, green and blue in [0, 1].
  const std::vector<std::array<float, 3>>& pixels() const { return pixels_; }

 private:
  static constexpr double glyph_space = 2.2;  // units of the font between two glyphs

  /// Raises the coverage of the pixels around a box to coverage(centre of the pixel).
  template <class F>
  void cover(double left, double top, double right, double bottom, F coverage) {
    const auto first = [](double v, Index end) { return static_cast<Index>(std::clamp(v - 1, 0.0, double(end))); };
    const auto last = [](double v, Index end) { return static_cast<Index>(std::clamp(v + 2, 0.0, double(end))); };
    for (Index i = first(top, height_); i < last(bottom, height_); ++i)
      for (Index j = first(left, width_); j < last(right, width_); ++j) {
        const double value = coverage(Point{double(j) + 0.5, double(i) + 0.5});
        if (value <= 0) continue;
        const auto index = static_cast<std::size_t>(i * width_ + j);
        if (coverage_.empty()) coverage_.resize(pixels_.size());
        if (coverage_[index] == 0) touched_.push_back(index);
        coverage_[index] = std::max(coverage_[index], static_cast<float>(std::min(value, 1.0)));
      }
  }

  void cover_line(const Polyline& points, double thickness) {
    const double reach = thickness / 2;
    for (std::size_t k = 0; k + 1 < points.size(); ++k) {
      const Point a = points[k], b = points[k + 1];
      cover(std::min(a.x, b.x) - reach, std::min(a.y, b.y) - reach, std::max(a.x, b.x) + reach,
            std::max(a.y, b.y) + reach, [&](Point p) { return reach + 0.5 - distance_to_segment(p, a, b); });
    }
  }

  /// Lays the colour over the covered pixels.
  void paint(Colour colour, double opacity) {
    for (const std::size_t index : touched_) {
      const float weight = coverage_[index] * static_cast<float>(opacity);
      for (std::size_t c = 0; c < 3; ++c) pixels_[index][c] += weight * (colour.rgb[c] - pixels_[index][c]);
      coverage_[index] = 0;
    }
    touched_.clear();
  }

  Index width_, height_;
  std::vector<std::array<float, 3>> pixels_;
  std::vector<float> coverage_;         // of the shape being drawn; zero in between
  std::vector<std::size_t> touched_;  // where coverage_ is not zero
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
