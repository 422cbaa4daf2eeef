// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <numbers>

#include "catch.hpp"

using namespace eigenesis;

namespace {

const Tensor<double, 2> real(Shape{3, 1}, {-1.5, 0.25, 3}), fake(Shape{4, 1}, {-2, 0, 0.75, 1});

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
template <class F>
double average(const Tensor<double, 2>& logits, F f) {
  double sum = 0;
  for (const double logit : logits.values()) sum += f(logit);
  return sum / static_cast<double>(logits.size());
}

/// Loss and gradient of each generator logit against closed forms.
template <class Objective, class Loss, class Slope>
void check_generator_loss(const Objective& objective, Loss loss, Slope slope) {
  const Variable logits = watch(fake);
  const Variable<double, 0> found = objective.generator_loss(logits);
  CHECK_THAT(found.item(), WithinRel(average(fake, loss), 1e-14));
  const Variable dlogits = gradient(found, logits);
  for (Index i = 0; i < 4; ++i) CHECK_THAT(dlogits.value()(i, 0), WithinRel(slope(fake(i, 0)) / 4, 1e-14));
}

template <class Objective>
double generator_slope(double logit) {
  const Variable x = watch(Tensor<float, 2>(Shape{1, 1}, static_cast<float>(logit)));
  return gradient(Objective{}.generator_loss(x), x).item();
}

}  // namespace

TEMPLATE_TEST_CASE("The discriminator's loss is the mean cross-entropy of both batches", "[objectives]", Minimax,
                   NonSaturating) {
  const Variable real_logits = watch(real), fake_logits = watch(fake);
  const Variable<double, 0> loss = TestType{}.discriminator_loss(real_logits, fake_logits);
  const double expected = average(real, [](double l) { return -std::log(sigmoid_of(l)); }) +
                          average(fake, [](double l) { return -std::log(1 - sigmoid_of(l)); });
  CHECK_THAT(loss.item(), WithinRel(expected, 1e-14));
  const auto [dreal, dfake] = gradient(loss, real_logits, fake_logits);
  for (Index i = 0; i < 3; ++i) CHECK_THAT(dreal.value()(i, 0), WithinRel((sigmoid_of(real(i, 0)) - 1) / 3, 1e-14));
  for (Index i = 0; i < 4; ++i) CHECK_THAT(dfake.value()(i, 0), WithinRel(sigmoid_of(fake(i, 0)) / 4, 1e-14));
}

TEST_CASE("A discriminator that knows nothing loses 2 ln 2", "[objectives]") {
  const Variable zeros(Tensor<double, 2>(Shape{8, 1}, 0.0));
  CHECK_THAT(Minimax{}.discriminator_loss(zeros, zeros).item(), WithinAbs(2 * std::numbers::ln2, 1e-15));
  CHECK_THAT(Minimax{}.generator_loss(zeros).item(), WithinAbs(-std::numbers::ln2, 1e-15));
  CHECK_THAT(NonSaturating{}.generator_loss(zeros).item(), WithinAbs(std::numbers::ln2, 1e-15));
}

TEST_CASE("The generator's losses are those of Goodfellow et al.", "[objectives]") {
  check_generator_loss(
      Minimax{}, [](double l) { return std::log(1 - sigmoid_of(l)); }, [](double l) { return -sigmoid_of(l); });
  check_generator_loss(
      NonSaturating{}, [](double l) { return -std::log(sigmoid_of(l)); }, [](double l) { return sigmoid_of(l) - 1; });
}

TEST_CASE("Least squares, hinge and Wasserstein losses are those of their papers", "[objectives]") {
  const auto discriminator_loss = [](const auto& objective) {
    return Variable<double, 0>(objective.discriminator_loss(Variable(real), Variable(fake))).item();
  };
  CHECK_THAT(discriminator_loss(LeastSquares{}),
             WithinRel(average(real, [](double l) { return (l - 1) * (l - 1) / 2; }) +
                           average(fake, [](double l) { return l * l / 2; }),
                       1e-14));
  CHECK_THAT(discriminator_loss(Hinge{}), WithinRel(average(real, [](double l) { return std::max(0.0, 1 - l); }) +
                                                        average(fake, [](double l) { return std::max(0.0, 1 + l); }),
                                                    1e-14));
  CHECK_THAT(discriminator_loss(Wasserstein{}),
             WithinRel(average(fake, [](double l) { return l; }) - average(real, [](double l) { return l; }), 1e-14));
  check_generator_loss(
      LeastSquares{}, [](double l) { return (l - 1) * (l - 1) / 2; }, [](double l) { return l - 1; });
  check_generator_loss(
      Hinge{}, [](double l) { return -l; }, [](double) { return -1.0; });
  check_generator_loss(
      Wasserstein{}, [](double l) { return -l; }, [](double) { return -1.0; });
}

