// SPDX-License-Identifier: MIT
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <eigenesis/eigenesis.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

struct Stop {};

using Numbers = std::map<std::string, std::vector<double>>;

/// All numbers that a training leaves, by the names that a checkpoint has for them: those of the trainer, the history,
/// and the next one of the generator.
template <class Trainer, class Losses>
Numbers all_numbers(const Trainer& trainer, const FitHistory<Losses>& history, Rng& rng) {
  Numbers all{{"steps made", {static_cast<double>(history.steps.size())}}, {"next", {rng.uniform()}}};
  for_each_state(trainer, [&](const FieldPath& path, const auto& tensor) {
    all["trainer." + to_string(path)] = {tensor.values().begin(), tensor.values().end()};
  });
  for (const auto& [name, losses] :
       {std::pair{"fit.steps", &history.steps}, {"fit.epochs", &history.epochs}, {"fit.held_out", &history.held_out}})
    for (const Losses& each : *losses)
      Losses::fields(each, [&, to = &all[name]](std::string_view, const double& x) { to->push_back(x); });
  return all;
}

void check_same(const Numbers& numbers, const Numbers& expected) {
  REQUIRE(numbers.size() == expected.size());
  for (auto there = numbers.begin(); const auto& [name, values] : expected) {
    REQUIRE(there->first == name);
    INFO(name);
    REQUIRE((there++)->second == values);
  }
}

constexpr int never = -1;

/// Throws when a step after number `step` was made, before it is saved.
auto stop_after(int step) {
  return [step](auto& now) {
    if (step != never && now.step > step) throw Stop();
  };
}

/// Nothing for a training that was stopped.
template <class Trainer, class Train>
Numbers numbers_unless_stopped(Trainer& trainer, Rng& rng, Train train) {
  try {
    const auto history = train();
    return all_numbers(trainer, history, rng);
  } catch (const Stop&) {
    return {};
  }
}

/// A training of 60 steps. It is stopped by an exception after a step, unless `never`, and returns nothing then.
template <class Run>
void check_each_step(Run run) {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  const int threads = num_threads();
  const Numbers whole = run(Checkpoint{}, never);
  CHECK(whole.at("steps made") == std::vector<double>{60});
  check_same(run(Checkpoint{path, 1}, never), whole);  // saving changes nothing
  for (int step = 0; step < 60; ++step) {              // 0: killed before the first was saved
    INFO("stopped after step " << step);
    std::filesystem::remove(path);
    set_num_threads(1 + step % 2);
    CHECK(run(Checkpoint{path, 1}, step).empty());
    if (step % 3 == 0 && step < 50) CHECK(run(Checkpoint{path, 1}, step + 7).empty());  // twice
    set_num_threads(1 + step % 3 % 2);
    check_same(run(Checkpoint{path, 1}, never), whole);
  }
  check_same(run(Checkpoint{path, 1}, never), whole);  // nothing is left to do
  set_num_threads(threads);
}

Numbers train_gan(const Checkpoint& checkpoint, int stop) {
  Rng start(3), rng(5);
  Generator generator{Sequential{Linear(3, 8, start), BatchNorm(8), Relu{}, Linear(8, 2, start)}, StandardNormal(3)};
  Discriminator discriminator{
      Sequential{Linear(2, 8, start), LeakyRelu{0.2}, Dropout(0.3), BatchNorm(8), Linear(8, 1, start)}};
  GanTrainer trainer{generator,
                     discriminator,
                     NonSaturating{},
                     MovingAverage{generator},
                     InstanceNoise{.sigma = 0.5, .schedule = LinearDecay{40}},
                     Adam{{.schedule = CosineSchedule{200}}},
                     {.discriminator_steps = 2}};
  const Tensor<float, 2> data = ring_of_gaussians(8).sample(100, start);
  return numbers_unless_stopped(trainer, rng, [&] {
    return trainer.fit(data, {.epochs = 10, .batch_size = 8, .on_step = stop_after(stop), .checkpoint = checkpoint},
                       rng);
  });
}

Numbers train_vae(const Checkpoint& checkpoint, int stop) {
  Rng start(3), rng(5);
  Vae vae{Encoder{Sequential{Linear(4, 6, start), Tanh{}, Dropout(0.1)}, Linear(6, 2, start), Linear(6, 2, start)},
          Decoder{Linear(2, 4, start), BernoulliLikelihood{}}, StandardNormal(2)};
  VaeTrainer trainer{vae, {.beta = 2, .schedule = LinearWarmUp{45}}, MovingAverage{vae}};
  Tensor<float, 2> data(Shape{44, 4});
  start.fill_uniform(data.data(), data.size(), 0, 1);
  return numbers_unless_stopped(trainer, rng, [&] {
    return trainer.fit(Transformed{data, Binarize{}}, data,
                       {.epochs = 10,
                        .batch_size = 8,
                        .on_step = stop_after(stop),
                        .on_epoch =
                            [&](auto& now) {
                              if (now.epoch == 4) trainer.optimizer.set_learning_rate(5e-3);
                            },
                        .checkpoint = checkpoint},
                       rng);
  });
}

