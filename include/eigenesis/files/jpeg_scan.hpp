// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "eigenesis/files/bytes.hpp"
#include "eigenesis/machine/error.hpp"

// The coefficients of a JPEG file. Sections are those of ITU-T T.81.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// The file that is read, and who reads it.
struct JpegSource {
  std::string_view function;
  std::span<const std::uint8_t> file;
  const std::string& path;

  template <class... Parts>
  void check(bool condition, const Parts&... parts) const {
    require<DataError>(condition, function, ": expected ", parts..., " in ", path);
  }
};

/// Codes of 1 to 16 bits, each of which stands for a byte (annex C).
class JpegCodes {
 public:
  /// counts[i]: how many have i + 1 bits, the shorter ones first. `valid` if so many there can be.
  JpegCodes(std::span<const std::uint8_t> counts, std::span<const std::uint8_t> symbols);
  bool valid = true;

  struct Code {
    int length, symbol;
  };
  /// The code that these 32 bits begin with; of length 17 if there is none.
  Code first_of(std::uint32_t bits) const {
    if (const int code = short_[bits >> 23]; code != 0) return {code >> 8, code & 255};
    std::size_t length = 10;
    while (bits >> 16 >= end_[length]) ++length;
    if (length == 17) return {17, 0};
    return {static_cast<int>(length), symbols_[(bits >> (32 - length)) + offset_[length]]};
  }

 private:
  std::array<std::uint16_t, 512> short_{};  // for each beginning of 9 bits: 256 * length + symbol, 0 if it is longer
  std::array<std::uint32_t, 18> end_{};     // what 16 bits are below if they begin with a code of this length or less
  std::array<std::uint32_t, 17> offset_{};  // from a code of this length to the place of its symbol, modulo 2^32
  Bytes symbols_;
};

/// What the last segments DQT, DHT and DRI say.
struct JpegTables {
  std::array<std::optional<std::array<std::uint16_t, 64>>, 4> quantisers = {};  // in the order of the zigzag
  std::array<std::array<std::optional<JpegCodes>, 4>, 2> codes = {};            // of DC, of AC coefficients
  Index restart_interval = 0;                                                   // in MCUs; 0: the whole scan
};

struct JpegComponent {
  int name = 0;
  Index across = 1, down = 1;                     // sampling factors
  std::size_t table = 0;                          // of quantisers
  Index width = 0, height = 0;                    // samples
  Index columns = 0, rows = 0;                    // blocks that hold them
  Index stride = 0;                               // blocks in a row, with those that only fill MCUs
  std::vector<std::int16_t> values = {};          // the coefficients, [rows, stride, 8, 8]
  std::array<std::uint16_t, 64> quantisers = {};  // as they were at its first scan
  std::array<int, 64> known = {};                 // the lowest bit of each coefficient that scans have given, 14: none
};

struct JpegFrame {
  bool progressive = false, is_rgb = false;
  Index height = 0, width = 0, across = 1, down = 1;  // of pixels; the largest sampling factors
  std::vector<JpegComponent> components = {};
};

/// Some bits of some coefficients of some components (section B.2.3, annex G).
struct JpegScan {
  struct Part {
    JpegComponent* component = nullptr;
    const JpegCodes *dc = nullptr, *ac = nullptr;
  };
  std::vector<Part> parts = {};
  int first = 0, last = 63;  // coefficients, in the order of the zigzag
  int high = 0, low = 0;     // bits: from `low` on; below `high`, if that is not 0
};

/// Where coefficient i of the zigzag stands in a block (figure A.6).
inline constexpr std::array<std::uint8_t, 64> jpeg_zigzag{
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/// Reads the codes of a scan, which begin at byte `at` of the file; `at` is then that of the marker behind them.
void read_jpeg_scan(const JpegSource& source, const JpegFrame& frame, const JpegScan& scan, Index restart_interval,
                    std::size_t& at);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/jpeg_scan_inl.hpp"
#endif