TEST_CASE("The hinge rests beyond its margin", "[objectives]") {
  const Variable real_logits = watch(Tensor<double, 2>(Shape{3, 1}, {0.5, 1.5, -2}));
  const Variable fake_logits = watch(Tensor<double, 2>(Shape{3, 1}, {-0.5, -1.5, 2}));
  const auto [dreal, dfake] = gradient(Hinge{}.discriminator_loss(real_logits, fake_logits), real_logits, fake_logits);
  CHECK(dreal.value().array().isApprox(Tensor<double, 2>(Shape{3, 1}, {-1 / 3.0, 0, -1 / 3.0}).array()));
  CHECK(dfake.value().array().isApprox(Tensor<double, 2>(Shape{3, 1}, {1 / 3.0, 0, 1 / 3.0}).array()));
}

TEST_CASE("Relativistic asks which of two samples is the real one", "[objectives]") {
  const Variable real = watch(Tensor<double, 2>(Shape{3, 1}, {0.5, 2, -1}));
  const Variable fake = watch(Tensor<double, 2>(Shape{3, 1}, {0.5, -1, 1}));
  const double d[] = {0, 3, -2};  // real - fake
  double of_d = 0, of_g = 0;
  for (const double x : d) {
    of_d += std::log1p(std::exp(-x)) / 3;
    of_g += std::log1p(std::exp(x)) / 3;
  }
  CHECK_THAT(Relativistic{}.discriminator_loss(real, fake).item(), WithinAbs(of_d, 1e-14));
  CHECK_THAT(Relativistic{}.generator_loss(real, fake).item(), WithinAbs(of_g, 1e-14));
  CHECK_THAT(Relativistic{}.discriminator_loss(real, real).item(), WithinAbs(std::log(2.0), 1e-14));
  // d softplus(r - f) / df = -sigmoid(r - f)
  const auto dfake = gradient(Relativistic{}.generator_loss(real, fake), fake);
  for (Index i = 0; i < 3; ++i) CHECK_THAT(dfake.value()(i, 0), WithinAbs(-1 / (1 + std::exp(-d[i])) / 3, 1e-14));
}

TEST_CASE("Relativistic compares pairs, and stretches no batch to the size of another", "[objectives]") {
  const Variable four(Tensor<double, 2>(Shape{4, 1}, 0.5)), one(Tensor<double, 2>(Shape{1, 1}, 2.0));
  const Variable row(Tensor<double, 1>(Shape{4}, 2.0));  // [4, 1] and [4] would be stretched to [4, 4]
  CHECK_THROWS_MATCHES(Relativistic{}.discriminator_loss(four, one), ShapeError,
                       Message("Relativistic::discriminator_loss: expected as many fake as real logits but got [1, 1] "
                               "and [4, 1]"));
  CHECK_THROWS_MATCHES(Relativistic{}.generator_loss(one, four), ShapeError,
                       Message("Relativistic::generator_loss: expected as many fake as real logits but got [4, 1] and "
                               "[1, 1]"));
  CHECK_THROWS_MATCHES(Relativistic{}.discriminator_loss(four, row), ShapeError,
                       Message("Relativistic::discriminator_loss: expected as many fake as real logits but got [4] and "
                               "[4, 1]"));
}

TEST_CASE("Minimax saturates where the discriminator is sure, NonSaturating does not", "[objectives]") {
  CHECK_THAT(generator_slope<Minimax>(-20), WithinRel(-std::exp(-20.0), 1e-5));
  CHECK(generator_slope<Minimax>(-1e4) == 0);
  CHECK(generator_slope<NonSaturating>(-20) == -1);
  CHECK(generator_slope<NonSaturating>(-1e4) == -1);
  CHECK(generator_slope<Minimax>(1e4) == -1);
  CHECK(generator_slope<NonSaturating>(1e4) == 0);
}

TEMPLATE_TEST_CASE("Losses of huge logits do not overflow", "[objectives]", float, double) {
  const auto logits = [](double value) {
    return watch(Tensor<TestType, 2>(Shape{5, 1}, static_cast<TestType>(value)));
  };
  const auto high = logits(1e4), low = logits(-1e4);
  CHECK(Minimax{}.discriminator_loss(high, low).item() == 0);
  CHECK(Minimax{}.discriminator_loss(low, high).item() == 2e4);
  CHECK(Minimax{}.generator_loss(high).item() == -1e4);
  CHECK(Minimax{}.generator_loss(low).item() == 0);
  CHECK(NonSaturating{}.generator_loss(high).item() == 0);
  CHECK(NonSaturating{}.generator_loss(low).item() == 1e4);
  const auto [dlow, dhigh] = gradient(Minimax{}.discriminator_loss(low, high), low, high);
  CHECK(dlow.value()(4, 0) == TestType(-1) / 5);
  CHECK(dhigh.value()(4, 0) == TestType(1) / 5);
}
