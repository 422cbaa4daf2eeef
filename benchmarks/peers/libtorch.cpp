// SPDX-License-Identifier: MIT
// libtorch WORKLOAD BATCH_SIZE [OPTION...]: the workloads of step_times.cpp in libtorch.
// Options: frozen (D's parameters while G takes its step), channels_last.
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>
namespace nn = torch::nn;
using torch::Tensor;
using Tensors = std::vector<Tensor>;
using Shape = std::vector<int64_t>;

struct Options {
  int64_t batch_size;
  bool frozen, channels_last;
};

struct Job {
  Tensors parameters;
  std::vector<Shape> inputs;
  std::function<Tensors()> draw;
  std::function<Tensors(const Tensors& inputs)> step;
};

/// Images and the weights of convolutions in the memory format asked for.
Tensor laid_out(const Tensor& x, const Options& options) {
  return options.channels_last && x.dim() == 4 ? x.to(torch::MemoryFormat::ChannelsLast) : x;
}

auto adam(const Tensors& parameters, double rate, double beta1) {
  return std::make_shared<torch::optim::Adam>(parameters, torch::optim::AdamOptions(rate).betas({beta1, 0.999}));
}

/// The next batch: random rows, each once an epoch.
auto batches_of(const Tensor& images, int64_t batch_size) {
  return [=, order = Tensor(), used = images.size(0)]() mutable {
    if (used + batch_size > images.size(0)) order = torch::randperm(images.size(0)), used = 0;
    used += batch_size;
    return images.index({order.slice(0, used - batch_size, used)});
  };
}
constexpr int64_t image_count = 16384;

Job train_vae(const Options& options) {
  const int64_t n = options.batch_size;
  nn::Linear trunk(784, 400), to_mean(400, 20), to_log_variance(400, 20), hidden(20, 400), out(400, 784);
  nn::ModuleList vae(trunk, to_mean, to_log_variance, hidden, out);
  // The negative ELBO, nats per sample.
  auto loss_of = [=](const Tensor& x, const Tensor& noise) mutable {
    const auto h = torch::relu(trunk(x)), mean = to_mean(h), log_variance = to_log_variance(h);
    const auto logits = out(torch::relu(hidden(mean + torch::exp(0.5 * log_variance) * noise)));
    const auto reconstruction = torch::binary_cross_entropy_with_logits(logits, x, {}, {}, torch::Reduction::Sum);
    const auto divergence = -0.5 * torch::sum(1 + log_variance - mean.pow(2) - log_variance.exp());
    return (reconstruction + divergence) / n;
  };
  const auto step = [=, optimizer = adam(vae->parameters(), 1e-3, 0.9)](const Tensors& inputs) mutable -> Tensors {
    const auto loss = loss_of(inputs[0], inputs[1]);
    vae->zero_grad(/*set_to_none=*/true);
    loss.backward();
    optimizer->step();
    return {loss};
  };
  const auto draw = [n, next = batches_of(torch::rand({image_count, 784}), n)]() mutable -> Tensors {
    return {next(), torch::randn({n, 20})};
  };
  return {vae->parameters(), {{n, 784}, {n, 20}}, draw, step};
}

Job train_gan(const Options& options, nn::Sequential generator, nn::Sequential discriminator, const Shape& latents,
              const Shape& images, const std::function<Tensor()>& draw_batch) {
  auto parameters = generator->parameters();
  for (const auto& parameter : discriminator->parameters()) parameters.push_back(parameter);
  for (auto& parameter : parameters) parameter.set_data(laid_out(parameter.data(), options));
  const auto zeros = torch::zeros({options.batch_size, 1}), ones = torch::ones({options.batch_size, 1});
  const auto discriminator_optimizer = adam(discriminator->parameters(), 2e-4, 0.5);
  const auto generator_optimizer = adam(generator->parameters(), 2e-4, 0.5);
  const auto set_frozen = [=](bool frozen) {
    if (!options.frozen) return;
    for (const auto& parameter : discriminator->parameters()) parameter.requires_grad_(!frozen);
  };
  auto judge = [=](const Tensor& x, const Tensor& targets) mutable {
    return torch::binary_cross_entropy_with_logits(discriminator->forward(x), targets);
  };
  const auto step = [=](const Tensors& inputs) mutable -> Tensors {
    Tensor fake;
    {
      const torch::NoGradGuard guard;
      fake = generator->forward(inputs[1]);
    }
    const auto real_loss = judge(inputs[0], ones), discriminator_loss = real_loss + judge(fake, zeros);
    discriminator->zero_grad(/*set_to_none=*/true);
    discriminator_loss.backward();
    discriminator_optimizer->step();

    set_frozen(true);
    const auto generator_loss = judge(generator->forward(inputs[2]), ones);
    generator->zero_grad(/*set_to_none=*/true);
    generator_loss.backward();
    generator_optimizer->step();
    set_frozen(false);
    return {discriminator_loss, generator_loss};
  };
  const auto draw = [=]() -> Tensors { return {draw_batch(), torch::randn(latents), torch::randn(latents)}; };
  return {parameters, {images, latents, latents}, draw, step};
}

nn::LeakyReLU leaky() { return nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2)); }

