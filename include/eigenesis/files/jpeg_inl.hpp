// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "eigenesis/files/jpeg.hpp"
#include "eigenesis/files/jpeg_pixels.hpp"
#include "eigenesis/files/jpeg_scan.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Reads a file, segment by segment (annex B of ITU-T T.81, as the sections below).
class JpegReader {
 public:
  explicit JpegReader(const JpegSource& source) : source_(source) {}

  JpegPixels read() {
    read_segments();
    source_.check(!frame_.components.empty(), "a picture but got none");
    for (const JpegComponent& component : frame_.components)
      for (std::size_t k = 0; k < 64; ++k)
        source_.check(component.known[k] == 0, "scans that give all bits of each coefficient but got ",
                      14 - component.known[k], " of 14 bits of coefficient ", k, " of component ", component.name);
    return jpeg_pixels(frame_);
  }

 private:
  /// Table B.1, as far as it is read.
  enum Marker : int {
    sof_baseline = 0xc0,
    sof_extended = 0xc1,
    sof_progressive = 0xc2,
    sof_lossless = 0xc3,
    dht = 0xc4,  // Huffman codes
    soi = 0xd8,  // start of image
    eoi = 0xd9,  // end of image
    sos = 0xda,  // start of scan
    dqt = 0xdb,  // quantisers
    dnl = 0xdc,  // number of lines
    dri = 0xdd,  // restart interval
    app0 = 0xe0,
    app14 = 0xee,
    app15 = 0xef,
    com = 0xfe,  // comment
  };
  using Content = std::span<const std::uint8_t>;

  void read_segments() {
    const Content file = source_.file;
    source_.check(file.size() >= 2 && file[0] == 0xff && file[1] == soi, "a JPEG file but got another kind");
    for (at_ = 2;;) {
      const int marker = read_marker();
      if (marker == eoi) return;
      check_marker(marker);
      const std::size_t begin = at_;
      const std::size_t length = at_ + 2 <= file.size() ? big_endian(&file[at_], 2) : 0;
      source_.check(length >= 2 && length <= file.size() - at_, "a whole segment at byte ", at_, " but got ", length,
                    " bytes of ", file.size() - at_);
      at_ += length;
      read_segment(marker, file.subspan(begin + 2, length - 2));
    }
  }

  /// Section B.1.1.2: bytes 0xff may stand before a marker.
  int read_marker() {
    const Content file = source_.file;
    source_.check(at_ >= file.size() || file[at_] == 0xff, "a marker at byte ", at_, " but got ",
                  at_ < file.size() ? int{file[at_]} : 0);
    while (at_ < file.size() && file[at_] == 0xff) ++at_;
    source_.check(at_ < file.size(), "an EOI marker but the file ends after ", file.size(), " bytes");
    return file[at_++];
  }

  /// Whether a segment of a kind that is read begins.
  void check_marker(int marker) const {
    const auto refuse = [&](bool condition, std::string_view kind) {
      source_.check(!condition, "a baseline, extended or progressive JPEG file with Huffman codes but got ", kind);
    };
    refuse(marker == sof_lossless, "a lossless one");
    refuse((marker >= 0xc5 && marker <= 0xc7) || marker == 0xde || marker == 0xdf, "a hierarchical one");
    refuse(marker >= 0xc9 && marker <= 0xcf, "one with arithmetic codes");
    refuse(marker == dnl, "one with the number of lines behind the pixels");
    const bool known = (marker >= sof_baseline && marker <= dht) || (marker >= sos && marker <= dri) ||
                       (marker >= app0 && marker <= app15) || marker == com;
    source_.check(known, "a segment of a JPEG file but got marker ", marker, " before byte ", at_);
  }

  void read_segment(int marker, Content content) {
    if (marker == app0 || marker == app14) read_colours(marker, content);
    if (marker == dqt) read_quantisers(content);
    if (marker == dht) read_codes(content);
    if (marker == dri) {
      source_.check(content.size() == 2, "a restart interval of 2 bytes but got ", content.size());
      tables_.restart_interval = big_endian(content.data(), 2);
    }
    if (marker >= sof_baseline && marker <= sof_progressive) read_frame(marker == sof_progressive, content);
    if (marker == sos) read_scan(content);
  }

  /// What JFIF and Adobe say of colours before the first scan.
  void read_colours(int marker, Content content) {
    const auto begins = [&](std::string_view name) { return std::equal(name.begin(), name.end(), content.begin()); };
    if (marker == app0 && content.size() >= 14 && begins({"JFIF", 5})) is_jfif_ = true;
    if (marker == app14 && content.size() >= 12 && begins("Adobe")) adobe_ = content[11];
  }

