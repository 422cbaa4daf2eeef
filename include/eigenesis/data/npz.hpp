// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/npy.hpp"
#include "eigenesis/files/zip.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// The arrays of an .npz file, which stay as they are in the file until they are asked for.
///   const Npz file = load_npz("digits.npz");
///   const auto images = file.get<float, 3>("x_train");
///   const std::vector<int> labels = file.labels("y_train");
class Npz {
 public:
  /// Throws DataError as load_npz does.
  Npz(std::string path, detail::Bytes file);

  /// In the order of the file.
  std::vector<std::string> names() const;
  /// Whether there is an array of this name.
  bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// The array of a name, converted as load_npy does. Throws DataError for a name that is not there, damaged data, and
  /// all that load_npy refuses.
  template <class Scalar, int Rank>
  Tensor<Scalar, Rank> get(std::string_view name, const NpyOptions& options = {}) const {
    return detail::read_npy<Scalar, Rank>("Npz::get", array("Npz::get", name), place(name), options);
  }
  /// Labels [N], as load_npy_labels reads them.
  std::vector<int> labels(std::string_view name) const {
    return detail::read_npy_labels("Npz::labels", array("Npz::labels", name), place(name));
  }

 private:
  const detail::ZipMember* find(std::string_view name) const;
  detail::Bytes array(std::string_view function, std::string_view name) const;  // an .npy file
  std::string place(std::string_view name) const { return detail::shown(name) + ".npy in " + path_; }

  std::string path_;
  detail::Bytes file_;
  std::vector<detail::ZipMember> members_;
};

/// Reads an .npz file of at most 2 GiB, as np.savez and np.savez_compressed write it. Throws DataError for a damaged
/// one, or one that has other things than arrays. Source: numpy.lib.format.
Npz load_npz(const std::string& path);

/// An array and its name in an .npz file.
struct NamedArray {
  std::string name;  // without .npy
  NpyArray array;    // a tensor, or labels
};

/// Writes tensors, or labels, as an .npz file that NumPy reads, not compressed. The same arrays give the same bytes.
///   save_npz("digits.npz", {{"x_train", images}, {"y_train", labels}});
/// Throws ArgumentError for a path that does not end in .npz, a name that is empty or comes twice, or more than 2 GiB,
/// Error if the file cannot be written; what was there before is then as it was.
void save_npz(const std::string& path, const std::vector<NamedArray>& arrays);

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/data/npz_inl.hpp"
#endif
