// SPDX-License-Identifier: MIT
// What a training that goes on may have changed in between, and what not.
#include <array>
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/watchers.hpp>
#include <filesystem>
#include <type_traits>

#include "catch.hpp"
#include "files.hpp"
#include "screen.hpp"

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

/// Two tensors of different sizes under one name.
struct Sizes {
  Tensor<double, 1> large = Tensor<double, 1>(Shape{1000}, 1), small = Tensor<double, 1>(Shape{1}, 2);
  Loss step(const Tensor<float, 2>&, Rng&) { return {}; }
  static void fields(auto& self, auto&& field) { field("w", self.large), field("w", self.small); }
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

TEST_CASE_METHOD(Fixture, "Options of the model, what data go through, and held-out data are compared", "[training]") {
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
            "it is of a training with a trained parameter as trainer.model.encoder.trunk.weight, this one has a fixed "
            "parameter as trainer.model.encoder.trunk.weight");
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
              "name them in its `fields`, as doubles or tensors, or compute anew what is a cache"));
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

  const TemporaryDirectory folder;
  Sizes sizes;
  CHECK_THROWS_WITH(fit(sizes, samples(), {.epochs = 1, .checkpoint = Checkpoint{.path = folder / "run"}}, rng),
                    ContainsSubstring("expected fields of different names but got w twice"));
  CHECK(sizes.small(0) == 2);
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

namespace {

struct ImageTrainer {
  Conv2d<float>& network;
  Adam<float> optimizer{};
  Loss step(const Tensor<float, 4>& batch, Rng&) {
    const auto loss = mean(square(network(Variable(batch))));
    optimizer.minimize(loss, network);
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) { field("network", self.network), field("optimizer", self.optimizer); }
};
struct Reads {
  Linear<float> network;
  Adam<float> optimizer{};
  Loss step(const Tensor<float, 2>&, Rng&) { throw Error("Reads: no such file as info/nan_inf.txt"); }
  static void fields(auto& self, auto&& field) { field("network", self.network), field("optimizer", self.optimizer); }
};
}  // namespace

TEST_CASE("Every option of a layer is compared, whatever its numbers are", "[training]") {
  Rng rng(1);
  const auto with = [](auto layer, auto&& set) {
    set(layer);
    return detail::described(layer);
  };
  const auto epsilon = [](auto& layer) { layer.epsilon = 0.1; };
  const auto described = []<class Layer>(const Layer& layer) { return detail::described(layer); };
  using Pair = std::pair<std::string, std::string>;
  const std::vector<Pair> pairs{
      {described(LeakyRelu{}), described(LeakyRelu{0.02})},
      {described(Elu{}), described(Elu{3})},
      {described(Dropout{0.5}), described(Dropout{0.25})},
      {described(BatchNorm(2)), with(BatchNorm(2), epsilon)},
      {described(BatchNorm(2)), with(BatchNorm(2), [](auto& layer) { layer.momentum = 0.5; })},
      {described(LayerNorm(2)), with(LayerNorm(2), epsilon)},
      {described(InstanceNorm(2)), with(InstanceNorm(2), epsilon)},
      {described(MaxPool2d{2}), described(MaxPool2d{3})},
      {described(MaxPool2d{2}), described(MaxPool2d{2, {.stride = 1}})},
      {described(MaxPool2d{2, {.stride = 1}}), described(MaxPool2d{2, {.stride = 1, .padding = 1}})},
      {described(AvgPool2d{2}), described(AvgPool2d{2, {.stride = 1}})},
      {described(AvgPool2d{2}), described(AvgPool2d{2, {.padding = 1}})},
      {described(Upsample2d{2}), described(Upsample2d{3})},
      {described(Upsample2d{2}), described(Upsample2d{2, Interpolation::bilinear})},
      {described(Flatten{}), described(Flatten{RowOrder::channels_first})},
      {described(Unflatten{4, 4, 1}), described(Unflatten{2, 8, 1})},
      {described(Unflatten{4, 4, 2}), described(Unflatten{4, 4, 2, RowOrder::channels_first})},
      {described(Conv2d(1, 2, 3, rng)), described(Conv2d(1, 2, 3, {.stride = 2}, rng))},
      {described(Conv2d(1, 2, 3, rng)), described(Conv2d(1, 2, 3, {.dilation = 2}, rng))},
      {described(ConvTranspose2d(1, 2, 3, rng)),
       described(ConvTranspose2d(1, 2, 3, {.stride = 2, .output_padding = 1}, rng))}};
  for (const auto& [one, other] : pairs) CHECK(one != other);
  CHECK(described(MaxPool2d{2, {.stride = 2}}) == described(MaxPool2d{2}));  // two ways to say the same
  CHECK(described(BatchNorm(2)) == "BatchNorm");
  CHECK(with(BatchNorm(2), epsilon) == "BatchNorm(epsilon 0.1)");
  CHECK(described(MaxPool2d{2, {.stride = 1, .padding = 1}}) == "MaxPool2d(kernel 2, stride 1, padding 1)");
  CHECK(described(Unflatten{2, 8, 1}) == "Unflatten(2 x 8 x 1)");
}

