// SPDX-License-Identifier: MIT
// Trains a VAE and a GAN, and prints hashes of their numbers: the same ones, however this file was compiled.
#include <cstdio>
#include <cstring>
#include <eigenesis/eigenesis.hpp>
using namespace eigenesis;

namespace {

struct Hash {
  std::uint64_t value = 0xcbf29ce484222325;  // FNV-1a

  template <class T>
  void add(const T* numbers, Index n) {
    const std::size_t size = static_cast<std::size_t>(n) * sizeof(T);
    const auto* bytes = reinterpret_cast<const unsigned char*>(numbers);
    for (std::size_t i = 0; i < size; ++i) value = (value ^ bytes[i]) * 0x100000001b3;
  }
  template <class Scalar, int Rank>
  void add(const Tensor<Scalar, Rank>& x) {
    add(x.data(), x.size());
  }
  template <class Model>
  void add(const Model& model) {
    for_each_state(model, [&](const FieldPath&, const auto& x) { add(x.data(), x.size()); });
  }
};

void show(const char* what, const auto&... parts) {
  Hash hash;
  (hash.add(parts), ...);
  std::printf("%s %016llx\n", what, static_cast<unsigned long long>(hash.value));
}

}  // namespace

int main() try {
  Rng rng(1);
  constexpr Index pixels = 256;
  Tensor<float, 2> images(Shape{300, pixels});
  rng.fill_uniform(images.data(), images.size(), 0, 1);
  Tensor<double, 1> doubles(Shape{1000});
  rng.fill_uniform(doubles.data(), doubles.size(), -1.1, 1.3);
  Parameter<float, 2> normal(Tensor<float, 2>(Shape{30, 40})), orthogonal = normal;
  initialize_normal(normal, 0.3, 0.7, rng);
  initialize_orthogonal(orthogonal, rng, 1.1);
  show("numbers", images, doubles, normal.value(), orthogonal.value());
  const Tensor<float, 2> data[] = {ring_of_gaussians(7).sample(100, rng), two_moons().sample(100, rng),
                                   swiss_roll().sample(100, rng), pinwheel().sample(100, rng),
                                   checkerboard().sample(100, rng)};
  show("data", data[0], data[1], data[2], data[3], data[4]);

  Vae vae{Encoder{Sequential{Linear(pixels, 64, rng), BatchNorm(64), Relu{}}, Linear(64, 8, rng), Linear(64, 8, rng)},
          Decoder{Sequential{Linear(8, 64, rng), LayerNorm(64), Relu{}, Dropout(0.1), Linear(64, pixels, rng)},
                  BernoulliLikelihood{}},
          StandardNormal(8)};
  VaeTrainer trainer{vae,
                     AdamW{{.clip_norm = 5, .schedule = CosineSchedule{.steps = 30}}},
                     {.beta = 0.7, .schedule = LinearWarmUp{7}}};
  trainer.fit(Transformed{images, Binarize{}}, {.steps = 20, .batch_size = 50}, rng);
  show("vae", vae, trainer.optimizer);

  Generator generator{
      Sequential{Unflatten{1, 1, 20}, ConvTranspose2d(20, 32, 4, {.bias = false}, rng), BatchNorm(32), Relu{},
                 Upsample2d{2, Interpolation::bilinear}, InstanceNorm(32, {.affine = true}), LeakyRelu{0.2},
                 ConvTranspose2d(32, 1, 4, {.stride = 2, .padding = 1}, rng), Tanh{}, Flatten{}},
      StandardNormal(20)};
  Discriminator discriminator{Sequential{Unflatten{16, 16, 1}, Conv2d(1, 16, 4, {.stride = 2, .padding = 1}, rng),
                                         LeakyRelu{0.2}, MaxPool2d{2}, Conv2d(16, 32, 3, {.padding = 1}, rng),
                                         AvgPool2d{3}, LeakyRelu{0.2}, Flatten{}, Linear(32, 1, rng)}};
  GanTrainer gan{generator,
                 discriminator,
                 Wasserstein{},
                 GradientPenalty{.weight = 10},
                 MovingAverage{generator},
                 RmsProp{{.learning_rate = 1e-3, .momentum = 0.5}},
                 Sgd{{.learning_rate = 1e-3, .momentum = 0.9, .nesterov = true}}};
  gan.fit(images, {.steps = 10, .batch_size = 20}, rng);
  show("gan", generator, discriminator, gan.average);
  const auto from_vae = vae.sample(50, rng), from_generator = generator.sample(50, rng);
  show("samples", from_vae, from_generator);
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
