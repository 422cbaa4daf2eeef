// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <numeric>
#include <set>

#include "eigenesis/files/read_file.hpp"
#include "eigenesis/files/safetensors_header.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/layers/fields.hpp"

// Weights in safetensors files (https://github.com/huggingface/safetensors), in PyTorch's names and orders of axes.
namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// A parameter or tensor of a model: its shape is that in files, its data lie in memory.
struct SavedField {
  std::string name;
  DataType type;
  std::vector<Index> shape;
  InFiles in_files;
  const void* data;
};

/// [..., in, out] -> [out, in, ...] for features_first.
inline void to_file_order(std::span<Index> shape, InFiles in_files) {
  if (in_files == InFiles::as_in_memory || shape.size() < 2) return;
  std::rotate(shape.begin(), shape.end() - 2, shape.end());
  std::swap(shape[0], shape[1]);
}
/// Calls f(i) for each element of a tensor that has this shape in files, in their order; i counts in memory.
template <class F>
void for_each_in_file_order(std::span<const Index> shape, InFiles in_files, F&& f) {
  const bool swapped = in_files == InFiles::features_first && shape.size() >= 2;
  const Index out = swapped ? shape[0] : 1, in = swapped ? shape[1] : 1;
  const std::span<const Index> others = shape.subspan(swapped ? 2 : 0);
  const Index n = std::accumulate(others.begin(), others.end(), Index{1}, std::multiplies{});
  for (Index o = 0; o < out; ++o)
    for (Index i = 0; i < in; ++i)
      for (Index k = 0; k < n; ++k) f((k * in + i) * out + o);
}

inline void add_field(std::vector<SavedField>& fields, const FieldPath& path, DataType type,
                      std::span<const Index> shape, const void* data) {
  fields.push_back({to_string(path), type, {shape.begin(), shape.end()}, path.in_files, data});
  to_file_order(fields.back().shape, path.in_files);
}
template <class Model>
std::vector<SavedField> saved_fields(const Model& model) {
  std::vector<SavedField> fields;
  const auto add = [&]<class Scalar, int Rank>(const FieldPath& path, const Tensor<Scalar, Rank>& tensor) {
    static_assert(sizeof(Scalar) <= 8, "eigenesis: safetensors files hold float or double");
    add_field(fields, path, sizeof(Scalar) == 8 ? DataType::f64 : DataType::f32, tensor.shape(), tensor.data());
  };
  visit_fields(nullptr, model, [&](const FieldPath& path, const auto& field) {
    if constexpr (is_tensor_v<std::remove_cvref_t<decltype(field)>>)
      add(path, field);
    else
      add(path, field.value());
  });
  return fields;
}

template <class Number>
std::uint8_t* append_numbers(std::uint8_t* to, const SavedField& field) {
  for_each_in_file_order(field.shape, field.in_files, [&, from = static_cast<const Number*>(field.data)](Index i) {
    std::memcpy(to, from + i, sizeof(Number));
    to += sizeof(Number);
  });
  return to;
}

EIGENESIS_COMPILABLE void write_safetensors(const std::string& path, std::vector<SavedField> fields) {
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
EIGENESIS_COMPILE(void write_safetensors(const std::string&, std::vector<SavedField>));

/// A file that fits a model.
struct LoadedFile {
  std::vector<std::uint8_t> content;
  std::vector<StoredTensor> tensors;  // one for each field of the model; offsets count from the beginning of the file
};

/// "2 missing (0.weight, 0.bias)"; beyond eight, names give way to dots.
inline std::string listed(const std::vector<std::string>& names, const char* what) {
  std::string text = std::to_string(names.size()) + " " + what;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 8); ++i) text += (i == 0 ? " (" : ", ") + names[i];
  return text + (names.empty() ? "" : names.size() > 8 ? ", ...)" : ")");
}

EIGENESIS_COMPILABLE LoadedFile read_safetensors(const std::string& path, const std::vector<SavedField>& fields) {
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
  StoredTensors stored =
      HeaderReader({reinterpret_cast<const char*>(file.content.data()) + 8, header_size}, path).read();
  check_extents(stored, static_cast<Index>(size - begin), path);

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
EIGENESIS_COMPILE(LoadedFile read_safetensors(const std::string&, const std::vector<SavedField>&));

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
EIGENESIS_COMPILE(void copy_stored<float>(const LoadedFile&, std::size_t, InFiles, float*));

}  // namespace detail

/// Writes all parameters and tensors of a model: of a layer, a Vae, an optimizer, or a struct of one's own that names
/// several of these. Names are the paths of the fields ("network.0.weight"), numbers the model's own, F32 or F64. Axes
/// lie in PyTorch's order: Linear's weight is [out, in], Conv2d's [out, in, kernel, kernel], ConvTranspose2d's
/// [in, out, kernel, kernel]; parameters of one's own are as in memory unless they name an order (InFiles), an
/// optimizer's state always. So a Sequential's file is the state_dict of an nn.Sequential with the same layers. The
/// file is whole or not there: it gets its name last. Throws ArgumentError for fields of the same name or more than 2
/// GiB, Error if the file cannot be written.
template <class Model>
void save_safetensors(const std::string& path, const Model& model) {
  static_assert(std::endian::native == std::endian::little, "eigenesis: safetensors files are little-endian");
  detail::write_safetensors(path, detail::saved_fields(model));
}

/// Reads what save_safetensors or PyTorch wrote into a model of the same names and shapes. F16, BF16, F32 and F64
/// become the model's own numbers; the integers num_batches_tracked of PyTorch's BatchNorm are skipped. As after an
/// optimizer's step, losses computed before can no longer be differentiated. An optimizer has a state, and so names,
/// only after its first step or `optimizer.prepare(model)`. Throws DataError, with the model as it was, for a file that
/// cannot be read, is damaged, holds more than 2 GiB or does not fit the model.
template <class Model>
  requires(!std::is_const_v<Model>)
void load_safetensors(const std::string& path, Model& model) {
  static_assert(std::endian::native == std::endian::little, "eigenesis: safetensors files are little-endian");
  const auto fields = detail::saved_fields(model);
  const detail::LoadedFile file = detail::read_safetensors(path, fields);
  std::size_t i = 0;
  for_each_state(model, [&](const FieldPath&, auto& tensor) {
    detail::copy_stored(file, i, fields[i].in_files, tensor.data());
    ++i;
  });
}

/// A parameter's value or a tensor with its axes as files have them, at the path that for_each_state gives it.
template <class Scalar, int Rank>
Tensor<Scalar, Rank> in_file_order(const FieldPath& path, const Tensor<Scalar, Rank>& x) {
  Shape<Rank> shape = x.shape();
  detail::to_file_order(shape.sizes, path.in_files);
  Tensor<Scalar, Rank> result(shape);
  Scalar* to = result.data();
  detail::for_each_in_file_order(shape, path.in_files, [&](Index i) { *to++ = x.data()[i]; });
  return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
