// SPDX-License-Identifier: MIT
// Runs under mpirun with any number of ranks: each rank runs every test, at the same time as the others.
#define CATCH_CONFIG_RUNNER
#include "catch.hpp"
#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#endif

#include <csignal>
#include <eigenesis/distributed/mpi.hpp>
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/watchers.hpp>

#include "files.hpp"
using namespace eigenesis;

namespace {

Mpi* mpi = nullptr;
Index ranks() { return mpi->ranks(); }
Index rank() { return mpi->rank(); }

/// The same ranks with other options.
class With : public Distributed {
 public:
  explicit With(const DistributedOptions& options) : Distributed(options) {}
  Index rank() const override { return mpi->rank(); }
  Index ranks() const override { return mpi->ranks(); }
  void gather(const void* own, void* all, Index bytes) override { mpi->gather(own, all, bytes); }
  void exchange(const void* parts, void* all, Index bytes) override { mpi->exchange(parts, all, bytes); }
  void broadcast(void* data, Index bytes) override { mpi->broadcast(data, bytes); }
};

/// The numbers of all ranks, one after the other.
std::vector<double> of_all(const std::vector<double>& own) {
  std::vector<double> all(own.size() * static_cast<std::size_t>(ranks()));
  mpi->gather(own.data(), all.data(), std::ssize(own) * 8);
  return all;
}
/// Whether all ranks have the numbers that this one has.
bool same_on_all(const std::vector<double>& own) {
  const std::vector<double> all = of_all(own);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (std::memcmp(&all[i], &own[i % own.size()], 8) != 0) return false;
  return true;
}
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

template <class Scalar = double>
Tensor<Scalar, 2> rows(Index n, Index features = 6, std::uint64_t seed = 5) {
  Rng rng(seed);
  Tensor<Scalar, 2> x(Shape{n, features});
  rng.fill_uniform(x.data(), x.size(), Scalar{0}, Scalar{1});
  return x;
}

/// All that a model's or trainer's fields hold.
template <class Model>
std::vector<double> numbers(const Model& model) {
  std::vector<double> all;
  for_each_state(model, [&](const FieldPath&, const auto& x) { all.insert(all.end(), x.data(), x.data() + x.size()); });
  return all;
}
template <class Losses>
void append(std::vector<double>& to, const FitHistory<Losses>& history) {
  for (const auto* losses : {&history.steps, &history.epochs, &history.held_out})
    for (const Losses& each : *losses)
      Losses::fields(each, [&](std::string_view, const double& value) { to.push_back(value); });
}

template <class Scalar = double>
auto small_vae(Rng& rng) {
  return Vae{
      Encoder{Sequential{Linear<Scalar>(6, 16, rng), Relu{}}, Linear<Scalar>(16, 3, rng), Linear<Scalar>(16, 3, rng)},
      Decoder{Sequential{Linear<Scalar>(3, 16, rng), Relu{}, Dropout{0.1}, Linear<Scalar>(16, 6, rng)},
              BernoulliLikelihood{}},
      StandardNormal<Scalar>(3)};
}

/// Trains a VAE and gives its numbers and losses; alone, with as large batches, if not `over`.
template <class Scalar = double>
std::vector<double> train_vae(const Tensor<Scalar, 2>& data, FitOptions<VaeLosses> options, Distributed* over,
                              Rng rng = Rng(7)) {
  auto vae = small_vae<Scalar>(rng);
  VaeTrainer trainer{vae, Adam<Scalar>{{.learning_rate = 1e-3}}, MovingAverage{vae}};
  options.distributed = over;
  if (!over) options.batch_size *= ranks();
  const auto history = trainer.fit(data, Tensor<Scalar, 2>(rows<Scalar>(50, 6, 9)), options, rng);
  std::vector<double> all = numbers(trainer);
  append(all, history);
  all.push_back(static_cast<double>(rng.state().counter % 1000003));
  return all;
}

template <class Scalar, bool norm>
std::vector<double> train_gan(Index steps, Distributed* over) {
  Rng rng(11);
  const Tensor<Scalar, 2> data = rows<Scalar>(1000, 2);
  const auto nets = [&] {
    if constexpr (norm)
      return std::pair{
          Sequential{Linear<Scalar>(2, 16, rng), BatchNorm<Scalar>(16), Relu{}, Linear<Scalar>(16, 2, rng)},
          Sequential{Linear<Scalar>(2, 16, rng), BatchNorm<Scalar>(16), LeakyRelu{0.2}, Linear<Scalar>(16, 1, rng)}};
    else
      return std::pair{Sequential{Linear<Scalar>(2, 16, rng), Relu{}, Linear<Scalar>(16, 2, rng)},
                       Sequential{Linear<Scalar>(2, 16, rng), LeakyRelu{0.2}, Linear<Scalar>(16, 1, rng)}};
  }();
  Generator generator{nets.first, StandardNormal<Scalar>(2)};
  Discriminator discriminator{nets.second};
  const auto go = [&](auto& trainer) {
    const auto history =
        trainer.fit(data, {.steps = steps, .batch_size = over ? 128 / ranks() : 128, .distributed = over}, rng);
    std::vector<double> all = numbers(trainer);
    append(all, history);
    return all;
  };
  const Adam<Scalar> adam{{.learning_rate = 1e-3, .beta1 = 0.5}};
  if constexpr (norm) {
    GanTrainer trainer{generator, discriminator, NonSaturating{}, adam, MovingAverage{generator}};
    return go(trainer);
  } else {
    GanTrainer trainer{generator,     discriminator,
                       Wasserstein{}, GradientPenalty{.weight = 10},
                       adam,          GanOptions{.discriminator_steps = 2}};
    return go(trainer);
  }
}

/// Keeps what it is given and what it draws.
struct Sees {
  Linear<float> unit;
  Adam<> optimizer;
  std::vector<double> seen = {};
  Loss step(const Tensor<float, 2>& batch, Rng& rng) {
    seen.insert(seen.end(), batch.data(), batch.data() + batch.size());
    seen.push_back(rng.uniform());
    float noise[3];
    rng.fill_normal(noise, 3);  // for none of the rows
    seen.push_back(noise[0]);
    const auto loss = mean(square(unit(batch)));
    optimizer.minimize(loss, unit);
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) { field("unit", self.unit), field("optimizer", self.optimizer); }
};
/// Learns nothing but running statistics.
struct Normalises {
  BatchNorm<double> norm{2};
  Sgd<double> optimizer{{.learning_rate = 0}};
  Loss step(const Tensor<double, 2>& batch, Rng& rng) {
    const auto loss = mean(square(norm(Variable(batch), Pass::training(rng)) - 1));
    optimizer.minimize(loss, norm);
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) { field("norm", self.norm), field("optimizer", self.optimizer); }
};

}  // namespace