/// A trainer of one's own on an endless source; it has no prepare(), but a number and a generator of its own.
struct OwnTrainer {
  Linear<double>& network;
  Sgd<double> optimizer{{.learning_rate = 0.1, .momentum = 0.9}};
  double temperature = 1;
  Rng noise{8};
  Loss step(const Tensor<double, 2>& batch, Rng&) {
    const auto target = Variable(StandardNormal<double>(2).sample(batch.shape(0), noise));
    const auto loss = mean(square(network(Variable(batch)) - temperature * noise.uniform() * target));
    optimizer.minimize(loss, network);
    temperature *= 0.99;
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) {
    field("network", self.network);
    field("optimizer", self.optimizer);
    field("temperature", self.temperature);
    field("noise", self.noise);
  }
};
/// One whose optimizer or average is in no field.
template <bool has_average>
struct ForgetfulTrainer {
  Linear<float>& network;
  Adam<float> optimizer{};
  MovingAverage<Linear<float>> average{network};
  Loss step(const Tensor<float, 2>& batch, Rng&) {
    const auto loss = mean(square(network(Variable(batch))));
    optimizer.minimize(loss, network);
    if (has_average) average.update(network);
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) {
    field("network", self.network);
    if constexpr (has_average) field("optimizer", self.optimizer);
  }
};

Numbers train_own(const Checkpoint& checkpoint, int stop) {
  Rng start(3), rng(5);
  Linear<double> network(2, 2, start);
  OwnTrainer trainer{network};
  return numbers_unless_stopped(trainer, rng, [&] {
    return fit(trainer, StandardNormal<double>(2),
               {.steps = 60, .batch_size = 4, .on_step = stop_after(stop), .checkpoint = checkpoint}, rng);
  });
}

/// Large enough for two threads to share.
Numbers train_large_vae(const Checkpoint& checkpoint, int stop) {
  Rng start(3), rng(5);
  Vae vae{
      Encoder{Sequential{Linear(256, 64, start), BatchNorm(64), Relu{}}, Linear(64, 8, start), Linear(64, 8, start)},
      Decoder{Sequential{Linear(8, 64, start), Relu{}, Dropout(0.1), Linear(64, 256, start)}, BernoulliLikelihood{}},
      StandardNormal(8)};
  VaeTrainer trainer{vae, MovingAverage{vae}};
  Tensor<float, 2> data(Shape{150, 256});
  start.fill_uniform(data.data(), data.size(), 0, 1);
  return numbers_unless_stopped(trainer, rng, [&] {
    return trainer.fit(data, {.epochs = 3, .batch_size = 50, .on_step = stop_after(stop), .checkpoint = checkpoint},
                       rng);
  });
}

template <class Number>
void add_one(std::uint8_t* at) {
  Number number;
  std::memcpy(&number, at, sizeof number);
  number += 1;
  std::memcpy(at, &number, sizeof number);
}

/// The numbers of a checkpoint that may change, each with what is another one at the end then: the number "itself" or
/// "nothing". Those are left out that change anything else or are refused. Of fit.numbers and fit.place each is
/// tried, of other tensors the middle one.
template <class Run>
std::set<std::string> without_effect(Run run) {
  const TemporaryDirectory folder;
  Checkpoint checkpoint{.path = folder / "run.safetensors", .every = 1};
  const Numbers whole = run(Checkpoint{}, never);
  CHECK(run(checkpoint, 32).empty());  // in the middle of an epoch
  const Bytes file = read_bytes(checkpoint.path);
  checkpoint.start = Start::resume;
  checkpoint.functions.save = [](const auto&, auto, auto, const auto&, auto&) {};
  check_same(run(checkpoint, never), whole);

  const auto header = static_cast<std::size_t>(detail::little_endian(file.data())), begin = 8 + header;
  std::set<std::string> names;
  for (const auto& [name, tensor] :
       detail::read_safetensors_header({reinterpret_cast<const char*>(file.data()) + 8, header},
                                       std::ssize(file) - static_cast<Index>(begin), checkpoint.path)) {
    const bool each = name == "fit.numbers" || name == "fit.place";
    const Index bytes = detail::facts(tensor.type).bytes, size = (tensor.offsets[1] - tensor.offsets[0]) / bytes;
    for (Index i = each ? 0 : size / 2; i < (each ? size : std::min(size, size / 2 + 1)); ++i) {
      Bytes changed = file;
      std::uint8_t* const at = changed.data() + begin + tensor.offsets[0] + i * bytes;
      tensor.type == detail::DataType::f64   ? add_one<double>(at)
      : tensor.type == detail::DataType::f32 ? add_one<float>(at)
                                             : add_one<std::uint64_t>(at);
      set_checksum_right(changed);
      write_bytes(checkpoint.path, changed);
      try {
        Numbers end = run(checkpoint, never), expected = whole;
        const bool itself = end[name] != expected[name];
        end.erase(name);
        expected.erase(name);
        if (end == expected)
          names.insert(name + (each ? " " + std::to_string(i) : "") + (itself ? ": itself" : ": nothing"));
      } catch (const Error&) {  // refused
      }
    }
  }
  return names;
}

}  // namespace

TEST_CASE("A GAN that is stopped after any step goes on to the same bits", "[training]") { check_each_step(train_gan); }
TEST_CASE("A VAE that is stopped after any step goes on to the same bits", "[training]") { check_each_step(train_vae); }
TEST_CASE("So does a trainer of one's own on an endless source", "[training]") { check_each_step(train_own); }

