// SPDX-License-Identifier: MIT
#include <algorithm>
#include <eigenesis/files/idx.hpp>

#include "fuzz.hpp"

bool fuzz::idx(Span bytes) {
  static MemoryFile memory;
  const std::string& path = memory.of(bytes);
  eigenesis::IdxFile file;
  if (!accepts([&] { file = eigenesis::read_idx(path); })) return false;

  std::vector<std::uint8_t> again{0, 0, 8, static_cast<std::uint8_t>(file.sizes.size())};
  std::size_t count = 1;
  for (const eigenesis::Index size : file.sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) again.push_back(static_cast<std::uint8_t>(size >> shift));
    count *= static_cast<std::size_t>(size);
  }
  expect(std::ranges::count(file.sizes, 0) > 0 ? file.values.empty() : file.values.size() == count,
         "as many values as the sizes say");
  again.insert(again.end(), file.values.begin(), file.values.end());
  expect(bytes[0] == 0x1f || std::ranges::equal(again, bytes), "that sizes and values are those of the file");
  return true;
}
