// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <set>

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/layers/safetensors.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE void to_file_order(std::span<Index> shape, InFiles in_files) {
  if (in_files != InFiles::features_first || shape.size() < 2) return;
  std::rotate(shape.begin(), shape.end() - 2, shape.end());
  std::swap(shape[0], shape[1]);
}

EIGENESIS_ONCE void add_kind(std::string& kinds, const FieldPath* path, std::string_view kind) {
  if (path) kinds += to_string(*path) + ' ';
  kinds.append(kind) += '\n';
}
EIGENESIS_ONCE void add_bytes(std::string& list, const FieldPath* path, std::string_view kind,
                              std::span<const std::byte> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  if (path) list += to_string(*path) + ", a ";
  list.append(kind) += " has ";
  for (const std::byte byte : bytes)
    (list += digits[static_cast<int>(byte) >> 4]) += digits[static_cast<int>(byte) & 15];
  list += '\n';
}

EIGENESIS_ONCE void add_field(std::vector<SavedField>& fields, const FieldPath& path, DataType type,
                              std::span<const Index> shape, const void* data, std::uint64_t* updated) {
  fields.push_back({to_string(path),
                    type,
                    {shape.begin(), shape.end()},
                    path.in_files,
                    const_cast<void*>(data),  // written through only for a model that is not const
                    updated});
  to_file_order(fields.back().shape, path.in_files);
}

template <class Number>
std::uint8_t* append_numbers(std::uint8_t* to, const SavedField& field) {
  for_each_in_file_order(field.shape, field.in_files, [&, from = static_cast<const Number*>(field.data)](Index i) {
    std::memcpy(to, from + i, sizeof(Number));
    to += sizeof(Number);
  });
  return to;
}

// How our own files begin. The eight digits are the CRC-32 of the whole file, taken with zeros in their place.
inline constexpr std::string_view checksum_prefix = "{\"__metadata__\": {\"format\": \"pt\", \"crc32\": \"";

/// The checksum of a file with its digits, which are set to zeros; empty if it has none.
EIGENESIS_ONCE std::string take_checksum(std::span<std::uint8_t> content) {
  const std::size_t at = 8 + checksum_prefix.size();
  if (content.size() < at + 8 || !std::ranges::equal(content.subspan(8, checksum_prefix.size()), checksum_prefix))
    return {};
  const std::string digits(content.begin() + static_cast<std::ptrdiff_t>(at),
                           content.begin() + static_cast<std::ptrdiff_t>(at) + 8);
  std::ranges::fill(content.subspan(at, 8), '0');
  return digits;
}
EIGENESIS_ONCE std::string checksum_digits(std::span<const std::uint8_t> content) {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", crc32(content));
  return digits;
}

inline constexpr std::string_view note_prefix = "\", \"note\": \"";

EIGENESIS_ONCE std::string safetensors_note(const std::string& path) {
  std::vector<std::uint8_t> content = read_file("load_safetensors", path);
  if (const std::string digits = take_checksum(content); digits.empty() || checksum_digits(content) != digits)
    return {};
  const std::string_view rest = std::string_view(reinterpret_cast<const char*>(content.data()), content.size())
                                    .substr(16 + checksum_prefix.size());
  if (!rest.starts_with(note_prefix)) return {};
  return std::string(rest.substr(note_prefix.size(), rest.find('"', note_prefix.size()) - note_prefix.size()));
}

EIGENESIS_ONCE void expect_names(std::string_view function, const std::vector<SavedField>& fields) {
  std::set<std::string_view> names{"__metadata__"};
  for (const SavedField& field : fields) {
    require<ArgumentError>(names.insert(field.name).second, function, ": expected fields of different names but got ",
                           field.name, " twice");
    require<ArgumentError>(as_utf8(field.name) == field.name, function, ": expected names of fields in UTF-8 but got ",
                           shown(field.name));
  }
}

