// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/autodiff/parameter.hpp"
#include "eigenesis/onnx/translation.hpp"

// Models in ONNX files (https://onnx.ai), which other programs run: onnxruntime in many languages, phones, browsers.
// This header is not in eigenesis.hpp.
namespace eigenesis::inline EIGENESIS_ABI {

/// What the inputs and outputs are called in an ONNX file; an empty list: as export_onnx says.
struct OnnxNames {
  std::vector<std::string> inputs = {};   // of x, and of the condition if there is one
  std::vector<std::string> outputs = {};  // one for each, in their order
};

namespace detail {

template <class Scalar, int Rank>
Index other_row(const Tensor<Scalar, Rank>& example) {
  static_assert(Rank >= 1, "eigenesis: export_onnx takes examples whose first axis counts samples");
  const Index rows = example.shape(0), size = rows > 0 ? example.size() / rows : 0;
  for (Index row = 1; row < rows; ++row)
    if (!std::equal(example.data(), example.data() + size, example.data() + row * size)) return row;
  fail<ArgumentError>("export_onnx: expected examples of at least two samples that differ, which show what depends on ",
                      "the samples, but got ", example.shape(), rows > 1 ? ", all of them equal" : "");
}

/// The samples of an evaluation: rows of the example, in the last one mixtures of two, which are smaller than these.
template <class Scalar, int Rank>
Variable<Scalar, Rank> example_of(const Tensor<Scalar, Rank>& example, std::size_t run) {
  const Index other = other_row(example), size = example.size() / example.shape(0);
  Shape<Rank> shape = example.shape();
  shape[0] = onnx_samples[run];
  Tensor<Scalar, Rank> rows(shape);
  for (Index i = 0; i < shape[0]; ++i) {
    const Index row = run == 0 ? 0 : run == 1 ? other : i == 1 ? other : i % example.shape(0);
    const Scalar *const from = example.data() + row * size, *const second =
                                                                example.data() + (row == 0 ? other : 0) * size;
    const Scalar part = run == 3 ? static_cast<Scalar>(8 + i) / 16 : Scalar{1};
    for (Index k = 0; k < size; ++k) rows.data()[i * size + k] = run == 3 ? part * from[k] + second[k] / 4 : from[k];
  }
  return rows;
}

/// Calls f(name, variable) for all that a model gave: a Variable, what a distribution is made of, or the fields of a
/// struct of one's own.
template <class Y, class F>
void for_each_output(const Y& y, F&& f) {
  if constexpr (requires { y.node(); }) {
    f("output", y);
  } else if constexpr (HasFields<const Y>) {
    Y::fields(y, f);
  } else {
    constexpr bool has_mean = requires { y.mean().node(); };
    constexpr bool has_logits = requires { y.logits().node(); };
    constexpr bool has_probabilities = requires { y.probabilities().node(); };
    static_assert(has_mean || has_probabilities || has_logits,
                  "eigenesis: export_onnx takes models that give a Variable, a distribution, or a struct whose fields "
                  "are Variables");
    if constexpr (has_mean) f("mean", y.mean());
    if constexpr (requires { y.log_variance().node(); }) f("log_variance", y.log_variance());
    if constexpr (has_probabilities) f("probabilities", y.probabilities());
    if constexpr (has_logits) f("logits", y.logits());
  }
}

/// Gives inputs and outputs the names that are wanted, and writes the file.
void write_onnx(const std::string& path, OnnxModel model, const OnnxNames& names);

template <class Scalar, class Model, class... Tensors>
void export_onnx(const std::string& path, const Model& model, const OnnxNames& names, const Tensors&... examples) {
  static_assert(std::endian::native == std::endian::little, "eigenesis: ONNX files are little-endian");
  static_assert(
      !requires { model.reconstruct(examples...); },
      "eigenesis: export the parts of an Autoencoder or Vae, each to a file: export_onnx(\"encoder.onnx\", "
      "vae.encoder, x) and export_onnx(\"decoder.onnx\", vae.decoder, z)");
  OnnxModel written{sizeof(Scalar) == 8 ? OnnxType::f64 : OnnxType::f32, saved_fields(model), {}, {"input"}, {}, {}};
  if (sizeof...(examples) > 1) written.inputs.push_back("condition");
  add_named_layers(written.layers, "", model);
  for (std::size_t run = 0; run < onnx_runs; ++run) {
    const NoGradient no_gradient;
    Recorder<Scalar> recorder(onnx_samples[run], written.layers);
    const auto evaluate = [&](const auto&... x) {
      (recorder.add_input(x), ...);
      written.outputs.clear();
      for_each_output(call(model, x...), [&](std::string_view name, const AnyVariable<Scalar>& y) {
        written.outputs.emplace_back(name);
        recorder.add_output(y);
      });
    };
    evaluate(example_of(examples, run)...);
    written.runs[run] = std::move(recorder).take();
  }
  write_onnx(path, std::move(written), names);
}

}  // namespace detail

/// Writes model(x), as it evaluates, to an ONNX file (operator set 13) for any number of samples. `example` are at
/// least two different samples, [n, ...]. Any model will do: one of the library, a layer of one's own, a lambda; the
/// operations of its evaluation are written down. The input is called "input", the output "output"; those of a
/// distribution "mean", and "log_variance" or "logits" if it has them. A struct whose fields are Variables gives an
/// output for each. Other names can be given: {.inputs = {"z"}, .outputs = {"images"}}. Weights have the names and
/// orders of axes that save_safetensors gives them.
///
/// Throws ArgumentError for what an ONNX file cannot say, naming the layer: operations of one's own, numbers that a
/// layer draws or computes from x.value(), sizes that are no multiples of the number of samples; and for names that do
/// not fit. Throws Error if the file cannot be written. What depends on the samples is found by four evaluations: of
/// rows of the example, of other numbers of rows, and of rows that are mixed and smaller. Numbers computed from
/// x.value() that are the same in all four are not found.
template <class Model, class Scalar, int Rank>
void export_onnx(const std::string& path, const Model& model, const Tensor<Scalar, Rank>& example,
                 const OnnxNames& names = {}) {
  detail::export_onnx<Scalar>(path, model, names, example);
}

/// The same of model(x, condition), whose second input is called "condition".
template <class Model, class Scalar, int Rank, int ConditionRank>
void export_onnx(const std::string& path, const Model& model, const Tensor<Scalar, Rank>& example,
                 const Tensor<Scalar, ConditionRank>& condition, const OnnxNames& names = {}) {
  detail::export_onnx<Scalar>(path, model, names, example, condition);
}

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/onnx/export_inl.hpp"
#endif