TEST_CASE("What a training is asked for is that of its checkpoint", "[training]") {
  struct Setting {
    GanOptions options = {};
    bool drop_last = false;
    Shape<4> shape{22, 2, 2, 1};
    std::function<void(FitState<Loss>&)> on_step = {};
  };
  const TemporaryDirectory folder;
  const auto refusal = [&](auto&& train, const std::string& path, const Setting& changed) -> std::string {
    std::filesystem::remove(path);
    train(path, Setting{.on_step = [](auto& now) { now.stop = now.step == 3; }});
    try {
      train(path, changed);
    } catch (const DataError& error) {
      const std::string text = error.what();
      return text.substr(text.find("but: ") + 5);
    }
    return "accepted";
  };
  const auto train_gan = [](const std::string& path, const Setting& now) {
    Rng rng(1);
    Generator generator{Linear(2, 4, rng), StandardNormal(2)};
    Discriminator discriminator{Linear(4, 1, rng)};
    GanTrainer trainer{generator, discriminator, NonSaturating{}, now.options};
    Index steps = 0;
    trainer.fit(samples(),
                {.steps = 6,
                 .batch_size = 4,
                 .on_step = [&](auto& state) { state.stop = now.on_step && ++steps == 3; },
                 .checkpoint = Checkpoint{.path = path}},
                rng);
  };
  CHECK(refusal(train_gan, folder / "gan", {.options = {.discriminator_steps = 3, .generator_steps = 2}}) ==
        "it is of a training with GanTrainer(NonSaturating), this one has "
        "GanTrainer(NonSaturating, discriminator steps 3, generator steps 2)");
  CHECK(refusal(train_gan, folder / "gan", {}) == "accepted");

  const auto train_images = [](const std::string& path, const Setting& now) {
    Rng rng(1);
    Conv2d network(1, 2, 1, rng);
    ImageTrainer trainer{network};
    Tensor<float, 4> data(now.shape);
    for (Index i = 0; i < data.size(); ++i) data.data()[i] = static_cast<float>(i % 7);
    fit(trainer, data,
        {.steps = 6,
         .batch_size = 4,
         .drop_last = now.drop_last,
         .on_step = now.on_step,
         .checkpoint = Checkpoint{.path = path}},
        rng);
  };
  CHECK(refusal(train_images, folder / "images", {.drop_last = true}) ==
        "it is of a training with nothing more, this one has drop_last");
  CHECK(refusal(train_images, folder / "images", {}) == "accepted");
  CHECK(refusal(train_images, folder / "images", {.shape = {22, 1, 4, 1}}) ==
        "it was trained on other data, their checksums differ");
  CHECK(refusal(train_images, folder / "images", {}) == "accepted");
  train_images(folder / "whole", {.shape = {20, 2, 2, 1}, .on_step = [](auto& now) { now.stop = now.step == 3; }});
  CHECK_NOTHROW(train_images(folder / "whole", {.drop_last = true, .shape = {20, 2, 2, 1}}));  // which drops nothing
}

TEST_CASE("What held-out data go through is compared", "[training]") {
  const TemporaryDirectory folder;
  const Tensor<float, 2> data = samples(), held_out = samples(0.5f);
  const auto zeros = [](Tensor<float, 2> x, Rng&) {
    x.array() = 0;
    return x;
  };
  const auto train = [&](bool transformed, Index epochs) {
    Rng rng(3);
    Autoencoder model{Encoder{Linear(4, 3, rng), Linear(3, 3, rng)}, Decoder{Linear(3, 4, rng), SquaredError{}}};
    AutoencoderTrainer trainer{model};
    const FitOptions<AutoencoderLosses> options{.epochs = epochs, .checkpoint = Checkpoint{.path = folder / "run"}};
    if (transformed)
      trainer.fit(data, Transformed{held_out, zeros}, options, rng);
    else
      trainer.fit(data, held_out, options, rng);
  };
  train(false, 2);
  CHECK_THROWS_WITH(train(true, 3),
                    ContainsSubstring("it is of a training with nothing more, this one has Transformed(lambda) of "
                                      "held-out data"));
  train(false, 3);
}

