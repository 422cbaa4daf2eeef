// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "distributions/values.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

// The expected numbers below are those of scipy.stats (SciPy 1.17) and torch.distributions (PyTorch 2.13, float64).
const Variable<double, 2> logits_q = Tensor<double, 2>(Shape{2, 3}, {0.0, 2.0, -3.0, 1.5, -0.5, 40.0});
const Variable<double, 2> logits_p = Tensor<double, 2>(Shape{2, 3}, {1.0, -1.0, 0.5, 0.0, 2.0, 38.0});
const Variable<double, 2> class_logits_q = Tensor<double, 2>(Shape{2, 4}, {0.1, 2.0, -1.0, 0.5, 3.0, 0.0, -2.0, 1.0});
const Variable<double, 2> class_logits_p = Tensor<double, 2>(Shape{2, 4}, {0.0, 0.0, 0.0, 0.0, 1.0, -1.0, 2.0, 0.0});

}  // namespace

TEST_CASE("Bernoulli has the probabilities, entropy and divergence of coins", "[distributions]") {
  const Bernoulli q{logits_q}, p{logits_p};
  check_values(q.log_prob(Tensor<double, 2>(Shape{2, 3}, {1, 0, 1, 0, 1, 1})), {-5.86866254317666, -2.67549026216286});
  // Grey pixels: torch.nn.functional.binary_cross_entropy_with_logits, summed.
  check_values(q.log_prob(Tensor<double, 2>(Shape{2, 3}, {0.25, 1, 0, 0.5, 0.75, 0.9})),
               {-0.86866254317666, -5.80049026216286});
  check_values(q.entropy(), {1.2493460067536, 1.13789888227147});
  check_values(kl_divergence(q, p), {1.70833849385206, 0.927094971735161});
  check_values(kl_divergence(q, q), {0, 0}, 0);
  for (Index i = 0; i < 6; ++i)
    CHECK_THAT(q.mean().value().data()[i], WithinRel(1 / (1 + std::exp(-logits_q.value().data()[i])), 1e-14));
}

TEST_CASE("Bernoulli sums over all axes but the first", "[distributions]") {
  const Shape<4> shape{2, 3, 2, 1};
  const Shape<2> flat{2, 6};
  const auto logits = numbers(shape), pixels = numbers(shape, 2, true);
  const auto x = map([](auto t) { return t - 0.25; }, Variable(pixels));
  const auto expected = Bernoulli{Variable(logits.reshaped(flat))}.log_prob(reshape(x, flat));
  check_values(Bernoulli{Variable(logits)}.log_prob(x), {expected.value()(0), expected.value()(1)});
}

TEST_CASE("Bernoulli is exact for logits of any size", "[distributions]") {
  const Bernoulli q{Variable(Tensor<float, 2>(Shape{2, 2}, {1000, -1000, 1000, -1000}))};
  check_values(q.log_prob(Tensor<float, 2>(Shape{2, 2}, {1, 0, 0, 1})), {0, -2000}, 0);
}

TEST_CASE("gradients flow through Bernoulli", "[distributions]") {
  const Variable x(Tensor<double, 2>(Shape{2, 3}, {0.1, 0, 1, 0.7, 0.3, 0.9}));
  check_gradients(
      "Bernoulli::log_prob", [&](const auto& l) { return Bernoulli{l}.log_prob(x); }, numbers(Shape{2, 3}));
  check_gradients(
      "Bernoulli::entropy", [](const auto& l) { return Bernoulli{l}.entropy(); }, numbers(Shape{2, 3}));
  check_gradients(
      "kl_divergence", [](const auto& q, const auto& p) { return kl_divergence(Bernoulli{q}, Bernoulli{p}); },
      numbers(Shape{2, 3}), numbers(Shape{2, 3}, 2));
  // The slope of the negative log-likelihood by the logits is sigmoid(logit) - x.
  const auto l = watch(numbers(Shape{2, 3}));
  const auto slope = gradient(-sum(Bernoulli{l}.log_prob(x)), l);
  for (Index i = 0; i < 6; ++i)
    CHECK_THAT(slope.value().data()[i],
               WithinAbs(1 / (1 + std::exp(-l.value().data()[i])) - x.value().data()[i], 1e-14));
}

