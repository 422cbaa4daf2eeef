// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <eigenesis/eigenesis.hpp>
#include <new>

#include "catch.hpp"
#include "files.hpp"
#include "models/weights.hpp"

using namespace eigenesis;

// All memory of this program comes from the functions below, those of the C library itself included. Sanitizers have
// functions of their own.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

std::atomic<long> requests_until_failure{-1};  // never
std::atomic<long> live{0};                     // blocks that were given out and not taken back

bool fails() {
  if (requests_until_failure.load() < 0 || requests_until_failure.fetch_sub(1) != 0) return false;
  errno = ENOMEM;
  return true;
}
void* counted(void* memory) {
  if (memory) ++live;
  return memory;
}

}  // namespace

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t size) { return fails() ? nullptr : counted(__libc_malloc(size)); }
// Never fails: the C library ends the program if it cannot note down what a thread has to destroy at its end.
void* calloc(std::size_t n, std::size_t size) { return counted(__libc_calloc(n, size)); }
void* realloc(void* old, std::size_t size) {
  if (fails()) return nullptr;
  void* const memory = __libc_realloc(old, size);
  return old ? memory : counted(memory);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return fails() ? nullptr : counted(__libc_memalign(alignment, size));
}
void free(void* memory) {
  if (memory) --live;
  __libc_free(memory);
}

// No power cuts here, and thousands of files.
int fsync(int) { return 0; }
}

namespace {

/// Lets each request for memory in f() fail in turn. f() has to throw bad_alloc or an error of the library, or not to
/// need the memory: what it returns then has to be what it returned at first. After an exception state() has to be what
/// it was and `after` is called. In the end nothing has been kept.
template <class F, class State, class After>
void let_each_request_fail(const char* what, F f, State state, After after) {
  const auto expected = f();
  long live_before = 0, failures = 0;
  for (long n = 0;; ++n) {
    release_unused_memory();
    if (n == 1) live_before = live;  // the first exception of a program leaves tables behind
    const auto before = state();
    release_unused_memory();
    bool failed = false;
    auto result = expected;
    requests_until_failure = n;
    try {
      result = f();
    } catch (const std::bad_alloc&) {
      failed = true;
    } catch (const Error&) {
      failed = true;
    }
    if (requests_until_failure.exchange(-1) >= 0) break;
    INFO(what << ", request " << n);
    REQUIRE(result == expected);
    if (!failed) continue;
    ++failures;
    REQUIRE(state() == before);
    after();
  }
  f();
  release_unused_memory();
  const long live_after = live;
  INFO(what << ", " << failures << " failures");
  CHECK(failures > 3);
  CHECK(live_after == live_before);
}
template <class F, class State>
void let_each_request_fail(const char* what, F f, State state) {
  let_each_request_fail(what, f, state, [] {});
}

struct OneThread {
  int before = num_threads();
  OneThread() { set_num_threads(1); }
  ~OneThread() { set_num_threads(before); }
};

auto numbers(const auto& tensor) { return std::vector(tensor.values().begin(), tensor.values().end()); }

Tensor<float, 2> some_rows(Index n, Index columns) {
  Rng rng(5);
  Tensor<float, 2> x(Shape{n, columns});
  rng.fill_uniform(x.data(), x.size(), 0, 1);
  return x;
}

auto small_network(Rng& rng) {
  return Sequential{Unflatten{6, 6, 1}, Conv2d(1, 4, 3, {.stride = 2, .padding = 1}, rng),
                    LeakyRelu{0.2},     Upsample2d{2, Interpolation::bilinear},
                    MaxPool2d{2},       AvgPool2d{3},
                    Flatten{},          LayerNorm(4),
                    Linear(4, 1, rng)};
}
auto small_vae(Rng& rng) {
  return Vae{Encoder{Sequential{Linear(9, 8, rng), BatchNorm(8), Relu{}}, Linear(8, 2, rng), Linear(8, 2, rng)},
             Decoder{Sequential{Linear(2, 8, rng), Relu{}, Dropout(0.1), Linear(8, 9, rng)}, BernoulliLikelihood{}},
             StandardNormal(2)};
}

}  // namespace