TEST_CASE("Two threads share the steps of a large VAE", "[training][fork]") {
  const auto running = [] {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
  };
  const pid_t child = ::fork();  // which begins without the threads of its parent
  if (child == 0) {
    set_num_threads(2);
    const int before = running();
    train_large_vae({}, never);
    ::_exit(running() - before);
  }
  REQUIRE(child > 0);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  const int threads_made = WEXITSTATUS(status);
  CHECK(threads_made == 1);
}

TEST_CASE("Such a VAE is stopped and goes on with one or two threads to the same bits", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  const int threads = num_threads();
  set_num_threads(1);
  const Numbers whole = train_large_vae({}, never);
  CHECK(whole.at("steps made") == std::vector<double>{9});
  for (int step = 1; step <= 8; ++step) {
    INFO("stopped after step " << step);
    std::filesystem::remove(path);
    set_num_threads(1 + step % 2);
    CHECK(train_large_vae({path, 1}, step).empty());
    set_num_threads(2 - step % 2);
    check_same(train_large_vae({path, 1}, never), whole);
  }
  set_num_threads(threads);
}

TEST_CASE("Whatever is saved changes the rest of a training or is refused", "[training]") {
  // The history is a result; `recent` is shown only; another instruction set and other weights at the beginning are
  // told in a sentence.
  std::set<std::string> gan{"fit.steps: itself", "fit.epochs: itself", "fit.recent: nothing",
                            "fit.numbers " + std::to_string(detail::FitMemory::isa) + ": nothing",
                            "fit.numbers " + std::to_string(detail::FitMemory::begin_weights) + ": nothing"},
      vae = gan;
  // Running statistics are for evaluations.
  for (const char* name : {"mean", "var"})
    gan.insert(std::string("trainer.discriminator.network.3.running_") + name + ": itself");
  vae.insert("fit.held_out: itself");
  vae.insert("trainer.optimizer.steps: itself");                   // it has no schedule
  const auto without_averages = [](std::set<std::string> names) {  // which are results
    std::erase_if(names, [](const std::string& name) {
      return name.starts_with("trainer.average.model.") && name.ends_with(": itself");
    });
    return names;
  };
  CHECK(without_averages(without_effect(train_gan)) == gan);
  CHECK(without_averages(without_effect(train_vae)) == vae);
}

TEST_CASE("A checkpoint needs all that changes in a step to be named in fields", "[training]") {
  const TemporaryDirectory folder;
  Rng rng(1);
  Linear network(2, 2, rng);
  const FitOptions<Loss> options{.steps = 3, .batch_size = 4, .checkpoint = Checkpoint{.path = folder / "run.ckpt"}};
  const Tensor<float, 2> before = network.weight.value();
  const std::string hint = ": expected to be named in the trainer's fields, so that checkpoints have its state";
  ForgetfulTrainer<false> no_optimizer{network};
  CHECK_THROWS_MATCHES(fit(no_optimizer, StandardNormal(2), options, rng), ArgumentError, Message("Adam" + hint));
  CHECK(std::ranges::equal(network.weight.value().values(), before.values()));
  std::filesystem::remove(folder / "run.ckpt");
  ForgetfulTrainer<true> no_average{network};
  CHECK_THROWS_MATCHES(fit(no_average, StandardNormal(2), options, rng), ArgumentError,
                       Message("MovingAverage" + hint));
  ForgetfulTrainer<false> not_saved{network};  // without a checkpoint nothing is lost
  CHECK(fit(not_saved, StandardNormal(2), {.steps = 3, .batch_size = 4}, rng).steps.size() == 3);
}

TEST_CASE("A training that was finished says so and leaves all as it is", "[training]") {
  const TemporaryDirectory folder;
  std::string shown;
  Numbers numbers;
  for (int run = 0; run < 2; ++run) {
    Rng start(3), rng(5);
    Linear<double> network(2, 2, start);
    OwnTrainer trainer{network};
    shown.clear();
    const ProgressOutput output{.write = [&](std::string_view text) { shown += text; },
                                .seconds = [] { return 1.0; },
                                .columns = [] { return 0; }};
    const auto history = fit(trainer, StandardNormal<double>(2),
                             {.steps = 3,
                              .batch_size = 4,
                              .progress = ProgressBar("own", output),
                              .checkpoint = Checkpoint{.path = folder / "run.ckpt"}},
                             rng);
    if (run == 0)
      numbers = all_numbers(trainer, history, rng);
    else
      check_same(all_numbers(trainer, history, rng), numbers);
  }
  CHECK(shown == "own 100% 3/3 [00:00<?, ? it/s]\n");
}