TEST_CASE("Ranks of a VAE with parts of the batch come to the weights of one rank") {
  const auto data = rows(1000);
  const FitOptions<VaeLosses> options{.steps = 200, .batch_size = 128 / ranks()};
  const auto alone = train_vae(data, options, nullptr), together = train_vae(data, options, mpi);
  CHECK(distance(alone, together) < 1e-11);
  CHECK(same_on_all(together));
  if (ranks() == 1) CHECK(alone == together);
}

TEST_CASE("Ranks of a GAN with parts of the batch come to the weights of one rank") {
  const auto alone = train_gan<double, false>(200, nullptr), together = train_gan<double, false>(200, mpi);
  CHECK(distance(alone, together) < 1e-9);
  CHECK(same_on_all(together));
  if (ranks() == 1) CHECK(alone == together);
}

TEST_CASE("Ranks of a conditional GAN with two steps of the discriminator, over epochs") {
  const auto train = [](Distributed* over) {
    Rng rng(13);
    const Conditioned data{rows(96 * 4, 2), rows(96 * 4, 3, 6)};
    Generator generator{Sequential{AppendCondition{}, Linear<double>(5, 16, rng), Relu{}, Linear<double>(16, 2, rng)},
                        StandardNormal<double>(2)};
    Discriminator discriminator{
        Sequential{AppendCondition{}, Linear<double>(5, 16, rng), LeakyRelu{0.2}, Linear<double>(16, 1, rng)}};
    GanTrainer trainer{generator, discriminator, NonSaturating{}, Adam<double>{{.learning_rate = 1e-3}},
                       GanOptions{.discriminator_steps = 2}};
    const auto history =
        trainer.fit(data, {.epochs = 3, .batch_size = over ? 32 / ranks() : 32, .distributed = over}, rng);
    std::vector<double> all = numbers(trainer);
    append(all, history);
    return all;
  };
  const auto alone = train(nullptr), together = train(mpi);
  CHECK(distance(alone, together) < 1e-11);
  CHECK(same_on_all(together));
}