namespace {

/// A layer without `fields` that its first step sets, as some normalise by their first batch.
struct FirstBatchScale {
  mutable float scale = 0;
  auto operator()(const Variable<float, 2>& x, const Pass& = {}) const {
    if (scale == 0) scale = 1 / x.value().array().abs().maxCoeff();
    return scale * x;
  }
};

}  // namespace

TEST_CASE("A number that the first step sets and that is no field is found by the next checkpoint", "[training]") {
  const TemporaryDirectory folder;
  Rng rng(3);
  Autoencoder model{Encoder{Sequential{FirstBatchScale{}, Linear(4, 3, rng)}, Linear(3, 3, rng)},
                    Decoder{Linear(3, 4, rng), SquaredError{}}};
  AutoencoderTrainer trainer{model};
  CHECK_THROWS_WITH(
      trainer.fit(samples(), {.epochs = 2, .checkpoint = Checkpoint{.path = folder / "run", .every = 1}}, rng),
      ContainsSubstring("got other numbers in trainer.model.encoder.trunk.0"));
}

TEST_CASE_METHOD(Fixture, "Earlier checkpoints of another training are not offered", "[training]") {
  const auto earlier = [&](int i) { return path + "." + std::to_string(i); };
  const auto train_keeping = [&](Start start, Index stop_after) {
    Rng rng(2);
    Autoencoder model{Encoder{Linear(4, 3, rng), Linear(3, 3, rng)}, Decoder{Linear(3, 4, rng), SquaredError{}}};
    AutoencoderTrainer trainer{model};
    trainer.fit(samples(),
                {.epochs = 4,
                 .batch_size = 10,
                 .on_step = [&](auto& now) { now.stop = now.step == stop_after; },
                 .checkpoint = Checkpoint{.path = path, .start = start, .keep = 3}},
                rng);
  };
  train_keeping(Start::resume_if_there, -1);
  REQUIRE(std::filesystem::exists(earlier(2)));
  std::filesystem::remove(earlier(1));  // as a kill may leave them
  train_keeping(Start::anew, 1);        // the first checkpoint, and one after step 1
  CHECK(std::filesystem::exists(earlier(1)));
  CHECK_FALSE(std::filesystem::exists(earlier(2)));
  write_bytes(earlier(2), {'m', 'i', 'n', 'e'});  // which is no checkpoint
  train_keeping(Start::anew, 1);
  CHECK(read_bytes(earlier(2)) == Bytes{'m', 'i', 'n', 'e'});
}

TEST_CASE_METHOD(Fixture, "A file that appears while a training begins is not overwritten", "[training]") {
  struct Writes : Watcher {
    std::string to;
    void begin(TrainingView&) override { write_bytes(to, {'t', 'h', 'e', 's', 'i', 's'}); }
  };
  Writes writes;
  writes.to = path;
  Rng rng(2);
  Autoencoder model{Encoder{Linear(4, 3, rng), Linear(3, 3, rng)}, Decoder{Linear(3, 4, rng), SquaredError{}}};
  AutoencoderTrainer trainer{model};
  CHECK_THROWS_MATCHES(
      trainer.fit(samples(), {.epochs = 2, .checkpoint = Checkpoint{.path = path}, .watch = {&writes}}, rng), DataError,
      Message("Checkpoint: expected no file but another program has written there since; it is left as it is: " +
              path));
  CHECK(read_bytes(path) == Bytes{'t', 'h', 'e', 's', 'i', 's'});
}

