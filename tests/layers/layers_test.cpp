// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"
#include "layers/numbers.hpp"

using namespace eigenesis;

// The expected numbers of this file are those that tests/goldens/layers.py prints.

TEMPLATE_TEST_CASE("Linear gives PyTorch's numbers", "[layers]", float, double) {
  Rng rng(1);
  const Linear layer = with_numbers(Linear<TestType>(3, 2, rng), 1);
  const Variable<TestType, 2> y = layer(numbers<TestType>(Shape{4, 3}, 5));
  CHECK(y.shape() == Shape{4, 2});
  check_numbers(y, {-7.90533428812, -4.44937490399, 3.64941747183, 1.8858003224, -7.28034957088, -3.55558575733,
                    2.80567339292, 0.88310179635});
}

TEST_CASE("Linear has the gradients that differences give", "[layers]") {
  Rng rng(1);
  const Linear<double> layer(3, 2, rng);
  check_gradients(
      "Linear", [&](const auto& x) { return square(layer(x)); }, gradient_check::numbers(Shape{4, 3}));
  const Variable x(numbers<double>(Shape{4, 3}, 5));
  const auto [dw, db] = gradient(sum(layer(x)), layer.weight, layer.bias);
  for (Index out = 0; out < 2; ++out) {
    CHECK(db.value()(out) == 4);
    for (Index in = 0; in < 3; ++in)
      CHECK_THAT(dw.value()(in, out), WithinAbs(x.value().matrix().col(in).sum(), 1e-14));
  }
}

TEST_CASE("Linear refuses wrong sizes", "[layers]") {
  Rng rng(1);
  const Linear layer(3, 2, rng);
  CHECK_THROWS_MATCHES(layer(Tensor<float, 2>(Shape{2, 4})), ShapeError,
                       Message("Linear: expected x of shape [N, 3] but got [2, 4]"));
  CHECK_THROWS_MATCHES(Linear(0, 2, rng), ArgumentError, Message("Linear: expected sizes > 0 but got 0 and 2"));
  CHECK_THROWS_MATCHES(Linear(3, -1, rng), ArgumentError, Message("Linear: expected sizes > 0 but got 3 and -1"));
  CHECK(layer(Tensor<float, 2>(Shape{0, 3})).shape() == Shape{0, 2});
}

TEMPLATE_TEST_CASE("Activations give PyTorch's numbers", "[layers]", float, double) {
  using S = TestType;
  const Variable x(Tensor<S, 2>(Shape{3, 3}, {-30, S(-2.5), -1, S(-0.25), 0, S(0.25), 1, S(2.5), 30}));
  check_numbers(Relu{}(x), {0, 0, 0, 0, 0, 0.25, 1, 2.5, 30});
  check_numbers(LeakyRelu{}(x), {-0.3, -0.025, -0.01, -0.0025, 0, 0.25, 1, 2.5, 30});
  check_numbers(LeakyRelu{0.2}(x), {-6, -0.5, -0.2, -0.05, 0, 0.25, 1, 2.5, 30});
  check_numbers(Elu{}(x),
                {-1, -1.37687250206 / 1.5, -0.948180838243 / 1.5, -0.331798825393 / 1.5, 0, 0.25, 1, 2.5, 30});
  check_numbers(Elu{1.5}(x), {-1.5, -1.37687250206, -0.948180838243, -0.331798825393, 0, 0.25, 1, 2.5, 30});
  check_numbers(Gelu{}(x), {0, -0.0155241633144, -0.158655253931, -0.100323418579, 0, 0.149676581421, 0.841344746069,
                            2.48447583669, 30});
  check_numbers(Tanh{}(x), {-1, -0.986614298151, -0.761594155956, -0.244918662404, 0, 0.244918662404, 0.761594155956,
                            0.986614298151, 1});
  check_numbers(Sigmoid{}(x), {9.35762296884e-14, 0.0758581800212, 0.26894142137, 0.437823499114, 0.5, 0.562176500886,
                               0.73105857863, 0.924141819979, 1});
  check_numbers(Softplus{}(x), {9.35762296884e-14, 0.0788897342925, 0.313261687518, 0.575939419879, 0.69314718056,
                                0.825939419879, 1.31326168752, 2.57888973429, 30});
}

