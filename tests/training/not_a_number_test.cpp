// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <set>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

// A NaN that comes into a training at a random place and moment ends it in that very step: no weight, no average and
// no state of an optimizer has taken it on, and the checkpoint is the last good one.
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

enum class Place : Index { input, weight, gradient, state, average, count };

struct Injection {
  Place place;
  int step;         // after which it comes
  double fraction;  // of the way through all numbers of that place
  int every;        // steps from one checkpoint to the next
};

/// y = x, with a gradient of NaN at one element while `on`.
struct PoisonedSlope {
  const bool* on;
  auto operator()(const auto& x) const {
    if (!*on) return x;
    Tensor<float, 2> mask(x.shape(), 0.0f);
    mask.data()[0] = 1;
    return x + Variable(mask) * sqrt(0.0 * square(x));  // sqrt at 0: 0 times infinity
  }
};

/// All weights, averages and states of a trainer, one after the other; with their names.
template <class Trainer>
std::vector<std::pair<std::string, std::vector<double>>> numbers(const Trainer& trainer) {
  std::vector<std::pair<std::string, std::vector<double>>> all;
  for_each_state(trainer, [&](const FieldPath& path, const auto& tensor) {
    all.push_back({to_string(path), {tensor.values().begin(), tensor.values().end()}});
  });
  return all;
}

/// Numbers of steps and updates.
bool is_count(const std::string& name) {
  return name.ends_with("step") || name.ends_with("steps") || name.ends_with("updates");
}

/// Puts a NaN at a fraction of the way through the numbers of all fields whose names begin so, or of all counts if no
/// beginnings are given. Returns the field.
template <class Trainer>
std::string poison(Trainer& trainer, std::set<std::string> begin, double fraction) {
  const auto chosen = [&](const FieldPath& path) {
    const std::string name = to_string(path);
    return begin.empty() ? is_count(name) : begin.contains(name.substr(0, name.find('.'))) && !is_count(name);
  };
  Index count = 0;
  for_each_state(std::as_const(trainer), [&](const FieldPath& path, const auto& tensor) {
    if (chosen(path)) count += tensor.size();
  });
  Index left = static_cast<Index>(fraction * static_cast<double>(count));
  std::string name;
  for_each_state(trainer, [&]<class Scalar, int Rank>(const FieldPath& path, Tensor<Scalar, Rank>& tensor) {
    if (!chosen(path)) return;
    if (left >= 0 && left < tensor.size()) {
      tensor.data()[left] = static_cast<Scalar>(nan);
      name = to_string(path);
    }
    left -= tensor.size();
  });
  return name;
}

/// What a trainer calls its parts, and what messages say of a bad input and a bad gradient.
struct Names {
  std::set<std::string> models, states;
  std::string input, gradient;
};

/// Trains with one injection. `train(on_step, checkpoint)` runs the trainer.
template <class Trainer, class Train>
void check_injection(Trainer& trainer, const Injection& injection, bool& gradient_is_poisoned, bool& input_is_poisoned,
                     const Names& names, Train train) {
  const std::size_t model_fields = detail::saved_fields(trainer).size();  // the optimizers have no state yet

  const TemporaryDirectory folder;
  const std::string path = folder / "run.ckpt";
  std::string poisoned, expected;
  std::vector<std::pair<std::string, std::vector<double>>> before;
  Index step = 0;
  const auto on_step = [&](auto& now) {
    step = now.step;
    if (now.step != injection.step) return;
    switch (injection.place) {
      case Place::input:
        input_is_poisoned = true;
        expected = names.input;
        break;
      case Place::gradient:
        gradient_is_poisoned = true;
        expected = names.gradient;
        break;
      case Place::weight:
        poisoned = poison(trainer, names.models, injection.fraction);
        break;
      case Place::state:
        poisoned = poison(trainer, names.states, injection.fraction);
        break;
      case Place::average:
        poisoned = poison(trainer, {"average"}, injection.fraction);
        break;
      case Place::count:
        poisoned = poison(trainer, {}, injection.fraction);
        break;
    }
    if (!poisoned.empty()) expected = " " + poisoned + " ";
    before = numbers(trainer);
  };
  std::string message;
  try {
    train(on_step, path);
  } catch (const NumericError& error) {
    message = error.what();
  } catch (const DataError& error) {
    message = error.what();
  }
  INFO("place " << static_cast<int>(injection.place) << " after step " << injection.step << ", field " << poisoned
                << ": " << message);
  CHECK((message.find("but got nan") != std::string::npos || message.find("expected finite") != std::string::npos));
  REQUIRE(!expected.empty());
  CHECK_THAT(message, ContainsSubstring(expected));
  CHECK(step == injection.step);
  // Nothing but the poisoned field has a NaN.
  const auto after = numbers(trainer);
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    INFO(after[i].first);
    if (after[i].first != poisoned)
      for (std::size_t k = 0; k < after[i].second.size(); ++k) {
        REQUIRE(std::isfinite(after[i].second[k]));
      }
  }
  // The checkpoint is of a step before it, without a NaN.
  std::vector<detail::SavedField> fields = detail::saved_fields(trainer);
  for (detail::SavedField& field : fields) field.name = "trainer." + field.name;
  const LeftOver left = detail::read_safetensors(path, fields, {.partial = true});  // refuses what is not finite
  CHECK(left.missing.size() == (injection.every == 1 ? 0 : fields.size() - model_fields));
}

