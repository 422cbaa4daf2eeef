// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/files/json.hpp"

// Numbers as the page of a report has them.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A number in JSON with the digits that a chart could show; null if it is not finite.
inline std::string page_number(double value) { return json_number(value, 12); }

inline std::string base64(std::span<const std::uint8_t> bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t there = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k) three = three << 8 | (k < there ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) result += k <= there ? digits[three >> (18 - 6 * k) & 63] : '=';
  }
  return result;
}
/// Numbers as base64 of their bytes, the least significant first.
template <class Bits>
std::string base64_of(std::span<const float> numbers) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(numbers.size() * sizeof(Bits));
  for (const float number : numbers) {
    Bits bits = 0;
    if constexpr (sizeof(Bits) == 2)
      bits = std::bit_cast<Bits>(Eigen::half(number));
    else
      bits = std::bit_cast<Bits>(number);
    for (std::size_t k = 0; k < sizeof(Bits); ++k) bytes.push_back(static_cast<std::uint8_t>(bits >> (8 * k)));
  }
  return "\"" + base64(bytes) + "\"";
}

/// A curve of at most 2000 points. When there would be more, neighbours are joined; mean, least and greatest stay.
class ThinnedCurve {
 public:
  static constexpr std::size_t most = 2000;

  void add(Index step, double value) {
    if (points_.empty() || points_.back().count == width_) {
      if (points_.size() == most) join();
      points_.push_back({step});
    }
    Point& point = points_.back();
    point.last = step;
    ++point.count;
    if (!std::isfinite(value)) return;
    point.low = point.numbers == 0 ? value : std::min(point.low, value);
    point.high = point.numbers == 0 ? value : std::max(point.high, value);
    point.sum += value;
    ++point.numbers;
  }

  /// {"at": [...], "mean": [...], "low": [...], "high": [...], "width": 1}; no low and high of single numbers.
  std::string json() const {
    std::string at, mean, low, high;
    for (const Point& point : points_) {
      const char* const comma = &point == points_.data() ? "" : ",";
      const bool none = point.numbers == 0;
      at += comma + text((static_cast<double>(point.first) + static_cast<double>(point.last)) / 2);
      mean += comma + (none ? "null" : page_number(point.sum / static_cast<double>(point.numbers)));
      if (width_ == 1) continue;
      low += comma + (none ? "null" : page_number(point.low));
      high += comma + (none ? "null" : page_number(point.high));
    }
    return "{\"at\":[" + at + "],\"mean\":[" + mean + "]" +
           (width_ > 1 ? ",\"low\":[" + low + "],\"high\":[" + high + "]" : "") +
           ",\"width\":" + std::to_string(width_) + "}";
  }

 private:
  struct Point {
    Index first = 0, last = first, count = 0, numbers = 0;  // steps; how many values, and how many of them are finite
    double sum = 0, low = 0, high = 0;
  };
  void join() {
    for (std::size_t i = 0; i < most / 2; ++i) {
      Point joined = points_[2 * i];
      const Point& next = points_[2 * i + 1];
      const bool first = joined.numbers == 0;
      if (next.numbers > 0) {
        joined.low = first ? next.low : std::min(joined.low, next.low);
        joined.high = first ? next.high : std::max(joined.high, next.high);
      }
      joined.last = next.last;
      joined.count += next.count;
      joined.numbers += next.numbers;
      joined.sum += next.sum;
      points_[i] = joined;
    }
    points_.resize(most / 2);
    width_ *= 2;
  }

  std::vector<Point> points_;
  Index width_ = 1;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
