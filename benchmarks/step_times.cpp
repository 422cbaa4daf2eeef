// SPDX-License-Identifier: MIT
// step_times WORKLOAD BATCH_SIZE: a process that runs steps of one workload when told to on standard input.
//   check FILE  writes the weights and all inputs of two steps to FILE, takes them, answers with what they computed
//   run N       takes N steps, answers with milliseconds per step
// The peers (peers/*.py and peers/libtorch.cpp) answer to the same words, and read in check what is written here.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <eigenesis/eigenesis.hpp>
#include <fstream>
#include <iostream>
#include <string>
using namespace eigenesis;

class Writer {
 public:
  explicit Writer(const std::string& path) : file_(path, std::ios::binary) {}

  template <int Rank>
  void add(const Tensor<float, Rank>& x) {
    file_.write(reinterpret_cast<const char*>(x.data()), static_cast<std::streamsize>(sizeof(float)) * x.size());
  }
  void add_weights(const auto& model) {
    for_each_parameter(
        model, [&](const FieldPath& path, const auto& parameter) { add(in_file_order(path, parameter.value())); });
  }
  /// The noise that will be drawn next; the original generator stays where it is.
  void add_noise(Index n, Index latents, Rng rng) { add(StandardNormal(latents).sample(n, rng)); }

 private:
  std::ofstream file_;
};

