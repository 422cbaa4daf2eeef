// SPDX-License-Identifier: MIT
// ranks WORKLOAD SAMPLES STEPS, under mpirun: milliseconds per step of fit where all ranks together have batches of so
// many samples, what the sum of the gradients takes of it, and what a meeting of all ranks takes; each the best / the
// median. WORKLOAD is vae or dcgan.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <eigenesis/distributed/mpi.hpp>
#include <eigenesis/eigenesis.hpp>
#include <string_view>
using namespace eigenesis;

using Clock = std::chrono::steady_clock;
double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }
std::string best_and_median(std::vector<double> x, const char* format) {
  std::ranges::sort(x);
  return detail::formatted(format, x.front()) + " / " + detail::formatted(format, x[x.size() / 2]);
}

template <class Losses>
void time_steps(Mpi& mpi, std::string_view workload, Index samples, Index steps, Index parameters, auto& trainer,
                const Tensor<float, 2>& data, Rng& rng) {
  std::vector<double> times, sums, meetings;
  auto last = Clock::now();
  FitOptions<Losses> options{.steps = steps, .batch_size = samples / mpi.ranks(), .distributed = mpi};
  options.on_step = [&](FitState<Losses>& now) {
    if (now.step > 3) times.push_back(milliseconds(Clock::now() - last));  // the first ones take memory
    last = Clock::now();
  };
  trainer.fit(data, options, rng);

  detail::Ranks& ranks = mpi;
  std::vector<float> gradients(static_cast<std::size_t>(parameters), 1.0f);
  const std::span<float> parts[] = {gradients};
  for (int i = 0; i < 200; ++i) {
    auto start = Clock::now();
    ranks.any("a place", false);
    meetings.push_back(1000 * milliseconds(Clock::now() - start));
    start = Clock::now();
    if (mpi.ranks() > 1) ranks.average("a sum", 1, parts, {});
    sums.push_back(milliseconds(Clock::now() - start));
  }
  if (mpi.rank() == 0)
    std::printf("%s, %td samples, %td ranks of %d threads: %s ms per step; %td parameters: %s ms; meeting: %s us\n",
                std::string(workload).c_str(), samples, mpi.ranks(), num_threads(),
                best_and_median(times, "%.2f").c_str(), parameters, best_and_median(sums, "%.2f").c_str(),
                best_and_median(meetings, "%.1f").c_str());
}

template <class... Models>
Index parameters_of(const Models&... models) {
  Index count = 0;
  (for_each_parameter(models, [&](const FieldPath&, const auto& parameter) { count += parameter.size(); }), ...);
  return count;
}

int main(int argc, char** argv) try {
  Mpi mpi(argc, argv);
  require<ArgumentError>(argc == 4, "ranks: expected WORKLOAD SAMPLES STEPS");
  const std::string_view workload = argv[1];
  const Index samples = std::atol(argv[2]), steps = std::atol(argv[3]);
  Rng rng(1);
  Tensor<float, 2> data(Shape{8192, 784});
  rng.fill_uniform(data.data(), data.size(), 0.0f, 1.0f);
  if (workload == "vae") {
    Vae vae{Encoder{Sequential{Linear(784, 400, rng), Relu{}}, Linear(400, 20, rng), Linear(400, 20, rng)},
            Decoder{Sequential{Linear(20, 400, rng), Relu{}, Linear(400, 784, rng)}, BernoulliLikelihood{}},
            StandardNormal(20)};
    VaeTrainer trainer{vae};
    time_steps<VaeLosses>(mpi, workload, samples, steps, parameters_of(vae), trainer, data, rng);
  } else {
    const ConvTranspose2dOptions enlarge{.stride = 2, .padding = 1, .bias = false};
    Generator generator{Sequential{Unflatten{1, 1, 100}, ConvTranspose2d(100, 256, 4, {.bias = false}, rng),
                                   BatchNorm(256), Relu{}, ConvTranspose2d(256, 128, 3, enlarge, rng), BatchNorm(128),
                                   Relu{}, ConvTranspose2d(128, 64, 4, enlarge, rng), BatchNorm(64), Relu{},
                                   ConvTranspose2d(64, 1, 4, enlarge, rng), Tanh{}, Flatten{}},
                        StandardNormal(100)};
    const Conv2dOptions halve{.stride = 2, .padding = 1, .bias = false};
    const LeakyRelu leaky{0.2};
    Discriminator discriminator{Sequential{Unflatten{28, 28, 1}, Conv2d(1, 64, 4, halve, rng), leaky,
                                           Conv2d(64, 128, 4, halve, rng), BatchNorm(128), leaky,
                                           Conv2d(128, 256, 4, halve, rng), BatchNorm(256), leaky,
                                           Conv2d(256, 1, 3, {.bias = false}, rng), Flatten{}}};
    GanTrainer trainer{generator, discriminator, NonSaturating{}};
    time_steps<GanLosses>(mpi, workload, samples, steps, parameters_of(generator, discriminator), trainer, data, rng);
  }
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
