// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include "eigenesis/pictures/font.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

struct Point {
  double x, y;
};

/// Red, green and blue in [0, 1].
struct Colour {
  std::array<float, 3> rgb;
  constexpr explicit Colour(const std::array<float, 3>& values) : rgb(values) {}
  constexpr explicit Colour(unsigned hex) {
    for (unsigned c = 0; c < 3; ++c) rgb[c] = static_cast<float>(hex >> (16 - 8 * c) & 255) / 255.0f;
  }
};

/// The colour of the i-th series or class: ten that are told apart easily, then more, each as far as can be from all
/// before it, from grey and from white in CIELAB. After 64 they begin again.
inline Colour series_colour(std::size_t i) {
  static constexpr unsigned colours[64] = {
      0x2f6fb0, 0xe0782c, 0x3a9d5d, 0xd1495b, 0x7d5ba6, 0x2a9aa8, 0xb8860b, 0xd663a4, 0x7a5548, 0x6b7280, 0x0000ff,
      0x00e100, 0xff00f0, 0x000087, 0xb4d20f, 0xff0000, 0xe1c396, 0x1e3c00, 0xa569ff, 0x4b002d, 0xd2c3ff, 0x690f00,
      0x960096, 0x00e178, 0xff0087, 0x698700, 0x001e5a, 0x00e1c3, 0xffb4c3, 0x0069e1, 0xb4d278, 0x9600e1, 0xff87ff,
      0x2da500, 0xffc300, 0xb41e00, 0xff004b, 0x5ac3ff, 0x004bff, 0x694b00, 0x96c3a5, 0x2d0f00, 0x005a4b, 0xf09678,
      0x69784b, 0xf00fb4, 0x001e0f, 0xb496ff, 0x4b005a, 0x96005a, 0x006900, 0x965a78, 0x0fe1f0, 0xa5964b, 0xd2c34b,
      0xffa5f0, 0xa55a2d, 0x78e196, 0x96d2e1, 0x69a5ff, 0x693cb4, 0x87e15a, 0xff6900, 0x872d3c};
  return Colour(colours[i % 64]);
}

inline double distance_to_segment(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y, square = dx * dx + dy * dy;
  const double t = square > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / square, 0.0, 1.0) : 0;
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

inline Point middle(Point a, Point b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }

/// Where text stands in relation to its point.
enum class Align { left, centre, right };

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

// Drawing is marked as cold throughout the pictures: small code is fast enough and compiles in two thirds of the time.

/// A picture to draw on. Coordinates are in pixels, y downwards; pixel (i, j) covers [j, j + 1] x [i, i + 1].
class Canvas {
 public:
  Canvas(Index width, Index height, Colour background)
      : width_(width),
        height_(height),
        pixels_(static_cast<std::size_t>(width * height), background.rgb),
        coverage_(pixels_.size()) {
    clip();
  }

  Index width() const { return width_; }
  Index height() const { return height_; }
  /// Rows of pixels, red, green and blue in [0, 1].
  const std::vector<std::array<float, 3>>& pixels() const { return pixels_; }

  void pixel(Index x, Index y, Colour colour) { pixels_[static_cast<std::size_t>(y * width_ + x)] = colour.rgb; }
  /// Fills whole pixels; the coordinates are rounded.
  [[gnu::cold]] void rectangle(double left, double top, double right, double bottom, Colour colour,
                               double opacity = 1) {
    const auto clipped = [](double x, Index end) { return std::clamp<Index>(std::lround(x), 0, end); };
    for (Index i = clipped(top, height_); i < clipped(bottom, height_); ++i)
      for (Index j = clipped(left, width_); j < clipped(right, width_); ++j)
        lay(static_cast<std::size_t>(i * width_ + j), colour, static_cast<float>(opacity));
  }

  /// Discs and lines are drawn inside of a rectangle only, from now on.
  void clip(double left, double top, double right, double bottom) { clip_ = {left, top, right, bottom}; }
  void clip() { clip_ = {0, 0, static_cast<double>(width_), static_cast<double>(height_)}; }

  void disc(Point centre, double radius, Colour colour, double opacity = 1) {
    cover(centre, centre, radius);
    paint(colour, opacity);
  }

  /// Joined segments with round ends, painted as one: where they meet nothing is painted twice.
  [[gnu::cold]] void line(const std::vector<Point>& points, double thickness, Colour colour, double opacity = 1) {
    for (std::size_t k = 0; k + 1 < points.size(); ++k) cover(points[k], points[k + 1], thickness / 2);
    paint(colour, opacity);
  }

