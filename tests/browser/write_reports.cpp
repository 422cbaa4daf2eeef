// SPDX-License-Identifier: MIT
// Writes two reports into a folder, and latents with the library's pixels for them: write_reports FOLDER.
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/report.hpp>
#include <eigenesis/training/watchers.hpp>
#include <fstream>
using namespace eigenesis;

namespace {

/// {"latents": [[...]], "pixels": [[...]]}, all digits of the floats.
void write_reference(const std::string& path, const Tensor<float, 2>& latents, std::span<const float> pixels) {
  std::ofstream file(path);
  file.precision(9);
  const auto rows = [&](std::span<const float> numbers) {
    const std::size_t columns = numbers.size() / static_cast<std::size_t>(latents.shape(0));
    file << "[";
    for (std::size_t i = 0; i < numbers.size(); ++i)
      file << (i % columns > 0 ? "," : i > 0 ? "],[" : "[") << numbers[i];
    file << "]]";
  };
  file << "{\"latents\":";
  rows(latents.values());
  file << ",\"pixels\":";
  rows(pixels);
  file << "}\n";
}

struct Warns : Watcher {
  void step(TrainingView& now) override {
    if (now.step == 7) now.warn("A <b>warning</b> of a long_word_without_any_place_to_break_" + std::string(200, 'x'));
  }
};

/// A VAE of fully connected layers; more steps than a curve has points.
void write_vae(const std::string& folder) {
  Rng rng(1);
  Tensor<float, 2> images(Shape{64, 64}, 0.0f);  // each has a bright row and a bright column
  for (Index i = 0; i < 64; ++i)
    for (Index k = 0; k < 8; ++k) images(i, 8 * (i % 8) + k) = images(i, 8 * k + i / 8) = 1;
  Vae vae{Encoder{Sequential{Linear(64, 32, rng), Relu{}}, Linear(32, 5, rng), Linear(32, 5, rng)},
          Decoder{Sequential{Linear(5, 300, rng), Relu{}, Linear(300, 300, rng), Relu{}, Dropout(0.1),
                             Linear(300, 64, rng)},
                  BernoulliLikelihood{}},
          StandardNormal(5)};
  VaeTrainer trainer{vae};
  const Tensor<float, 2> z = vae.prior.sample(16, rng);
  const Tensor<float, 2> few(images.matrix().topRows(3));
  trainer.fit(
      images, images,
      {.epochs = 750,
       .batch_size = 16,
       .watch = {Report{
                     folder + "/vae.html",
                     {.every_seconds = 0.2,
                      .title = "A VAE </title><script>alert(1)</script>",
                      .facts = {{"seed", 1}},
                      .model = summary(vae, few),
                      .pictures = {{"samples", [&] { return draw_grid(vae.decode(z), {.columns = 4}); }},
                                   {"reconstructions", [&] { return draw_grid(vae.reconstruct(few)); }}},
                      .updates_every = 10,
                      .explorer = Explorer{vae, {.codes = [&] { return vae.encode(few); }, .names = {"a", "b", "c"}}}}},
                 Metric{"of epochs", [n = 0.0]() mutable { return ++n; }},
                 Metric{"of steps", [n = 0.0]() mutable { return ++n; }, {.every = 1000}}, Warns{}}},
      rng);
  const Tensor<float, 2> latents = vae.prior.sample(20, rng);
  write_reference(folder + "/vae.json", latents, vae.decode(latents).values());
}

/// A generator of all layers that a page knows, in colour.
void write_gan(const std::string& folder) {
  Rng rng(2);
  const RowOrder turned = RowOrder::channels_first;
  Generator generator{
      Sequential{Linear(4, 24, rng), BatchNorm(24), LeakyRelu{0.2}, Unflatten{2, 3, 4, turned},
                 ConvTranspose2d(4, 6, 3, {.stride = 2, .padding = 1, .output_padding = 1}, rng), LayerNorm(6),
                 Elu{0.7}, Upsample2d{2, Interpolation::bilinear}, Conv2d(6, 5, 3, {.padding = 2, .dilation = 2}, rng),
                 Softplus{}, BatchNorm(5), Upsample2d{2},
                 Conv2d(5, 6, 4, {.stride = 2, .padding = 1, .bias = false}, rng), Relu{}, Flatten{turned},
                 Linear(8 * 12 * 6, 96, {.bias = false}, rng), Sigmoid{}, Unflatten{4, 6, 4},
                 Sequential{ConvTranspose2d(4, 3, 4, {.stride = 2, .dilation = 2, .bias = false}, rng), Tanh{}}},
      StandardNormal(4)};
  Discriminator discriminator{Sequential{Flatten{}, Linear(13 * 17 * 3, 1, rng)}};
  Tensor<float, 4> images(Shape{32, 13, 17, 3});
  rng.fill_uniform(images.data(), images.size(), -1.0f, 1.0f);
  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  const Tensor<float, 2> z = generator.prior.sample(8, rng);
  trainer.fit(images,
              {.steps = 30,
               .batch_size = 8,
               .watch = {Report{folder + "/gan.html",
                                {.pictures = {{"samples",
                                               [&] {
                                                 return draw_grid(generator.decode(z), {.range = {-1, 1}});
                                               }}},
                                 .updates_every = 1,
                                 .explorer = Explorer{generator, {.codes = [&] { return z; }, .range = {-1, 1}}}}}}},
              rng);
  const Tensor<float, 2> latents = generator.prior.sample(20, rng);
  write_reference(folder + "/gan.json", latents, generator.decode(latents).values());
}

}  // namespace

int main(int, char** argv) {
  write_vae(argv[1]);
  write_gan(argv[1]);
}