EIGENESIS_ONCE void write_safetensors(std::string_view function, const std::string& path,
                                      std::vector<SavedField> fields, Index keep, const std::string& note) {
  expect_names(function, fields);
  // As PyTorch's own files: the longest numbers first, so that all are aligned when the header is padded.
  std::ranges::stable_sort(fields, std::greater{}, [](const SavedField& field) { return facts(field.type).bytes; });
  std::string header = std::string(checksum_prefix) + "00000000";
  header += (note.empty() ? "" : std::string(note_prefix) + note) + "\"}";
  Index end = 0;
  for (const SavedField& field : fields) {
    const Index size =
        std::accumulate(field.shape.begin(), field.shape.end(), facts(field.type).bytes, std::multiplies{});
    header += ", " + json_string(field.name) + ": " + to_json({field.type, field.shape, {end, end + size}});
    end += size;
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');

  const std::uint64_t header_size = header.size();
  const std::size_t bytes = 8 + header.size() + static_cast<std::size_t>(end);
  require<ArgumentError>(bytes <= max_file_bytes, function, ": expected a model of less than 2 GiB but got ", bytes,
                         " bytes for ", path);
  std::vector<std::uint8_t> content(bytes);
  std::memcpy(content.data(), &header_size, 8);
  std::memcpy(content.data() + 8, header.data(), header.size());
  std::uint8_t* to = content.data() + 8 + header.size();
  for (const SavedField& field : fields)
    to = field.type == DataType::f64   ? append_numbers<double>(to, field)
         : field.type == DataType::u64 ? append_numbers<std::uint64_t>(to, field)
                                       : append_numbers<float>(to, field);
  std::ranges::copy(checksum_digits(content),
                    content.begin() + static_cast<std::ptrdiff_t>(8 + checksum_prefix.size()));
  write_file(function, path, content, keep);
}

/// "2 missing (0.weight, 0.bias)"; beyond eight, names give way to dots.
EIGENESIS_ONCE std::string listed(const std::vector<std::string>& names, const char* what) {
  std::string text = std::to_string(names.size()) + " " + what;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 8); ++i)
    text += (i == 0 ? " (" : ", ") + shown(names[i]);
  return text + (names.empty() ? "" : names.size() > 8 ? ", ...)" : ")");
}

/// A file that fits a model.
struct LoadedFile {
  std::vector<std::uint8_t> content;
  // One for each field of the model, or none; offsets count from the beginning of the file.
  std::vector<std::optional<StoredTensor>> tensors;
  LeftOver left_over;
};

/// Calls f(numbers), where numbers[i] is the i-th of a stored tensor, in the file's order.
template <class F>
void with_stored_numbers(const LoadedFile& file, const StoredTensor& tensor, F&& f) {
  const auto numbers_of = [&]<class Stored>(Stored) {
    f([from = file.content.data() + tensor.offsets[0]](Index i) {
      Stored number;
      std::memcpy(&number, from + i * static_cast<Index>(sizeof number), sizeof number);
      return number;
    });
  };
  switch (tensor.type) {
    case DataType::f64:
      return numbers_of(double());
    case DataType::f32:
      return numbers_of(float());
    case DataType::f16:
      return numbers_of(Eigen::half());
    case DataType::bf16:
      return numbers_of(Eigen::bfloat16());
    case DataType::u64:
      return numbers_of(std::uint64_t());
    case DataType::i64:
      break;  // read_safetensors leaves those out
  }
}

EIGENESIS_ONCE void check_numbers(const LoadedFile& file, const StoredTensor& tensor, const SavedField& field,
                                  bool allow_non_finite, const std::string& path) {
  const bool count = field.in_files == InFiles::count, at_least_zero = field.in_files == InFiles::at_least_zero;
  const double least = count || at_least_zero ? 0 : std::numeric_limits<double>::lowest();
  const double most = count                         ? 0x1p53
                      : field.type == DataType::f32 ? static_cast<double>(std::numeric_limits<float>::max())
                                                    : std::numeric_limits<double>::max();
  allow_non_finite = allow_non_finite && !count && !at_least_zero;
  with_stored_numbers(file, tensor, [&](auto number_at) {
    const Index size = std::accumulate(tensor.shape.begin(), tensor.shape.end(), Index{1}, std::multiplies{});
    for (Index i = 0; i < size; ++i) {
      const auto number = static_cast<double>(number_at(i));
      if (number >= least && std::abs(number) <= most && (!count || number == std::floor(number))) [[likely]]
        continue;
      if (allow_non_finite && !std::isfinite(number)) continue;
      fail<DataError>("load_safetensors: expected ",
                      count                   ? "whole numbers >= 0"
                      : at_least_zero         ? "finite numbers >= 0"
                      : std::isfinite(number) ? "numbers that a float can hold"
                                              : "finite numbers, or .allow_non_finite,",
                      " for ", field.name, " but got ", number, " in ", path);
    }
  });
}

/// A name of the file as the model has it.
EIGENESIS_ONCE std::string renamed(const std::string& name, const LoadOptions& options) {
  for (const auto& [from, to] : options.rename)
    if (name.starts_with(from)) return to + name.substr(from.size());
  return name;
}

