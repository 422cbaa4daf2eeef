// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "distributions/values.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

TEST_CASE("likelihoods make distributions of a network's output, at any rank", "[distributions]") {
  const Shape<4> shape{2, 3, 3, 2};
  const Shape<2> flat{2, 18};
  const Variable output(numbers(shape, 1)), x(map([](auto t) { return t - 0.25; }, Variable(numbers(shape, 2, true))));
  const auto agree = [&](const auto& likelihood, const auto& expected) {
    const auto at_rank_4 = likelihood(output).log_prob(x),
               at_rank_2 = likelihood(reshape(output, flat)).log_prob(reshape(x, flat));
    check_values(at_rank_4, {expected(0), expected(1)}, 1e-11);
    check_values(at_rank_2, {expected(0), expected(1)}, 1e-11);
  };
  const auto sum_over = [&](Index sample, auto f) {
    double total = 0;
    for (Index i = 18 * sample; i < 18 * (sample + 1); ++i) total += f(x.value().data()[i], output.value().data()[i]);
    return total;
  };
  agree(BernoulliLikelihood{},
        [&](Index n) { return sum_over(n, [](double t, double l) { return t * l - std::log1p(std::exp(l)); }); });
  agree(SquaredError{}, [&](Index n) { return sum_over(n, [](double t, double m) { return -(t - m) * (t - m); }); });
  const auto normal = [&](double s) {
    return [&, s](Index n) {
      return sum_over(n, [s](double t, double m) {
        return -(t - m) * (t - m) / (2 * s * s) - std::log(s) - 0.5 * std::log(2 * std::numbers::pi);
      });
    };
  };
  agree(NormalLikelihood{}, normal(1));
  agree(NormalLikelihood{.standard_deviation = 0.25}, normal(0.25));
  LearnedNormalLikelihood<double> learned;
  agree(learned, normal(1));
  learned.log_standard_deviation.mutable_value() = Tensor<double, 0>({}, std::log(3.0));
  agree(learned, normal(3));
}

TEST_CASE("the mean of a likelihood is what to show of x", "[distributions]") {
  const Variable output(Tensor<float, 2>(Shape{1, 2}, {0.0f, 2.0f}));
  const auto mean_of = [&](const auto& likelihood) {
    const auto mean = likelihood(output).mean();
    return std::vector<float>(mean.value().values().begin(), mean.value().values().end());
  };
  const std::vector<float> same{0.0f, 2.0f};
  CHECK(mean_of(NormalLikelihood{}) == same);
  CHECK(mean_of(LearnedNormalLikelihood{}) == same);
  CHECK(mean_of(SquaredError{}) == same);
  CHECK(mean_of(BernoulliLikelihood{})[0] == 0.5f);
  CHECK_THAT(mean_of(BernoulliLikelihood{})[1], WithinAbs(0.880797, 1e-6));
}

TEST_CASE("SquaredError is the normal of variance 1/2 without its constant", "[distributions]") {
  const Variable output(numbers(Shape{3, 5})), x(numbers(Shape{3, 5}, 2));
  const auto squared = SquaredError{}(output).log_prob(x);
  const auto normal =
      NormalLikelihood{.standard_deviation = std::sqrt(0.5)}(output).log_prob(x) + 5 * 0.5 * std::log(std::numbers::pi);
  for (Index i = 0; i < 3; ++i) CHECK_THAT(squared.value()(i), WithinAbs(normal.value()(i), 1e-12));
  check_gradients(
      "SquaredError", [&](const auto& m) { return SquaredError{}(m).log_prob(x); }, output.value());
}

TEST_CASE("draws of SquaredError have its mean and the variance 1/2", "[distributions]") {
  Rng rng(4);
  const Tensor<double, 2> draws = SquaredError{}(rows(20'000, {-3, 10})).sample(rng).value();
  const double means[] = {-3, 10};
  for (Index k = 0; k < 2; ++k) {
    INFO("number " << k);
    const Eigen::ArrayXd errors = draws.matrix().col(k).array() - means[k];
    CHECK_THAT(errors.mean(), WithinAbs(0.0, 0.025));           // five times sqrt(1/2 / 20000)
    CHECK_THAT(errors.square().mean(), WithinAbs(0.5, 0.025));  // likewise: the square of the error varies by 1/2
  }
}

TEST_CASE("the learned standard deviation comes to that of the errors", "[distributions]") {
  LearnedNormalLikelihood<double> likelihood;
  std::string name;
  for_each_parameter(likelihood, [&](const FieldPath& path, const auto&) { name = to_string(path); });
  CHECK(name == "log_standard_deviation");
  const Variable mean_of_x(Tensor<double, 2>(Shape{2, 2}, 1.0)),
      x(Tensor<double, 2>(Shape{2, 2}, {0.5, 1.5, 1.5, 0.5}));
  Sgd<double> sgd{{.learning_rate = 0.1}};
  for (int i = 0; i < 200; ++i) sgd.minimize(-mean(likelihood(mean_of_x).log_prob(x)), likelihood);
  CHECK_THAT(std::exp(likelihood.log_standard_deviation.item()), WithinAbs(0.5, 1e-9));
}

TEST_CASE("likelihoods refuse what does not fit", "[distributions]") {
  const Variable output(numbers(Shape{2, 3})), x(numbers(Shape{1, 3}));
  CHECK_THROWS_MATCHES(SquaredError{}(output).log_prob(x), ShapeError,
                       Message("SquaredError::log_prob: expected x of the shape of the mean, [2, 3], but got [1, 3]"));
  CHECK_THROWS_MATCHES(NormalLikelihood{.standard_deviation = 0}(output), ArgumentError,
                       Message("NormalLikelihood: expected a standard deviation in [1e-6, 1e4] but got 0"));
}