TEST_CASE("A checkpoint of another training is refused, with the trainer as it was", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  const Tensor<float, 2> data = [] {
    Rng rng(1);
    return StandardNormal(2).sample(20, rng);
  }();
  const auto train = [&]<class Scalar>(Scalar, Index width, const Tensor<Scalar, 2>& samples, Index batch_size,
                                       const Checkpoint& checkpoint) {
    Rng rng(2);
    Autoencoder model{Encoder{Tanh{}, Linear<Scalar>(2, width, rng)},
                      Decoder{Linear<Scalar>(width, 2, rng), SquaredError{}}};
    AutoencoderTrainer trainer{model, Adam<Scalar>()};
    const Tensor<Scalar, 2> before = model.encoder.mean.weight.value();
    try {
      trainer.fit(samples, {.epochs = 1, .batch_size = batch_size, .checkpoint = checkpoint}, rng);
    } catch (const Error&) {
      CHECK(std::ranges::equal(model.encoder.mean.weight.value().values(), before.values()));
      CHECK(trainer.optimizer.steps() == 0);
      throw;
    }
    return trainer.optimizer.steps();
  };
  CHECK_THROWS_MATCHES(train(1.0f, 3, data, 10, {.path = path, .start = Start::resume}), ArgumentError,
                       Message("AutoencoderTrainer::fit: expected a checkpoint to resume from in " + path +
                               " but there is no such file"));
  CHECK(train(1.0f, 3, data, 10, {.path = path}) == 2);
  const std::string refused = "AutoencoderTrainer::fit: expected a checkpoint of this training in " + path + " but: ";
  CHECK_THROWS_MATCHES(train(1.0f, 3, data, 5, {.path = path}), DataError,
                       Message(refused + "its batch_size is 10, here it is 5"));
  CHECK_THROWS_MATCHES(train(1.0f, 3, slice(Variable(data), 0, 0, 15).value(), 10, {.path = path}), DataError,
                       Message(refused + "its number of samples is 20, here it is 15"));
  CHECK_THROWS_MATCHES(train(1.0f, 4, data, 10, {.path = path}), DataError,
                       Message(refused +
                               "expected trainer.model.encoder.mean.weight of shape [4, 2] "
                               "but got [3, 2] in " +
                               path));
  const Tensor<double, 2> doubles(data.matrix().cast<double>());
  CHECK_THROWS_MATCHES(train(1.0, 3, doubles, 10, {.path = path}), DataError,
                       Message(refused +
                               "expected trainer.model.encoder.mean.weight of type F64 but "
                               "got F32 in " +
                               path));
  CHECK(train(1.0f, 3, data, 10, {.path = path, .start = Start::resume}) == 2);  // it was over
  CHECK(train(1.0f, 4, data, 10, {.path = path, .start = Start::anew}) == 2);
  CHECK(folder.file_count() == 1);

  // Flipped bits are found, in each byte one or two, and every truncation.
  const Bytes good = read_bytes(path);
  Index accepted = 0;
  for (std::size_t bit = 0; bit < 8 * good.size(); bit += 7) {
    Bytes bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1 << bit % 8);
    write_bytes(path, bad);
    try {
      train(1.0f, 4, data, 10, {.path = path});
      ++accepted;
    } catch (const DataError&) {
    }
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    write_bytes(path, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    CHECK_THROWS_AS(train(1.0f, 4, data, 10, {.path = path}), DataError);
  }
  CHECK(accepted == 0);
}

TEST_CASE("A checkpoint of parts of other kinds is refused, though names and shapes are alike", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  const auto train = [&](const Checkpoint& checkpoint, auto activation, auto likelihood, auto optimizer) {
    Rng rng(2);
    Autoencoder model{Encoder{Sequential{Linear(2, 3, rng), activation}, Linear(3, 2, rng)},
                      Decoder{Linear(2, 2, rng), likelihood}};
    AutoencoderTrainer trainer{model, optimizer};
    const Tensor<float, 2> before = model.encoder.mean.weight.value();
    try {
      trainer.fit(Tensor<float, 2>(Shape{20, 2}, 0.5f), {.epochs = 1, .batch_size = 10, .checkpoint = checkpoint}, rng);
    } catch (const DataError&) {
      CHECK(std::ranges::equal(model.encoder.mean.weight.value().values(), before.values()));
      CHECK(trainer.optimizer.steps() == 0);
      throw;
    }
    return trainer.optimizer.steps();
  };
  const auto own = [](const auto& x) { return tanh(x); };
  CHECK(train({.path = path}, Tanh{}, SquaredError{}, Adam()) == 2);
  const std::string refused = "AutoencoderTrainer::fit: expected a checkpoint of this training in " + path + " but: ";
  CHECK_THROWS_MATCHES(train({.path = path}, Relu{}, SquaredError{}, Adam()), DataError,
                       Message(refused + "it is of a training with Tanh as trainer.model.encoder.trunk.1, this one has "
                                         "Relu as trainer.model.encoder.trunk.1"));
  CHECK_THROWS_MATCHES(train({.path = path}, own, SquaredError{}, Adam()), DataError,
                       Message(refused + "it is of a training with Tanh as trainer.model.encoder.trunk.1, this one has "
                                         "lambda as trainer.model.encoder.trunk.1"));
  CHECK_THROWS_MATCHES(train({.path = path}, Tanh{}, SquaredError{}, AdamW()), DataError,
                       Message(refused + "it is of a training with Adam as trainer.optimizer, this one has AdamW as "
                                         "trainer.optimizer"));
  CHECK_THROWS_MATCHES(train({.path = path}, Tanh{}, BernoulliLikelihood{}, Adam()), DataError,
                       Message(refused + "it is of a training with SquaredError as trainer.model.decoder.likelihood, "
                                         "this one has BernoulliLikelihood as trainer.model.decoder.likelihood"));
  CHECK(train({.path = path, .start = Start::resume}, Tanh{}, SquaredError{}, Adam({.learning_rate = 0.1})) ==
        2);  // it was over
}