TEST_CASE_METHOD(Fixture, "Weights, and files that are none, are no checkpoints", "[training]") {
  Rng rng(2);
  Linear layer(4, 3, rng);
  const std::string refused = "VaeTrainer::fit: expected a checkpoint of this training in " + path + " but: ";
  save_safetensors(path, layer);
  CHECK_THAT(refusal({}), ContainsSubstring(refused + "it is no checkpoint, or a damaged one: "));
  CHECK(refusal({.start = Start::anew}) ==
        "VaeTrainer::fit: expected a checkpoint that may be overwritten, or no file, but got another file: " + path);
  write_bytes(path, {'t', 'e', 'x', 't'});
  CHECK_THAT(refusal({}), ContainsSubstring(refused + "it is no checkpoint, or a damaged one: "));
  std::filesystem::remove(path);
  train({.epochs = 1});
  CHECK_THROWS_WITH(load_safetensors(path, layer), ContainsSubstring("; it is a checkpoint, the names of a trainer's"));
  Linear trunk(4, 3, rng);
  load_safetensors(path, trunk, {.rename = {{"trainer.model.encoder.trunk.", ""}}, .partial = true});
}

TEST_CASE_METHOD(Fixture, "A learning rate that is set between two calls is named", "[training]") {
  Rng rng(2);
  Autoencoder model{Encoder{Linear(4, 3, rng), Linear(3, 3, rng)}, Decoder{Linear(3, 4, rng), SquaredError{}}};
  AutoencoderTrainer trainer{model};
  const FitOptions<AutoencoderLosses> options{.epochs = 2, .checkpoint = Checkpoint{.path = path}};
  trainer.fit(samples(), options, rng);
  trainer.optimizer.set_learning_rate(0.5);
  CHECK_THROWS_WITH(trainer.fit(samples(), {.epochs = 3, .checkpoint = Checkpoint{.path = path}}, rng),
                    ContainsSubstring("other numbers in trainer.optimizer.learning_rate; a callback may set it"));
  CHECK(trainer.optimizer.learning_rate() == 0.5);
}

TEST_CASE("An error that is not about numbers is not about the data", "[training]") {
  Rng rng(1);
  Tensor<float, 2> data = samples();
  data(3, 1) = NAN;  // which stands for a missing value
  Reads trainer{Linear(4, 2, rng)};
  CHECK_THROWS_MATCHES(fit(trainer, data, {.epochs = 1}, rng), Error,
                       Message("Reads: no such file as info/nan_inf.txt"));
}

