// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

/// Numbers that no generator, instruction set or rounding has a part in.
template <int Rank>
eigenesis::Tensor<float, Rank> counted(const eigenesis::Shape<Rank>& shape, double step) {
  eigenesis::Tensor<float, Rank> x(shape);
  for (eigenesis::Index i = 0; i < x.size(); ++i)
    x.data()[i] = static_cast<float>(step * static_cast<double>(i % 7 - 3));
  return x;
}

/// The model of tests/goldens/decoder.onnx, of (x [N, 3], condition [N, 2]): weights, running averages, operations of
/// images and of rows, and formulas. write_onnx_models writes that file as golden.onnx, and onnx_test.py runs it.
inline auto golden_decoder() {
  using namespace eigenesis;
  Rng rng(1);
  const auto formula = [](const auto& x) {
    return map([](auto t) { return select(t < 1.5, t * sigmoid(t), expm1(t)); }, x);
  };
  Decoder decoder{Sequential{AppendCondition{}, Linear(3 + 2, 2 * 2 * 4, {.bias = false}, rng), Unflatten{2, 2, 4},
                             BatchNorm(4), LeakyRelu{0.25}, ConvTranspose2d(4, 2, 4, {.stride = 2, .padding = 1}, rng),
                             MaxPool2d{2}, Flatten{}, formula},
                  LearnedNormalLikelihood<>{}};
  for_each_state(decoder, [](const FieldPath&, auto& tensor) { tensor = counted(tensor.shape(), 0.125); });
  std::get<3>(decoder.network.layers).running_variance.array().setConstant(0.5f);
  return decoder;
}
