// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <charconv>

#include "eigenesis/files/npy.hpp"
#include "eigenesis/files/text_cursor.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

inline constexpr std::string_view npy_magic = "\x93NUMPY";

/// Reads the dictionary of a header, which is Python: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
class NpyReader : TextCursor {
 public:
  NpyReader(std::string_view function, std::string_view text, const std::string& path)
      : TextCursor(text), function_(function), path_(path) {}

  [[gnu::cold]] void read(NpyHeader& header) {
    bool type = false, order = false, shape = false;
    skip_space();
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      bool& found = key == "descr" ? type : key == "fortran_order" ? order : shape;
      require_fact((&found != &shape || key == "shape") && !found,
                   "descr, fortran_order and shape, each once, but got ", shown(key));
      found = true;
      if (&found == &type)
        read_type(header);
      else if (&found == &order)
        header.fortran_order = boolean();
      else
        header.sizes = sizes();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    require_here(at_ == text_.size(), "the end of the header");
    require_fact(type && order && shape, "descr, fortran_order and shape but got no ",
                 type ? order ? "shape" : "fortran_order" : "descr");
  }

 private:
  [[gnu::cold]] void read_type(NpyHeader& header) {
    require_fact(!next_is('['), "numbers of one type but got a structured type");
    const std::string_view type = string();
    const std::string_view name = type.substr(std::min<std::size_t>(type.size(), 1));
    bool known = false;
    for (const std::string_view other : {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})
      known = known || name == other;
    require_fact(known && (type[0] == '<' || type[0] == '>' || (type[0] == '|' && name[1] == '1')),
                 "numbers of type f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 or b1, with < or > for the order of their "
                 "bytes, but got ",
                 shown(type));
    header.kind = name[0];
    header.bytes = name[1] - '0';
    header.big_endian = type[0] == '>';
  }

  // What follows reads Python. Each skips the white space behind what it has read.

  [[gnu::cold]] std::vector<Index> sizes() {
    std::vector<Index> result;
    expect('(');
    for (bool comma = true; !accept(')'); comma = accept(',')) {
      require_here(comma, result.size() == 1 ? "','" : "',' or ')'");
      const char *const first = text_.data() + at_, *const last = text_.data() + text_.size();
      std::uint64_t value = 0;
      const auto [end, error] = std::from_chars(first, last, value);
      require_here(end != first, "a size");
      require_here(error == std::errc() && value <= PTRDIFF_MAX, "a number below 2^63");
      require_here(result.size() < 32, "at most 32 sizes");
      at_ += static_cast<std::size_t>(end - first);
      if (next_is('L')) ++at_;  // written by Python 2
      skip_space();
      result.push_back(static_cast<Index>(value));
      require_here(result.size() > 1 || next_is(','), "','");  // (3) is no tuple
    }
    return result;
  }
  [[gnu::cold]] bool boolean() {
    for (const std::string_view word : {"True", "False"})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        skip_space();
        return word == "True";
      }
    require_here(false, "True or False");
    return false;
  }
  [[gnu::cold]] std::string_view string() {
    require_here(next_is('\'') || next_is('"'), "a string");
    const std::size_t begin = at_ + 1, end = text_.find(text_[at_], begin);
    require_here(end != text_.npos, "a string that ends");
    at_ = end + 1;
    skip_space();
    return text_.substr(begin, end - begin);
  }
  void expect(char c) { require_here(accept(c), std::string{'\'', c, '\''}); }

  void require_here(bool condition, std::string_view rule) const {
    if (condition) return;
    const std::string fact = at_ < text_.size() ? "'" + shown(text_.substr(at_, 1)) + "'" : "its end";
    fail<DataError>(function_, ": expected ", rule, " at character ", at_, " of the header but got ", fact, " in ",
                    path_);
  }
  template <class... Parts>
  void require_fact(bool condition, const Parts&... parts) const {
    require<DataError>(condition, function_, ": expected ", parts..., " in ", path_);
  }

  std::string_view function_;
  const std::string& path_;
};

EIGENESIS_ONCE NpyHeader read_npy_header(std::string_view function, std::span<const std::uint8_t> beginning,
                                         const std::string& path) {
  const auto need = [&](std::size_t size) {
    require<DataError>(size <= beginning.size(), function, ": expected a header of ", size, " bytes but got ",
                       beginning.size(), " in ", path);
  };
  const std::string_view all(reinterpret_cast<const char*>(beginning.data()), beginning.size());
  require<DataError>(all.starts_with(npy_magic), function, ": expected an .npy file but got another kind in ", path);
  need(8);
  const int major = beginning[6], minor = beginning[7], size_bytes = major == 1 ? 2 : 4;
  require<DataError>(major >= 1 && major <= 3 && minor == 0, function, ": expected version 1.0, 2.0 or 3.0 but got ",
                     major, ".", minor, " in ", path);
  const auto text_begin = static_cast<std::size_t>(8 + size_bytes);
  need(text_begin);
  const std::size_t text_size = little_endian(&beginning[8], size_bytes);
  require<DataError>(text_size <= max_npy_header - 12, function, ": expected a header of at most ", max_npy_header - 12,
                     " characters but got ", text_size, " in ", path);
  need(text_begin + text_size);
  NpyHeader header;
  NpyReader(function, all.substr(text_begin, text_size), path).read(header);
  Index size = header.bytes;
  bool fits = true, empty = false;
  for (const Index s : header.sizes) {
    fits = !__builtin_mul_overflow(size, std::max<Index>(s, 1), &size) && fits;
    empty = empty || s == 0;
  }
  require<DataError>(fits && size <= static_cast<Index>(max_file_bytes - max_npy_header), function,
                     ": expected a shape that fits into a file but got ", ShapeView{header.sizes}, " in ", path);
  header.begin = text_begin + text_size;
  header.end = header.begin + (empty ? 0 : static_cast<std::size_t>(size));
  return header;
}

EIGENESIS_ONCE Bytes npy_beginning(char kind, int bytes, std::span<const Index> sizes) {
  const char order = bytes == 1 ? '|' : std::endian::native == std::endian::little ? '<' : '>';
  std::string text = "{'descr': '" + std::string{order, kind, static_cast<char>('0' + bytes)} +
                     "', 'fortran_order': False, 'shape': (";
  for (std::size_t axis = 0; axis < sizes.size(); ++axis)
    text += (axis == 0 ? "" : " ") + std::to_string(sizes[axis]) + (axis + 1 < sizes.size() || axis == 0 ? "," : "");
  text += "), }";
  while ((10 + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  const std::string file = std::string(npy_magic) + '\1' + '\0' + static_cast<char>(text.size() & 0xff) +
                           static_cast<char>(text.size() >> 8) + text;
  return Bytes(file.begin(), file.end());
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
