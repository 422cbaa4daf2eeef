// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/files/npy.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How numbers of one type become those of another.
struct NpyOptions {
  bool round = false;  // Numbers that float or double cannot hold become the nearest that it can.
};

/// An array that is written to a file: a tensor, or labels. It must outlive this object.
struct NpyArray {
  char kind;                              // f: floating point; i: whole numbers
  int bytes;                              // of each number
  std::vector<Index> sizes;               // of its axes
  std::span<const std::uint8_t> numbers;  // in row-major order, as they lie in memory

  template <class Scalar, int Rank>
  NpyArray(const Tensor<Scalar, Rank>& x)
      : kind('f'),
        bytes(sizeof(Scalar)),
        sizes(x.shape().sizes.begin(), x.shape().sizes.end()),
        numbers(reinterpret_cast<const std::uint8_t*>(x.data()), static_cast<std::size_t>(x.size()) * sizeof(Scalar)) {}
  NpyArray(const std::vector<int>& labels)
      : kind('i'),
        bytes(sizeof(int)),
        sizes{std::ssize(labels)},
        numbers(reinterpret_cast<const std::uint8_t*>(labels.data()), labels.size() * sizeof(int)) {}
};

namespace detail {

/// The header of an array [...] of `rank` axes in the bytes of a whole file. Throws DataError for another rank, or
/// another length than the header says.
NpyHeader check_npy(std::string_view function, std::span<const std::uint8_t> file, int rank, const std::string& path);

/// The numbers of a file, row-major, as Scalars.
template <class Scalar>
void read_npy_numbers(std::string_view function, std::span<const std::uint8_t> file, const NpyHeader& header,
                      const std::string& path, const NpyOptions& options, Scalar* to);

template <class Scalar, int Rank>
Tensor<Scalar, Rank> read_npy(std::string_view function, std::span<const std::uint8_t> file, const std::string& path,
                              const NpyOptions& options) {
  const NpyHeader header = check_npy(function, file, Rank, path);
  Shape<Rank> shape;
  for (int axis = 0; axis < Rank; ++axis) shape[axis] = header.sizes[static_cast<std::size_t>(axis)];
  Tensor<Scalar, Rank> x(shape);
  read_npy_numbers(function, file, header, path, options, x.data());
  return x;
}

std::vector<int> read_npy_labels(std::string_view function, std::span<const std::uint8_t> file,
                                 const std::string& path);

/// The .npy file of an array.
Bytes npy_file(const NpyArray& array);

}  // namespace detail

/// Reads an array that NumPy saved: load_npy<float, 2>("x.npy"). Versions 1 to 3, little and big endian, C and Fortran
/// order, real numbers of 32 and 64 bits, whole numbers of 8 to 64, true (1) and false (0); at most 2 GiB. Real numbers
/// are rounded to the nearest Scalar. Throws DataError for a damaged file, other types, another rank, and, unless asked
/// to round, for what a Scalar cannot hold: whole numbers beyond its digits (2^24 for float, 2^53 for double), real
/// ones that become infinite or 0. Source: numpy.lib.format.
template <class Scalar, int Rank>
Tensor<Scalar, Rank> load_npy(const std::string& path, const NpyOptions& options = {}) {
  return detail::read_npy<Scalar, Rank>("load_npy", detail::read_file("load_npy", path), path, options);
}

/// Reads labels [N], whole numbers of any width that an int holds. Throws DataError as load_npy does.
std::vector<int> load_npy_labels(const std::string& path);

/// Writes a tensor, or labels, as an .npy file (version 1.0, C order) that NumPy reads as np.load(path): float32,
/// float64 or int32. Throws ArgumentError for a name that does not end in .npy, Error if the file cannot be written;
/// what was there before is then as it was.
void save_npy(const std::string& path, const NpyArray& array);

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/data/npy_inl.hpp"
#endif
