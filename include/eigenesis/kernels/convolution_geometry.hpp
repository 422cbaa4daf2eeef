// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "eigenesis/machine/memory.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Height or width: tap q joins output o to input o * stride + q * dilation - padding, if there is such an input.
struct ConvolutionAxis {
  Index input, kernel, output, stride = 1, padding = 0, dilation = 1;
};

/// x [batch, height.input, width.input, in], w [height.kernel, width.kernel, in, out],
/// y [batch, height.output, width.output, out].
struct ConvolutionGeometry {
  Index batch, in, out;
  ConvolutionAxis height, width;

  Index taps() const { return height.kernel * width.kernel; }
  Index input_pixels() const { return height.input * width.input; }
  Index output_pixels() const { return height.output * width.output; }
  /// Whether x [rows, taps in], w [taps in, out] and y [rows, out] are matrices and y = x w: a kernel of one tap that
  /// moves over every pixel, or one that covers the whole image.
  bool is_product() const {
    const auto pointwise = [](const ConvolutionAxis& a) {
      return a.kernel == 1 && a.stride == 1 && a.padding == 0 && a.input == a.output;
    };
    const auto whole = [](const ConvolutionAxis& a) {
      return a.output == 1 && a.kernel == a.input && a.padding == 0 && (a.dilation == 1 || a.kernel == 1);
    };
    return (pointwise(height) && pointwise(width)) || (whole(height) && whole(width));
  }

  /// With stride 1 x and y may change roles: the same products of y, x and mirrored weights.
  ConvolutionGeometry mirrored() const {
    const auto mirror = [](const ConvolutionAxis& a) {
      return ConvolutionAxis{a.output, a.kernel, a.input, 1, a.dilation * (a.kernel - 1) - a.padding, a.dilation};
    };
    return {batch, out, in, mirror(height), mirror(width)};
  }
};

/// An axis seen from one side, the target: which taps lead to each of its places, from where on the other side, the
/// source. For example kernel 3, stride 2, padding 1, 6 inputs, 3 outputs (q0, q1, q2 are the taps):
///
///   input       -1  0  1  2  3  4  5      taps of each output     taps of each input
///   output 0    q0 q1 q2                  0: q1 q2                0, 2, 4: q1
///   output 1          q0 q1 q2            1, 2: q0 q1 q2          1, 3: q2 q0
///   output 2                q0 q1 q2                              5: q2
///
/// Taps that lead into the padding (input -1) are left out. Neighbouring places with the same taps make up a group; for
/// inputs, neighbours are `stride` apart. For inputs taps count in reverse, so that the source grows with the tap.
struct AxisTaps {
  /// Places target, target + target_step, ... with the same taps; their sources at the first tap grow by source_step.
  struct Group {
    Index places, target, source, taps, first_tap;
    bool has_taps_of(const Group& other) const { return taps == other.taps && first_tap == other.first_tap; }
  };
  Index size, source_size, target_step, source_step;
  Index tap_step = 1, tap_source_step = 1;  // from each tap of a place to the next
  CachedVector<Group> groups;

  AxisTaps(const ConvolutionAxis& a, bool to_output)
      : size(to_output ? a.output : a.input),
        source_size(to_output ? a.input : a.output),
        target_step(to_output ? 1 : a.stride),
        source_step(to_output ? a.stride : 1) {
    const Index shift = to_output ? -a.padding : a.padding - a.dilation * (a.kernel - 1);
    for (Index first = 0; first < std::min(target_step, size); ++first)
      for (Index place = first; place < size; place += target_step) {
        const Group group = group_of(a, place, shift);
        if (place != first && groups.back().has_taps_of(group))
          ++groups.back().places;
        else
          groups.push_back(group);
      }
  }

 private:
  Group group_of(const ConvolutionAxis& a, Index place, Index shift) {
    Group group{1, place, 0, 0, 0};
    for (Index tap = 0; tap < a.kernel; ++tap) {
      const Index from = place * source_step + tap * a.dilation + shift;  // target_step times the source
      if (from < 0 || from % target_step != 0 || from / target_step >= source_size) continue;
      const Index source = from / target_step;
      if (group.taps++ == 0) group.first_tap = tap, group.source = source;
      if (group.taps == 2) tap_step = tap - group.first_tap, tap_source_step = source - group.source;
    }
    return group;
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
