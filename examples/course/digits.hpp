// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>

#include "../classifier.hpp"

// What lessons on digits have in common: networks of VAEs, and ways to look at images.

/// x [N, 784] -> q(z | x) over z [N, latents]: one hidden layer, a head for the mean and one for the log-variance.
inline auto digit_encoder(eigenesis::Index latents, eigenesis::Rng& rng) {
  using namespace eigenesis;
  return Encoder{Sequential{Linear(784, 200, rng), Relu{}}, Linear(200, latents, rng), Linear(200, latents, rng)};
}

/// z [N, latents] -> p(x | z): a coin for each of the 784 pixels.
inline auto digit_decoder(eigenesis::Index latents, eigenesis::Rng& rng) {
  using namespace eigenesis;
  return Decoder{Sequential{Linear(latents, 200, rng), Relu{}, Linear(200, 784, rng)}, BernoulliLikelihood{}};
}

/// Teaches a model x [N, 784] -> logits [N, 10] to tell digits apart: cross-entropy, Adam, batches of 128.
void train_classifier(auto& model, const eigenesis::LabelledImages& digits, eigenesis::Index steps,
                      eigenesis::Rng& rng) {
  const eigenesis::Conditioned data{digits.images, eigenesis::one_hot(digits.labels, 10)};
  ClassifierTrainer<std::remove_reference_t<decltype(model)>> trainer{model};
  fit(trainer, data, {.steps = steps}, rng);
}

/// The first n of the images or codes x, [N, F] -> [n, F].
inline eigenesis::Tensor<float, 2> first_rows(const eigenesis::Tensor<float, 2>& x, eigenesis::Index n) {
  eigenesis::require(n <= x.shape(0), "first_rows: expected n <= ", x.shape(0), " but got ", n);
  return eigenesis::Tensor<float, 2>(x.matrix().topRows(n));
}

/// Digits x [N, 784] from afar: the means of 4 x 4 pixels, [N, 49]. By these, samples are compared with data.
inline eigenesis::Tensor<float, 2> from_afar(const eigenesis::Tensor<float, 2>& x) {
  using namespace eigenesis;
  const Index n = x.shape(0);
  const Variable images{x.reshaped(Shape{n, Index{28}, Index{28}, Index{1}})};
  return AvgPool2d{4}(images).value().reshaped(Shape{n, Index{49}});
}
