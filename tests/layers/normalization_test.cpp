// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"
#include "layers/numbers.hpp"

using namespace eigenesis;

// The expected numbers of this file are those that tests/goldens/layers.py prints.

TEMPLATE_TEST_CASE("BatchNorm gives PyTorch's numbers", "[layers]", float, double) {
  Rng rng(1);
  const Pass training = Pass::training(rng);
  const BatchNorm norm = with_numbers(BatchNorm<TestType>(3), 2);
  const auto batch = [](Index n, double phase) { return Variable(numbers<TestType>(Shape{n, Index{3}}, phase)); };

  check_numbers(norm(batch(4, 5), training),
                {-2.85362412166, 0.642158201464, 0.152175106976, 0.74409553835, 1.04402718323, 3.83988202943,
                 -2.92945691742, 0.492717114077, 0.879332085882, 0.746402156726, 1.18243379584, 3.05346962327});
  check_numbers(norm.running_mean, {0.00105255605522, 0.01232089546, 0.0122614603995});
  check_numbers(norm.running_variance, {1.41727174182, 1.02580253219, 1.02959795699});

  check_numbers(norm(batch(5, 7), training),
                {1.30310744324, 1.07807999417, 1.29941608543, -3.63472953997, 0.489128683852, 3.53121747562,
                 0.329444758393, 1.07844979586, 0.739121456865, -2.58172387959, 0.500554148223, 4.03562828339,
                 -0.781827962072, 1.05545774617, 0.300690255646});
  check_numbers(norm.running_mean, {0.0167515571559, 0.0483497320986, 0.0354953863261});
  check_numbers(norm.running_variance, {1.37337060566, 1.37765429669, 1.13361956424});

  check_numbers(norm(batch(2, 9)),
                {0.179923748356, 0.567074720092, 4.87484413936, -2.76446712911, 1.03077640164, -0.78481704352});
  check_numbers(norm.running_mean, {0.0167515571559, 0.0483497320986, 0.0354953863261});
}

TEMPLATE_TEST_CASE("BatchNorm of images gives PyTorch's numbers", "[layers]", float, double) {
  Rng rng(1);
  BatchNorm norm = with_numbers(BatchNorm<TestType>(3), 2);
  norm.momentum = 0.25;
  norm.epsilon = 0.1;
  const Variable y = norm(Variable(numbers<TestType>(Shape{2, 2, 2, 3}, 5)), Pass::training(rng));
  CHECK(y.shape() == Shape{2, 2, 2, 3});
  check_numbers(y, {-2.89319075774, 0.711916040358, -0.268899559196, 0.858985331936, 0.983263279685, 4.30071668992,
                    -2.97227918873, 0.611011446214, 0.632155870734,  0.861390977493, 1.07671725085,  3.32623499025,
                    -2.89795389984, 0.526878579895, 1.6605595823,    0.711822375328, 1.14984509243,  2.26449277407,
                    -2.67613560099, 0.466219417297, 2.73438952542,   0.422194074541, 1.19682148249,  1.20006781763});
  check_numbers(norm.running_mean, {-0.00694144210894, 0.0239302417101, 0.0328005716609});
  check_numbers(norm.running_variance, {1.74049221519, 1.31272514563, 0.902291342011});
}

TEST_CASE("BatchNorm leaves its running statistics where the Pass says so", "[layers]") {
  Rng rng(1);
  const BatchNorm<float> norm(3);
  const Variable x(numbers<float>(Shape{4, 3}, 5));
  const Variable fixed = norm(x, Pass::training(rng).without_updates());
  check_numbers(norm.running_mean, {0, 0, 0});
  check_numbers(norm.running_variance, {1, 1, 1});
  CHECK(std::ranges::equal(fixed.value().values(), norm(x, Pass::training(rng)).value().values()));
  CHECK(norm.running_mean(0) != 0);
}