Job train_mlp_gan(const Options& options) {
  const int64_t n = options.batch_size;
  const nn::Sequential generator(nn::Linear(100, 256), leaky(), nn::Linear(256, 512), leaky(), nn::Linear(512, 1024),
                                 leaky(), nn::Linear(1024, 784), nn::Tanh());
  const nn::Sequential discriminator(nn::Linear(784, 512), leaky(), nn::Linear(512, 256), leaky(), nn::Linear(256, 1));
  return train_gan(options, generator, discriminator, {n, 100}, {n, 784},
                   batches_of(2 * torch::rand({image_count, 784}) - 1, n));
}

Job train_dcgan(const Options& options) {
  const int64_t n = options.batch_size;
  const auto up = [](int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
    return nn::ConvTranspose2d(nn::ConvTranspose2dOptions(in, out, kernel).stride(stride).padding(padding).bias(false));
  };
  const auto down = [](int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
    return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding).bias(false));
  };
  const nn::Sequential generator(nn::Unflatten(nn::UnflattenOptions(1, {100, 1, 1})), up(100, 256, 4, 1, 0),
                                 nn::BatchNorm2d(256), nn::ReLU(), up(256, 128, 3, 2, 1), nn::BatchNorm2d(128),
                                 nn::ReLU(), up(128, 64, 4, 2, 1), nn::BatchNorm2d(64), nn::ReLU(), up(64, 1, 4, 2, 1),
                                 nn::Tanh());
  const nn::Sequential discriminator(down(1, 64, 4, 2, 1), leaky(), down(64, 128, 4, 2, 1), nn::BatchNorm2d(128),
                                     leaky(), down(128, 256, 4, 2, 1), nn::BatchNorm2d(256), leaky(),
                                     down(256, 1, 3, 1, 0), nn::Flatten());
  const auto images = laid_out(2 * torch::rand({image_count, 1, 28, 28}) - 1, options);
  return train_gan(options, generator, discriminator, {n, 100}, {n, 1, 28, 28}, batches_of(images, n));
}

Job train_ring_gan(const Options& options) {
  const int64_t n = options.batch_size;
  const nn::Sequential generator(nn::Linear(2, 128), nn::ReLU(), nn::Linear(128, 128), nn::ReLU(), nn::Linear(128, 2));
  const nn::Sequential discriminator(nn::Linear(2, 128), leaky(), nn::Linear(128, 128), leaky(), nn::Linear(128, 1));
  const auto angles = torch::arange(8) * (M_PI / 4);
  const auto modes = 2 * torch::stack({angles.cos(), angles.sin()}, 1);
  return train_gan(options, generator, discriminator, {n, 2}, {n, 2},
                   [=] { return modes.index({torch::randint(8, {n}, torch::kLong)}) + 0.02 * torch::randn({n, 2}); });
}

Job decode(const Options& options) {
  const int64_t n = options.batch_size;
  nn::Sequential network(nn::Linear(20, 400), nn::ReLU(), nn::Linear(400, 784), nn::Sigmoid());
  const auto step = [=](const Tensors& inputs) mutable -> Tensors {
    const c10::InferenceMode guard;
    return {network->forward(inputs[0])};
  };
  return {network->parameters(), {{n, 20}}, [latent = torch::randn({n, 20})] { return Tensors{latent}; }, step};
}

void check(const Job& job, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const auto take = [&](torch::IntArrayRef shape) {
    const auto x = torch::empty(shape);
    file.read(static_cast<char*>(x.data_ptr()), static_cast<std::streamsize>(x.nbytes()));
    return x;
  };
  for (const auto& parameter : job.parameters) parameter.data().copy_(take(parameter.sizes()));
  for (int i = 0; i < 2; ++i) {
    Tensors inputs;
    for (const auto& shape : job.inputs) inputs.push_back(take(shape));
    for (const auto& result : job.step(inputs))
      for (int64_t j = 0; j < result.numel(); ++j) std::printf("%.9g ", result.data_ptr<float>()[j]);
  }
}

void run(const Job& job, long steps) {
  Tensors results;
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < steps; ++i) results = job.step(job.draw());
  results[0].sum().item<float>();
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  std::printf("%.9g", time.count() / static_cast<double>(steps));
}

int main(int argc, char** argv) {
  const std::map<std::string, Job (*)(const Options&)> jobs{
      {"W1", train_vae}, {"W2", train_mlp_gan}, {"W3", train_dcgan}, {"W4", decode}, {"W5", train_ring_gan}};
  const std::vector<std::string> words(argv, argv + argc);
  if (argc < 3 || !jobs.count(words[1]))
    return std::fprintf(stderr, "usage: libtorch W1|W2|W3|W4|W5 BATCH_SIZE [OPTION...]\n"), 1;
  const auto given = [&](const char* word) { return std::count(words.begin(), words.end(), word) > 0; };
  torch::manual_seed(1);
  at::globalContext().setFlushDenormal(true);  // as eigenesis and JAX do; threads that start later inherit it
  const Job job = jobs.at(words[1])({std::stol(words[2]), given("frozen"), given("channels_last")});
  for (std::string word, argument; std::cin >> word >> argument;) {
    word == "check" ? check(job, argument) : run(job, std::stol(argument));
    std::printf("\n");
    std::fflush(stdout);
  }
}