TEST_CASE("Floats differ by rounding, and are the same bits each time") {
  const auto data = rows<float>(1000);
  const FitOptions<VaeLosses> options{.steps = 200, .batch_size = 128 / ranks()};
  const auto alone = train_vae<float>(data, options, nullptr), first = train_vae<float>(data, options, mpi);
  CHECK(distance(alone, first) < 1e-3);  // Adam's first steps divide rounding by rounding
  CHECK(first == train_vae<float>(data, options, mpi));
  CHECK(same_on_all(first));
}

TEST_CASE("An epoch's last batch is divided evenly, and epochs have the losses of one rank") {
  const Index n = 16 * ranks() * 3 + ranks() + 1;  // the first rank has two samples of the last batch, the others one
  const auto data = rows(n);
  const FitOptions<VaeLosses> options{.epochs = 4, .batch_size = 16};
  const auto alone = train_vae(data, options, nullptr), together = train_vae(data, options, mpi);
  CHECK(distance(alone, together) < 1e-11);
  CHECK(same_on_all(together));

  Rng rng(7);
  auto vae = small_vae(rng);
  VaeTrainer trainer{vae, Adam<double>{}};
  const Index few = 16 * ranks() + ranks() - 1;  // of a last batch with fewer samples than ranks
  const auto history = trainer.fit(rows(few), {.epochs = 2, .batch_size = 16, .distributed = *mpi}, rng);
  CHECK(std::ssize(history.steps) == 2);
}

TEST_CASE("Binarized batches and those of a source are other ones on each rank") {
  const auto all_differ = [](const Sees& sees) {
    std::vector<double> all = of_all(sees.seen);
    std::ranges::sort(all);
    return std::ranges::adjacent_find(all) == all.end();
  };
  Rng rng(3);
  Sees of_source{Linear(2, 1, rng), Adam{}};
  fit(of_source, ring_of_gaussians(8), {.steps = 6, .batch_size = 5, .distributed = *mpi}, rng);
  CHECK(all_differ(of_source));
  const Tensor<float, 2> data = rows<float>(40 * ranks(), 2);
  const auto noisy = [](Tensor<float, 2> x, Rng& some) {
    some.fill_normal(x.data(), x.size());
    return x;
  };
  Sees transformed{Linear(2, 1, rng), Adam{}};
  fit(transformed, Transformed{data, noisy}, {.epochs = 2, .batch_size = 10, .distributed = *mpi}, rng);
  CHECK(all_differ(transformed));
  Sees of_data{Linear(2, 1, rng), Adam{}};
  fit(of_data, data, {.epochs = 1, .batch_size = 10, .distributed = *mpi}, rng);
  CHECK(all_differ(of_data));  // every sample once
}