TEST_CASE("A batch that is not finite leaves BatchNorm's running statistics alone", "[layers]") {
  Rng rng(1);
  const BatchNorm<float> norm(3);
  for (const float bad : {NAN, INFINITY}) {
    Tensor<float, 2> x = numbers<float>(Shape{4, 3}, 5);
    x(2, 1) = bad;
    CHECK(std::isnan(norm(Variable(x), Pass::training(rng)).value()(0, 1)));
    check_numbers(norm.running_mean, {0, 0, 0});
    check_numbers(norm.running_variance, {1, 1, 1});
  }
}

TEST_CASE("BatchNorm in evaluation treats each sample alone", "[layers]") {
  Rng rng(1);
  const BatchNorm norm = with_numbers(BatchNorm<float>(3), 2);
  for (double phase = 0; phase < 5; ++phase) norm(Variable(numbers<float>(Shape{4, 3}, phase)), Pass::training(rng));
  const Variable x(numbers<float>(Shape{7, 3}, 9));
  const Variable together = norm(x, Pass::evaluation(rng));
  for (Index i = 0; i < 7; ++i) {
    const Variable alone = norm(slice(x, 0, i, i + 1));
    CHECK(std::ranges::equal(alone.value().values(), slice(together, 0, i, i + 1).value().values()));
  }
}

TEST_CASE("An evaluation is differentiated with the running statistics that it used", "[layers]") {
  Rng rng(1);
  const BatchNorm norm = with_numbers(BatchNorm<double>(3), 2);
  norm(Variable(numbers<double>(Shape{4, 3}, 5)), Pass::training(rng));
  const Tensor<double, 1> variance = norm.running_variance;
  const Variable x = watch(numbers<double>(Shape{5, 3}, 9));
  const auto difference = sum(norm(x)) - sum(norm(detach(x)));  // as of D's logits for two batches
  norm(Variable(numbers<double>(Shape{4, 3}, 7)), Pass::training(rng));
  CHECK(norm.running_variance(0) != variance(0));
  const auto dx = gradient(difference, x);
  for (Index i = 0; i < 5; ++i)
    for (Index c = 0; c < 3; ++c)
      CHECK_THAT(dx.value()(i, c), WithinRel(norm.weight.value()(c) / std::sqrt(variance(c) + 1e-5), 1e-13));
}

TEST_CASE("BatchNorm makes mean 0 and variance 1 of large offsets", "[layers]") {
  Rng rng(1);
  Tensor<float, 2> x(Shape{1000, 2});
  rng.fill_normal(x.data(), x.size());
  x.array() = x.array() + 1000;
  const Variable y = BatchNorm(2)(Variable(x), Pass::training(rng));
  for (Index feature = 0; feature < 2; ++feature) {
    const auto column = y.value().matrix().col(feature).cast<double>().array();
    CHECK_THAT(column.mean(), WithinAbs(0, 1e-3));
    CHECK_THAT(column.square().mean(), WithinAbs(1, 1e-3));
  }
}

TEST_CASE("BatchNorm has the gradients that differences give", "[layers]") {
  Rng rng(1);
  const BatchNorm norm = with_numbers(BatchNorm<double>(3), 2);
  const Pass training = Pass::training(rng);
  check_gradients(
      "BatchNorm", [&](const auto& x) { return norm(x, training); }, gradient_check::numbers(Shape{4, 3}));
  check_gradients(
      "BatchNorm in x, weight and bias",
      [](const auto& x, const auto& weight, const auto& bias) {
        const auto mean = detail::feature_mean(x);
        const auto variance = detail::feature_covariance(x, x, mean);
        return square(detail::normalize_features(x, mean, variance, 0.1, weight, bias));
      },
      gradient_check::numbers(Shape{4, 3}), gradient_check::numbers(Shape{3}, 2), gradient_check::numbers(Shape{3}, 3));
  check_gradients(
      "BatchNorm of images", [&](const auto& x) { return norm(x, training); },
      gradient_check::numbers(Shape{2, 2, 1, 3}));
  check_gradients(
      "BatchNorm in evaluation", [&](const auto& x) { return square(norm(x)); }, gradient_check::numbers(Shape{2, 3}));

  // y = scale * normal + offset, so that dscale = sum(dy * normal) and doffset = sum(dy).
  const Variable x(numbers<double>(Shape{4, 3}, 5)), dy(numbers<double>(Shape{4, 3}, 8));
  const Variable y = norm(x, training);
  const auto [dweight, dbias] = gradient(sum(dy * y), norm.weight, norm.bias);
  const Variable expected_dweight = sum(dy * ((y - norm.bias) / norm.weight), 0), expected_dbias = sum(dy, 0);
  for (Index i = 0; i < 3; ++i) {
    CHECK_THAT(dweight.value()(i), WithinRel(expected_dweight.value()(i), 1e-12));
    CHECK_THAT(dbias.value()(i), WithinRel(expected_dbias.value()(i), 1e-12));
  }
}

