// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "layers/numbers.hpp"

using namespace eigenesis;

namespace {

struct Tower {
  std::vector<Linear<>> floors;
  BatchNorm<> roof{2};
  Relu door;
  static void fields(auto& self, auto&& field) {
    field("floors", self.floors);
    field("roof", self.roof);
    field("door", self.door);
  }
};

template <class Model>
std::vector<std::string> parameter_names(const Model& model) {
  std::vector<std::string> names;
  for_each_parameter(model, [&](const FieldPath& path, const auto&) { names.push_back(to_string(path)); });
  return names;
}
template <class Model>
std::vector<std::string> state_names(Model& model) {
  std::vector<std::string> names;
  for_each_state(model, [&](const FieldPath& path, const auto&) { names.push_back(to_string(path)); });
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("Fields have PyTorch's names", "[layers]") {
  Rng rng(1);
  const Sequential network{Linear(2, 3, rng), BatchNorm(3), Relu{}, [](const auto& x) { return 2 * x; },
                           Sequential{LeakyRelu{0.2}, Linear(3, 1, rng)}};
  const Names parameters{"0.weight", "0.bias", "1.weight", "1.bias", "4.1.weight", "4.1.bias"};
  CHECK(parameter_names(network) == parameters);
  const Names state{"0.weight",       "0.bias",        "1.weight",   "1.bias",
                    "1.running_mean", "1.running_var", "4.1.weight", "4.1.bias"};
  CHECK(state_names(network) == state);
  CHECK(parameter_count(network) == 2 * 3 + 3 + 3 + 3 + 3 + 1);

  const Sequential nested{Sequential{Linear(2, 3, rng), Linear(3, 1, rng)}};
  const Names inner{"0.0.weight", "0.0.bias", "0.1.weight", "0.1.bias"};
  CHECK(parameter_names(nested) == inner);
  const auto copy = nested;
  CHECK(parameter_names(copy) == inner);
  const Sequential converted = nested;
  CHECK(parameter_names(converted) == inner);
  const Sequential twice(nested);
  CHECK(parameter_names(twice).front() == "0.0.0.weight");
  CHECK(parameter_names(Generator{Sequential{nested}, StandardNormal(2)}).front() == "network.0.0.0.weight");

  const Discriminator discriminator{Sequential{Linear(2, 1, rng)}};
  CHECK(parameter_names(discriminator) == Names{"network.0.weight", "network.0.bias"});
  const Vae vae{Encoder{Sequential{Linear(2, 3, rng)}, Linear(3, 1, rng), Linear(3, 1, rng)},
                Decoder{Linear(1, 2, rng), LearnedNormalLikelihood<>{}}, StandardNormal(1)};
  CHECK(parameter_names(vae) == Names{"encoder.trunk.0.weight", "encoder.trunk.0.bias", "encoder.mean.weight",
                                      "encoder.mean.bias", "encoder.log_variance.weight", "encoder.log_variance.bias",
                                      "decoder.network.weight", "decoder.network.bias",
                                      "decoder.likelihood.log_standard_deviation"});
}

TEST_CASE("Vectors of layers are numbered, layers without fields have none", "[layers]") {
  Rng rng(1);
  Tower tower{{Linear(4, 3, rng), Linear(3, 2, rng)}, BatchNorm(2), {}};
  CHECK(state_names(tower) == Names{"floors.0.weight", "floors.0.bias", "floors.1.weight", "floors.1.bias",
                                    "roof.weight", "roof.bias", "roof.running_mean", "roof.running_var"});
  CHECK(state_names(std::as_const(tower)) == state_names(tower));
  CHECK(parameter_count(tower) == 15 + 8 + 4);
  const Relu relu;
  const Dropout dropout;
  const auto doubled = [](const auto& x) { return 2 * x; };
  CHECK(parameter_count(relu) + parameter_count(dropout) + parameter_count(doubled) == 0);
}

namespace {

struct Arrays {
  std::array<Linear<>, 2> each;
  static void fields(auto& self, auto&& field) { field("each", self.each); }
};

struct Kernels {
  std::vector<Parameter<float, 2>> each{2};
  Tensor<float, 1> rest;
  static void fields(auto& self, auto&& field) {
    field("each", self.each, InFiles::features_first);
    field("rest", self.rest);
  }
};

}  // namespace

TEST_CASE("A field's path says how files hold it", "[layers]") {
  Rng rng(1);
  const auto orders = [](auto model) {
    std::vector<InFiles> found;
    for_each_state(model, [&](const FieldPath& path, const auto&) { found.push_back(path.in_files); });
    return found;
  };
  constexpr InFiles first = InFiles::features_first, same = InFiles::as_in_memory;
  CHECK(orders(Sequential{Linear(2, 3, rng), Conv2d(2, 3, 1, rng), ConvTranspose2d(2, 3, 1, rng), BatchNorm(3)}) ==
        std::vector{first, same, first, same, first, same, same, same, same, InFiles::at_least_zero});
  CHECK(orders(Kernels{}) == std::vector{first, first, same});
}

TEST_CASE("for_each_state lets the state be changed", "[layers]") {
  BatchNorm<double> norm(2);
  double next = 0;
  for_each_state(norm, [&](const FieldPath&, auto& tensor) {
    for (double& value : tensor.values()) value = next++;
  });
  check_numbers(norm.weight.value(), {0, 1});
  check_numbers(norm.bias.value(), {2, 3});
  check_numbers(norm.running_mean, {4, 5});
  check_numbers(norm.running_variance, {6, 7});
}

TEST_CASE("Copies of models are independent", "[layers]") {
  Rng rng(1);
  Sequential network{Linear(2, 3, rng), BatchNorm(3)};
  const Variable x(numbers<float>(Shape{4, 2}, 1));
  const Sequential copy = network;
  const Variable before = copy(x);
  Sgd<float> optimizer{{.learning_rate = 0.1}};
  optimizer.minimize(mean(square(network(x, Pass::training(rng)) - 1)), network);
  CHECK(std::ranges::equal(copy(x).value().values(), before.value().values()));
  CHECK_FALSE(std::ranges::equal(network(x).value().values(), before.value().values()));
  CHECK(std::get<1>(copy.layers).running_mean(0) == 0);
  network = copy;
  CHECK(std::ranges::equal(network(x).value().values(), before.value().values()));
}

namespace {

/// Copies, moves, swaps and assigns a layer, to itself too: each time it computes what it did.
template <class Layer, int Rank>
void check_value(const char* name, Layer layer, const Layer& other, const Tensor<float, Rank>& x) {
  INFO(name);
  const auto results = [&](const Layer& of) {
    const auto y = of(Variable(x)).value();
    return std::vector<float>(y.values().begin(), y.values().end());
  };
  const auto numbers_of = [](const Layer& of) {
    std::vector<double> all;
    for_each_state(of, [&](const FieldPath&, const auto& tensor) {
      all.insert(all.end(), tensor.values().begin(), tensor.values().end());
    });
    return all;
  };
  const auto y = results(layer), other_y = results(other);
  const auto state = numbers_of(layer), other_state = numbers_of(other);
  const auto check = [&](const Layer& of, bool is_other = false) {
    CHECK(results(of) == (is_other ? other_y : y));
    CHECK(numbers_of(of) == (is_other ? other_state : state));
  };
  Layer copy = layer;
  check(copy);
  const Layer& itself = copy;
  copy = itself;
  check(copy);
  Layer moved = std::move(copy);
  check(moved);
  copy = other;  // what was moved from can be assigned to
  check(copy, true);
  std::swap(copy, moved);
  check(copy);
  check(moved, true);
  std::swap(copy, copy);
  check(copy);
  moved = std::move(copy);
  check(moved);
  std::vector<Layer> several(3, other);
  several.insert(several.begin(), moved);
  several.erase(several.begin() + 1);
  check(several[0]);
  check(several[1], true);
  for_each_state(several[0], [](const FieldPath&, auto& tensor) { tensor.array() = 7; });
  check(layer);
  check(moved);
}

}  // namespace

TEST_CASE("Every layer can be copied, moved, swapped and assigned to itself", "[layers]") {
  const auto rows = numbers<float>(Shape{4, 6}, 1);
  const auto images = numbers<float>(Shape{3, 6, 6, 2}, 1);
  const auto check = [](const char* name, const auto& make, const auto& x) {
    Rng rng(1);
    const auto trained = [&] {
      auto layer = make(rng);
      double value = rng.uniform() + 0.25;
      for_each_state(layer, [&](const FieldPath&, auto& tensor) {
        for (auto& each : tensor.values()) each = static_cast<float>(value *= 1.01);
      });
      return layer;
    };
    const auto layer = trained(), other = trained();
    check_value(name, layer, other, x);
  };
  check(
      "Linear", [](Rng& rng) { return Linear(6, 3, rng); }, rows);
  check(
      "Linear without bias", [](Rng& rng) { return Linear(6, 3, {.bias = false}, rng); }, rows);
  check(
      "Conv2d", [](Rng& rng) { return Conv2d(2, 3, 3, {.stride = 2, .padding = 1}, rng); }, images);
  check(
      "Conv2d without bias", [](Rng& rng) { return Conv2d(2, 3, 3, {.bias = false}, rng); }, images);
  check(
      "ConvTranspose2d", [](Rng& rng) { return ConvTranspose2d(2, 3, 4, {.stride = 2}, rng); }, images);
  check(
      "ConvTranspose2d without bias", [](Rng& rng) { return ConvTranspose2d(2, 3, 4, {.bias = false}, rng); }, images);
  check(
      "BatchNorm", [](Rng&) { return BatchNorm(2); }, images);
  check(
      "LayerNorm", [](Rng&) { return LayerNorm(2); }, images);
  check(
      "InstanceNorm", [](Rng&) { return InstanceNorm(2); }, images);
  check(
      "InstanceNorm with weight and bias", [](Rng&) { return InstanceNorm(2, {.affine = true}); }, images);
  check(
      "Dropout", [](Rng&) { return Dropout(0.5); }, rows);
  check(
      "MaxPool2d", [](Rng&) { return MaxPool2d{2}; }, images);
  check(
      "AvgPool2d", [](Rng&) { return AvgPool2d{2}; }, images);
  check(
      "Upsample2d", [](Rng&) { return Upsample2d{2}; }, images);
  check(
      "Flatten", [](Rng&) { return Flatten{RowOrder::channels_first}; }, images);
  check(
      "Unflatten",
      [](Rng&) {
        return Unflatten{1, 3, 2};
      },
      rows);
  check(
      "LeakyRelu", [](Rng&) { return LeakyRelu{0.2}; }, rows);
  check(
      "Sequential",
      [](Rng& rng) {
        return Sequential{Conv2d(2, 3, 3, rng), BatchNorm(3), Relu{}, Flatten{}, Linear(48, 2, rng)};
      },
      images);
  check(
      "Discriminator", [](Rng& rng) { return Discriminator{Sequential{Linear(6, 1, rng)}}; }, rows);
}

TEST_CASE("The summary lists layers, their options, shapes and counts", "[layers]") {
  Rng rng(1);
  const Sequential network{Unflatten{28, 28, 1},
                           Conv2d(1, 4, 4, {.stride = 2, .padding = 1}, rng),
                           LeakyRelu{0.2},
                           Flatten{},
                           Linear(784, 10, {.bias = false}, rng),
                           BatchNorm(10)};
  const std::string expected =
      "model           Sequential\n"
      "0               Unflatten(28 x 28 x 1)\n"
      "1               Conv2d(kernel 4, stride 2, padding 1)\n"
      "1.weight        [4, 4, 1, 4]                             64\n"
      "1.bias          [4]                                       4\n"
      "2               LeakyRelu(0.2)\n"
      "3               Flatten\n"
      "4               Linear\n"
      "4.weight        [784, 10]                              7840\n"
      "5               BatchNorm\n"
      "5.weight        [10]                                     10\n"
      "5.bias          [10]                                     10\n"
      "5.running_mean  [10]                                     10\n"
      "5.running_var   [10]                                     10\n"
      "parameters                                             7928\n";
  CHECK(summary(network) == expected);
  CHECK(summary(Relu{}) == "model       Relu\nparameters        0\n");

  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  std::fflush(stdout);
  const int terminal = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  print(network);
  std::fflush(stdout);
  dup2(terminal, STDOUT_FILENO);
  close(terminal);
  std::rewind(file);
  std::string printed(expected.size() + 1, '\0');
  printed.resize(std::fread(printed.data(), 1, printed.size(), file));
  std::fclose(file);
  CHECK(printed == expected);
}

namespace {

struct Verbose {
  Parameter<float, 1> weight{Tensor<float, 1>(Shape{1}, 0.0f)};
  static void fields(auto& self, auto&& field) { field(std::string(200, 'w'), self.weight); }
};

}  // namespace

TEST_CASE("The summary shows names of any length", "[layers]") {
  const std::string name(200, 'w'), spaces(195, ' ');
  CHECK(summary(Verbose{}) ==
        "model" + spaces + "  Verbose\n" + name + "  [1]      1\nparameters" + std::string(199, ' ') + "  1\n");
}

TEST_CASE("With an example, the summary shows what each layer gives", "[layers]") {
  Rng rng(1);
  const Generator generator{
      Sequential{AppendCondition{}, Linear(4, 6, rng), Relu{}, [](const auto& x) { return 2 * x; }}, StandardNormal(2)};
  const Tensor<float, 2> z(Shape{3, 2}, 0.0f);
  CHECK(summary(generator, z, z) ==
        "model             Generator        [3, 6]\n"
        "network           Sequential       [3, 6]\n"
        "network.0         AppendCondition  [3, 4]\n"
        "network.1         Linear           [3, 6]\n"
        "network.1.weight  [4, 6]                   24\n"
        "network.1.bias    [6]                       6\n"
        "network.2         Relu             [3, 6]\n"
        "network.3         lambda           [3, 6]\n"
        "prior             StandardNormal\n"
        "parameters                                 30\n");
  const Sequential lambdas{[](const auto& x) {
                             return concatenate({x, x}, 1);
                           },
                           [](const auto& x) { return sum(x, 1); }};
  CHECK_THAT(summary(lambdas, z), Catch::Contains("0           lambda      [3, 4]\n1           lambda      [3]\n"));
  const Autoencoder autoencoder{Encoder{Tanh{}, Linear(2, 1, rng)}, Decoder{Linear(1, 2, rng), SquaredError{}}};
  CHECK_THAT(summary(autoencoder, z), Catch::Contains("decoder.network         Linear        [3, 2]\n"));
}

TEST_CASE("A shape error tells the way to the layer", "[layers]") {
  Rng rng(1);
  const auto first = [&] { return Sequential{Relu{}, Sequential{Relu{}, Tanh{}, Linear(3, 1, rng)}}; };
  const Variable x(Tensor<float, 2>(Shape{5, 2}, 0.0f));
  const std::string fact = "Linear: expected x of shape [N, 3] but got [5, 2], in layer ";
  CHECK_THROWS_MATCHES(first()(x), ShapeError, Message(fact + "1.2 (Linear)"));
  CHECK_THROWS_MATCHES(Discriminator{first()}(x), ShapeError, Message(fact + "discriminator.network.1.2 (Linear)"));
  CHECK_THROWS_MATCHES((Generator{Linear(3, 1, rng), StandardNormal(2)}.sample(5, rng)), ShapeError,
                       Message(fact + "generator.network (Linear)"));
  CHECK_THROWS_MATCHES((Decoder{Linear(3, 1, rng), SquaredError{}}(x)), ShapeError,
                       Message(fact + "decoder.network (Linear)"));
  CHECK_THROWS_MATCHES((Encoder{Tanh{}, Linear(2, 1, rng), Linear(3, 1, rng)}(x)), ShapeError,
                       Message(fact + "encoder.log_variance (Linear)"));
}

TEST_CASE("Networks of lambdas that capture numbers, and arrays of layers, are values", "[layers]") {
  Rng rng(1);
  const auto network = [&](double factor) {
    return Sequential{Linear(2, 3, rng), [factor](const auto& x) { return factor * x; }};
  };
  auto make = [&](double factor) { return Generator{network(factor), StandardNormal(2)}; };
  auto generator = make(1);
  const auto other = [&] {
    auto copy = generator;
    return copy;
  }();
  const Tensor<float, 2> z(Shape{1, 2}, 1.0f);
  Adam adam;
  adam.minimize(sum(generator(Variable(z))), generator);
  CHECK_FALSE(std::ranges::equal(generator.decode(z).values(), other.decode(z).values()));
  generator = other;
  CHECK(std::ranges::equal(generator.decode(z).values(), other.decode(z).values()));
  CHECK_NOTHROW(adam.minimize(sum(generator(Variable(z))), generator));
  const Arrays arrays{{Linear(2, 3, rng), Linear(3, 1, rng)}};
  CHECK(state_names(arrays) == Names{"each.0.weight", "each.0.bias", "each.1.weight", "each.1.bias"});
}

template <class Scalar>
auto own_activation() {
  return [](const auto& x) { return tanh(x); };
}

TEST_CASE("Kinds are named without namespaces and arguments, wherever a type was written", "[layers]") {
  const auto plain = [](const auto& x) { return x; };
  const auto of_template = own_activation<float>();
  struct Local {};
  CHECK(detail::kind_of<Linear<float>>() == "Linear");
  CHECK(detail::kind_of<Sequential<Linear<float>, Tanh>>() == "Sequential");
  CHECK(detail::kind_of<Sequential<decltype(plain)>>() == "Sequential");
  CHECK(detail::kind_of<Sequential<Tanh, Sequential<decltype(of_template)>>>() == "Sequential");
  CHECK(detail::kind_of<std::vector<Linear<double>>>() == "vector");
  CHECK(detail::kind_of<decltype(plain)>() == "lambda");
  CHECK(detail::kind_of<decltype(of_template)>() == "lambda");
  CHECK(detail::kind_of<Local>() == "Local");
  CHECK(detail::kind_of<double>() == "double");
}