  /// DQT, section B.2.4.1.
  void read_quantisers(Content content) {
    while (!content.empty()) {
      const int bytes = content[0] >> 4 == 0 ? 1 : 2;
      const std::size_t size = 1 + 64 * static_cast<std::size_t>(bytes), number = content[0] & 15;
      source_.check(content[0] < 32 && number < 4 && content.size() >= size,
                    "64 quantisers of 1 or 2 bytes in table 0 to 3 but got ", content.size() - 1, " bytes in table ",
                    content[0]);
      auto& table = tables_.quantisers[number].emplace();
      for (std::size_t k = 0; k < 64; ++k) {
        table[k] = static_cast<std::uint16_t>(big_endian(&content[1 + k * static_cast<std::size_t>(bytes)], bytes));
        source_.check(table[k] > 0, "quantisers above 0 but got 0 in table ", number);
      }
      content = content.subspan(size);
    }
  }

  /// DHT, section B.2.4.2.
  void read_codes(Content content) {
    while (!content.empty()) {
      const std::size_t kind = content[0] >> 4, number = content[0] & 15;
      std::size_t count = 0;
      for (std::size_t i = 1; i <= 16 && i < content.size(); ++i) count += content[i];
      source_.check(kind < 2 && number < 4 && count <= 256 && content.size() >= 17 + count,
                    "at most 256 Huffman codes in table 0 to 3 or 16 to 19 but got ", count, " and ",
                    content.size() - 1, " bytes in table ", content[0]);
      const Content symbols = content.subspan(17, count);
      const JpegCodes& codes = tables_.codes[kind][number].emplace(content.subspan(1, 16), symbols);
      source_.check(codes.valid, "Huffman codes that differ but got too many in table ", content[0]);
      source_.check(kind == 1 || std::ranges::all_of(symbols, [](int size) { return size < 16; }),
                    "differences of at most 15 bits but got more in table ", content[0]);
      content = content.subspan(17 + count);
    }
  }

  /// SOF, section B.2.2.
  void read_frame(bool progressive, Content content) {
    source_.check(frame_.components.empty(), "one frame but got another");
    source_.check(content.size() >= 6, "a frame header of 6 bytes or more but got ", content.size());
    const std::size_t count = content[5];
    source_.check(content[0] == 8, "8 bits for each sample but got ", int{content[0]});
    source_.check(count == 1 || count == 3, "1 or 3 components, grey or colour, but got ", count);
    source_.check(content.size() == 6 + 3 * count, "a frame header of ", 6 + 3 * count, " bytes but got ",
                  content.size());
    frame_ = {progressive, false, big_endian(&content[1], 2), big_endian(&content[3], 2)};
    source_.check(frame_.width > 0 && frame_.height > 0 &&
                      frame_.height * frame_.width * static_cast<Index>(count) <= max_jpeg_values,
                  "1 to 2^26 values but got ", frame_.height, " x ", frame_.width, " x ", count);
    for (std::size_t i = 6; i < content.size(); i += 3) {
      JpegComponent component{content[i], content[i + 1] >> 4, content[i + 1] & 15, content[i + 2]};
      source_.check(std::clamp<Index>(component.across, 1, 4) == component.across &&
                        std::clamp<Index>(component.down, 1, 4) == component.down && component.table < 4,
                    "sampling factors 1 to 4 and a table 0 to 3 but got ", component.across, ", ", component.down,
                    " and ", component.table);
      for (const JpegComponent& other : frame_.components)
        source_.check(other.name != component.name, "different components but got two of ", component.name);
      frame_.across = std::max(frame_.across, component.across);
      frame_.down = std::max(frame_.down, component.down);
      component.known.fill(14);
      frame_.components.push_back(std::move(component));
    }
    make_blocks();
  }

  /// Memory for the coefficients (section A.1.1). Each block takes at least a code for its DC coefficient and, unless
  /// it is progressive, one for the others, a bit each.
  void make_blocks() {
    const auto parts = [](Index whole, Index size) { return (whole + size - 1) / size; };
    Index blocks = 0;
    for (JpegComponent& component : frame_.components) {
      source_.check(frame_.across % component.across == 0 && frame_.down % component.down == 0,
                    "sampling factors that divide the largest, ", frame_.across, " and ", frame_.down, ", but got ",
                    component.across, " and ", component.down);
      component.width = parts(frame_.width * component.across, frame_.across);
      component.height = parts(frame_.height * component.down, frame_.down);
      component.columns = parts(component.width, 8);
      component.rows = parts(component.height, 8);
      component.stride = parts(frame_.width, 8 * frame_.across) * component.across;
      blocks += component.columns * component.rows;
    }
    source_.check(blocks <= std::ssize(source_.file) * (frame_.progressive ? 8 : 4), "a size that ",
                  source_.file.size(), " bytes can fill but got ", frame_.height, " x ", frame_.width);
    for (JpegComponent& component : frame_.components)
      component.values.resize(
          static_cast<std::size_t>(parts(frame_.height, 8 * frame_.down) * component.down * component.stride * 64));
  }