namespace {

/// Layers of one's own whose template arguments make what they compute.
template <class Activation>
struct Block {
  Linear<float> linear;
  Activation activation{};
  explicit Block(Rng& rng) : linear(3, 3, rng) {}
  auto operator()(const Variable<float, 2>& x) const { return activation(linear(x)); }
  static void fields(auto& self, auto&& field) { field("linear", self.linear); }
};
template <int times>
struct Repeated {
  Linear<float> linear;
  explicit Repeated(Rng& rng) : linear(3, 3, rng) {}
  auto operator()(Variable<float, 2> x) const {
    for (int i = 0; i < times; ++i) x = linear(x);
    return x;
  }
  static void fields(auto& self, auto&& field) { field("linear", self.linear); }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "Template arguments of one's own layers are compared", "[training]") {
  CHECK(detail::full_kind<Block<Relu>>() == "Block<Relu>");
  CHECK(detail::full_kind<Block<Block<Tanh>>>() == "Block<Block<Tanh>>");
  CHECK(detail::full_kind<Repeated<2>>() == "Repeated<2>");
  CHECK(detail::full_kind<Block<Linear<double>>>() == "Block<Linear>");
  CHECK(detail::full_kind<Linear<double>>() == "Linear");
  CHECK(detail::full_kind<decltype([](int x) { return x; })>() == "lambda");
  const auto train_with = [&]<class Layer>(std::type_identity<Layer>) {
    Rng rng(2);
    Autoencoder model{Encoder{Sequential{Linear(4, 3, rng), Layer(rng)}, Linear(3, 3, rng)},
                      Decoder{Linear(3, 4, rng), SquaredError{}}};
    AutoencoderTrainer trainer{model};
    trainer.fit(samples(), {.epochs = 2, .batch_size = 10, .checkpoint = Checkpoint{.path = path}}, rng);
  };
  const std::string layer = " as trainer.model.encoder.trunk.1";
  train_with(std::type_identity<Block<Relu>>());
  CHECK_THROWS_WITH(
      train_with(std::type_identity<Block<Tanh>>()),
      ContainsSubstring("but: it is of a training with Block<Relu>" + layer + ", this one has Block<Tanh>" + layer));
  train_with(std::type_identity<Block<Relu>>());
  std::filesystem::remove(path);
  train_with(std::type_identity<Repeated<2>>());
  CHECK_THROWS_WITH(train_with(std::type_identity<Repeated<3>>()),
                    ContainsSubstring("a training with Repeated<2>" + layer + ", this one has Repeated<3>" + layer));
}

TEST_CASE_METHOD(Fixture, "Endless data are compared by samples", "[training]") {
  const auto train_on = [&](double deviation) {
    Rng rng(2);
    Autoencoder model{Encoder{Linear(2, 3, rng), Linear(3, 1, rng)}, Decoder{Linear(1, 2, rng), SquaredError{}}};
    AutoencoderTrainer trainer{model};
    const GaussianMixture data({1, 1}, Tensor<float, 2>(Shape{2, 2}, 1.0f), {deviation, 0.5});
    trainer.fit(data, {.steps = 4, .batch_size = 10, .checkpoint = Checkpoint{.path = path}}, rng);
  };
  train_on(0.1);
  train_on(0.1);
  CHECK_THROWS_WITH(train_on(5), ContainsSubstring("but: it was trained on other data, their checksums differ"));
}

TEST_CASE_METHOD(Fixture, "A parameter that is fixed in mid-training has no checkpoint", "[training]") {
  Rng rng(2);
  Autoencoder model{Encoder{Linear(4, 3, rng), Linear(3, 3, rng)}, Decoder{Linear(3, 4, rng), SquaredError{}}};
  AutoencoderTrainer trainer{model};
  CHECK_THROWS_MATCHES(
      trainer.fit(samples(),
                  {.epochs = 2,
                   .batch_size = 10,
                   .on_step = [&](auto& now) { model.encoder.trunk.weight.hold_fixed(now.step == 1); },
                   .checkpoint = Checkpoint{.path = path, .every = 1}},
                  rng),
      ArgumentError,
      Message(
          "AutoencoderTrainer::fit: expected parameters to stay fixed, or trained, in a training with a checkpoint, "
          "which begins with what the program says, but got trainer.model.encoder.trunk.weight, a fixed parameter; "
          "call fit once for each part, with paths of their own"));
}

TEST_CASE_METHOD(Fixture, "Another optimizer is named, and momentum that comes or goes", "[training]") {
  const auto refusal_of = [&](auto optimizer) -> std::string {
    Rng rng(2);
    Autoencoder model{Encoder{Linear(4, 3, rng), Linear(3, 3, rng)}, Decoder{Linear(3, 4, rng), SquaredError{}}};
    AutoencoderTrainer trainer{model, optimizer};
    try {
      trainer.fit(samples(), {.epochs = 2, .batch_size = 10, .checkpoint = Checkpoint{.path = path}}, rng);
    } catch (const DataError& error) {
      const std::string text = error.what();
      return text.substr(text.find("but: ") + 5);
    }
    return "accepted";
  };
  CHECK(refusal_of(Sgd{{.learning_rate = 0.1}}) == "accepted");
  CHECK_THAT(refusal_of(Sgd{{.learning_rate = 0.1, .momentum = 0.9}}),
             ContainsSubstring("expected trainer.optimizer.state.0.momentum_buffer of shape ") &&
                 !ContainsSubstring("load_safetensors"));
  CHECK(refusal_of(Adam{}) ==
        "it is of a training with Sgd as trainer.optimizer, this one has Adam as trainer.optimizer");
}

TEST_CASE_METHOD(Fixture, "Weights that a checkpoint takes the place of are told", "[training]") {
  Screen screen;
  const auto train_from = [&](float weight, Index epochs) {
    Rng rng(2);
    Autoencoder model{Encoder{Linear(4, 3, rng), Linear(3, 3, rng)}, Decoder{Linear(3, 4, rng), SquaredError{}}};
    model.encoder.trunk.weight.mutable_value() = Tensor<float, 2>(Shape{4, 3}, weight);
    AutoencoderTrainer trainer{model};
    screen.text.clear();
    trainer.fit(samples(),
                {.epochs = epochs, .batch_size = 10, .progress = screen.bar(), .checkpoint = Checkpoint{.path = path}},
                rng);
  };
  train_from(0.5f, 1);
  train_from(0.5f, 2);
  CHECK_THAT(screen.text, !ContainsSubstring("other weights"));
  train_from(0.25f, 3);
  CHECK_THAT(screen.text,
             ContainsSubstring("Checkpoint: the training began with other weights than the trainer has here; it "
                               "goes on with those in " +
                               path));
  train_from(0.5f, 4);
  CHECK_THAT(screen.text, !ContainsSubstring("other weights"));
}