TEST_CASE("Models and gradients of both orders survive each request for memory that fails", "[machine]") {
  const OneThread one;
  Rng rng(1);
  const auto network = small_network(rng);
  const auto& weight = std::get<8>(network.layers).weight;
  const Tensor<float, 2> rows = some_rows(8, 36);
  const auto weights = [&] { return weight_hash(network); };
  let_each_request_fail(
      "forward", [&] { return numbers(network(Variable(rows)).value()); }, weights);
  let_each_request_fail(
      "backward", [&] { return numbers(gradient(sum(square(network(Variable(rows)))), weight).value()); }, weights);
  let_each_request_fail(
      "double backward",
      [&] {
        const auto x = watch(rows);
        return numbers(gradient(sum(square(gradient(sum(tanh(network(x))), x))), weight).value());
      },
      weights);
}

TEST_CASE("A phase of a GAN survives each request for memory that fails", "[machine]") {
  const OneThread one;
  Rng rng(1);
  Generator generator{Sequential{Linear(3, 8, rng), Relu{}, Linear(8, 36, rng), Sigmoid{}}, StandardNormal(3)};
  Discriminator discriminator{small_network(rng)};
  GanTrainer trainer{generator, discriminator, Wasserstein{}, GradientPenalty{},
                     Adam{{.weight_decay = 0.1, .clip_norm = 1}}};
  const Tensor<float, 2> rows = some_rows(8, 36);
  const auto all = [&] { return weight_hash(trainer); };
  // What these give depends on the phases before, and is not looked at.
  let_each_request_fail(
      "train_discriminator", [&, start = rng]() mutable { return trainer.train_discriminator(rows, start), 0; }, all);
  let_each_request_fail(
      "train_generator", [&, start = rng]() mutable { return trainer.train_generator(8, start), 0; }, all);
  let_each_request_fail(
      "both phases of another trainer",
      [&] {
        auto g = generator;
        auto d = discriminator;
        Rng own(2);
        GanTrainer other{g, d, Wasserstein{}, GradientPenalty{}};
        other.train_discriminator(rows, own);
        other.train_generator(8, own);
        return weight_hash(other);
      },
      all);
}

TEST_CASE("Files survive each request for memory that fails", "[machine]") {
  const OneThread one;
  const TemporaryDirectory folder;
  const std::string path = folder / "weights.safetensors";
  Rng rng(1);
  const auto network = small_network(rng);
  auto other = small_network(rng);
  save_safetensors(path, network);
  let_each_request_fail(
      "save_safetensors",
      [&] {
        save_safetensors(path, network);
        const long failure = requests_until_failure.exchange(-1);
        const Bytes file = read_bytes(path);
        requests_until_failure = failure;
        return file;
      },
      [&] { return std::pair(read_bytes(path), folder.file_count()); });
  let_each_request_fail(
      "load_safetensors",
      [&] {
        auto copy = other;
        load_safetensors(path, copy);
        return weight_hash(copy);
      },
      [&] { return weight_hash(other); });
  let_each_request_fail(
      "load_safetensors into a model",
      [&] {
        load_safetensors(path, other);
        return weight_hash(other);
      },
      [&] { return weight_hash(other); });
  CHECK(weight_hash(other) == weight_hash(network));
}

