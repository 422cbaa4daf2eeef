// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>

#include "eigenesis/files/safetensors_header.hpp"
#include "eigenesis/layers/fields.hpp"

// Weights in safetensors files (https://github.com/huggingface/safetensors), in PyTorch's names and orders of axes.
namespace eigenesis::inline EIGENESIS_ABI {

/// What load_safetensors accepts.
struct LoadOptions {
  /// How names of the file begin, and what stands for that in the model; the first that fits: {{"module.", ""}} takes
  /// a prefix away, {{"", "network."}} adds one.
  std::vector<std::pair<std::string, std::string>> rename = {};
  bool partial = false;           // Names that only the file or only the model has are left over, not refused.
  bool allow_non_finite = false;  // Weights may be NaN or infinite.
  bool exact = false;             // The file must have a checksum, and numbers of the model's own types.
};

/// What was not loaded.
struct LeftOver {
  std::vector<std::string> missing;  // names of the model that the file does not have
  std::vector<std::string> unused;   // names of the file that the model does not have
};

namespace detail {

/// A parameter or tensor of a model: its shape is that in files, its data lie in memory.
struct SavedField {
  std::string name;
  DataType type;
  std::vector<Index> shape;
  InFiles in_files;
  void* data;
  std::uint64_t* updated;  // of a parameter: when its value was last changed
};

/// [..., in, out] -> [out, in, ...] for features_first.
void to_file_order(std::span<Index> shape, InFiles in_files);
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

void add_field(std::vector<SavedField>& fields, const FieldPath& path, DataType type, std::span<const Index> shape,
               const void* data, std::uint64_t* updated);
/// A line of a list of a model's parts: "network.1 LeakyRelu(0.2)".
void add_kind(std::string& kinds, const FieldPath* path, std::string_view kind);
/// A line of another list, of parts and their bytes in memory.
void add_bytes(std::string& list, const FieldPath* path, std::string_view kind, std::span<const std::byte> bytes);

/// Notes the fields of a model and, if they are asked for, the kinds of its parts, and what no field keeps: parts
/// without fields that may have numbers, and which parameters are fixed.
struct FieldNotes {
  std::vector<SavedField>& fields;
  std::string *kinds, *others;

  template <class Part>
  void part(const FieldPath* path, const Part& part) const {
    if (kinds) add_kind(*kinds, path, described(part));
    if constexpr (!HasFields<Part> && !std::is_empty_v<Part>)
      if (others) add_bytes(*others, path, kind_of<Part>(), std::as_bytes(std::span(&part, 1)));
  }
  template <class Field>
  void operator()(const FieldPath& path, Field& field) const {
    if constexpr (is_tensor_v<std::remove_const_t<Field>>)
      add(path, field.shape(), field.data(), nullptr);
    else if constexpr (is_parameter_v<Field>)
      add_parameter(path, field);
    else if constexpr (std::is_same_v<const Field, const Rng>)
      add_field(fields, path, DataType::u64, std::array{Index{2}}, &field.state(), nullptr);
    else
      add(path, {}, &field, nullptr);
  }

 private:
  template <class Field>
  void add_parameter(const FieldPath& path, Field& field) const {
    for (std::string* const list : {kinds, others})  // whether it is fixed is kept by none of the fields
      if (list) add_kind(*list, &path, field.is_fixed() ? "a fixed parameter" : "a trained parameter");
    add(path, field.value().shape(), field.value().data(), &field.node()->updated);
  }
  template <class Scalar>
  void add(const FieldPath& path, std::span<const Index> shape, const Scalar* data, std::uint64_t* updated) const {
    static_assert(sizeof(Scalar) <= 8, "eigenesis: safetensors files hold float or double");
    add_field(fields, path, sizeof(Scalar) == 8 ? DataType::f64 : DataType::f32, shape, data, updated);
  }
};

/// All that a model's fields name; the kinds of its parts; and what parts without fields have in memory. Nothing is
/// written through it for a const model.
template <class Model>
[[gnu::cold]] std::vector<SavedField> saved_fields(Model& model, std::string* kinds = nullptr,
                                                   std::string* others = nullptr) {
  std::vector<SavedField> fields;
  visit_fields(nullptr, model, FieldNotes{fields, kinds, others});
  return fields;
}

/// Throws ArgumentError unless fields have different names, in UTF-8.
void expect_names(std::string_view function, const std::vector<SavedField>& fields);

/// `note` stands among the file's metadata, for safetensors_note; letters, digits, spaces, signs and dots.
void write_safetensors(std::string_view function, const std::string& path, std::vector<SavedField> fields,
                       Index keep = 1, const std::string& note = {});
/// The note in a file that write_safetensors wrote, or nothing in any other. Throws DataError if it cannot be read.
std::string safetensors_note(const std::string& path);

/// Reads a file into the fields of a model; they are as before if it throws.
LeftOver read_safetensors(const std::string& path, const std::vector<SavedField>& fields, const LoadOptions& options);

}  // namespace detail

/// Writes all parameters and tensors of a model: of a layer, a Vae, an optimizer, or a struct of one's own that names
/// several of these. Names are the paths of the fields ("network.0.weight"), numbers the model's own, F32 or F64 (the
/// two numbers of an Rng: U64). Axes
/// lie in PyTorch's order: Linear's weight is [out, in], Conv2d's [out, in, kernel, kernel], ConvTranspose2d's
/// [in, out, kernel, kernel]; parameters of one's own are as in memory unless they name an order (InFiles), an
/// optimizer's state always. So a Sequential's file is the state_dict of an nn.Sequential with the same layers. The
/// file has a CRC-32 of all its bytes among its metadata, and is whole or not there: it gets its name last. Throws
/// ArgumentError for fields of the same name or more than 2 GiB, Error if the file cannot be written.
template <class Model>
void save_safetensors(const std::string& path, const Model& model) {
  static_assert(std::endian::native == std::endian::little, "eigenesis: safetensors files are little-endian");
  detail::write_safetensors("save_safetensors", path, detail::saved_fields(model));
}

/// Reads what save_safetensors or PyTorch wrote into a model of the same names and shapes, or a part of it:
///   const LeftOver left_over = load_safetensors("all.safetensors", encoder, {.rename = {{"encoder.", ""}},
///                                                                            .partial = true});
/// F16, BF16, F32 and F64 become the model's own numbers; the integers num_batches_tracked of PyTorch's BatchNorm are
/// skipped. As after an optimizer's step, losses computed before can no longer be differentiated. An optimizer has a
/// state, and so names, only after its first step or `optimizer.prepare(model)`. Throws DataError, with the model as it
/// was, for a file that cannot be read, is damaged, holds more than 2 GiB, does not fit the model (if partial: in no
/// name), or holds numbers that the model cannot have: NaN and infinities unless the options allow them, what is too
/// large for a float, negative variances and steps.
template <class Model>
requires(!std::is_const_v<Model>) LeftOver
    load_safetensors(const std::string& path, Model& model, const LoadOptions& options = {}) {
  static_assert(std::endian::native == std::endian::little, "eigenesis: safetensors files are little-endian");
  return detail::read_safetensors(path, detail::saved_fields(model), options);
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

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/layers/safetensors_inl.hpp"
#endif
