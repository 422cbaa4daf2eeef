// SPDX-License-Identifier: MIT
// Trains a model again and again for some minutes, with a checkpoint, a log, a report and held-out data; every other
// training is stopped in its middle and goes on from its checkpoint. Each minute it shows the memory, the descriptors
// and the threads of the process, and the medians of a step's time and of its processor time. Fails if one of the first
// three grows, or if the processor time of a step does by half.
//   soak MODEL MINUTES DATA    MODEL: autoencoder, vae, gan or dcgan; DATA: a folder with the four files of MNIST
#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/report.hpp>
#include <eigenesis/training/watchers.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "files.hpp"
using namespace eigenesis;

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Of all threads of the process.
double processor_seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Index entries(const char* folder) {
  Index count = 0;
  DIR* const open = opendir(folder);
  while (open && readdir(open)) ++count;
  if (open) closedir(open);
  return count;
}
double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

/// What a process may not take more of as it goes on.
class Soak {
 public:
  explicit Soak(double minutes) : minutes_(minutes) {
    std::puts("minute  trainings  steps  ms/step  processor  MB  descriptors  threads");
  }
  bool over() const { return static_cast<double>(minute_) >= minutes_; }
  void step() {
    const double now = seconds_since(begin_), processor = processor_seconds();
    times_.push_back(now - last_);
    processor_times_.push_back(processor - last_processor_);
    last_ = now;
    last_processor_ = processor;
    ++steps_;
    if (now >= 60 * static_cast<double>(minute_ + 1)) show();
  }
  void begin_training() {
    last_ = seconds_since(begin_);
    last_processor_ = processor_seconds();
    ++trainings_;
  }

  /// 0 if nothing grew after the second minute: memory by less than 2 % and 2 MB, descriptors and threads not at all.
  /// Processor time of a step grew by less than a half from the first third to the last, without the first minute.
  int result() const {
    if (minute_ < 3) {
      std::puts("soak: expected three minutes or more");
      return 2;
    }
    std::printf("memory %.1f to %.1f MB, descriptors %td to %td, threads %td to %td\n", early_.megabytes,
                now_.megabytes, early_.descriptors, now_.descriptors, early_.threads, now_.threads);
    const bool grew = now_.megabytes > 1.02 * early_.megabytes + 2 || now_.descriptors > early_.descriptors ||
                      now_.threads > early_.threads;
    if (grew) std::puts("soak: expected what the process holds not to grow but it did");
    const Index third = std::max<Index>((minute_ - 1) / 3, 1);
    const double first = median({processor_medians_.begin() + 1, processor_medians_.begin() + 1 + third}),
                 last = median({processor_medians_.end() - third, processor_medians_.end()});
    std::printf("processor time of a step %.3f to %.3f ms\n", 1e3 * first, 1e3 * last);
    const bool slower = last > 1.5 * first;
    if (slower) std::puts("soak: expected the processor time of a step to grow by less than a half but it did not");
    return grew || slower ? 1 : 0;
  }

 private:
  struct Held {
    double megabytes = 0;
    Index descriptors = 0, threads = 0;
  };
  void show() {
    ++minute_;
    now_ = {resident_megabytes(), entries("/proc/self/fd"), entries("/proc/self/task") - 2};
    if (minute_ <= 2)
      early_ = {std::max(early_.megabytes, now_.megabytes), std::max(early_.descriptors, now_.descriptors),
                std::max(early_.threads, now_.threads)};
    processor_medians_.push_back(median(processor_times_));
    std::printf("%3td %5td %9td %8.3f %8.3f %8.1f %4td %4td\n", minute_, trainings_, steps_, 1e3 * median(times_),
                1e3 * processor_medians_.back(), now_.megabytes, now_.descriptors, now_.threads);
    std::fflush(stdout);
    times_.clear();
    processor_times_.clear();
  }

  double minutes_;
  Clock::time_point begin_ = Clock::now();
  double last_ = 0, last_processor_ = 0;
  std::vector<double> times_, processor_times_;  // of the steps of this minute
  std::vector<double> processor_medians_;        // of each minute
  Index steps_ = 0, trainings_ = 0, minute_ = 0;
  Held early_, now_;
};

/// Trainings of so many steps. `make` gives a trainer, whose fit takes the data.
template <class Losses>
int run(Soak& soak, Index steps, const auto& fit, const std::vector<DrawnPicture>& pictures) {
  const TemporaryDirectory directory;
  for (Index i = 0; !soak.over(); ++i) {
    soak.begin_training();
    std::filesystem::remove(directory / "run.csv");  // a log of another training is refused
    const auto options = [&](Start start, Index stop) {
      FitOptions<Losses> result{.steps = steps, .batch_size = 32};
      result.on_step = [&soak, stop](FitState<Losses>& now) {
        soak.step();
        now.stop = now.step == stop;
      };
      result.checkpoint = Checkpoint{.path = directory / "run.ckpt", .every = 50, .start = start, .keep = 2};
      result.watch = {Log{directory / "run.csv"}, Metric{"always", [] { return 1.0; }, {.every = 10}},
                      Report{directory / "run.html", {.pictures = pictures}}, StopOnInterrupt{}};
      return result;
    };
    Rng rng(static_cast<std::uint64_t>(i));
    if (i % 2 == 1) {
      fit(options(Start::anew, steps / 2), rng);
      fit(options(Start::resume, 0), rng);
    } else {
      fit(options(Start::anew, 0), rng);
    }
  }
  return soak.result();
}