TEST_CASE("BatchNorm refuses wrong shapes", "[layers]") {
  Rng rng(1);
  const BatchNorm<float> norm(3);
  CHECK_THROWS_MATCHES(norm(Variable(Tensor<float, 2>(Shape{2, 4}))), ShapeError,
                       Message("BatchNorm: expected x with 3 features in its last axis but got [2, 4]"));
  CHECK_THROWS_MATCHES(norm(Variable(Tensor<float, 3>(Shape{2, 3, 4})), Pass::training(rng)), ShapeError,
                       Message("BatchNorm: expected x with 3 features in its last axis but got [2, 3, 4]"));
  CHECK_THROWS_MATCHES(
      norm(Variable(Tensor<float, 2>(Shape{1, 3}, 0.0f)), Pass::training(rng)), ShapeError,
      Message("BatchNorm: expected more than one value per feature in training but got x of shape [1, 3]"));
  check_numbers(norm.running_variance, {1, 1, 1});
  CHECK(norm(Variable(Tensor<float, 3>(Shape{1, 2, 3}, 0.0f)), Pass::training(rng)).shape() == Shape{1, 2, 3});
  CHECK(norm(Variable(Tensor<float, 2>(Shape{1, 3}, 0.0f))).shape() == Shape{1, 3});
  CHECK_THROWS_MATCHES(BatchNorm(0), ArgumentError, Message("BatchNorm: expected features > 0 but got 0"));
}

TEMPLATE_TEST_CASE("LayerNorm gives PyTorch's numbers", "[layers]", float, double) {
  const LayerNorm norm = with_numbers(LayerNorm<TestType>(4), 2);
  check_numbers(norm(Variable(numbers<TestType>(Shape{3, 4}, 5))),
                {-3.5815702013, 0.70037581985, 0.889085050344, -0.911972948696, 1.85943894337, 0.770682130272,
                 3.69684654812, 1.74608937445, -1.162921338, 1.17012713204, 1.31231282544, 4.29442437201});
  const Variable y = norm(Variable(numbers<TestType>(Shape{1, 2, 1, 4}, 6)));
  CHECK(y.shape() == Shape{1, 2, 1, 4});
  check_numbers(y, {-3.9017234331, 0.968981627742, 0.21080262102, 1.43503713422, -1.5261994213, 0.521331780959,
                    2.33650284434, -1.79503221577});
}

TEST_CASE("LayerNorm has the gradients that differences give, and refuses wrong shapes", "[layers]") {
  const LayerNorm norm = with_numbers(LayerNorm<double>(4), 2);
  check_gradients(
      "LayerNorm", [&](const auto& x) { return norm(x); }, gradient_check::numbers(Shape{3, 4}));
  CHECK_THROWS_MATCHES(norm(Variable(Tensor<double, 2>(Shape{2, 3}))), ShapeError,
                       Message("LayerNorm: expected x with 4 features in its last axis but got [2, 3]"));
  CHECK_THROWS_MATCHES(LayerNorm(-1), ArgumentError, Message("LayerNorm: expected features > 0 but got -1"));
}