/// In an average, which no loss depends on, and in a count only a checkpoint finds a NaN.
Injection random_injection(Rng& rng) {
  const Place place{rng.below(6)};
  const bool saved = place == Place::average || place == Place::count;
  return {place, static_cast<int>(2 + rng.below(6)), rng.uniform(), rng.below(2) || saved ? 1 : 100};
}

std::string in_next_step(const Injection& injection) {
  return " but got nan in step " + std::to_string(injection.step + 1);
}

}  // namespace

TEST_CASE("A NaN anywhere in the training of a VAE is found in that step", "[training]") {
  Rng random(2026);
  for (int i = 0; i < 250; ++i) {
    const Injection injection = random_injection(random);
    Rng rng(1);
    bool gradient = false, input = false;
    Vae vae{
        Encoder{Sequential{Linear(4, 6, rng), PoisonedSlope{&gradient}, Tanh{}}, Linear(6, 2, rng), Linear(6, 2, rng)},
        Decoder{Linear(2, 4, rng), BernoulliLikelihood{}}, StandardNormal(2)};
    VaeTrainer trainer{vae, MovingAverage{vae}};
    Tensor<float, 2> data(Shape{40, 4});
    rng.fill_uniform(data.data(), data.size(), 0, 1);
    const auto poison_input = [&](Tensor<float, 2> x, Rng&) {
      if (input) x.data()[static_cast<Index>(injection.fraction * static_cast<double>(x.size()))] = NAN;
      return x;
    };
    const Names names{
        .models = {"model"},
        .states = {"optimizer"},
        .input = "expected x in [0, 1] but got nan in row " + std::to_string(static_cast<int>(8 * injection.fraction)),
        .gradient = "expected a finite gradient of encoder.trunk.0.weight" + in_next_step(injection)};
    check_injection(trainer, injection, gradient, input, names, [&](auto on_step, std::string path) {
      trainer.fit(Transformed{data, poison_input},
                  {.steps = 10, .batch_size = 8, .on_step = on_step, .checkpoint = Checkpoint{path, injection.every}},
                  rng);
    });
  }
}

TEST_CASE("So it is in the training of a GAN", "[training]") {
  Rng random(2027);
  for (int i = 0; i < 250; ++i) {
    const Injection injection = random_injection(random);
    Rng rng(1);
    bool gradient = false, input = false;
    const Adam adam{{.learning_rate = 1e-3, .beta1 = 0.5}};
    const PoisonedSlope slope{&gradient};
    Generator generator{Sequential{Linear(3, 8, rng), BatchNorm(8), Relu{}, Linear(8, 2, rng)}, StandardNormal(3)};
    Discriminator discriminator{Sequential{Linear(2, 8, rng), slope, LeakyRelu{0.2}, Linear(8, 1, rng)}};
    GanTrainer trainer{generator, discriminator, NonSaturating{}, adam, MovingAverage{generator}};
    const Tensor<float, 2> data = ring_of_gaussians(8).sample(40, rng);
    const auto poison_input = [&](Tensor<float, 2> x, Rng&) {
      if (input) x.data()[static_cast<Index>(injection.fraction * static_cast<double>(x.size()))] = NAN;
      return x;
    };
    // The message does not tell what made the loss a NaN.
    const Names names{
        .models = {"generator", "discriminator"},
        .states = {"generator_optimizer", "discriminator_optimizer"},
        .input = "train_discriminator: Adam::minimize: expected a finite loss" + in_next_step(injection),
        .gradient = "train_discriminator: Adam::minimize: expected a finite gradient of network.0.weight" +
                    in_next_step(injection)};
    check_injection(trainer, injection, gradient, input, names, [&](auto on_step, std::string path) {
      trainer.fit(Transformed{data, poison_input},
                  {.steps = 10, .batch_size = 8, .on_step = on_step, .checkpoint = Checkpoint{path, injection.every}},
                  rng);
    });
  }
}