TEST_CASE("draws of Bernoulli are zeros and ones of its probabilities", "[distributions]") {
  Rng rng(5);
  const Tensor<double, 2> draws = Bernoulli{rows(50'000, {1.5})}.sample(rng);
  CHECK(std::ranges::all_of(draws.values(), [](double t) { return t == 0 || t == 1; }));
  check_mean(draws, 1 / (1 + std::exp(-1.5)));
  const Tensor<double, 2> sure = Bernoulli{rows(1000, {100, -1000})}.sample(rng);
  CHECK(sure.matrix().col(0).minCoeff() == 1);
  CHECK(sure.matrix().col(1).maxCoeff() == 0);
}

TEMPLATE_TEST_CASE("Bernoulli refuses numbers outside of [0, 1]", "[distributions]", float, double) {
  using Scalar = TestType;
  const Shape<2> shape{50, 700};  // several pieces of work
  const Bernoulli q{Variable(Tensor<Scalar, 2>(shape, Scalar(0)))};
  Tensor<Scalar, 2> x(shape, Scalar(0.5));
  x(0, 0) = 0, x(0, 1) = 1, x(49, 699) = -Scalar(0);
  CHECK_NOTHROW(q.log_prob(x));
  const auto refused = [&](Index sample, Index pixel, Scalar value, const std::string& message) {
    Tensor<Scalar, 2> wrong = x;
    wrong(sample, pixel) = value;
    CHECK_THROWS_MATCHES(q.log_prob(wrong), DataError,
                         Message("Bernoulli::log_prob: expected x in [0, 1] but got " + message));
  };
  const Scalar infinity = std::numeric_limits<Scalar>::infinity(), nan = std::numeric_limits<Scalar>::quiet_NaN();
  refused(0, 0, 255, "255 in row 0");
  refused(3, 1, Scalar(-1e-30), "-1e-30 in row 3");
  refused(3, 1, std::nextafter(Scalar(1), Scalar(2)), detail::text(std::nextafter(Scalar(1), Scalar(2))) + " in row 3");
  refused(24, 350, nan, "nan in row 24");
  refused(24, 350, -nan, "nan in row 24");
  refused(49, 699, infinity, "inf in row 49");
  refused(49, 698, -infinity, "-inf in row 49");
}

TEST_CASE("discrete distributions refuse shapes that do not fit", "[distributions]") {
  const Bernoulli q{logits_q}, row{rows(1, {0, 0, 0})};
  CHECK_THROWS_MATCHES(q.log_prob(rows(1, {0, 0, 0})), ShapeError,
                       Message("Bernoulli::log_prob: expected x of the shape of the logits, [2, 3], but got [1, 3]"));
  CHECK_THROWS_MATCHES(kl_divergence(q, row), ShapeError,
                       Message("kl_divergence: expected distributions of equal shape but got [2, 3] and [1, 3]"));
  const Categorical classes{class_logits_q};
  CHECK_THROWS_MATCHES(kl_divergence(classes, Categorical{logits_q}), ShapeError,
                       Message("kl_divergence: expected distributions of equal shape but got [2, 4] and [2, 3]"));
  CHECK_THROWS_MATCHES(classes.log_prob(std::array{1, 2, 3}), ShapeError,
                       Message("Categorical::log_prob: expected 2 classes but got 3"));
  CHECK_THROWS_MATCHES(OneHot{class_logits_q}.log_prob(logits_q), ShapeError,
                       Message("OneHot::log_prob: expected x of the shape of the logits, [2, 4], but got [2, 3]"));
}

TEST_CASE("one_hot puts a one at each class", "[distributions]") {
  const Tensor<float, 2> rows_of_classes = one_hot(std::array{2, 0}, 3);
  CHECK(rows_of_classes.shape() == Shape{2, 3});
  CHECK(std::ranges::equal(rows_of_classes.values(), std::array{0.0f, 0.0f, 1.0f, 1.0f, 0.0f, 0.0f}));
  CHECK_THROWS_MATCHES(one_hot(std::array{2, 3}, 3), DataError,
                       Message("one_hot: expected classes in [0, 3) but got 3 in sample 1"));
  CHECK_THROWS_MATCHES(one_hot(std::array{-1}, 3), DataError,
                       Message("one_hot: expected classes in [0, 3) but got -1 in sample 0"));
}

TEST_CASE("Categorical and OneHot have the probabilities, entropy and divergence of classes", "[distributions]") {
  const Categorical q{class_logits_q}, p{class_logits_p};
  const OneHot hot_q{class_logits_q}, hot_p{class_logits_p};
  const std::array classes{3, 0};
  check_values(q.log_prob(classes), {-1.85240593810343, -0.175515362616714});
  check_values(hot_q.log_prob(one_hot<double>(classes, 4)), {-1.85240593810343, -0.175515362616714});
  for (const auto& entropy : {q.entropy(), hot_q.entropy()})
    check_values(entropy, {0.892472345843354, 0.55619882619365});
  for (const auto& divergence : {kl_divergence(q, p), kl_divergence(hot_q, hot_p)})
    check_values(divergence, {0.493822015276536, 1.07543233009593});
  const std::array expected{0.105145945360636, 0.702994691714874,  0.0350000447786539,  0.156859318145836,
                            0.839024507462532, 0.0417725705153505, 0.00565330266221633, 0.113549619359901};
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK_THAT(q.probabilities().value().values()[i], WithinAbs(expected[i], 1e-14));
    CHECK_THAT(hot_q.mean().value().values()[i], WithinAbs(expected[i], 1e-14));
  }
}

TEST_CASE("Categorical refuses classes that do not exist, OneHot rows that are not one-hot", "[distributions]") {
  const Categorical q{class_logits_q};
  CHECK_THROWS_MATCHES(q.log_prob(std::array{0, 4}), DataError,
                       Message("Categorical::log_prob: expected classes in [0, 4) but got 4 in sample 1"));
  CHECK_THROWS_MATCHES(q.log_prob(std::array{-1, 0}), DataError,
                       Message("Categorical::log_prob: expected classes in [0, 4) but got -1 in sample 0"));
  const OneHot hot{class_logits_q};
  const auto refused = [&](std::initializer_list<double> x, const std::string& message) {
    CHECK_THROWS_MATCHES(hot.log_prob(Tensor<double, 2>(Shape{2, 4}, x)), DataError,
                         Message("OneHot::log_prob: expected " + message + " in row 1"));
  };
  refused({0, 1, 0, 0, 0, 0, 0, 0}, "one 1 in each row but got 0");
  refused({0, 1, 0, 0, 1, 1, 0, 0}, "one 1 in each row but got 2");
  refused({0, 1, 0, 0, 0.5, 0.5, 0, 0}, "zeros and ones but got 0.5");
  refused({0, 1, 0, 0, 1, -1, 1, 0}, "zeros and ones but got -1");
  refused({0, 1, 0, 0, 1, std::numeric_limits<double>::quiet_NaN(), 0, 0}, "zeros and ones but got nan");
  CHECK_THROWS_MATCHES(hot.log_prob(Tensor<double, 2>(Shape{2, 4}, {0, 0, 0, 0, 0, 1, 0, 0})), DataError,
                       Message("OneHot::log_prob: expected one 1 in each row but got 0 in row 0"));
}

TEST_CASE("gradients flow through Categorical and OneHot", "[distributions]") {
  const std::array classes{3, 0};
  const auto logits = numbers(Shape{2, 4});
  check_gradients(
      "Categorical::log_prob", [&](const auto& l) { return Categorical{l}.log_prob(classes); }, logits);
  check_gradients(
      "Categorical::entropy", [](const auto& l) { return Categorical{l}.entropy(); }, logits);
  check_gradients(
      "kl_divergence", [](const auto& q, const auto& p) { return kl_divergence(Categorical{q}, Categorical{p}); },
      logits, numbers(Shape{2, 4}, 2));
  check_gradients(
      "OneHot::log_prob", [&](const auto& l) { return OneHot{l}.log_prob(one_hot<double>(classes, 4)); }, logits);
}

TEST_CASE("a logit of -infinity rules a class out", "[distributions]") {
  const double none = -std::numeric_limits<double>::infinity(), ln2 = std::log(2.0);
  Parameter<double, 2> logits(Tensor<double, 2>(Shape{2, 4}, {0, none, 0, none, 1, none, none, none}));
  const Categorical q{logits}, same{Variable(logits.value())}, all{Variable(Tensor<double, 2>(Shape{2, 4}, 0.0))};
  const std::array classes{2, 0};
  check_values(q.log_prob(classes), {-ln2, 0});
  check_values(OneHot{logits}.log_prob(one_hot<double>(classes, 4)), {-ln2, 0});
  CHECK(q.log_prob(std::array{1, 0}).value()(0) == none);
  check_values(q.entropy(), {ln2, 0});
  check_values(kl_divergence(q, same), {0, 0});
  check_values(kl_divergence(q, all), {ln2, 2 * ln2});
  for (const double divergence : kl_divergence(all, q).value().values()) CHECK(divergence == -none);
  const Variable<double, 0> loss =
      sum(q.log_prob(classes) + q.entropy() + kl_divergence(q, same) + kl_divergence(q, all));
  const Tensor<double, 2> gradient_of_loss = gradient(loss, logits).value();
  const std::array expected{-0.5, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0};  // of log_prob; the others are at an extremum
  for (std::size_t i = 0; i < 8; ++i) CHECK_THAT(gradient_of_loss.values()[i], WithinAbs(expected[i], 1e-14));
  Rng rng(3);
  CHECK(q.sample(rng)[1] == 0);
}

TEST_CASE("draws of Categorical and OneHot have its probabilities", "[distributions]") {
  const double none = -1000;  // a class of probability 0
  const std::initializer_list<double> logits{none, std::log(0.5), std::log(0.2), none, std::log(0.3), none};
  Rng rng(9), same(9);
  const std::vector<int> classes = Categorical{rows(20'000, logits)}.sample(rng);
  const Tensor<double, 2> hot = OneHot{rows(20'000, logits)}.sample(same);
  REQUIRE(classes.size() == 20'000);
  CHECK(std::ranges::equal(hot.values(), one_hot<double>(classes, 6).values()));
  const double expected[] = {0, 0.5, 0.2, 0, 0.3, 0};
  for (Index k = 0; k < 6; ++k) {
    INFO("class " << k);
    check_mean(Tensor<double, 2>(hot.matrix().col(k)), expected[k]);
  }
}

TEST_CASE("draws of Categorical reach every class, the first and the last too", "[distributions]") {
  Rng rng(10);
  const std::vector<int> classes = Categorical{rows(20'000, {std::log(0.5), std::log(0.2), std::log(0.3)})}.sample(rng);
  const double expected[] = {0.5, 0.2, 0.3};
  for (int k = 0; k < 3; ++k) {
    Tensor<double, 1> hits(Shape{20'000});
    for (Index i = 0; i < hits.size(); ++i) hits(i) = classes[static_cast<std::size_t>(i)] == k;
    INFO("class " << k);
    check_mean(hits, expected[k]);
  }
}

TEST_CASE("a coin of probability 0 never shows 1, though the generator gives 0 too", "[distributions]") {
  const Shape<2> shape{512, 512};
  Tensor<float, 2> uniform(shape);
  Rng rng(3), before(3);
  Index zeros = 0;
  for (int block = 0; block < 2000 && zeros == 0; ++block) {
    before = rng;
    rng.fill_uniform(uniform.data(), uniform.size(), 0.0f, 1.0f);
    zeros = (uniform.array() == 0).count();
  }
  REQUIRE(zeros > 0);
  const Bernoulli never{Variable(Tensor<float, 2>(shape, -std::numeric_limits<float>::infinity()))};
  CHECK(never.sample(before).array().sum() == 0);
}

TEST_CASE("Whether all numbers are within bounds is asked of these numbers only", "[distributions]") {
  std::vector<float> x(4096, 2.0f);
  std::fill_n(x.begin(), 1500, 0.5f);
  CHECK(detail::all_within(x.data(), 1500, 0.0f, 1.0f));
  CHECK_FALSE(detail::all_within(x.data(), 1501, 0.0f, 1.0f));
}

TEST_CASE("The smallest logit is no infinite one: divergences from it are finite", "[distributions]") {
  const double least = std::numeric_limits<float>::lowest();
  const Categorical q{Variable(Tensor<float, 2>(Shape{2, 2}, 0.0f))};
  const Categorical p{Variable(Tensor<float, 2>(Shape{2, 2}, {0.0f, static_cast<float>(least), 0.0f, 0.0f}))};
  const auto divergence = kl_divergence(q, p).value();
  CHECK_THAT(divergence(0), WithinRel(static_cast<float>(-std::log(2.0) - least / 2), 1e-6f));
  CHECK_THAT(divergence(1), WithinAbs(0.0f, 1e-6f));
}

TEST_CASE("samples do not hide a NaN", "[distributions]") {
  Rng rng(1);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Variable logits(Tensor<float, 2>({2, 2}, {100.0f, nan, -100.0f, 100.0f}));
  const Tensor<float, 2> coins = Bernoulli{logits}.sample(rng);
  CHECK(coins(0, 0) == 1);
  CHECK(std::isnan(coins(0, 1)));
  CHECK(coins(1, 0) == 0);
  CHECK_THROWS_MATCHES(Categorical{logits}.sample(rng), NumericError,
                       Message("Categorical::sample: expected finite logits but got nan or inf in row 0"));
}
