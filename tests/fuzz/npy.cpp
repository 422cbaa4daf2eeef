// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <eigenesis/data/npy.hpp>
#include <limits>

#include "fuzz.hpp"

namespace {

using eigenesis::Tensor;

template <class T>
fuzz::Span bytes_of(const T& numbers) {
  return {reinterpret_cast<const std::uint8_t*>(numbers.data()),
          static_cast<std::size_t>(numbers.size()) * sizeof(numbers.data()[0])};
}
template <class T>
bool same(const T& a, const T& b) {
  return bytes_of(a).size() == bytes_of(b).size() &&
         (bytes_of(a).empty() || std::memcmp(a.data(), b.data(), bytes_of(a).size()) == 0);
}

/// As an array of this rank: what was read must be read again from what is written, to the bit, and as floats.
template <int Rank>
bool array(const std::string& path) {
  static fuzz::MemoryFile memory;
  Tensor<double, Rank> x, again;
  Tensor<float, Rank> floats;
  if (!fuzz::accepts([&] { x = eigenesis::load_npy<double, Rank>(path); })) return false;
  const std::string& written = memory.of(eigenesis::detail::npy_file(x));
  const bool accepted = fuzz::accepts([&] {
    again = eigenesis::load_npy<double, Rank>(written);
    floats = eigenesis::load_npy<float, Rank>(path, {.round = true});
  });
  fuzz::expect(accepted && x.shape() == again.shape() && same(x, again), "the same array from what is written");
  fuzz::expect(x.shape() == floats.shape(), "the same shape of floats");
  for (eigenesis::Index i = 0; i < x.size(); ++i) {
    constexpr double most = std::numeric_limits<float>::max();
    const double given = x.data()[i], finite = std::isinf(given) ? given : std::clamp(given, -most, most);
    const auto rounded = static_cast<float>(finite);
    fuzz::expect(rounded == floats.data()[i] || (rounded != rounded && floats.data()[i] != floats.data()[i]),
                 "the same numbers as floats");
  }
  return true;
}

}  // namespace

bool fuzz::npy(Span bytes) {
  static MemoryFile memory, copy;
  const std::string& path = memory.of(bytes);
  const int arrays = array<0>(path) + array<1>(path) + array<2>(path) + array<3>(path);
  expect(arrays <= 1, "one rank of an array");
  std::vector<int> labels, again;
  if (!accepts([&] { labels = eigenesis::load_npy_labels(path); })) return arrays == 1;
  const std::string& written = copy.of(eigenesis::detail::npy_file(labels));
  expect(accepts([&] { again = eigenesis::load_npy_labels(written); }) && labels == again,
         "the same labels from what is written");
  return true;
}