TEST_CASE("Opening data survives each request for memory that fails", "[machine]") {
  const OneThread one;
  const TemporaryDirectory folder;
  save_png(folder / "a.png", Tensor<float, 3>(Shape{6, 5, 3}, 0.5f));
  save_png(folder / "b.png", Tensor<float, 3>(Shape{9, 4, 1}, 0.25f));
  const auto seeds = std::filesystem::path(__FILE__).parent_path().parent_path() / "fuzz" / "seeds";
  std::filesystem::copy_file(seeds / "jpeg" / "good_narrow", folder / "c.jpg");
  const auto nothing = [] { return 0; };
  let_each_request_fail(
      "load_image_folder",
      [&] { return numbers(load_image_folder(folder.path(), {.channels = 3, .height = 4, .width = 4})); }, nothing);
  const TemporaryDirectory digits;
  write_bytes(digits / "images", {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4});
  let_each_request_fail(
      "read_idx_images", [&] { return numbers(read_idx_images(digits / "images")); }, nothing);
  let_each_request_fail(
      "read_idx of a compressed file", [&] { return read_idx(seeds / "idx_gz" / "good_dynamic").values; }, nothing);
  let_each_request_fail(
      "load_npy", [&] { return numbers(load_npy<float, 2>(seeds / "npy" / "good_f4")); }, nothing);
  const std::string npz = seeds / "npz" / "good_deflated";
  const std::string name = load_npz(npz).names().at(0);
  let_each_request_fail(
      "load_npz", [&] { return numbers(load_npz(npz).get<double, 2>(name)); }, nothing);
  let_each_request_fail(
      "load_csv", [&] { return numbers(load_csv(seeds / "csv" / "good_header").values); }, nothing);
  // A batch that could not be made comes next.
  const Conditioned data{some_rows(10, 3), some_rows(10, 2)};
  std::vector<float> expected, seen;
  Batches batches(data, {.batch_size = 4});
  Rng rng(1);
  for (const auto& batch : batches.epoch(rng))
    expected.insert(expected.end(), batch.samples.values().begin(), batch.samples.values().end());
  rng = Rng(1);
  batches.begin_epoch(rng);
  for (Index i = 0; i < batches.steps_per_epoch(); ++i)
    for (long n = 0;; ++n) {
      release_unused_memory();
      requests_until_failure = n;
      try {
        const auto batch = batches.next(rng);
        requests_until_failure = -1;
        seen.insert(seen.end(), batch.samples.values().begin(), batch.samples.values().end());
        break;
      } catch (const std::bad_alloc&) {
      }
    }
  CHECK(seen == expected);
}

TEST_CASE("A training with checkpoints survives each request for memory that fails", "[machine]") {
  const OneThread one;
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  const Tensor<float, 2> rows = some_rows(12, 9);
  Index steps_made = 0;
  const auto train = [&](Index steps, const Checkpoint& checkpoint) {
    Rng rng(3);
    auto vae = small_vae(rng);
    VaeTrainer trainer{vae, MovingAverage{vae}};
    const auto count = [&](auto&) { ++steps_made; };
    trainer.fit(rows, {.steps = steps, .batch_size = 4, .on_step = count, .checkpoint = checkpoint}, rng);
    return weight_hash(trainer) ^ rng.state().counter;
  };
  const Checkpoint anew{.path = path, .start = Start::anew}, resume{.path = path, .start = Start::resume},
      if_there{.path = path};
  const std::uint64_t expected = train(2, {});
  train(1, anew);
  const Bytes half = read_bytes(path);
  int failures = 0;
  const auto goes_on = [&] {  // from what is left, to the same bits
    if (++failures % 5 == 0) REQUIRE(train(2, resume) == expected);
  };

  let_each_request_fail(
      "a training", [&] { return train(2, anew); }, [&] { return folder.file_count(); }, goes_on);
  let_each_request_fail(
      "a training that goes on",
      [&] {
        const long failure = requests_until_failure.exchange(-1);
        write_bytes(path, half);
        steps_made = 0;
        requests_until_failure = failure;
        return train(2, if_there);
      },
      [&] { return folder.file_count(); },
      [&] {
        REQUIRE(steps_made <= 1);  // it has not begun again
        goes_on();
      });
}

#endif