  /// SOS, section B.2.3, and the codes behind it.
  void read_scan(Content content) {
    source_.check(!frame_.components.empty(), "a frame before its scans but got a scan at byte ", at_);
    source_.check(++scans_ <= max_jpeg_scans, "at most ", max_jpeg_scans, " scans but got more");
    if (scans_ == 1) choose_colours();
    const std::size_t count = content.empty() ? 0 : content[0];
    source_.check(count >= 1 && count <= 3 && content.size() == 4 + 2 * count,
                  "a scan header of 1 to 3 components but got ", count, " and ", content.size(), " bytes");
    const std::uint8_t* const band = &content[1 + 2 * count];
    JpegScan scan{{}, band[0], band[1], band[2] >> 4, band[2] & 15};
    if (frame_.progressive)
      source_.check(scan.first <= scan.last && scan.last < 64 && (scan.first > 0 || scan.last == 0) &&
                        (scan.first == 0 || count == 1) && scan.low < 14 && scan.high < 14,
                    "DC coefficients or some AC coefficients of one component, of 14 bits, but got coefficients ",
                    scan.first, " to ", scan.last, ", bits ", int{band[2]}, ", of ", count, " components");
    else
      source_.check(scan.first == 0 && scan.last == 63 && band[2] == 0, "all coefficients in a scan but got ",
                    scan.first, " to ", scan.last, ", bits ", int{band[2]});
    Index blocks = 0;
    for (std::size_t i = 0; i < count; ++i) {
      add_component(scan, content[1 + 2 * i], content[2 + 2 * i]);
      blocks += scan.parts[i].component->across * scan.parts[i].component->down;
    }
    source_.check(count == 1 || blocks <= 10, "at most 10 blocks in an MCU but got ", blocks);
    read_jpeg_scan(source_, frame_, scan, tables_.restart_interval, at_);
  }

  /// The component of a name, for which bits come that follow those that are known; with the tables it needs.
  void add_component(JpegScan& scan, int name, std::size_t tables) {
    const auto found = std::ranges::find(frame_.components, name, &JpegComponent::name);
    source_.check(found != frame_.components.end() && (scan.parts.empty() || scan.parts.back().component < &*found),
                  "components of the frame, in its order, but got component ", name);
    JpegComponent& component = *found;
    if (component.known[0] == 14) {
      source_.check(tables_.quantisers[component.table].has_value(),
                    "quantisers before the scan but got none in table ", component.table);
      component.quantisers = *tables_.quantisers[component.table];
    }
    for (int k = scan.first; k <= scan.last; ++k) {
      int& known = component.known[static_cast<std::size_t>(k)];
      source_.check(known == (scan.high == 0 ? 14 : scan.high) && (scan.high == 0 || scan.low == scan.high - 1) &&
                        (k == 0 || component.known[0] < 14),
                    "bits of coefficient ", k, " of component ", name, " below ", known,
                    ", after those of the DC coefficient, but got ", scan.high, " to ", scan.low);
      known = scan.low;
    }
    const auto codes = [&](std::size_t kind, std::size_t number) {
      source_.check(number < 4 && tables_.codes[kind][number].has_value(),
                    "Huffman codes before the scan but got none in table ", 16 * kind + number);
      return &*tables_.codes[kind][number];
    };
    scan.parts.push_back({&component, scan.first == 0 && scan.high == 0 ? codes(0, tables >> 4) : nullptr,
                          scan.last > 0 ? codes(1, tables & 15) : nullptr});
  }

  /// As libjpeg does. JFIF means YCbCr; without it and Adobe's segment, components R, G and B are red, green and blue.
  void choose_colours() {
    auto& components = frame_.components;
    if (components.size() == 1 || is_jfif_) return;
    source_.check(adobe_ <= 1, "colour transform 0 or 1 of Adobe but got ", adobe_);
    frame_.is_rgb = adobe_ == 0 ||
                    (adobe_ < 0 && components[0].name == 'R' && components[1].name == 'G' && components[2].name == 'B');
  }

  const JpegSource& source_;
  std::size_t at_ = 0;  // in the file
  JpegTables tables_;
  JpegFrame frame_;
  int scans_ = 0, adobe_ = -1;  // -1: not said
  bool is_jfif_ = false;
};

EIGENESIS_ONCE JpegPixels decode_jpeg(std::string_view function, std::span<const std::uint8_t> file,
                                      const std::string& path) {
  const JpegSource source{function, file, path};
  return JpegReader(source).read();
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