/// `step()` takes one; `checked_step(writer)` writes its inputs too and returns what it computed.
void serve(const auto& write_weights, const auto& step, const auto& checked_step) {
  for (std::string word, argument; std::cin >> word >> argument;) {
    if (word == "check") {
      Writer writer(argument);
      write_weights(writer);
      for (int i = 0; i < 2; ++i)
        for (const double number : checked_step(writer)) std::printf("%.9g ", number);
    } else {
      const long steps = std::atol(argument.c_str());
      const auto start = std::chrono::steady_clock::now();
      for (long i = 0; i < steps; ++i) step();
      const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
      std::printf("%.9g", time.count() / static_cast<double>(steps));
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}

template <int Rank>
Tensor<float, Rank> random_images(const Shape<Rank>& shape, float low, Rng& rng) {
  Tensor<float, Rank> images(shape);
  rng.fill_uniform(images.data(), images.size(), low, 1.0f);
  return images;
}
constexpr Index image_count = 16384;

auto make_decoder(Rng& rng) {
  return Decoder{Sequential{Linear(20, 400, rng), Relu{}, Linear(400, 784, rng)}, BernoulliLikelihood{}};
}

void train_vae(Index batch_size) {
  Rng rng(1);
  Vae vae{Encoder{Sequential{Linear(784, 400, rng), Relu{}}, Linear(400, 20, rng), Linear(400, 20, rng)},
          make_decoder(rng), StandardNormal(20)};
  VaeTrainer trainer{vae};
  const auto images = random_images(Shape{image_count, 784}, 0, rng);
  Batches batches(images, {.batch_size = batch_size});
  serve([&](Writer& writer) { writer.add_weights(vae); }, [&] { trainer.step(batches.next(rng), rng); },
        [&](Writer& writer) {
          const auto batch = batches.next(rng);
          writer.add(batch);
          writer.add_noise(batch_size, 20, rng);
          return std::array{trainer.step(batch, rng).loss};
        });
}

void train_gan(auto& generator, auto& discriminator, const auto& data, Index batch_size, Rng& rng) {
  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  Batches batches(data, {.batch_size = batch_size});
  serve(
      [&](Writer& writer) {
        writer.add_weights(generator);
        writer.add_weights(discriminator);
      },
      [&] {
        trainer.train_discriminator(batches.next(rng), rng);
        trainer.train_generator(batch_size, rng);
      },
      [&](Writer& writer) {
        const auto batch = batches.next(rng);
        writer.add(batch);
        writer.add_noise(batch_size, generator.prior.size, rng);
        const double discriminator_loss = trainer.train_discriminator(batch, rng);
        writer.add_noise(batch_size, generator.prior.size, rng);
        return std::array{discriminator_loss, trainer.train_generator(batch_size, rng)};
      });
}

void train_mlp_gan(Index batch_size) {
  Rng rng(1);
  const LeakyRelu leaky{0.2};
  Generator generator{Sequential{Linear(100, 256, rng), leaky, Linear(256, 512, rng), leaky, Linear(512, 1024, rng),
                                 leaky, Linear(1024, 784, rng), Tanh{}},
                      StandardNormal(100)};
  Discriminator discriminator{
      Sequential{Linear(784, 512, rng), leaky, Linear(512, 256, rng), leaky, Linear(256, 1, rng)}};
  train_gan(generator, discriminator, random_images(Shape{image_count, 784}, -1, rng), batch_size, rng);
}

void train_dcgan(Index batch_size) {
  Rng rng(1);
  const LeakyRelu leaky{0.2};
  const auto up = [&](Index in, Index out, Index kernel, Index stride, Index padding) {
    return ConvTranspose2d(in, out, kernel, {.stride = stride, .padding = padding, .bias = false}, rng);
  };
  const auto down = [&](Index in, Index out, Index kernel, Index stride, Index padding) {
    return Conv2d(in, out, kernel, {.stride = stride, .padding = padding, .bias = false}, rng);
  };
  Generator generator{
      Sequential{Unflatten{1, 1, 100}, up(100, 256, 4, 1, 0), BatchNorm(256), Relu{}, up(256, 128, 3, 2, 1),
                 BatchNorm(128), Relu{}, up(128, 64, 4, 2, 1), BatchNorm(64), Relu{}, up(64, 1, 4, 2, 1), Tanh{}},
      StandardNormal(100)};
  Discriminator discriminator{Sequential{down(1, 64, 4, 2, 1), leaky, down(64, 128, 4, 2, 1), BatchNorm(128), leaky,
                                         down(128, 256, 4, 2, 1), BatchNorm(256), leaky, down(256, 1, 3, 1, 0),
                                         Flatten{}}};
  train_gan(generator, discriminator, random_images(Shape{image_count, 28, 28, 1}, -1, rng), batch_size, rng);
}

void train_ring_gan(Index batch_size) {
  Rng rng(1);
  const LeakyRelu leaky{0.2};
  Generator generator{Sequential{Linear(2, 128, rng), Relu{}, Linear(128, 128, rng), Relu{}, Linear(128, 2, rng)},
                      StandardNormal(2)};
  Discriminator discriminator{
      Sequential{Linear(2, 128, rng), leaky, Linear(128, 128, rng), leaky, Linear(128, 1, rng)}};
  train_gan(generator, discriminator, ring_of_gaussians(8), batch_size, rng);
}

void decode(Index batch_size) {
  Rng rng(1);
  const Autoencoder autoencoder{Encoder{Linear(784, 20, rng), Linear(20, 20, rng)}, make_decoder(rng)};
  const auto latent = StandardNormal(20).sample(batch_size, rng);
  serve([&](Writer& writer) { writer.add_weights(autoencoder.decoder); }, [&] { autoencoder.decode(latent); },
        [&](Writer& writer) {
          writer.add(latent);
          const auto x = autoencoder.decode(latent);
          return std::vector(x.values().begin(), x.values().end());
        });
}

int main(int argc, char** argv) {
  const std::string workload = argc == 3 ? argv[1] : "";
  const Index batch_size = argc == 3 ? std::atol(argv[2]) : 0;
  try {
    if (workload == "W1") return train_vae(batch_size), 0;
    if (workload == "W2") return train_mlp_gan(batch_size), 0;
    if (workload == "W3") return train_dcgan(batch_size), 0;
    if (workload == "W4") return decode(batch_size), 0;
    if (workload == "W5") return train_ring_gan(batch_size), 0;
    std::fprintf(stderr, "usage: step_times W1|W2|W3|W4|W5 BATCH_SIZE\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "step_times: %s\n", error.what());
  }
  return 1;
}