TEST_CASE("A row of an image is its memory, so that it is an image again for save_grid", "[layers]") {
  Tensor<float, 4> images(Shape{2, 2, 3, 3});  // colour
  std::iota(images.data(), images.data() + images.size(), 0.0f);
  const Variable<float, 2> rows = Flatten{}(Variable(images));
  CHECK(rows.shape() == Shape{2, 18});
  CHECK(std::ranges::equal(rows.value().values(), images.values()));
  const Tensor<float, 4> again = rows.value().reshaped(Shape{2, 2, 3, 3});
  CHECK(std::ranges::equal(Unflatten{2, 3, 3}(rows).value().values(), again.values()));
  check_gradients(
      "Unflatten",
      [](const auto& x) {
        return square(Unflatten{2, 3, 2}(x));
      },
      gradient_check::numbers(Shape{2, 12}));
  check_gradients(
      "Flatten", [](const auto& x) { return square(Flatten{}(x)); }, gradient_check::numbers(Shape{2, 2, 1, 3}));
}

TEST_CASE("Flatten counts channels first, as PyTorch does, if asked to", "[layers]") {
  const Flatten flatten{RowOrder::channels_first};
  Tensor<float, 4> images(Shape{2, 2, 3, 2});
  std::iota(images.data(), images.data() + images.size(), 0.0f);
  const Variable<float, 2> rows = flatten(Variable(images));
  CHECK(rows.shape() == Shape{2, 12});
  check_numbers(rows, {0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11, 12, 14, 16, 18, 20, 22, 13, 15, 17, 19, 21, 23});
  const Variable<float, 4> again = Unflatten{2, 3, 2, RowOrder::channels_first}(rows);
  CHECK(again.shape() == images.shape());
  CHECK(std::ranges::equal(again.value().values(), images.values()));

  const Variable grey(std::move(images).reshaped(Shape{4, 3, 2, 1}));
  CHECK(std::ranges::equal(flatten(grey).value().values(), grey.value().values()));
  CHECK(Unflatten{3, 2, 1}(flatten(grey)).shape() == grey.shape());
  CHECK(flatten(Variable(Tensor<float, 4>(Shape{0, 2, 3, 2}))).shape() == Shape{0, 12});
}

TEST_CASE("Unflatten counts channels first, as PyTorch does, if asked to", "[layers]") {
  Tensor<double, 2> rows(Shape{2, 12});
  std::iota(rows.data(), rows.data() + rows.size(), 0.0);
  const Variable<double, 4> images =
      Unflatten{.height = 2, .width = 3, .channels = 2, .order = RowOrder::channels_first}(Variable(rows));
  CHECK(images.shape() == Shape{2, 2, 3, 2});
  check_numbers(images, {0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 12, 18, 13, 19, 14, 20, 15, 21, 16, 22, 17, 23});
  check_gradients(
      "Unflatten",
      [](const auto& x) {
        return square(Unflatten{2, 3, 2, RowOrder::channels_first}(x));
      },
      gradient_check::numbers(Shape{2, 12}));
  check_gradients(
      "Flatten", [](const auto& x) { return square(Flatten{RowOrder::channels_first}(x)); },
      gradient_check::numbers(Shape{2, 2, 1, 3}));
  const auto column = Unflatten{3, 1, 2, RowOrder::channels_first}(slice(Variable(rows), 1, 0, 6));
  check_numbers(column, {0, 3, 1, 4, 2, 5, 12, 15, 13, 16, 14, 17});
  CHECK_THROWS_MATCHES((Unflatten{2, 3, 2}(Variable(Tensor<float, 2>(Shape{2, 13})))), ShapeError,
                       Message("Unflatten: expected x of shape [N, 12] but got [2, 13]"));
}

