// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "eigenesis/data/batches.hpp"
#include "eigenesis/training/checkpoint.hpp"

// Whether data or numbers are those of before, or those of another rank.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A number for bytes, which a double holds exactly (FNV-1a of words of 64 bits).
class Checksum {
 public:
  void add(std::span<const std::byte> bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, std::min<std::size_t>(8, bytes.size() - i));
      sum_ = (sum_ ^ word) * 0x100000001b3;
      sum_ ^= sum_ >> 29;
    }
  }
  Index value() const { return static_cast<Index>(sum_ >> 11); }

 private:
  std::uint64_t sum_ = 0xcbf29ce484222325;
};

/// A checksum of data that are taken row by row, with their names and shapes; of an endless source, of samples that it
/// gives again for the same numbers; 0 of others.
template <class Data>
[[gnu::cold]] Index checksum(const Data& data) {
  if constexpr (HasRows<Data>) {
    Checksum sum;
    for_each_tensor(data, [&](std::string_view name, const auto& tensor) {
      sum.add(std::as_bytes(std::span(name)));
      for (const Index size : tensor.shape().sizes) sum.add(std::as_bytes(std::span(&size, 1)));
      sum.add(std::as_bytes(tensor.values()));
    });
    return sum.value();
  } else if constexpr (requires { data.data; }) {  // Transformed
    return checksum(data.data);
  } else if constexpr (requires(Rng & rng) { data.sample(Index{100}, rng); }) {
    const auto draw = [&] {
      Rng same(0);
      return checksum(data.sample(Index{100}, same));
    };
    const Index first = draw();
    return draw() == first ? first : 0;
  } else {
    return 0;
  }
}

/// Of a trainer's numbers, or of its parameters alone.
[[gnu::cold]] inline Index checksum(const std::vector<SavedField>& fields, bool weights = false) {
  Checksum sum;
  for (const SavedField& field : fields)
    if (field.updated || !weights) sum.add(std::as_bytes(bytes_of(field)));
  return sum.value();
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