TEST_CASE("Normalisation over all ranks is that of one rank with all samples") {
  With synchronised({.synchronised_batch_norm = true});
  const auto alone = train_gan<double, true>(200, nullptr), together = train_gan<double, true>(200, &synchronised);
  CHECK(distance(alone, together) < 1e-8);
  CHECK(same_on_all(together));
  const auto local = train_gan<double, true>(200, mpi);
  CHECK(same_on_all(local));  // the running statistics too
  if (ranks() > 1) CHECK(distance(alone, local) > 1e-6);
}

TEST_CASE("The running statistics are those of all ranks") {
  const Index n = 8 * ranks();
  const auto data = rows(n, 2);
  Normalises trainer;
  Rng rng(1);
  fit(trainer, data, {.steps = 1, .batch_size = 8, .distributed = *mpi}, rng);
  // Means of equal parts have the mean of all. Variances are those within the parts: found here from the parts.
  Rng same(1);
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  same.shuffle(order.data(), n);
  for (Index f = 0; f < 2; ++f) {
    double means = 0, variances = 0;
    for (Index r = 0; r < ranks(); ++r) {
      double mean = 0, square = 0;
      for (Index i = 0; i < 8; ++i) mean += data(order[static_cast<std::size_t>(8 * r + i)], f) / 8;
      for (Index i = 0; i < 8; ++i) {
        const double d = data(order[static_cast<std::size_t>(8 * r + i)], f) - mean;
        square += d * d / 7;
      }
      means += mean / static_cast<double>(ranks());
      variances += square / static_cast<double>(ranks());
    }
    CHECK_THAT(trainer.norm.running_mean(f), WithinRel(0.1 * means, 1e-12));
    CHECK_THAT(trainer.norm.running_variance(f), WithinRel(0.9 + 0.1 * variances, 1e-12));
  }
}

TEST_CASE("All ranks begin with the weights, the generator and the optimizer of rank 0") {
  Rng rng(100 + static_cast<std::uint64_t>(rank()));
  auto vae = small_vae(rng);
  VaeTrainer trainer{vae, Adam<double>{{.learning_rate = 1e-3}}};
  const auto data = rows(100);
  trainer.fit(data, {.steps = 3, .batch_size = 8, .distributed = *mpi}, rng);
  CHECK(same_on_all(numbers(trainer)));
  CHECK(same_on_all({static_cast<double>(rng.state().key), static_cast<double>(rng.state().counter)}));
  vae.encoder.mean.bias = Tensor<double, 1>(Shape{3}, static_cast<double>(rank()));
  const auto again = trainer.fit(data, {.steps = 3, .batch_size = 8, .distributed = *mpi}, rng);
  CHECK(same_on_all(numbers(trainer)));
  CHECK(trainer.optimizer.steps() == 6);
}

namespace {

/// A trainer that can fail on one rank.
struct Fragile {
  static constexpr const char* name = "Fragile";
  Linear<double> unit;
  Sgd<double> optimizer{{.learning_rate = 0.1}};
  Tensor<double, 0> steps = {};
  std::function<void(Index)> before = {};
  std::function<Variable<double, 0>(Index, const Variable<double, 0>&)> change = {};

  Loss step(const Tensor<double, 2>& batch, Rng&) {
    const auto now = static_cast<Index>(steps.item()) + 1;
    if (before) before(now);
    Variable<double, 0> loss = mean(square(unit(Variable(batch)) - 1));
    if (change) loss = change(now, loss);
    optimizer.minimize(loss, unit);
    steps.data()[0] += 1;
    return {loss.item()};
  }
  Loss evaluate(const Tensor<double, 2>& batch, Rng&) const { return {mean(square(unit(batch))).item()}; }
  static void fields(auto& self, auto&& field) {
    field("unit", self.unit), field("optimizer", self.optimizer), field("steps", self.steps);
  }
};
Fragile fragile() {
  Rng rng(2);
  return {Linear<double>(6, 1, rng)};
}
FitOptions<Loss> eight_steps() { return {.steps = 8, .batch_size = 4, .distributed = *mpi}; }

/// What fit throws on this rank.
template <class E>
std::string error_of(Fragile& trainer, const FitOptions<Loss>& options, Index samples = 64) {
  Rng rng(3);
  const auto data = rows(samples);
  try {
    fit(trainer, data, options, rng);
  } catch (const E& error) {
    return error.what();
  }
  return "none";
}
const std::string by_last = "Fragile::fit: expected all ranks to go on but rank ";
std::string told(const std::string& message) {
  return rank() == ranks() - 1 ? message : by_last + std::to_string(ranks() - 1) + " ended with: " + message;
}

}  // namespace

