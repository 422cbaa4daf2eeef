// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "eigenesis/data/npy.hpp"
#include "eigenesis/files/write_file.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

EIGENESIS_ONCE NpyHeader check_npy(std::string_view function, std::span<const std::uint8_t> file, int rank,
                                   const std::string& path) {
  NpyHeader header = read_npy_header(function, file, path);
  require<DataError>(header.end == file.size(), function, ": expected ", header.end - header.begin,
                     " bytes of numbers, as the header says, but got ", file.size() - header.begin, " in ", path);
  require<DataError>(std::ssize(header.sizes) == rank, function, ": expected an array of ", rank,
                     rank == 1 ? " axis" : " axes", " but got ", ShapeView{header.sizes}, " in ", path);
  return header;
}

/// The bits of a number, whatever its order of bytes.
inline std::uint64_t npy_bits(const std::uint8_t* at, const NpyHeader& header) {
  std::uint64_t bits = 0;
  for (int i = 0; i < header.bytes; ++i) {
    const int byte = header.big_endian ? i : header.bytes - 1 - i;
    bits = bits << 8 | at[byte];
  }
  return bits;
}

/// Throws for the i-th number of a file; `number` is as in the file.
[[noreturn, gnu::cold]] EIGENESIS_ONCE void refuse_npy_number(std::string_view function, const NpyHeader& header,
                                                              std::size_t i, const std::string& number,
                                                              std::string_view rule, const std::string& path) {
  std::vector<Index> indices(header.sizes.size());
  for (std::size_t axis = indices.size(); axis-- > 0; i /= static_cast<std::size_t>(header.sizes[axis]))
    indices[axis] = static_cast<Index>(i % static_cast<std::size_t>(header.sizes[axis]));
  fail<DataError>(function, ": expected ", rule, " but got ", number, " at ", ShapeView{indices}, " in ", path);
}

/// Calls f(i, bits) for each number in row-major order.
template <class F>
void for_each_npy_number(std::span<const std::uint8_t> file, const NpyHeader& header, F&& f) {
  const std::uint8_t* const numbers = file.data() + header.begin;
  std::size_t i = 0;
  const auto give = [&](std::size_t position) {
    f(i++, npy_bits(numbers + position * static_cast<std::size_t>(header.bytes), header));
  };
  if (header.fortran_order)
    for_each_npy_position(header, give);
  else
    for (std::size_t position = 0; position < header.count(); ++position) give(position);
}

/// Whether a whole number of 64 bits is negative, and its magnitude.
struct WholeNumber {
  bool negative;
  std::uint64_t magnitude;
};
inline WholeNumber npy_whole(std::uint64_t bits, const NpyHeader& header) {
  const int unused = 64 - 8 * header.bytes;
  const auto number = static_cast<std::int64_t>(bits << unused) >> unused;
  const bool negative = header.kind == 'i' && number < 0;
  return {negative, negative ? 0 - static_cast<std::uint64_t>(number) : bits};
}
inline std::string to_string(const WholeNumber& number) {
  return (number.negative ? "-" : "") + std::to_string(number.magnitude);
}

template <class Scalar>
void read_npy_numbers(std::string_view function, std::span<const std::uint8_t> file, const NpyHeader& header,
                      const std::string& path, const NpyOptions& options, Scalar* to) {
  const std::string rule = "numbers that " + std::string(sizeof(Scalar) == 4 ? "float" : "double") +
                           " holds, or .round = true in the options,";
  const auto real = [&](std::size_t i, auto x) {
    constexpr auto most = std::numeric_limits<Scalar>::max();
    auto y = static_cast<Scalar>(x);
    if (options.round && std::isinf(y) && !std::isinf(x)) y = std::copysign(most, y);
    if (!options.round && ((std::isinf(y) && !std::isinf(x)) || (y == 0 && x != 0)))
      refuse_npy_number(function, header, i, text(x), rule, path);
    to[i] = y;
  };
  const bool native = header.big_endian == (std::endian::native == std::endian::big);
  if (header.kind == 'f' && header.bytes == sizeof(Scalar) && native && !header.fortran_order) {
    if (header.end > header.begin) std::memcpy(to, file.data() + header.begin, header.end - header.begin);
  } else if (header.kind == 'f') {
    for_each_npy_number(file, header, [&](std::size_t i, std::uint64_t bits) {
      if (header.bytes == 4)
        real(i, std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
      else
        real(i, std::bit_cast<double>(bits));
    });
  } else {
    for_each_npy_number(file, header, [&](std::size_t i, std::uint64_t bits) {
      const WholeNumber whole = npy_whole(bits, header);
      if (header.kind == 'b' && bits > 1) refuse_npy_number(function, header, i, text(bits), "0 or 1", path);
      const int digits = static_cast<int>(std::bit_width(whole.magnitude)) - std::countr_zero(whole.magnitude);
      if (digits > std::numeric_limits<Scalar>::digits && !options.round)
        refuse_npy_number(function, header, i, to_string(whole), rule, path);
      const auto y = static_cast<Scalar>(whole.magnitude);
      to[i] = whole.negative ? -y : y;
    });
  }
}
EIGENESIS_INSTANTIATE(read_npy_numbers);

EIGENESIS_ONCE std::vector<int> read_npy_labels(std::string_view function, std::span<const std::uint8_t> file,
                                                const std::string& path) {
  const NpyHeader header = check_npy(function, file, 1, path);
  require<DataError>(header.kind == 'i' || header.kind == 'u', function,
                     ": expected labels that are whole numbers but got type ",
                     std::string{header.kind, static_cast<char>('0' + header.bytes)}, " in ", path);
  std::vector<int> labels(header.count());
  for_each_npy_number(file, header, [&](std::size_t i, std::uint64_t bits) {
    const WholeNumber whole = npy_whole(bits, header);
    constexpr std::uint64_t most = std::numeric_limits<int>::max();
    if (whole.magnitude > most)
      refuse_npy_number(function, header, i, to_string(whole), "labels between -2^31 and 2^31", path);
    labels[i] = whole.negative ? -static_cast<int>(whole.magnitude) : static_cast<int>(whole.magnitude);
  });
  return labels;
}

EIGENESIS_ONCE Bytes npy_file(const NpyArray& array) {
  Bytes file = npy_beginning(array.kind, array.bytes, array.sizes);
  file.insert(file.end(), array.numbers.begin(), array.numbers.end());
  return file;
}

}  // namespace detail

EIGENESIS_ONCE std::vector<int> load_npy_labels(const std::string& path) {
  return detail::read_npy_labels("load_npy_labels", detail::read_file("load_npy_labels", path), path);
}

EIGENESIS_ONCE void save_npy(const std::string& path, const NpyArray& array) {
  require<ArgumentError>(path.ends_with(".npy"), "save_npy: expected a name that ends in .npy but got ", path);
  detail::write_file("save_npy", path, detail::npy_file(array));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
