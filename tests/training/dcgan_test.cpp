// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "layers/numbers.hpp"

using namespace eigenesis;

namespace {

/// Latents that are known elsewhere too: numbers with phase 100, then 101, ...
struct Waves {
  double phase = 100;
  Tensor<double, 2> sample(Index n, Rng&) { return numbers<double>(Shape{n, Index{10}}, phase++); }
};

template <class Model>
Model with_small_numbers(Model model) {
  model = with_numbers(model, 1);
  for_each_parameter(model, [](const FieldPath&, auto& parameter) { parameter.mutable_value().array() *= 0.3; });
  return model;
}

}  // namespace

TEST_CASE("A small DCGAN has PyTorch's losses, round by round") {
  // The numbers are those that tests/goldens/convolution.py prints.
  Rng rng(1);
  const ConvTranspose2dOptions enlarge{.stride = 2, .padding = 1, .bias = false};
  const Conv2dOptions halve{.stride = 2, .padding = 1, .bias = false};
  using Norm = BatchNorm<double>;
  using Up = ConvTranspose2d<double>;
  using Down = Conv2d<double>;
  const LeakyRelu leaky{0.2};
  Generator generator =
      with_small_numbers(Generator{Sequential{Unflatten{1, 1, 10}, Up(10, 8, 4, {.bias = false}, rng), Norm(8), Relu{},
                                              Up(8, 6, 3, enlarge, rng), Norm(6), Relu{}, Up(6, 4, 4, enlarge, rng),
                                              Norm(4), Relu{}, Up(4, 1, 4, enlarge, rng), Tanh{}, Flatten{}},
                                   Waves{}});
  Discriminator discriminator = with_small_numbers(Discriminator{
      Sequential{Unflatten{28, 28, 1}, Down(1, 4, 4, halve, rng), leaky, Down(4, 6, 4, halve, rng), Norm(6), leaky,
                 Down(6, 8, 4, halve, rng), Norm(8), leaky, Down(8, 1, 3, {.bias = false}, rng), Flatten{}}});
  const Adam<double> adam{{.learning_rate = 0.01, .beta1 = 0.5}};
  GanTrainer trainer{generator, discriminator, NonSaturating{}, adam, adam};
  Tensor<double, 2> real = numbers<double>(Shape{5, 28 * 28}, 2);
  real.array() *= 0.5;

  const std::pair<double, double> losses[] = {
      {1.60417608813, 0.920645268884}, {1.40001754644, 0.946518655353}, {1.26907327942, 0.943372905897}};
  for (const auto& [discriminator_loss, generator_loss] : losses) {
    CHECK_THAT(trainer.train_discriminator(real, rng), WithinRel(discriminator_loss, 1e-8));
    CHECK_THAT(trainer.train_generator(5, rng), WithinRel(generator_loss, 1e-8));
  }
  const Tensor samples = generator.decode(numbers<double>(Shape{5, 10}, 200));
  CHECK_THAT((samples.array() * numbers<double>(samples.shape(), 3).array()).sum(), WithinRel(5.90254444446, 1e-8));
}