TEST_CASE("What is not finite on one rank ends the step on all, and no weight changes") {
  const bool last = rank() == ranks() - 1;
  std::vector<double> before;
  FitHistory<Loss> history;
  auto options = eight_steps();
  options.history = &history;
  Fragile trainer = fragile();
  trainer.before = [&](Index) { before = numbers(trainer.unit); };
  SECTION("a loss") {
    trainer.change = [&](Index step, const Variable<double, 0>& loss) {
      return step == 5 && last ? loss * std::numeric_limits<double>::quiet_NaN() : loss;
    };
    CHECK(error_of<NumericError>(trainer, options) ==
          told("Sgd::minimize: expected a finite loss but got nan in step 5 of learning rate 0.1"));
  }
  SECTION("a gradient") {
    trainer.change = [&](Index step, const Variable<double, 0>& loss) {
      return step == 5 && last ? loss + sqrt(sum(trainer.unit.bias * 0)) : loss;
    };
    CHECK(error_of<NumericError>(trainer, options) ==
          "Sgd::minimize: expected a finite gradient of bias but got nan in step 5");
  }
  CHECK(numbers(trainer.unit) == before);
  CHECK(trainer.optimizer.steps() == 4);
  CHECK(history.steps.size() == 4);
  CHECK(same_on_all(before));

  trainer.change = {};  // all can go on
  Rng rng(4);
  CHECK(fit(trainer, rows(64), eight_steps(), rng).steps.size() == 8);
  CHECK(same_on_all(numbers(trainer)));
}

TEST_CASE("What is thrown on one rank is thrown on all, with its kind and message") {
  const bool last = rank() == ranks() - 1;
  Fragile trainer = fragile();
  auto options = eight_steps();
  SECTION("before the update") {
    trainer.before = [&](Index step) { require<DataError>(step < 3 || !last, "expected data but got none"); };
    CHECK(error_of<DataError>(trainer, options) == told("expected data but got none"));
    CHECK(trainer.optimizer.steps() == 2);
  }
  SECTION("of the standard library") {
    trainer.before = [&](Index step) {
      if (step == 3 && last) throw std::runtime_error("not ours");
    };
    CHECK(error_of<std::runtime_error>(trainer, options) == told("not ours"));
  }
  SECTION("other data") {
    const std::string expected =
        "Fragile::fit: expected all ranks to have the same number of samples but rank 0 has 64 "
        "and rank " +
        std::to_string(ranks() - 1) +
        " has 65; each has all data and takes its "
        "part of each batch";
    if (ranks() > 1) CHECK(error_of<ArgumentError>(trainer, options, last ? 65 : 64) == expected);
  }
  SECTION("other data of the same number") {
    Rng rng(3);
    auto own = rows(1000, 6, 5);
    if (last) own.data()[3003] += 1;
    std::string message = "none";
    try {
      fit(trainer, own, options, rng);
    } catch (const ArgumentError& error) {
      message = error.what();
    }
    if (ranks() > 1)
      CHECK_THAT(message, ContainsSubstring("expected all ranks to have the same samples (a checksum) "));
  }
  SECTION("another trainer") {
    Fragile wider = fragile();
    Rng rng(1);
    wider.unit = Linear<double>(6, last ? 2 : 1, rng);
    if (ranks() > 1)
      CHECK_THAT(error_of<ArgumentError>(wider, options),
                 ContainsSubstring("rank " + std::to_string(ranks() - 1) + " has others than rank 0 in unit.weight"));
  }
  SECTION("options that one rank refuses") {
    if (last) options.batch_size = 0;
    CHECK(error_of<ArgumentError>(trainer, options) == told("Fragile::fit: expected batch_size >= 1 but got 0"));
  }
  SECTION("a callback, which rank 0 has alone") {
    options.on_step = [&](FitState<Loss>& now) {
      CHECK(rank() == 0);
      require<Error>(now.step < 6, "the disk is full");
    };
    CHECK(error_of<Error>(trainer, options) ==
          (rank() == 0 ? "the disk is full" : by_last + "0 ended with: the disk is full"));
    CHECK(trainer.optimizer.steps() == 6);
  }
  SECTION("a checkpoint that cannot be written") {
    options.checkpoint = Checkpoint{.path = "/no/such/folder/run.safetensors"};
    CHECK_THAT(error_of<Error>(trainer, options), ContainsSubstring("/no/such/folder/run.safetensors"));
    CHECK(trainer.optimizer.steps() == 0);
  }
  SECTION("an update that others do not make") {
    if (ranks() > 1) {
      trainer.before = [&](Index step) {
        if (step != 2 || !last) return;
        const auto x = rows(2);
        trainer.optimizer.minimize(mean(square(trainer.unit(Variable(x)))), trainer.unit);
      };
      CHECK_THAT(error_of<Error>(trainer, options),
                 ContainsSubstring("Fragile::fit: expected all ranks to take the same steps but rank 0 is at "));
    }
  }
  trainer.before = {};
  Rng rng(4);
  CHECK(fit(trainer, rows(64), eight_steps(), rng).steps.size() == 8);
  CHECK(same_on_all(numbers(trainer)));
}