  /// Text on the baseline through `at`; upright text reads from bottom to top. `size` is the height of a capital.
  [[gnu::cold]] void text(Point at, std::string_view text, double size, Colour colour, Align align = Align::left,
                          bool upright = false) {
    Pen pen{this, at, size / 7, 0, std::max(0.5, 0.065 * size), upright};
    if (align != Align::left) pen.x = text_width(text, size) * (align == Align::right ? -1 : -0.5);
    for (const char c : text) {
      if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) continue;  // one box for each character that is not ASCII
      for (std::string_view strokes = glyph(c); !strokes.empty();) {
        const std::size_t end = std::min(strokes.find(' '), strokes.size());
        pen.draw(strokes.substr(0, end));
        strokes.remove_prefix(std::min(end + 1, strokes.size()));
      }
      pen.x += pen.unit * (glyph_width(c) + glyph_space);
    }
    paint(colour, 1);
  }

  static double text_width(std::string_view text, double size) {
    double width = 0;
    for (const char c : text)
      if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) width += glyph_width(c) + glyph_space;
    return text.empty() ? 0 : (width - glyph_space) * size / 7;
  }

 private:
  static constexpr double glyph_space = 2.2;  // units of the font between two glyphs

  /// Follows the strokes of a glyph.
  struct Pen {
    Canvas* canvas;
    Point origin;
    double unit, x, reach;
    bool upright;

    /// The i-th point of a stroke.
    Point at(std::string_view stroke, std::size_t i) const {
      const double along = x + unit * (stroke[2 * i] - '0');
      const double above = unit * (stroke[2 * i + 1] - (is_control(stroke, i) ? 'A' : 'a') - 3);
      return upright ? Point{origin.x - above, origin.y - along} : Point{origin.x + along, origin.y - above};
    }
    static bool is_control(std::string_view stroke, std::size_t i) { return stroke[2 * i + 1] < 'a'; }

    [[gnu::cold]] void draw(std::string_view stroke) const {
      const bool closed = stroke.ends_with('*');
      const std::size_t n = stroke.size() / 2;
      const Point start = closed ? middle(at(stroke, n - 1), at(stroke, 0)) : at(stroke, 0);
      Point here = start;
      for (std::size_t i = closed ? 0 : 1; i < n; ++i) {
        if (!is_control(stroke, i)) {
          canvas->cover(here, at(stroke, i), reach);
          here = at(stroke, i);
          continue;
        }
        const bool last = i + 1 == n;
        const Point control = at(stroke, i), next = last ? start : at(stroke, i + 1);
        const Point end = !last && is_control(stroke, i + 1) ? middle(control, next) : next;
        const Point from = here;
        for (int step = 1; step <= 8; ++step) {
          const double t = step / 8.0, u = 1 - t;
          const Point to{u * u * from.x + 2 * u * t * control.x + t * t * end.x,
                         u * u * from.y + 2 * u * t * control.y + t * t * end.y};
          canvas->cover(here, to, reach);
          here = to;
        }
      }
    }
  };

  /// Raises the coverage of the pixels within reach of a segment.
  [[gnu::cold]] void cover(Point a, Point b, double reach) {
    const auto clipped = [](double x, double low, double high) { return static_cast<Index>(std::clamp(x, low, high)); };
    const Index top = clipped(std::min(a.y, b.y) - reach - 1, clip_[1], clip_[3]);
    const Index bottom = clipped(std::max(a.y, b.y) + reach + 2, clip_[1], clip_[3]);
    const Index left = clipped(std::min(a.x, b.x) - reach - 1, clip_[0], clip_[2]);
    const Index right = clipped(std::max(a.x, b.x) + reach + 2, clip_[0], clip_[2]);
    for (Index i = top; i < bottom; ++i)
      for (Index j = left; j < right; ++j) {
        const Point centre{static_cast<double>(j) + 0.5, static_cast<double>(i) + 0.5};
        const double value = reach + 0.5 - distance_to_segment(centre, a, b);
        if (value <= 0) continue;
        const auto index = static_cast<std::size_t>(i * width_ + j);
        if (coverage_[index] == 0) touched_.push_back(index);
        coverage_[index] = std::max(coverage_[index], static_cast<float>(std::min(value, 1.0)));
      }
  }

  /// Lays the colour over the covered pixels.
  [[gnu::cold]] void paint(Colour colour, double opacity) {
    for (const std::size_t index : touched_) {
      lay(index, colour, coverage_[index] * static_cast<float>(opacity));
      coverage_[index] = 0;
    }
    touched_.clear();
  }

  void lay(std::size_t index, Colour colour, float weight) {
    for (std::size_t c = 0; c < 3; ++c) pixels_[index][c] += weight * (colour.rgb[c] - pixels_[index][c]);
  }

  Index width_, height_;
  std::array<double, 4> clip_{};  // left, top, right, bottom
  std::vector<std::array<float, 3>> pixels_;
  std::vector<float> coverage_;       // of the shape being drawn; zero in between
  std::vector<std::size_t> touched_;  // where coverage_ is not zero
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
