// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/file.hpp"

// NumPy's format of arrays (numpy.lib.format): a magic, a version, and a Python dictionary of type, order and shape,
// behind which the numbers stand.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// What the header of an .npy file says.
struct NpyHeader {
  char kind = 'f';  // f: real numbers, i: whole numbers with a sign, u: without, b: true or false
  int bytes = 4;    // of one number
  bool big_endian = false, fortran_order = false;
  std::vector<Index> sizes;
  std::size_t begin = 0, end = 0;  // of the numbers in the file

  std::size_t count() const { return (end - begin) / static_cast<std::size_t>(bytes); }
};

/// NumPy reads no longer header either, unless one insists.
inline constexpr std::size_t max_npy_header = 10012;

/// Reads the header at the beginning of a file, which need not be there as a whole. Throws DataError for a damaged one,
/// for other types than f4, f8, i1 to i8, u1 to u8 and b1, or for a shape whose numbers do not fit into a file.
NpyHeader read_npy_header(std::string_view function, std::span<const std::uint8_t> beginning, const std::string& path);

/// Where the numbers stand, row-major, of a file in Fortran's order: f(position in the file) for each in turn.
template <class F>
void for_each_npy_position(const NpyHeader& header, F&& f) {
  const std::size_t rank = header.sizes.size(), count = header.count();
  std::vector<Index> steps(rank, 1), indices(rank);
  for (std::size_t axis = 1; axis < rank; ++axis) steps[axis] = steps[axis - 1] * header.sizes[axis - 1];
  Index position = 0;
  for (std::size_t i = 0; i < count; ++i) {
    f(static_cast<std::size_t>(position));
    for (std::size_t axis = rank; axis-- > 0;) {
      position += steps[axis];
      if (++indices[axis] < header.sizes[axis]) break;
      position -= steps[axis] * header.sizes[axis];
      indices[axis] = 0;
    }
  }
}

/// The begin of an .npy file (version 1.0) of numbers of this machine's byte order, row-major.
Bytes npy_beginning(char kind, int bytes, std::span<const Index> sizes);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/npy_inl.hpp"
#endif