TEST_CASE("Options of layers, objectives and penalties, names of losses and the data are those of the checkpoint",
          "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  const auto message = [&](auto activation, auto objective, auto penalty, float data) {
    Rng rng(2);
    Generator generator{Linear(2, 2, rng), StandardNormal(2)};
    Discriminator discriminator{Sequential{Linear(2, 3, rng), activation, Linear(3, 1, rng)}};
    GanTrainer trainer{generator, discriminator, objective, penalty};
    const auto before = discriminator.network;
    try {
      trainer.fit(Tensor<float, 2>(Shape{20, 2}, data), {.epochs = 2, .batch_size = 10, .checkpoint = Checkpoint{path}},
                  rng);
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message(LeakyRelu{0.2}, NonSaturating{}, GradientPenalty{}, 1) == "");
  const std::string refused = "GanTrainer::fit: expected a checkpoint of this training in " + path + " but: ";
  CHECK(message(LeakyRelu{0.9}, NonSaturating{}, GradientPenalty{}, 1) ==
        refused +
            "it is of a training with LeakyRelu(0.2) as trainer.discriminator.network.1, this one has "
            "LeakyRelu(0.9) as trainer.discriminator.network.1");
  CHECK(message(LeakyRelu{0.2}, Hinge{}, GradientPenalty{}, 1) ==
        refused +
            "it is of a training with GanTrainer(NonSaturating, GradientPenalty), this one has "
            "GanTrainer(Hinge, GradientPenalty)");
  CHECK(message(LeakyRelu{0.2}, NonSaturating{}, R1{}, 1) ==
        refused +
            "it is of a training with GanTrainer(NonSaturating, GradientPenalty), this one has "
            "GanTrainer(NonSaturating, R1)");
  CHECK(message(LeakyRelu{0.2}, NonSaturating{}, GradientPenalty{}, 2) ==
        refused + "it was trained on other data, their checksums differ");
}

namespace {

struct Gr\u00f6\u00dfe {  // a name that is not ASCII
  Linear<double> unit;
  static void fields(auto& self, auto&& field) { field("unit", self.unit); }
};

/// Its field `seen` has `grows` numbers more after each step.
template <class Network>
struct GrowingTrainer {
  explicit GrowingTrainer(Network& given) : network(given) {}
  Network& network;
  Adam<double> optimizer;
  std::vector<double> seen;
  std::size_t grows = 0;

  Loss step(const Tensor<double, 2>& x, Rng&) {
    const auto loss = mean(square(network.unit(Variable(x))));
    optimizer.minimize(loss, network);
    seen.resize(seen.size() + grows);
    return {loss.item()};
  }
  void prepare() { optimizer.prepare(network); }
  static void fields(auto& self, auto&& field) {
    field("gr\u00f6\u00dfe", self.network);
    field("optimizer", self.optimizer);
    field("seen", self.seen);
  }
};

}  // namespace

TEST_CASE("Names that are not ASCII are kept, and a field that grows ends the training before it is lost",
          "[training]") {
  const TemporaryDirectory folder;
  const auto train = [&](Index steps, std::size_t grows, const Checkpoint& checkpoint) {
    Rng rng(2);
    Gr\u00f6\u00dfe network{Linear<double>(2, 2, rng)};
    GrowingTrainer trainer{network};
    trainer.grows = grows;
    const auto history =
        fit(trainer, StandardNormal<double>(2), {.steps = steps, .batch_size = 4, .checkpoint = checkpoint}, rng);
    return all_numbers(trainer, history, rng);
  };
  const std::string path = folder / "run.safetensors";
  train(3, 0, {.path = path});
  check_same(train(6, 0, {.path = path}), train(6, 0, {}));
  CHECK_THROWS_MATCHES(
      train(6, 1, {.path = folder / "grows", .every = 2}), ArgumentError,
      Message("fit: expected fields of the sizes that they had after the first step, as a checkpoint "
              "cannot be read into others, but got 8 bytes after 0 in trainer.seen.1; does a later step make "
              "the state of an optimizer? A function prepare() makes it at first"));
  CHECK_THROWS_AS(train(6, 1, {.path = folder / "grows", .every = 2}), ArgumentError);  // goes on from step 0
}

TEST_CASE("Another model does not take the training of the one before it in a program", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  Rng rng(1);
  Linear<double> first(2, 2, rng), second(2, 2, rng);
  const auto train = [&](OwnTrainer& trainer, Index stop) {
    const auto on_step = [stop](auto& now) { now.stop = now.step == stop; };
    fit(trainer, StandardNormal<double>(2),
        {.steps = 9, .batch_size = 4, .on_step = on_step, .checkpoint = Checkpoint{path}}, rng);
  };
  OwnTrainer one{first}, other{second};
  train(one, 3);
  const Tensor<double, 2> before = second.weight.value();
  CHECK_THROWS_MATCHES(
      train(other, 6), DataError,
      Message("fit: expected a checkpoint of this training in " + path +
              " but: the generator goes on from where that training stopped, but the trainer has other "
              "numbers in trainer.network.weight; another model wants a path of its own"));
  CHECK(std::ranges::equal(second.weight.value().values(), before.values()));
  train(one, 6);
  CHECK(one.optimizer.steps() == 6);
}

TEST_CASE("A checkpoint stays at its place when the program changes its folder", "[training]") {
  const TemporaryDirectory folder, other;
  const std::filesystem::path here = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  Rng rng(1);
  Linear<double> network(2, 2, rng);
  OwnTrainer trainer{network};
  const auto leave = [&](auto& now) {
    if (now.step == 1) std::filesystem::current_path(other.path());
  };
  fit(trainer, StandardNormal<double>(2),
      {.steps = 3, .batch_size = 4, .on_step = leave, .checkpoint = Checkpoint{"run.ckpt"}}, rng);
  std::filesystem::current_path(here);
  CHECK(folder.file_count() == 1);
  CHECK(other.file_count() == 0);
}

