// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "eigenesis/machine/config.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The strokes of the printable ASCII characters, a pen that draws lines and curves. A stroke is a row of points: a
/// digit for x, a letter for y ('d' the baseline, 'i' the height of an x, 'k' of a capital; 'a' the lowest). A capital
/// letter marks the control point of a quadratic curve; between two of them lies a point of the curve, as in TrueType.
/// A star closes the stroke; a stroke of one point twice is a dot.
inline std::string_view glyph(char character) {
  static constexpr std::string_view glyphs[95] = {
      "",                              // space
      "0k0f 0d0d",                     // !
      "0k0i 2k2i",                     // "
      "1d2k 3d4k 0f5f 0i5i",           // #
      "4i4K0K0H4G4D0D0f 2l2c",         // $
      "0I0K2K2I* 4D4F6F6D* 5k1d",      // %
      "5d1i1K4K4I0F0D4D5g",            // &
      "0k0i",                          // '
      "2l0J0D2b",                      // (
      "0l2J2D0b",                      // )
      "2k2g 0j4h 4j0h",                // *
      "0g4g 2e2i",                     // +
      "1d1d0b",                        // ,
      "0g3g",                          // -
      "0d0d",                          // .
      "0b4l",                          // /
      "0D0K4K4D*",                     // 0
      "1i3k3d",                        // 1
      "0i0K4K4H0d4d",                  // 2
      "0i0K4K4H2h4H4D0D0f",            // 3
      "3d3k0f4f",                      // 4
      "4k0k0g0H4H4D0D0e",              // 5
      "4j4K0K0f 0D0H4H4D*",            // 6
      "0k4k1d",                        // 7
      "0H0K4K4H* 0D0H4H4D*",           // 8
      "0G0K4K4G* 4h4D0D0e",            // 9
      "0d0d 0h0h",                     // :
      "1h1h 1d1d0b",                   // ;
      "4i0g4e",                        // <
      "0f4f 0h4h",                     // =
      "0i4g0e",                        // >
      "0i0K4K4H2g2f 2d2d",             // ?
      "2F2I5I5F* 5i5f5E7E7f7K0K0C5c",  // @
      "0d3k6d 1f5f",                   // A
      "0d0k2k4K4G2g0g 2g3g5G5D3d0d",   // B
      "5i5K0K0D5D5f",                  // C
      "0d0k2k5K5D2d0d",                // D
      "4k0k0d4d 0g3g",                 // E
      "4k0k0d 0g3g",                   // F
      "5i5K0K0D5D5g3g",                // G
      "0k0d 5k5d 0g5g",                // H
      "0k0d",                          // I
      "3k3f3D0D0f",                    // J
      "0k0d 5k0f 2h5d",                // K
      "0k0d4d",                        // L
      "0d0k3f6k6d",                    // M
      "0d0k5d5k",                      // N
      "0D0K6K6D*",                     // O
      "0d0k3k5K5G3g0g",                // P
      "0D0K6K6D* 4f6c",                // Q
      "0d0k3k5K5G3g0g 3g5d",           // R
      "5i5K0K0H5G5D0D0f",              // S
      "0k6k 3k3d",                     // T
      "0k0g0D5D5g5k",                  // U
      "0k3d6k",                        // V
      "0k2d4k6d8k",                    // W
      "0k5d 5k0d",                     // X
      "0k3g6k 3g3d",                   // Y
      "0k5k0d5d",                      // Z
      "2l0l0b2b",                      // [
      "0l4b",                          // backslash
      "0l2l2b0b",                      // ]
      "0i2k4i",                        // ^
      "0c5c",                          // _
      "0k1i",                          // `
      "0D0I4I4D* 4i4d",                // a
      "0k0d 0D0I4I4D*",                // b
      "4h4I0I0D4D4e",                  // c
      "4k4d 0D0I4I4D*",                // d
      "0g4g4I0I0D4D4e",                // e
      "1d1i1K3k 0i3i",                 // f
      "0D0I4I4D* 4i4c4A0A0b",          // g
      "0k0d 0g0I4I4g4d",               // h
      "0i0d 0k0k",                     // i
      "1i1b1A0a 1k1k",                 // j
      "0k0d 4i0f 1g4d",                // k
      "0k0d",                          // l
      "0i0d 0g0I3I3g3d 3g3I6I6g6d",    // m
      "0i0d 0g0I4I4g4d",               // n
      "0D0I4I4D*",                     // o
      "0i0a 0D0I4I4D*",                // p
      "4i4a 0D0I4I4D*",                // q
      "0i0d 0g0I3i",                   // r
      "4h4I0I0G4F4D0D0e",              // s
      "1k1e1D3d 0i3i",                 // t
      "0i0f0D4D4f 4i4d",               // u
      "0i2d4i",                        // v
      "0i1d3h5d6i",                    // w
      "0i4d 4i0d",                     // x
      "0i2d 4i2d1a",                   // y
      "0i4i0d4d",                      // z
      "2l1l1h0g1f1b2b",                // {
      "0l0b",                          // |
      "0l1l1h2g1f1b0b",                // }
      "0f1I3E4h",                      // ~
  };
  const bool printable = character >= ' ' && character <= '~';
  return printable ? glyphs[character - ' '] : "0d0k4k4d*";
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