TEST_CASE("Dropout keeps the expectation", "[layers]") {
  Rng rng(3);
  const Index n = 100'000;
  const Variable x(Tensor<float, 2>(Shape{n / 10, 10}, 2.0f));
  const Variable<float, 2> y = Dropout(0.3)(x, Pass::training(rng));
  Index zeros = 0;
  for (const float value : y.value().values()) {
    zeros += value == 0;
    if (value != 0) REQUIRE_THAT(value, WithinRel(2 / 0.7f, 1e-6f));
  }
  const double deviation = std::sqrt(0.3 * 0.7 / static_cast<double>(n));
  CHECK_THAT(static_cast<double>(zeros) / n, WithinAbs(0.3, 5 * deviation));
  CHECK_THAT(y.value().array().cast<double>().mean(), WithinAbs(2, 5 * deviation * 2 / 0.7));
}

TEST_CASE("Dropout draws anew in every training pass and is the identity in evaluation", "[layers]") {
  Rng rng(3);
  const Dropout dropout;
  CHECK(dropout.probability() == 0.5);
  const Variable x = watch(numbers<double>(Shape{8, 16}, 1));
  CHECK(dropout(x).node().get() == x.node().get());
  const Rng::State before = rng.state();
  CHECK(dropout(x, Pass::evaluation(rng)).node().get() == x.node().get());
  CHECK(rng.state() == before);

  Rng again = rng;
  const Variable first = dropout(x, Pass::training(rng)), second = dropout(x, Pass::training(rng));
  CHECK_FALSE(std::ranges::equal(first.value().values(), second.value().values()));
  CHECK(std::ranges::equal(first.value().values(), dropout(x, Pass::training(again)).value().values()));

  const Variable dx = gradient(sum(first), x);
  for (Index i = 0; i < x.size(); ++i) CHECK(dx.value().data()[i] == (first.value().data()[i] == 0 ? 0 : 2));

  const Variable kept = Dropout(0)(x, Pass::training(rng));
  CHECK(std::ranges::equal(kept.value().values(), x.value().values()));
}

TEST_CASE("Dropout hides no NaN", "[layers]") {
  Rng rng(3);
  const Variable y = Dropout(0.9)(Variable(Tensor<float, 1>(Shape{100}, NAN)), Pass::training(rng));
  CHECK(std::ranges::all_of(y.value().values(), [](float t) { return std::isnan(t); }));
}

TEST_CASE("Dropout refuses what is no probability below one", "[layers]") {
  CHECK_THROWS_MATCHES(Dropout(1), ArgumentError, Message("Dropout: expected a probability in [0, 1) but got 1"));
  CHECK_THROWS_MATCHES(Dropout(-0.1), ArgumentError, Message("Dropout: expected a probability in [0, 1) but got -0.1"));
  CHECK_THROWS_MATCHES(Dropout(NAN), ArgumentError, Message("Dropout: expected a probability in [0, 1) but got nan"));
}

namespace {

/// Adds 1 in evaluation, 10 in training.
struct Spy {
  auto operator()(const auto& x) const { return x + 1; }
  auto operator()(const auto& x, Pass pass) const { return x + (pass.is_training() ? 10 : 1); }
};

}  // namespace

TEST_CASE("Sequential hands a Pass to those layers only that take one", "[layers]") {
  Rng rng(1);
  const Sequential network{Spy{}, [](const auto& x) { return 2 * x; }, Sequential{Relu{}, Spy{}}};
  const Variable x(Tensor<double, 1>(Shape{2}, {-3, 4}));
  check_numbers(network(x), {1, 11});
  check_numbers(network(x, Pass::evaluation(rng)), {1, 11});
  check_numbers(network(x, Pass::training(rng)), {24, 38});
  check_numbers(call(Relu{}, x, Pass::training(rng)), {0, 4});
  CHECK(Sequential{}(x).node().get() == x.node().get());
}