TEST_CASE("A checkpoint that another program wrote ends the training and stays", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  Rng rng(1);
  Linear<double> network(2, 2, rng);
  OwnTrainer trainer{network};
  const Bytes theirs(100, 7);
  const auto write = [&](auto& now) {
    if (now.step == 3) {
      std::filesystem::remove(path);
      write_bytes(path, theirs);
    }
  };
  CHECK_THROWS_MATCHES(
      fit(trainer, StandardNormal<double>(2),
          {.steps = 9, .batch_size = 4, .on_step = write, .checkpoint = Checkpoint{.path = path, .every = 2}}, rng),
      DataError,
      Message("Checkpoint: expected the file that this training wrote last, but another program has written there "
              "since; it is left as it is: " +
              path));
  CHECK(read_bytes(path) == theirs);
}

TEST_CASE("A checkpoint of another model is refused before its first step too, and an earlier one is found at any name",
          "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  const auto train = [&](Index width, bool stop, Index keep = 3) {
    Rng rng(2);
    Autoencoder model{Encoder{Tanh{}, Linear(2, width, rng)}, Decoder{Linear(width, 2, rng), SquaredError{}}};
    AutoencoderTrainer trainer{model};
    const auto on_step = [stop](auto&) {
      if (stop) throw Stop();
    };
    trainer.fit(
        Tensor<float, 2>(Shape{20, 2}, 0.5f),
        {.epochs = 1, .batch_size = 10, .on_step = on_step, .checkpoint = Checkpoint{.path = path, .keep = keep}}, rng);
    return trainer.optimizer.steps();
  };
  CHECK_THROWS_AS(train(3, true), Stop);
  const Bytes good = read_bytes(path);
  CHECK_THROWS_AS(train(4, false), DataError);
  CHECK(read_bytes(path) == good);
  std::filesystem::rename(path, path + ".2");
  CHECK_THROWS_MATCHES(
      train(3, false), ArgumentError,
      Message("AutoencoderTrainer::fit: expected a checkpoint in " + path + " but only an earlier one is there, " +
              path + ".2; copy it to the path, or begin with Start::anew"));
  std::filesystem::rename(path + ".2", path);
  CHECK(train(3, false) == 2);
}

TEST_CASE("A start with the weights alone is another training", "[training]") {
  const auto train = [](bool weights_alone) {
    Rng start(1), rng(2);
    Linear<double> network(2, 2, start), copy(2, 2, start);
    OwnTrainer first{network}, second{copy};
    const Tensor<double, 2> data = StandardNormal<double>(2).sample(24, start);
    const FitOptions<Loss> options{.steps = 5, .batch_size = 4};
    fit(first, data, options, rng);
    OwnTrainer& goes_on = weights_alone ? second : first;
    if (weights_alone) copy = network;
    fit(goes_on, data, options, rng);
    return goes_on.network.weight.value();
  };
  const Tensor<double, 2> whole = train(false), other = train(true);
  CHECK((whole.array() - other.array()).abs().maxCoeff() > 1e-3);
}

TEST_CASE("A checkpoint of another version of the library is refused", "[training]") {
  const TemporaryDirectory folder;
  Checkpoint later{.path = folder / "run.safetensors"};
  later.functions.save = [](const std::string& path, Index keep, std::vector<detail::SavedField> trainer,
                            const detail::FitMemory& memory, std::optional<std::string>& mark) {
    detail::FitMemory copy = memory;
    copy.set(detail::FitMemory::patch, EIGENESIS_VERSION_PATCH + 1);
    detail::checkpoint_functions().save(path, keep, std::move(trainer), copy, mark);
  };
  train_own(later, 20);
  CHECK_THROWS_MATCHES(
      train_own({.path = later.path}, never), DataError,
      Message("fit: expected a checkpoint of this training in " + later.path + " but: its library version (patch) is " +
              std::to_string(EIGENESIS_VERSION_PATCH + 1) + ", here it is " + std::to_string(EIGENESIS_VERSION_PATCH)));
}

TEST_CASE("A trainer of one's own without prepare() is as it was if its checkpoint is refused", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  train_own({.path = path}, never);
  Rng rng(3);
  Linear<double> network(2, 2, rng);
  OwnTrainer trainer{network};
  const Tensor<double, 2> before = network.weight.value();
  CHECK_THROWS_AS(fit(trainer, StandardNormal<double>(2),
                      {.steps = 1, .batch_size = 3, .checkpoint = Checkpoint{.path = path}}, rng),
                  DataError);
  CHECK(std::ranges::equal(network.weight.value().values(), before.values()));
  CHECK(trainer.optimizer.steps() == 0);
  for_each_state(trainer.optimizer, [](const FieldPath& field, const auto& tensor) {
    INFO(to_string(field));
    for (const auto x : tensor.values()) CHECK(x == 0);
  });
}

