// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "gradient_check.hpp"

using namespace eigenesis;
using gradient_check::numbers;

namespace {

/// The critic x . w, x [N, ...].
struct LinearCritic {
  Variable<double, 1> w;
  template <int Rank>
  auto operator()(const Variable<double, Rank>& x) const {
    return matmul(reshape(x, Shape{x.shape(0), w.size()}), reshape(w, Shape{w.size(), Index{1}}));
  }
};

/// A discriminator of one hidden layer, its weights cut from one vector of 3 * 4 + 4 + 4.
struct SmallMlp {
  Variable<double, 1> all;
  auto operator()(const Variable<double, 2>& x) const {
    const auto first = reshape(slice(all, 0, 0, 12), Shape{3, 4});
    const auto second = reshape(slice(all, 0, 16, 20), Shape{4, 1});
    return matmul(tanh(matmul(x, first) + slice(all, 0, 12, 16)), second);
  }
};

Tensor<double, 1> copy_of(const Tensor<double, 1>& x, double scale) {
  Tensor<double, 1> result = x;
  result.array() *= scale;
  return result;
}
double norm_of(const Tensor<double, 1>& x) { return x.matrix().norm(); }

/// The penalty with the same random numbers at each call.
template <class Penalty, class Critic, int Rank>
Variable<double, 0> drawn(const Penalty& penalty, const Critic& critic, const Tensor<double, Rank>& real,
                          const Tensor<double, Rank>& fake) {
  Rng rng(3);
  return penalty(critic, Variable(real), Variable(fake), rng);
}

}  // namespace

TEST_CASE("R1 of a linear critic is gamma / 2 |w|^2 for any batch", "[objectives]") {
  const auto w = watch(numbers(Shape{6}));
  for (const Index n : {1, 2, 5}) {
    const auto x = numbers(Shape{n, Index{6}}, 2), other = numbers(Shape{n, Index{6}}, 3);
    const auto penalty = drawn(R1{.gamma = 0.3}, LinearCritic{w}, x, other);
    CHECK_THAT(penalty.item(), WithinRel(0.15 * std::pow(norm_of(w.value()), 2), 1e-14));
    const auto dw = gradient(penalty, w);
    for (Index i = 0; i < 6; ++i) CHECK_THAT(dw.value()(i), WithinRel(0.3 * w.value()(i), 1e-14));
  }
  CHECK(R1{}.gamma == 10);
}

TEST_CASE("R1 looks at real samples only, each by itself", "[objectives]") {
  // D = |x|^2 / 2, whose gradient is x: the mean of |x_i|^2.
  const auto critic = [](const auto& x) { return reshape(sum_per_sample(square(x)), Shape{x.shape(0), Index{1}}) / 2; };
  const Tensor<double, 2> real(Shape{3, 2}, {1, 2, 0, 0, -3, 4}), fake(Shape{3, 2}, 100.0);
  CHECK_THAT(drawn(R1{.gamma = 2}, critic, real, fake).item(), WithinRel((5 + 0 + 25) / 3.0, 1e-14));
}

TEST_CASE("The gradient penalty of a linear critic is weight (|w| - 1)^2 for any batch", "[objectives]") {
  const auto direction = numbers(Shape{6});
  for (const double norm : {0.25, 1.0, 3.0})
    for (const Index n : {1, 2, 5}) {
      const auto w = watch(copy_of(direction, norm / norm_of(direction)));
      const auto real = numbers(Shape{n, Index{6}}, 2), fake = numbers(Shape{n, Index{6}}, 3);
      const auto penalty = drawn(GradientPenalty{}, LinearCritic{w}, real, fake);
      CHECK_THAT(penalty.item(), WithinAbs(10 * std::pow(norm - 1, 2), 1e-10));
      const auto dw = gradient(penalty, w);
      for (Index i = 0; i < 6; ++i) CHECK_THAT(dw.value()(i), WithinAbs(20 * (norm - 1) * w.value()(i) / norm, 1e-9));
    }
}

TEST_CASE("The gradient penalty takes the norm over all axes of a sample", "[objectives]") {
  const auto w = watch(numbers(Shape{12}));
  const auto real = numbers(Shape{3, 2, 3, 2}, 2), fake = numbers(Shape{3, 2, 3, 2}, 3);
  CHECK_THAT(drawn(GradientPenalty{.weight = 1}, LinearCritic{w}, real, fake).item(),
             WithinRel(std::pow(norm_of(w.value()) - 1, 2), 1e-10));
  CHECK_THAT(drawn(R1{.gamma = 2}, LinearCritic{w}, real, fake).item(),
             WithinRel(std::pow(norm_of(w.value()), 2), 1e-14));
}

