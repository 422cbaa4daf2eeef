// SPDX-License-Identifier: MIT
#include <algorithm>
#include <eigenesis/data/npz.hpp>
#include <optional>

#include "fuzz.hpp"

namespace {

/// The array of a name as each rank; what was read must be read again from what is written.
template <int Rank>
bool array(const eigenesis::Npz& file, const std::string& name) {
  using Array = eigenesis::Tensor<double, Rank>;
  Array x, again;
  if (!fuzz::accepts([&] { x = file.get<double, Rank>(name); })) return false;
  const std::vector<eigenesis::detail::ZipContent> members{{name + ".npy", eigenesis::detail::npy_file(x)},
                                                           {name + "2.npy", {}}};
  const bool accepted = fuzz::accepts(
      [&] { again = eigenesis::Npz("again", eigenesis::detail::zip_file("fuzz", members)).get<double, Rank>(name); });
  fuzz::expect(accepted && x.shape() == again.shape() &&
                   (x.size() == 0 ||
                    std::memcmp(x.data(), again.data(), static_cast<std::size_t>(x.size()) * sizeof(double)) == 0),
               "the same array from what is written");
  return true;
}

}  // namespace

bool fuzz::npz(Span bytes) {
  static MemoryFile memory;
  const std::string& path = memory.of(bytes);
  std::optional<eigenesis::Npz> file;
  if (!accepts([&] { file = eigenesis::load_npz(path); })) return false;
  std::vector<std::string> names = file->names();
  bool all = true;
  for (const std::string& name : names) {
    expect(file->contains(name), "the names of the file");
    bool read = array<0>(*file, name) + array<1>(*file, name) + array<2>(*file, name) + array<3>(*file, name) == 1;
    read = accepts([&] { file->labels(name); }) || read;
    all = all && read;
  }
  std::ranges::sort(names);
  expect(std::ranges::adjacent_find(names) == names.end(), "each name once");
  return all;
}
