// SPDX-License-Identifier: MIT
// What a training that goes on may have changed in between, and what not.
#include <array>
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/watchers.hpp>
#include <filesystem>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;
using Catch::Matchers::Message;

namespace {

Tensor<float, 2> samples(float factor = 1) {
  Rng rng(7);
  Tensor<float, 2> x(Shape{20, 4});
  rng.fill_uniform(x.data(), x.size(), 0, 1);
  x.array() *= factor;
  return x;
}

/// What changes between two runs.
struct Changes {
  double standard_deviation = 0.5, beta = 1;
  bool binarize = false, fixed = false, noisy_data = false;
  float held_out = 1;
  Index epochs = 4;
  Start start = Start::resume_if_there;
  std::function<void(FitState<VaeLosses>&)> on_step = {};
};

struct Fixture {
  TemporaryDirectory folder;
  std::string path = folder / "run.safetensors", shown;

  /// The steps that were made in all.
  Index train(const Changes& now) {
    Rng rng(2);
    Vae vae{Encoder{Linear(4, 3, rng), Linear(3, 2, rng), Linear(3, 2, rng)},
            Decoder{Linear(2, 4, rng), NormalLikelihood{now.standard_deviation}}, StandardNormal(2)};
    vae.encoder.trunk.weight.hold_fixed(now.fixed);
    VaeTrainer trainer{vae, Elbo{.beta = now.beta}};
    const Tensor<float, 2> data = samples(), held_out = samples(now.held_out);
    shown.clear();
    const ProgressOutput output{.write = [&](std::string_view text) { shown += text; },
                                .seconds = [] { return 1.0; },
                                .columns = [] { return 0; }};
    const FitOptions<VaeLosses> options{.epochs = now.epochs,
                                        .batch_size = 10,
                                        .progress = ProgressBar("vae", output),
                                        .on_step = now.on_step,
                                        .checkpoint = Checkpoint{.path = path, .start = now.start}};
    const auto noise = [](Tensor<float, 2> x, Rng&) { return x; };
    const auto history = now.binarize     ? trainer.fit(Transformed{data, Binarize{}}, held_out, options, rng)
                         : now.noisy_data ? trainer.fit(Transformed{data, noise}, held_out, options, rng)
                                          : trainer.fit(data, held_out, options, rng);
    return std::ssize(history.steps);
  }
  std::string refusal(const Changes& now) {
    const Bytes before = read_bytes(path);
    try {
      train(now);
    } catch (const DataError& error) {
      CHECK(read_bytes(path) == before);
      return error.what();
    }
    return "accepted";
  }
};

struct CheckpointNumbers {
  Tensor<double, 1> numbers = Tensor<double, 1>(Shape{Index{detail::FitMemory::count}});
  static void fields(auto& self, auto&& field) { field("fit.numbers", self.numbers); }
};

/// A layer whose numbers change in each call, and that has no `fields`.
struct Counting {
  mutable std::array<double, 2> calls{};
  auto operator()(const auto& x, const Pass& = {}) const {
    ++calls[1];
    return x;
  }
};

/// Two layers under one name.
struct Twins {
  Linear<float> a, b;
  auto operator()(const auto& x) const { return b(a(x)); }
  static void fields(auto& self, auto&& field) {
    field("layer", self.a);
    field("layer", self.b);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture,
                 "Options of the model, what data go through, and held-out data are compared",
                 "[training]") {
  const auto stop = [](auto& now) { now.stop = now.step == 3; };
  REQUIRE(train({.on_step = stop}) == 3);
  const std::string refused = "VaeTrainer::fit: expected a checkpoint of this training in " + path + " but: ";
  CHECK(refusal({.standard_deviation = 0.25}) ==
        refused +
            "it is of a training with NormalLikelihood(0.5) as trainer.model.decoder.likelihood, this one has "
            "NormalLikelihood(0.25) as trainer.model.decoder.likelihood");
  CHECK(refusal({.binarize = true}) ==
        refused + "it is of a training with nothing more, this one has Transformed(Binarize)");
  CHECK(refusal({.fixed = true}) ==
        refused +
            "it is of a training with Linear as trainer.model.encoder.mean, this one has a fixed parameter as "
            "trainer.model.encoder.trunk.weight");
  CHECK(refusal({.held_out = 2}) == refused + "it was evaluated on other held-out data, their checksums differ");
  CHECK(refusal({.epochs = 1}) == refused +
                                      "it has 3 steps already, and 2 are asked for; more, or another path, or "
                                      "Start::anew");
  CHECK(train({.beta = 4}) == 8);  // which one may want to change

  std::filesystem::remove(path);
  REQUIRE(train({.binarize = true, .on_step = stop}) == 3);
  CHECK(refusal({.noisy_data = true}) ==
        refused + "it is of a training with Transformed(Binarize), this one has Transformed(lambda)");
  CHECK(train({.binarize = true}) == 8);
}

TEST_CASE_METHOD(Fixture, "A file that is touched or moved to another disk is still the checkpoint", "[training]") {
  using std::filesystem::last_write_time;
  const Index steps = train({.on_step = [&](auto& now) {
    if (now.step != 3) return;
    last_write_time(path, last_write_time(path) + std::chrono::hours(1));
    std::filesystem::copy_file(path, path + ".copy");
    std::filesystem::rename(path + ".copy", path);
  }});
  CHECK(steps == 8);
}

TEST_CASE_METHOD(Fixture, "Start::anew overwrites a checkpoint, and no other file", "[training]") {
  const Bytes thesis{'T', 'h', 'e', ' ', 't', 'h', 'e', 's', 'i', 's'};
  write_bytes(path, thesis);
  CHECK(refusal({.start = Start::anew}) ==
        "VaeTrainer::fit: expected a checkpoint that may be overwritten, or no file, but got another file: " + path);
  write_bytes(path, {});  // as made by mktemp
  CHECK(train({.start = Start::anew}) == 8);
  CHECK(train({.standard_deviation = 0.25, .start = Start::anew}) == 8);
}

TEST_CASE_METHOD(Fixture, "A training that another instruction set began says so", "[training]") {
  train({.on_step = [](auto& now) { now.stop = now.step == 3; }});
  CHECK_THAT(shown, !ContainsSubstring("instruction set"));
  CheckpointNumbers read;
  load_safetensors(path, read, {.partial = true});
  CHECK(read.numbers(detail::FitMemory::isa) == static_cast<double>(isa()));
  Bytes file = read_bytes(path);
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(read.numbers.data());
  const auto at = std::search(file.begin(), file.end(), bytes, bytes + read.numbers.size() * 8) +
                  8 * std::ptrdiff_t{detail::FitMemory::isa};
  const double other = isa() == Isa::avx2 ? 0 : 1;
  std::memcpy(&*at, &other, sizeof other);
  set_checksum_right(file);
  write_bytes(path, file);
  CHECK(train({}) == 8);
  CHECK_THAT(shown,
             ContainsSubstring("Checkpoint: the training went on another instruction set before (EIGENESIS_ISA=" +
                               std::string(other == 0 ? "baseline" : "avx2") +
                               "); what follows differs from there by rounding"));
}

TEST_CASE("Numbers that change and are no fields are found by the second checkpoint", "[training]") {
  const TemporaryDirectory folder;
  const auto train = [](const Checkpoint& checkpoint) {
    Rng rng(3);
    Autoencoder model{Encoder{Sequential{Linear(4, 3, rng), Counting{}}, Linear(3, 3, rng)},
                      Decoder{Linear(3, 4, rng), SquaredError{}}};
    AutoencoderTrainer trainer{model};
    return trainer.fit(samples(), {.steps = 3, .batch_size = 10, .checkpoint = checkpoint}, rng).steps.size();
  };
  CHECK(train({}) == 3);  // nothing is lost without a checkpoint
  CHECK_THROWS_MATCHES(
      train({.path = folder / "run", .every = 1}), ArgumentError,
      Message("AutoencoderTrainer::fit: expected parts of the trainer without `fields` to stay as they are, as a "
              "checkpoint does not keep them, but got other numbers in trainer.model.encoder.trunk.1, a Counting; "
              "name them in its `fields`"));
}

TEST_CASE("Two fields of one name are found before the first step", "[training]") {
  Rng rng(3);
  Autoencoder model{Encoder{Twins{Linear(4, 3, rng), Linear(3, 3, rng)}, Linear(3, 3, rng)},
                    Decoder{Linear(3, 4, rng), SquaredError{}}};
  AutoencoderTrainer trainer{model};
  CHECK_THROWS_MATCHES(trainer.fit(samples(), {.steps = 3, .batch_size = 10}, rng), ArgumentError,
                       Message("AutoencoderTrainer::fit: expected fields of different names but got "
                               "model.encoder.trunk.layer.weight twice"));
  CHECK(trainer.optimizer.steps() == 0);
}

TEST_CASE("A number that is not finite is named in held-out data too", "[training]") {
  Rng rng(3);
  Autoencoder model{Encoder{Linear(4, 3, rng), Linear(3, 3, rng)}, Decoder{Linear(3, 4, rng), SquaredError{}}};
  AutoencoderTrainer trainer{model};
  Tensor<float, 2> held_out(Shape{1200, 4}, 0.5f);
  held_out(1100, 2) = NAN;
  CHECK_THROWS_WITH(trainer.fit(samples(), held_out, {.epochs = 2, .batch_size = 10}, rng),
                    ContainsSubstring("expected finite held-out data but got nan in row 1100 of samples"));
}