TEST_CASE("The gradient penalty looks between real and fake samples, at one place for each", "[objectives]") {
  Tensor<double, 2> seen;
  const auto critic = [&](const auto& x) {
    seen = x.value();
    return sum(square(x), 1);
  };
  const Index n = 4000;
  drawn(GradientPenalty{}, critic, Tensor<double, 2>(Shape{n, Index{3}}, 2.0),
        Tensor<double, 2>(Shape{n, Index{3}}, 6.0));
  REQUIRE(seen.shape() == Shape{n, Index{3}});
  bool equal_in_a_sample = true;
  for (Index i = 0; i < n; ++i)
    equal_in_a_sample = equal_in_a_sample && seen(i, 0) == seen(i, 1) && seen(i, 0) == seen(i, 2);
  CHECK(equal_in_a_sample);
  const auto places = (seen.matrix().col(0).array() - 2) / 4;  // uniform in [0, 1]
  CHECK(places.minCoeff() >= 0);
  CHECK(places.maxCoeff() <= 1);
  // Five standard deviations of the mean of 4000 uniform numbers and of their squares.
  CHECK_THAT(places.mean(), WithinAbs(0.5, 5 * std::sqrt(1 / 12.0 / n)));
  CHECK_THAT(places.square().mean(), WithinAbs(1 / 3.0, 5 * std::sqrt(4 / 45.0 / n)));
}

TEMPLATE_TEST_CASE("Gradients of penalties reach all weights that change them", "[objectives]", R1, GradientPenalty) {
  const auto real = numbers(Shape{4, 3}, 2), fake = numbers(Shape{4, 3}, 3);
  check_gradients(
      "penalty", [&](const auto& all) { return drawn(TestType{}, SmallMlp{all}, real, fake); }, numbers(Shape{20}));
}

TEST_CASE("Where a critic is flat the gradient penalty is its weight, and has finite gradients", "[objectives]") {
  const auto w = watch(Tensor<double, 1>(Shape{6}, 0.0));
  const auto x = numbers(Shape{4, 6}, 2), y = numbers(Shape{4, 6}, 3);
  const auto penalty = drawn(GradientPenalty{.weight = 7}, LinearCritic{w}, x, y);
  CHECK_THAT(penalty.item(), WithinRel(7, 1e-5));
  CHECK(gradient(penalty, w).value().array().isFinite().all());

  const auto v = watch(Tensor<float, 2>(Shape{6, 1}, 0.0f));
  Rng rng(1);
  const Variable ones(Tensor<float, 2>(Shape{4, 6}, 1.0f));
  const auto single = GradientPenalty{}([&](const auto& s) { return relu(matmul(s, v)); }, ones, ones, rng);
  CHECK(gradient(single, v).value().array().isFinite().all());
}

TEST_CASE("Penalties refuse what does not fit", "[objectives]") {
  const LinearCritic critic{numbers(Shape{2})};
  const Tensor<double, 2> x(Shape{3, 2}, 1.0), longer(Shape{4, 2}, 1.0);
  CHECK_THROWS_MATCHES(drawn(R1{.gamma = -1}, critic, x, x), ArgumentError,
                       Message("R1: expected a finite gamma >= 0 but got -1"));
  CHECK_THROWS_MATCHES(drawn(R1{.gamma = NAN}, critic, x, x), ArgumentError,
                       Message("R1: expected a finite gamma >= 0 but got nan"));
  CHECK_THROWS_MATCHES(drawn(GradientPenalty{.weight = -2}, critic, x, x), ArgumentError,
                       Message("GradientPenalty: expected a finite weight >= 0 but got -2"));
  CHECK_THROWS_MATCHES(drawn(GradientPenalty{}, critic, x, longer), ShapeError,
                       Message("GradientPenalty: expected fake samples of the shape of real ones, [3, 2], but got "
                               "[4, 2]"));
}

namespace {

struct MixedR1 : R1 {
  static constexpr bool needs_separate_samples = false;
};

}  // namespace

TEST_CASE("A penalty for separate samples can be asked for with BatchNorm nonetheless", "[objectives]") {
  Rng rng(1);
  Generator generator{Linear(2, 2, rng), StandardNormal(2)};
  Discriminator discriminator{Sequential{Linear(2, 4, rng), BatchNorm(4), Tanh{}, Linear(4, 1, rng)}};
  GanTrainer trainer{generator, discriminator, NonSaturating{}, MixedR1{}};
  CHECK(std::isfinite(trainer.train_discriminator(StandardNormal(2).sample(8, rng), rng)));
}
