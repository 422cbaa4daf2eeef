// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>

#include "eigenesis/files/file.hpp"
#include "eigenesis/layers/safetensors.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE void to_file_order(std::span<Index> shape, InFiles in_files) {
  if (in_files == InFiles::as_in_memory || shape.size() < 2) return;
  std::rotate(shape.begin(), shape.end() - 2, shape.end());
  std::swap(shape[0], shape[1]);
}

EIGENESIS_ONCE void add_field(std::vector<SavedField>& fields, const FieldPath& path, DataType type,
                              std::span<const Index> shape, const void* data) {
  fields.push_back({to_string(path), type, {shape.begin(), shape.end()}, path.in_files, data});
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

EIGENESIS_ONCE void write_safetensors(const std::string& path, std::vector<SavedField> fields) {
  // As PyTorch's own files: the longest numbers first, so that all are aligned when the header is padded.
  std::ranges::stable_sort(fields, std::greater{}, [](const SavedField& field) { return facts(field.type).bytes; });
  std::string header = "{\"__metadata__\": {\"format\": \"pt\"}";
  std::set<std::string_view> names{"__metadata__"};
  Index end = 0;
  for (const SavedField& field : fields) {
    require<ArgumentError>(names.insert(field.name).second, "save_safetensors: expected fields of different names but ",
                           "got ", field.name, " twice");
    const Index size =
        std::accumulate(field.shape.begin(), field.shape.end(), facts(field.type).bytes, std::multiplies{});
    header += ", " + json_string(field.name) + ": " + to_json({field.type, field.shape, {end, end + size}});
    end += size;
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');

  const std::uint64_t header_size = header.size();
  const std::size_t bytes = 8 + header.size() + static_cast<std::size_t>(end);
  require<ArgumentError>(bytes <= max_file_bytes, "save_safetensors: expected a model of less than 2 GiB but got ",
                         bytes, " bytes for ", path);
  std::vector<std::uint8_t> content(bytes);
  std::memcpy(content.data(), &header_size, 8);
  std::memcpy(content.data() + 8, header.data(), header.size());
  std::uint8_t* to = content.data() + 8 + header.size();
  for (const SavedField& field : fields)
    to = field.type == DataType::f64 ? append_numbers<double>(to, field) : append_numbers<float>(to, field);
  write_file("save_safetensors", path, content);
}

/// "2 missing (0.weight, 0.bias)"; beyond eight, names give way to dots.
EIGENESIS_ONCE std::string listed(const std::vector<std::string>& names, const char* what) {
  std::string text = std::to_string(names.size()) + " " + what;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 8); ++i) text += (i == 0 ? " (" : ", ") + names[i];
  return text + (names.empty() ? "" : names.size() > 8 ? ", ...)" : ")");
}

EIGENESIS_ONCE LoadedFile read_safetensors(const std::string& path, const std::vector<SavedField>& fields) {
  LoadedFile file{read_file("load_safetensors", path), {}};
  const std::size_t size = file.content.size();
  require<DataError>(size >= 8, "load_safetensors: expected a file of at least 8 bytes but got ", size, " in ", path);
  std::uint64_t header_size;
  std::memcpy(&header_size, file.content.data(), 8);
  const std::size_t most = std::min<std::size_t>(size - 8, 100'000'000);
  require<DataError>(header_size <= most,
                     "load_safetensors: expected a safetensors file, here with a header of at most ", most,
                     " bytes, but got a length of ", header_size, " in ", path);
  const std::size_t begin = 8 + header_size;
  StoredTensors stored = read_safetensors_header({reinterpret_cast<const char*>(file.content.data()) + 8, header_size},
                                                 static_cast<Index>(size - begin), path);

  std::erase_if(stored, [](const auto& named) { return named.second.type == DataType::i64; });
  std::vector<std::string> missing, unexpected;
  for (const SavedField& field : fields) {
    const auto found = stored.find(field.name);
    if (found == stored.end()) {
      missing.push_back(field.name);
      continue;
    }
    file.tensors.push_back(std::move(found->second));
    stored.erase(found);
  }
  for (const auto& named : stored) unexpected.push_back(named.first);
  const bool has_optimizer = std::ranges::any_of(unexpected, [](const std::string& s) { return s.ends_with(".step"); });
  require<DataError>(missing.empty() && unexpected.empty(),
                     "load_safetensors: expected the names of the model but got ", listed(missing, "missing"), " and ",
                     listed(unexpected, "unexpected"), " in ", path,
                     has_optimizer ? "; an optimizer has names only after prepare(model)" : "");
  for (std::size_t i = 0; i < fields.size(); ++i) {
    require<DataError>(fields[i].shape == file.tensors[i].shape, "load_safetensors: expected ", fields[i].name,
                       " of shape ", ShapeView{fields[i].shape}, " but got ", ShapeView{file.tensors[i].shape}, " in ",
                       path);
    for (Index& offset : file.tensors[i].offsets) offset += static_cast<Index>(begin);
  }
  return file;
}

template <class Stored, class Scalar>
void convert(const StoredTensor& tensor, InFiles in_files, const std::uint8_t* from, Scalar* to) {
  for_each_in_file_order(tensor.shape, in_files, [&](Index i) {
    Stored number;
    std::memcpy(&number, from, sizeof number);
    to[i] = static_cast<Scalar>(number);
    from += sizeof number;
  });
}
template <class Scalar>
void copy_stored(const LoadedFile& file, std::size_t i, InFiles in_files, Scalar* to) {
  const StoredTensor& tensor = file.tensors[i];
  const std::uint8_t* const from = file.content.data() + tensor.offsets[0];
  switch (tensor.type) {
    case DataType::f64:
      return convert<double>(tensor, in_files, from, to);
    case DataType::f32:
      return convert<float>(tensor, in_files, from, to);
    case DataType::f16:
      return convert<Eigen::half>(tensor, in_files, from, to);
    case DataType::bf16:
      return convert<Eigen::bfloat16>(tensor, in_files, from, to);
    case DataType::i64:
      break;  // read_safetensors leaves those out
  }
}
EIGENESIS_INSTANTIATE(copy_stored);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