TEST_CASE("Ranks that come apart are found after the first step and after each hundred") {
  Fragile trainer = fragile();
  auto options = eight_steps();
  options.steps = 1000;
  const Index apart = GENERATE(1, 2, 101);
  trainer.before = [&](Index step) {
    if (step == apart && rank() == ranks() - 1) trainer.unit.bias = Tensor<double, 1>(Shape{1}, 5);
  };
  if (ranks() == 1) return;
  CHECK(error_of<ArgumentError>(trainer, options) ==
        "Fragile::fit: expected all ranks to have the same numbers in the trainer but rank " +
            std::to_string(ranks() - 1) +
            " has others than rank 0 in unit.bias; callbacks run on rank 0 only: does one change a model? Does a step "
            "depend on more than its batch and its gradients?");
  CHECK(trainer.optimizer.steps() == (apart == 1 ? 1 : apart == 2 ? 100 : 200));
}

TEST_CASE("A stop on rank 0 or a signal on any rank ends all after the same step") {
  Fragile trainer = fragile();
  auto options = eight_steps();
  Rng rng(3);
  SECTION("a callback") {
    options.on_step = [](FitState<Loss>& now) { now.stop = now.step == 5; };
    CHECK(fit(trainer, rows(64), options, rng).steps.size() == 5);
  }
  SECTION("a signal") {
    options.watch = {StopOnInterrupt{}};
    trainer.before = [](Index step) {
      if (step == 5 && rank() == ranks() - 1) std::raise(SIGTERM);
    };
    const TemporaryDirectory directory;
    options.progress = ProgressBar("", {.write = [](std::string_view) { CHECK(rank() == 0); }});
    CHECK(fit(trainer, rows(64), options, rng).steps.size() == 5);
  }
  CHECK(trainer.optimizer.steps() == 5);
  CHECK(same_on_all(numbers(trainer)));
}

