// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "eigenesis/files/jpeg_scan.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE JpegCodes::JpegCodes(std::span<const std::uint8_t> counts, std::span<const std::uint8_t> symbols)
    : symbols_(symbols.begin(), symbols.end()) {
  std::uint32_t code = 0, place = 0;
  for (std::uint32_t length = 1; length <= 16; ++length, code <<= 1) {
    offset_[length] = place - code;
    for (int i = counts[length - 1]; i > 0 && valid; --i, ++code, ++place) {
      valid = code + 1 < 1u << length;  // A code of ones only is not allowed.
      if (valid && length <= 9)
        std::fill_n(short_.begin() + (code << (9 - length)), 1 << (9 - length),
                    static_cast<std::uint16_t>(length << 8 | symbols_[place]));
    }
    end_[length] = code << (16 - length);
  }
  end_[17] = 0x10000;
}

/// Reads a scan, interval by interval. Each begins at a byte, and is read without what stands behind it in mind.
class JpegScanReader {
 public:
  JpegScanReader(const JpegSource& source, const JpegScan& scan, bool progressive, std::size_t& at)
      : source_(source), scan_(scan), progressive_(progressive), at_(at), begin_(at) {}

  /// Takes the bytes up to the next marker, without the 0 behind each 0xff (section F.1.2.3).
  void begin_interval() {
    const std::span<const std::uint8_t> file = source_.file;
    bytes_.clear();
    for (;;) {
      const auto found = std::find(file.begin() + static_cast<std::ptrdiff_t>(at_), file.end(), std::uint8_t{0xff});
      bytes_.insert(bytes_.end(), file.begin() + static_cast<std::ptrdiff_t>(at_), found);
      at_ = static_cast<std::size_t>(found - file.begin());
      while (at_ + 1 < file.size() && file[at_ + 1] == 0xff) ++at_;
      source_.check(at_ + 1 < file.size(), "a marker behind the scan at byte ", begin_, " but the file ends after ",
                    file.size(), " bytes");
      if (file[at_ + 1] != 0) break;
      bytes_.push_back(0xff);
      at_ += 2;
    }
    end_ = 8 * bytes_.size();
    bytes_.resize(bytes_.size() + block_bytes + 8);
    position_ = 0;
    ended_blocks_ = 0;
    dc_ = {};
  }

  /// The marker between two intervals (section F.2.2.4).
  void read_restart(Index number) {
    end_interval();
    const int expected = 0xd0 + static_cast<int>(number & 7), marker = source_.file[at_ + 1];
    source_.check(marker == expected, "restart marker ", expected, " at byte ", at_, " but got marker ", marker);
    at_ += 2;
  }

  void end_interval() const {
    source_.check(ended_blocks_ == 0, "blocks for the whole run in the scan at byte ", begin_, " but ", ended_blocks_,
                  " are missing");
    source_.check(end_ - position_ < 8, "a marker behind the last block of the scan at byte ", begin_, " but got ",
                  (end_ - position_) / 8, " more bytes");
  }

  void read_block(std::size_t part, std::int16_t* values) {
    const auto [component, dc, ac] = scan_.parts[part];
    if (scan_.first == 0) {
      if (scan_.high == 0)
        read_dc(*dc, dc_[part], values[0]);
      else
        values[0] = static_cast<std::int16_t>(values[0] | take(1) << scan_.low);
    }
    if (scan_.last > 0) {
      if (scan_.high == 0)
        read_ac(*ac, values);
      else
        refine_ac(*ac, values);
    }
    source_.check(position_ <= end_, "codes for all blocks in the scan at byte ", begin_, " but they end at byte ",
                  at_);
  }

 private:
  /// No block takes more: 64 codes of 16 bits, each with at most 15 bits behind it, and a bit for each coefficient. So
  /// many zeros stand behind the bytes of an interval; after each block it is seen whether they were read.
  static constexpr std::size_t block_bytes = 64 * (16 + 15 + 1) / 8;

  std::uint32_t next_bits() const {
    std::uint64_t bits;
    std::memcpy(&bits, &bytes_[position_ / 8], 8);
    if constexpr (std::endian::native == std::endian::little) bits = __builtin_bswap64(bits);
    return static_cast<std::uint32_t>(bits << position_ % 8 >> 32);
  }
  /// The unsigned number of the next `count` bits, at most 15.
  int take(int count) {
    const auto number = static_cast<int>(std::uint64_t{next_bits()} >> (32 - count));
    position_ += static_cast<std::size_t>(count);
    return number;
  }
  /// The number of `size` bits, whose first bit says whether it is above 0 (table F.1).
  int take_signed(int size) {
    const int number = take(size);
    return size == 0 || number >> (size - 1) != 0 ? number : number - (1 << size) + 1;
  }
  int take_symbol(const JpegCodes& codes) {
    const auto [length, symbol] = codes.first_of(next_bits());
    source_.check(length <= 16, "codes of the table in the scan at byte ", begin_, " but got another");
    position_ += static_cast<std::size_t>(length);
    return symbol;
  }