TEST_CASE("A training whose checkpoint is there can be asked for more", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  const auto train = [&](Index epochs, Index steps, const Checkpoint& checkpoint) {
    Rng rng(2), start(1);
    Linear<double> network(2, 2, start);
    OwnTrainer trainer{network};
    const Tensor<double, 2> data = StandardNormal<double>(2).sample(22, start);
    const auto history =
        fit(trainer, data, {.steps = steps, .epochs = epochs, .batch_size = 4, .checkpoint = checkpoint}, rng);
    CHECK(std::ssize(history.steps) == (steps > 0 ? steps : 6 * epochs));
    return all_numbers(network, history, rng);
  };
  check_same(train(2, 0, {path}), train(2, 0, {}));
  check_same(train(5, 0, {path}), train(5, 0, {}));
  std::filesystem::remove(path);
  check_same(train(0, 7, {path}), train(0, 7, {}));
  check_same(train(0, 40, {path}), train(0, 40, {}));
  CHECK_THROWS_WITH(
      train(8, 0, {path}),
      Catch::EndsWith(" but: its number of steps in an epoch (0: steps were asked for) is 0, here it is 6"));
}

TEST_CASE("A checkpoint of another seed is refused, and one that cannot be written at once", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  Rng start(1);
  Linear<double> network(2, 2, start);
  OwnTrainer trainer{network};
  const auto train = [&](Index steps, Rng& rng, const std::string& file) {
    return fit(trainer, StandardNormal<double>(2),
               {.steps = steps, .batch_size = 4, .checkpoint = Checkpoint{.path = file}}, rng)
        .steps.size();
  };
  Rng rng(2), other(3);
  CHECK(train(3, rng, path) == 3);
  CHECK(train(5, rng, path) == 5);  // with the generator as the first call left it
  CHECK_THROWS_MATCHES(train(9, other, path), DataError,
                       Message("fit: expected a checkpoint of this training in " + path +
                               " but: it began with other random numbers; is the seed of the Rng another one, or what "
                               "was drawn from it before?"));
  const Index steps = trainer.optimizer.steps();
  CHECK_THROWS_WITH(train(9, other, folder / "no/such/folder"), Catch::Contains("No such file or directory"));
  CHECK(trainer.optimizer.steps() == steps);
}