EIGENESIS_ONCE LoadedFile read_fitting(const std::string& path, const std::vector<SavedField>& fields,
                                       const LoadOptions& options) {
  LoadedFile file{read_file("load_safetensors", path), {}, {}};
  const std::size_t size = file.content.size();
  require<DataError>(size >= 8, "load_safetensors: expected a file of at least 8 bytes but got ", size, " in ", path);
  if (const std::string digits = take_checksum(file.content); !digits.empty() || options.exact)
    require<DataError>(digits == checksum_digits(file.content), "load_safetensors: expected the checksum ",
                       checksum_digits(file.content), " but got ", digits.empty() ? "none" : shown(digits),
                       "; the file is damaged: ", path);
  std::uint64_t header_size;
  std::memcpy(&header_size, file.content.data(), 8);
  const std::size_t most = std::min<std::size_t>(size - 8, 100'000'000);
  require<DataError>(header_size <= most || (size > 8 && file.content[8] == '{'),
                     "load_safetensors: expected a safetensors file but got another kind in ", path);
  require<DataError>(header_size <= most, "load_safetensors: expected a header of at most ", most, " bytes but got ",
                     header_size, " in ", path);
  const std::size_t begin = 8 + header_size;
  const StoredTensors stored = read_safetensors_header(
      {reinterpret_cast<const char*>(file.content.data()) + 8, header_size}, static_cast<Index>(size - begin), path);

  std::map<std::string, StoredTensors::const_iterator> unused;  // by the model's names
  for (auto named = stored.begin(); named != stored.end(); ++named) {
    if (named->second.type == DataType::i64) continue;
    const std::string name = renamed(named->first, options);
    require<DataError>(unused.emplace(name, named).second, "load_safetensors: expected each name once but got ",
                       shown(name), " twice after renaming in ", path);
  }
  auto& [missing, unexpected] = file.left_over;
  for (const SavedField& field : fields) {
    const auto found = unused.find(field.name);
    file.tensors.emplace_back();
    if (found == unused.end()) {
      missing.push_back(field.name);
      continue;
    }
    file.tensors.back() = found->second->second;
    unused.erase(found);
  }
  for (const auto& named : unused) unexpected.push_back(named.second->first);
  const bool has_optimizer = std::ranges::any_of(unexpected, [](const std::string& s) { return s.ends_with(".step"); });
  const bool is_checkpoint = std::ranges::find(unexpected, "fit.numbers") != unexpected.end();
  const bool fits = missing.empty() && unexpected.empty();
  require<DataError>(fits || (options.partial && missing.size() < fields.size()), "load_safetensors: expected ",
                     options.partial ? "at least one of " : "", "the names of the model but got ",
                     listed(missing, "missing"), " and ", listed(unexpected, "unexpected"), " in ", path,
                     is_checkpoint   ? "; it is a checkpoint, the names of a trainer's field begin with trainer. and "
                                       "its name: .rename = {{\"trainer.model.\", \"\"}}, .partial = true"
                     : has_optimizer ? "; an optimizer has names only after prepare(model)"
                                     : "");
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!file.tensors[i]) continue;
    StoredTensor& tensor = *file.tensors[i];
    require<DataError>(fields[i].shape == tensor.shape, "load_safetensors: expected ", fields[i].name, " of shape ",
                       ShapeView{fields[i].shape}, " but got ", ShapeView{tensor.shape}, " in ", path);
    const bool whole = fields[i].type == DataType::u64 || tensor.type == DataType::u64;
    require<DataError>(!(options.exact || whole) || fields[i].type == tensor.type, "load_safetensors: expected ",
                       fields[i].name, " of type ", facts(fields[i].type).name, " but got ", facts(tensor.type).name,
                       " in ", path);
    for (Index& offset : tensor.offsets) offset += static_cast<Index>(begin);
    check_numbers(file, tensor, fields[i], options.allow_non_finite, path);
  }
  return file;
}

template <class Scalar>
void copy_stored(const LoadedFile& file, const StoredTensor& tensor, const SavedField& field) {
  Scalar* const to = static_cast<Scalar*>(field.data);
  with_stored_numbers(file, tensor, [&](auto number_at) {
    Index at = 0;
    for_each_in_file_order(tensor.shape, field.in_files,
                           [&](Index in_memory) { to[in_memory] = static_cast<Scalar>(number_at(at++)); });
  });
}

EIGENESIS_ONCE LeftOver read_safetensors(const std::string& path, const std::vector<SavedField>& fields,
                                         const LoadOptions& options) {
  LoadedFile file = read_fitting(path, fields, options);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!file.tensors[i]) continue;
    if (fields[i].updated) *fields[i].updated = next_serial();
    if (fields[i].type == DataType::f64)
      copy_stored<double>(file, *file.tensors[i], fields[i]);
    else if (fields[i].type == DataType::u64)
      copy_stored<std::uint64_t>(file, *file.tensors[i], fields[i]);
    else
      copy_stored<float>(file, *file.tensors[i], fields[i]);
  }
  return std::move(file.left_over);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