  /// The difference to the block before (section F.2.2.1). Eight bits a sample give eleven a coefficient.
  void read_dc(const JpegCodes& codes, int& dc, std::int16_t& value) {
    const int size = take_symbol(codes);
    source_.check(size + scan_.low <= 11, "differences of at most 11 bits in the scan at byte ", begin_, " but got ",
                  size + scan_.low);
    dc += take_signed(size);
    source_.check(std::abs(dc) <= 2047 >> scan_.low, "DC coefficients of at most 11 bits in the scan at byte ", begin_,
                  " but got ", dc << scan_.low);
    value = static_cast<std::int16_t>(dc << scan_.low);
  }

  /// A symbol says how many zeros come before the next coefficient, and its size; or that this block, and in
  /// progressive files a run of them, has no more (sections F.2.2.2 and G.1.2.2).
  void read_ac(const JpegCodes& codes, std::int16_t* values) {
    if (ended_blocks_ > 0) {
      --ended_blocks_;
      return;
    }
    for (int k = std::max(scan_.first, 1); k <= scan_.last;) {
      const int symbol = take_symbol(codes), size = symbol & 15;
      if (size == 0 && symbol != 0xf0) {
        ended_blocks_ = take_run(symbol) - 1;
        return;
      }
      k += symbol >> 4;
      check_place(k);
      source_.check(size + scan_.low <= 10, "AC coefficients of at most 10 bits in the scan at byte ", begin_,
                    " but got ", size + scan_.low);
      values[jpeg_zigzag[static_cast<std::size_t>(k++)]] = static_cast<std::int16_t>(take_signed(size) << scan_.low);
    }
  }

  /// Gives coefficients one more bit: a bit for each that is not 0, and a symbol as above for what is 0 until now,
  /// whose size is 1 (section G.1.2.3).
  void refine_ac(const JpegCodes& codes, std::int16_t* values) {
    const int unit = 1 << scan_.low;
    const auto refine = [&](std::int16_t& value) {
      if (take(1)) value = static_cast<std::int16_t>(value + (value > 0 ? unit : -unit));
    };
    int k = scan_.first;
    for (; k <= scan_.last && ended_blocks_ == 0; ++k) {
      const int symbol = take_symbol(codes), size = symbol & 15;
      if (size == 0 && symbol != 0xf0) {
        ended_blocks_ = take_run(symbol);
        break;
      }
      source_.check(size <= 1, "new coefficients of one bit in the scan at byte ", begin_, " but got ", size);
      const int fresh = size == 0 ? 0 : take(1) ? unit : -unit;
      for (int zeros = symbol >> 4; k <= scan_.last; ++k) {
        std::int16_t& value = values[jpeg_zigzag[static_cast<std::size_t>(k)]];
        if (value != 0)
          refine(value);
        else if (zeros-- == 0)
          break;
      }
      check_place(k);
      values[jpeg_zigzag[static_cast<std::size_t>(k)]] = static_cast<std::int16_t>(fresh);
    }
    if (ended_blocks_ == 0) return;
    for (; k <= scan_.last; ++k)
      if (std::int16_t& value = values[jpeg_zigzag[static_cast<std::size_t>(k)]]; value != 0) refine(value);
    --ended_blocks_;
  }

  /// How many blocks end here.
  int take_run(int symbol) {
    source_.check(progressive_ || symbol == 0, "the end of one block in the scan at byte ", begin_,
                  " but got a run of them");
    return (1 << (symbol >> 4)) + take(symbol >> 4);
  }
  void check_place(int k) const {
    source_.check(k <= scan_.last, "no coefficient beyond ", scan_.last, " in the scan at byte ", begin_, " but got ",
                  k);
  }

  const JpegSource& source_;
  const JpegScan& scan_;
  const bool progressive_;
  std::size_t& at_;
  const std::size_t begin_;
  Bytes bytes_;                         // of the interval
  std::size_t end_ = 0, position_ = 0;  // in bits
  int ended_blocks_ = 0;                // so many blocks that come have no more coefficients
  std::array<int, 3> dc_{};             // of the block before, of each component
};

EIGENESIS_ONCE void read_jpeg_scan(const JpegSource& source, const JpegFrame& frame, const JpegScan& scan,
                                   Index restart_interval, std::size_t& at) {
  // An MCU is a block of the only component, or as many as the sampling factors say of each (section A.2).
  const bool alone = scan.parts.size() == 1;
  const JpegComponent& first = *scan.parts[0].component;
  const Index columns = alone ? first.columns : first.stride / first.across;
  const Index rows = alone ? first.rows : (frame.height + 8 * frame.down - 1) / (8 * frame.down);
  JpegScanReader reader(source, scan, frame.progressive, at);
  reader.begin_interval();
  for (Index mcu = 0; mcu < rows * columns; ++mcu) {
    if (restart_interval > 0 && mcu > 0 && mcu % restart_interval == 0) {
      reader.read_restart(mcu / restart_interval - 1);
      reader.begin_interval();
    }
    for (std::size_t part = 0; part < scan.parts.size(); ++part) {
      JpegComponent& component = *scan.parts[part].component;
      const Index across = alone ? 1 : component.across, down = alone ? 1 : component.down;
      for (Index y = mcu / columns * down; y < (mcu / columns + 1) * down; ++y)
        for (Index x = mcu % columns * across; x < (mcu % columns + 1) * across; ++x)
          reader.read_block(part, &component.values[static_cast<std::size_t>(64 * (y * component.stride + x))]);
    }
  }
  reader.end_interval();
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
