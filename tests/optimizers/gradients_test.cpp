// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"
#include "optimizers/model.hpp"

using namespace eigenesis;

TEST_CASE("parameter gradients stand in the order of the fields", "[optimizers]") {
  Affine<double> model;
  const auto gradients = parameter_gradients(sum(3 * model.bias), model);
  CHECK(gradients.size() == 2);
  CHECK(gradients[0].empty());
  CHECK(std::ranges::equal(gradients[1], std::array{3.0, 3.0, 3.0}));
}

TEST_CASE("gradients of two models can be taken before either changes", "[optimizers]") {
  // The simultaneous game of Dirac-GAN: both players see the other's old value.
  One<double, 0> a{Tensor<double, 0>({}, 1.0)}, b{Tensor<double, 0>({}, -1.0)};
  const auto loss = a.weight * b.weight;
  auto of_a = parameter_gradients(loss, a), of_b = parameter_gradients(-loss, b);
  Sgd<double> first{{.learning_rate = 0.5}}, second{{.learning_rate = 0.5}};
  first.step(a, std::move(of_a));
  second.step(b, std::move(of_b));
  CHECK_THAT(a.weight.item(), WithinAbs(1.5, 1e-15));
  CHECK_THAT(b.weight.item(), WithinAbs(-0.5, 1e-15));
}

TEST_CASE("clip_norm scales all gradients alike", "[optimizers]") {
  Affine<double> model;
  auto gradients = parameter_gradients(sum(4 * model.bias) + sum(model.weight), model);  // 3 times 4, 6 times 1
  const double norm = std::sqrt(3 * 16 + 6);
  CHECK_THAT(gradients.norm(), WithinRel(norm, 1e-14));
  CHECK_THAT(gradients.clip_norm(10), WithinRel(norm, 1e-14));
  CHECK_THAT(gradients[1][0], WithinAbs(4, 0));
  CHECK_THAT(gradients.clip_norm(2), WithinRel(norm, 1e-14));
  CHECK_THAT(gradients[0][5], WithinRel(2 / (norm + 1e-6), 1e-14));
  CHECK_THAT(gradients[1][2], WithinRel(4 * 2 / (norm + 1e-6), 1e-14));
  CHECK_THAT(gradients.norm(), WithinRel(2.0, 1e-6));
}

TEST_CASE("clip_value bounds every element and keeps the others", "[optimizers]") {
  Affine<double> model;
  auto gradients = parameter_gradients(sum(-4 * model.bias) + sum(model.weight), model);
  gradients.clip_value(1.5);
  CHECK(gradients[0][0] == 1);
  CHECK(gradients[1][0] == -1.5);
}

TEST_CASE("a gradient that two parameters share is clipped once", "[optimizers]") {
  const Tensor<double, 1> ones(Shape{2}, 1.0);
  const Pair<Parameter<double, 1>> model{ones, ones};
  auto gradients = parameter_gradients(sum(3 * (model.first + model.second)), model);
  const auto untouched = gradients;
  const double norm = gradients.clip_norm(3);
  CHECK_THAT(norm, WithinRel(6.0, 1e-14));
  for (std::size_t i = 0; i < 2; ++i)
    for (const double g : gradients[i]) CHECK_THAT(g, WithinRel(3 * 3 / (6 + 1e-6), 1e-14));
  CHECK(untouched[0][0] == 3);
}

TEST_CASE("the norm of large gradients is exact and does not depend on threads", "[optimizers]") {
  const One<float, 1> model{Tensor<float, 1>(Shape{100'003}, 1.0f)};
  const auto gradients = parameter_gradients(sum(square(model.weight)), model);
  const int before = num_threads();
  set_num_threads(1);
  const double one = gradients.norm();
  set_num_threads(3);
  CHECK(gradients.norm() == one);
  set_num_threads(before);
  CHECK_THAT(one, WithinRel(2 * std::sqrt(100'003.0), 1e-12));
}

TEST_CASE("clipping refuses limits that are not positive", "[optimizers]") {
  Affine<double> model;
  auto gradients = parameter_gradients(sum(model.bias), model);
  CHECK_THROWS_MATCHES(gradients.clip_norm(0), ArgumentError,
                       Message("Gradients::clip_norm: expected a limit > 0 but got 0"));
  CHECK_THROWS_MATCHES(gradients.clip_value(-1), ArgumentError,
                       Message("Gradients::clip_value: expected a limit > 0 but got -1"));
}