TEST_CASE("The last checkpoints are kept, and a damaged one's message names the one before", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  const auto train = [&](Index steps, Index keep, Index every = 2) {
    Rng start(3), rng(5);
    Linear<double> network(2, 2, start);
    OwnTrainer trainer{network};
    const auto history = fit(
        trainer, StandardNormal<double>(2),
        {.steps = steps, .batch_size = 4, .checkpoint = Checkpoint{.path = path, .every = every, .keep = keep}}, rng);
    return all_numbers(network, history, rng);
  };
  const auto step_of = [&](const std::string& file) {
    detail::FitMemory memory;
    std::vector<detail::SavedField> fields{detail::saved_fields(memory)[0]};
    fields[0].name = "fit.numbers";
    detail::read_safetensors(file, fields, {.partial = true, .exact = true});
    return memory.number(detail::FitMemory::step);
  };
  const Numbers whole = train(12, 1);
  CHECK(folder.file_count() == 1);
  std::filesystem::remove(path);
  check_same(train(12, 3), whole);
  CHECK(folder.file_count() == 3);
  CHECK(step_of(path) == 12);
  CHECK(step_of(path + ".1") == 10);
  CHECK(step_of(path + ".2") == 8);

  const auto damage = [](const std::string& file) {
    Bytes bytes = read_bytes(file);
    bytes[bytes.size() / 2] ^= 1;
    write_bytes(file, bytes);
  };
  const auto message = [&] {
    try {
      train(12, 3);
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto refused_with = [&](const std::string& ending) {
    CHECK_THAT(message(), Catch::Matchers::StartsWith("fit: expected a checkpoint of this training in " + path +
                                                      " but: expected ") &&
                              Catch::Matchers::EndsWith(ending));
  };
  damage(path);
  const Bytes damaged = read_bytes(path);
  refused_with("the file is damaged: " + path + "; that of step 10 is whole and can be copied from " + path + ".1");
  damage(path + ".1");
  refused_with("the file is damaged: " + path + "; that of step 8 is whole and can be copied from " + path + ".2");
  CHECK(read_bytes(path) == damaged);
  std::filesystem::copy_file(path + ".2", path, std::filesystem::copy_options::overwrite_existing);
  check_same(train(12, 3), whole);
  for (const char* which : {"", ".1", ".2"}) damage(path + which);
  refused_with("the file is damaged: " + path);

  std::filesystem::remove(path);  // what is left is not taken for a training that has not begun
  CHECK_THROWS_MATCHES(train(12, 3), ArgumentError,
                       Message("fit: expected a checkpoint in " + path + " but only an earlier one is there, " + path +
                               ".1; copy it to the path, or begin with Start::anew"));

  CHECK_THROWS_MATCHES(train(12, 0), ArgumentError,
                       Message("fit: expected a checkpoint with every >= 0 and keep >= 1 but got 2 and 0"));
  CHECK_THROWS_MATCHES(train(12, 1, -1), ArgumentError,
                       Message("fit: expected a checkpoint with every >= 0 and keep >= 1 but got -1 and 1"));
}

TEST_CASE("A checkpoint that cannot be read is not taken for one that is not there", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.safetensors";
  train_own({.path = path}, never);
  const Bytes before = read_bytes(path);
  const bool root = ::geteuid() == 0;  // root may read everything
  ::chmod(folder.path().c_str(), 0777);
  ::chmod(path.c_str(), 0222);
  if (root) REQUIRE(::seteuid(65534) == 0);
  std::string message;
  try {
    train_own({.path = path}, never);
  } catch (const DataError& error) {
    message = error.what();
  }
  if (root) REQUIRE(::seteuid(0) == 0);
  ::chmod(path.c_str(), 0600);
  CHECK(message == "fit: expected a checkpoint of this training in " + path +
                       " but: expected a readable file but got 'Permission denied' for " + path);
  CHECK(read_bytes(path) == before);
}

TEST_CASE("Held-out data are given from the first epoch to the last, or never", "[training]") {
  const TemporaryDirectory folder;
  const std::string with = folder / "with.ckpt", without = folder / "without.ckpt";
  FitHistory<AutoencoderLosses> history;
  const auto train = [&](const std::string& path, Index epochs, bool held_out) {
    Rng rng(1);
    Autoencoder model{Encoder{Tanh{}, Linear(2, 1, rng)}, Decoder{Linear(1, 2, rng), SquaredError{}}};
    AutoencoderTrainer trainer{model};
    const Tensor<float, 2> data = StandardNormal(2).sample(20, rng);
    const FitOptions<AutoencoderLosses> options{
        .epochs = epochs, .batch_size = 10, .checkpoint = Checkpoint{.path = path}, .history = &history};
    return held_out ? trainer.fit(data, data, options, rng) : trainer.fit(data, options, rng);
  };
  train(with, 2, true);
  train(without, 2, false);
  const auto message = [](const std::string& path, int losses, const char* given) {
    return Message("AutoencoderTrainer::fit: expected a checkpoint of this training in " + path +
                   " but: it has held-out losses of " + std::to_string(losses) +
                   " of its 2 epochs, here held-out data are " + given);
  };
  CHECK_THROWS_MATCHES(train(with, 3, false), DataError, message(with, 2, "not given"));
  CHECK_THROWS_MATCHES(train(without, 3, true), DataError, message(without, 0, "given"));
  CHECK(history.epochs.size() == 2);  // a training that is refused leaves the history
  CHECK(train(with, 3, true).held_out.size() == 3);
  CHECK(train(without, 3, false).held_out.empty());
}

TEST_CASE("A second training with the path of one that is over is refused", "[training]") {
  const TemporaryDirectory folder;
  Rng rng(1);
  Linear<double> network(2, 2, rng);
  OwnTrainer trainer{network};
  const FitOptions<Loss> options{.steps = 3, .batch_size = 4, .checkpoint = Checkpoint{.path = folder / "run.ckpt"}};
  fit(trainer, StandardNormal<double>(2), options, rng);
  CHECK_THROWS_MATCHES(fit(trainer, StandardNormal<double>(2), options, rng), ArgumentError,
                       Message("fit: expected a training that is not over in " + (folder / "run.ckpt") +
                               " but it has been there already; give the next one another path, more epochs, or "
                               "Start::anew"));
  CHECK(trainer.optimizer.steps() == 3);
  FitOptions<Loss> longer = options;
  longer.steps = 5;
  fit(trainer, StandardNormal<double>(2), longer, rng);
  CHECK(trainer.optimizer.steps() == 5);
  CHECK_THROWS_MATCHES(
      fit(trainer, StandardNormal<double>(2), {.steps = 3, .checkpoint = Checkpoint{.start = Start::resume}}, rng),
      ArgumentError, Message("fit: expected the path of a checkpoint to resume from but got none"));
}

TEST_CASE("A learning rate that was set before is kept unless the checkpoint has one", "[training]") {
  const TemporaryDirectory folder;
  for (const bool set_in_first : {false, true}) {
    const std::string path = folder / (set_in_first ? "set.ckpt" : "never.ckpt");
    for (int run = 0; run < 2; ++run) {
      Rng start(1), rng(2);
      Linear<double> network(2, 2, start);
      OwnTrainer trainer{network};
      if (run == 0 && set_in_first) trainer.optimizer.set_learning_rate(0.01);
      if (run == 1) trainer.optimizer.set_learning_rate(0.05);
      fit(trainer, StandardNormal<double>(2),
          {.steps = 3 + run, .batch_size = 4, .checkpoint = Checkpoint{.path = path}}, rng);
      if (run == 1) CHECK(trainer.optimizer.learning_rate() == (set_in_first ? 0.01 : 0.05));
    }
  }
}

TEST_CASE("What a checkpoint could not be read with again is not saved", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.ckpt";
  Rng rng(1);
  Generator generator{Sequential{Linear(2, 4, rng), BatchNorm(4), Linear(4, 2, rng)}, StandardNormal(2)};
  Discriminator discriminator{Linear(2, 1, rng)};
  GanTrainer trainer{generator, discriminator, NonSaturating{}};
  const auto spoil = [&](auto& now) {
    if (now.step == 2)
      std::get<1>(generator.network.layers).running_variance.data()[1] = std::numeric_limits<float>::infinity();
  };
  CHECK_THROWS_MATCHES(
      trainer.fit(StandardNormal(2),
                  {.steps = 5, .batch_size = 8, .on_step = spoil, .checkpoint = Checkpoint{.path = path, .every = 1}},
                  rng),
      NumericError,
      Message("Checkpoint: expected finite numbers >= 0 in generator.network.1.running_var but got inf; the "
              "file is left as it was: " +
              path));
}