TEST_CASE("A callback may set the learning rate; one that changes a model is found") {
  Fragile trainer = fragile(), alone = fragile();
  auto options = eight_steps();
  Rng rng(3), same(3);
  SECTION("the learning rate") {
    const Index when = GENERATE(1, 3, 8);
    options.on_step = [&](FitState<Loss>& now) {
      if (now.step == when) trainer.optimizer.set_learning_rate(0.01);
    };
    fit(trainer, rows(64), options, rng);
    options.on_step = [&](FitState<Loss>& now) {
      if (now.step == when) alone.optimizer.set_learning_rate(0.01);
    };
    options.distributed = nullptr;
    options.batch_size *= ranks();
    fit(alone, rows(64), options, same);
    CHECK(distance(numbers(trainer.unit), numbers(alone.unit)) < 1e-14);
    CHECK(same_on_all(numbers(trainer)));
    CHECK(trainer.optimizer.learning_rate() == 0.01);
  }
  SECTION("a model") {
    options.on_step = [&](FitState<Loss>& now) {
      if (now.step == 3) trainer.unit.bias = Tensor<double, 1>(Shape{1}, 5);
    };
    if (ranks() > 1)
      CHECK_THAT(error_of<Error>(trainer, options),
                 ContainsSubstring("others than rank 0 in unit.bias; callbacks run"));
  }
}

TEST_CASE("A training goes on from a checkpoint to the same bits") {
  std::unique_ptr<TemporaryDirectory> directory;
  std::array<char, 256> path = {};
  if (rank() == 0) {
    directory = std::make_unique<TemporaryDirectory>();
    std::ranges::copy(*directory / "run.safetensors", path.begin());
  }
  mpi->broadcast(path.data(), 256);
  const Index n = 16 * ranks() * 3 + ranks();
  const auto data = rows(n);
  const auto options = [&](Index stop, bool reshard = false) {
    FitOptions<VaeLosses> result{.epochs = 5, .batch_size = 16};
    if (stop >= 0)
      result.checkpoint = Checkpoint{.path = rank() == 0 ? path.data() : "elsewhere", .every = 2, .reshard = reshard};
    if (stop > 0) result.on_step = [=](FitState<VaeLosses>& now) { now.stop = now.step == stop; };
    return result;
  };
  const auto whole = train_vae(data, options(-1), mpi);
  for (const Index stop : {1, 4, 7, 10}) {
    train_vae(data, options(stop), mpi);
    CHECK(train_vae(data, options(0), mpi, Rng(rank() == 0 ? 7 : 70)) == whole);
    if (rank() == 0) std::filesystem::remove(path.data());
  }
  if (ranks() == 1) return;

  // Of one rank: refused, unless asked for.
  if (rank() == 0) train_vae(data, options(7), nullptr);
  const std::string refused = "VaeTrainer::fit: expected a checkpoint of this training in " + std::string(path.data()) +
                              " but: it was written by 1 rank, here it would be " + std::to_string(ranks()) +
                              " ranks; a Checkpoint with .reshard = true goes on, but to other bits";
  const auto message = [&](const FitOptions<VaeLosses>& given) -> std::string {
    try {
      train_vae(data, given, mpi);
    } catch (const DataError& error) {
      return error.what();
    }
    return "none";
  };
  const std::string prefix = rank() == 0 ? "" : "VaeTrainer::fit: expected all ranks to go on but rank 0 ended with: ";
  CHECK(message(options(0)) == prefix + refused);
  auto other = options(0, true);
  other.batch_size = 32;
  CHECK_THAT(message(other), ContainsSubstring("its 1 rank had batches of " + std::to_string(16 * ranks()) +
                                               " samples together, here they would be of " +
                                               std::to_string(32 * ranks()) + "; a batch_size of 16 goes on"));
  const auto alone = train_vae(data, options(-1), nullptr);
  CHECK(distance(train_vae(data, options(0, true), mpi), alone) < 1e-11);
  mpi->gather(path.data(), std::vector<char>(static_cast<std::size_t>(ranks())).data(), 1);
}

int main(int argc, char** argv) {
  Mpi own(argc, argv);
  mpi = &own;
  return Catch::Session().run(argc, argv);
}
