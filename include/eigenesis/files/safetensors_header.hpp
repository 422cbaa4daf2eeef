// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "eigenesis/files/json.hpp"
#include "eigenesis/machine/error.hpp"

// The header of a safetensors file, in JSON: {"__metadata__": {"format": "pt"}, "0.weight": {"dtype": "F32", "shape":
// [10, 20], "data_offsets": [0, 800]}, ...}. Offsets count from the end of the header.
namespace eigenesis::inline EIGENESIS_ABI::detail {

enum class DataType { f64, f32, f16, bf16, i64, u64 };
struct DataTypeFacts {
  std::string_view name;
  Index bytes;
};
inline constexpr std::array<DataTypeFacts, 6> data_types{
    {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"U64", 8}}};
constexpr const DataTypeFacts& facts(DataType type) { return data_types[static_cast<std::size_t>(type)]; }

/// What the header says of a tensor.
struct StoredTensor {
  DataType type = {};
  std::vector<Index> shape;
  std::array<Index, 2> offsets{};
};
using StoredTensors = std::map<std::string, StoredTensor, std::less<>>;

/// {"dtype": ..., "shape": ..., "data_offsets": ...}
std::string to_json(const StoredTensor& tensor);

/// Reads a header; refuses any JSON that is not one, and names or keys that come twice. Checks that the data of each
/// tensor are as long as its shape says, and that together they fill `size` bytes. Throws DataError.
StoredTensors read_safetensors_header(std::string_view text, Index size, const std::string& path);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/safetensors_header_inl.hpp"
#endif