int go(const std::string& model, double minutes, const std::string& folder) {
  Mnist mnist = load_mnist(folder);
  const Index pixels = mnist.train.images.shape(1);
  const Tensor<float, 2> test(mnist.test.images.matrix().topRows(200));
  Rng rng(1);
  Soak soak(minutes);
  if (model == "autoencoder") {
    Autoencoder autoencoder{
        Encoder{Sequential{Linear(pixels, 64, rng), Relu{}}, Linear(64, 8, rng)},
        Decoder{Sequential{Linear(8, 64, rng), Relu{}, Linear(64, pixels, rng), Sigmoid{}}, SquaredError{}}};
    AutoencoderTrainer trainer{autoencoder};
    const auto fit = [&](const auto& options, Rng& own) { trainer.fit(mnist.train.images, test, options, own); };
    return run<AutoencoderLosses>(soak, 500, fit,
                                  {{"digits", [&] { return draw_grid(autoencoder.reconstruct(test)); }}});
  }
  if (model == "vae") {
    Vae vae{
        Encoder{Sequential{Linear(pixels, 64, rng), LayerNorm(64), Relu{}}, Linear(64, 8, rng), Linear(64, 8, rng)},
        Decoder{Sequential{Linear(8, 64, rng), Dropout{0.1}, Relu{}, Linear(64, pixels, rng)}, BernoulliLikelihood{}},
        StandardNormal(8)};
    VaeTrainer trainer{vae, AdamW{}, MovingAverage{vae}};
    const Transformed data{mnist.train.images, Binarize{}};
    const auto fit = [&](const auto& options, Rng& own) { trainer.fit(data, test, options, own); };
    return run<VaeLosses>(soak, 500, fit, {{"digits", [&] { return draw_grid(vae.reconstruct(test)); }}});
  }
  if (model == "gan" || model == "dcgan") {
    mnist.train.images.array() = 2 * mnist.train.images.array() - 1;
    const auto train = [&](auto networks, Index steps, auto... parts) {
      Generator generator{networks.first, StandardNormal(16)};
      Discriminator discriminator{networks.second};
      GanTrainer trainer{generator, discriminator, parts..., MovingAverage{generator}};
      const Tensor<float, 2> z = generator.prior.sample(16, rng);
      const auto fit = [&](const auto& options, Rng& own) { trainer.fit(mnist.train.images, options, own); };
      return run<GanLosses>(
          soak, steps, fit,
          {{"samples", [&] {
              return draw_grid(trainer.average.model.decode(z), {.height = 28, .width = 28, .range = {-1, 1}});
            }}});
    };
    if (model == "gan")
      return train(std::pair{Sequential{Linear(16, 64, rng), BatchNorm(64), Relu{}, Linear(64, pixels, rng), Tanh{}},
                             Sequential{Linear(pixels, 64, rng), LeakyRelu{0.2}, Dropout{0.3}, Linear(64, 1, rng)}},
                   500, NonSaturating{}, R1{.gamma = 1});
    const ConvTranspose2dOptions enlarge{.stride = 2, .padding = 1};
    const Conv2dOptions halve{.stride = 2, .padding = 1};
    return train(std::pair{Sequential{Linear(16, 7 * 7 * 16, rng), Unflatten{7, 7, 16}, BatchNorm(16), Relu{},
                                      ConvTranspose2d(16, 8, 4, enlarge, rng), BatchNorm(8), Relu{},
                                      ConvTranspose2d(8, 1, 4, enlarge, rng), Tanh{}, Flatten{}},
                           Sequential{Unflatten{28, 28, 1}, Conv2d(1, 8, 4, halve, rng), LeakyRelu{0.2},
                                      Conv2d(8, 16, 4, halve, rng), BatchNorm(16), LeakyRelu{0.2}, Flatten{},
                                      Linear(7 * 7 * 16, 1, rng)}},
                 200, NonSaturating{});
  }
  std::puts("soak: expected autoencoder, vae, gan or dcgan");
  return 2;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::puts("soak: expected MODEL MINUTES DATA");
    return 2;
  }
  return go(argv[1], std::atof(argv[2]), argv[3]);
} catch (const std::exception& error) {
  std::puts(error.what());
  return 2;
}
