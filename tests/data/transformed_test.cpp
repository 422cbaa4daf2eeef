// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

TEST_CASE("Dynamic binarisation draws each pixel anew for every batch") {
  constexpr Index n = 2000;
  Tensor<float, 2> data(Shape{n, Index{4}});
  const float p[] = {0.0f, 1.0f, 0.3f, 0.9f};
  for (Index i = 0; i < data.size(); ++i) data.data()[i] = p[i % 4];
  const Transformed binary{data, Binarize{}};
  Batches batches{binary, {.batch_size = n, .shuffle = false}};
  Rng rng(4);
  const auto first = batches.next(rng), second = batches.next(rng);
  CHECK((first.array() == 0.0f || first.array() == 1.0f).all());
  for (Index j = 0; j < 4; ++j) {
    const double mean = static_cast<double>(p[j]);
    CHECK_THAT(first.matrix().cast<double>().col(j).mean(), WithinAbs(mean, 5 * std::sqrt(mean * (1 - mean) / n)));
  }
  // Two draws of the same pixel differ with probability 2 p (1 - p) = 0.42.
  const double changed = (first.matrix().col(2).array() != second.matrix().col(2).array()).cast<double>().mean();
  CHECK_THAT(changed, WithinAbs(0.42, 5 * std::sqrt(0.42 * 0.58 / n)));
}

TEST_CASE("Binarize refuses what is no probability") {
  const Tensor<float, 2> odd(Shape{1, 2}, {0.5f, 1.5f});
  Rng rng(1);
  CHECK_THROWS_MATCHES(Binarize{}(odd, rng), DataError, Message("Binarize: expected values in [0, 1] but got 1.5"));
}

TEST_CASE("Every batch goes through the function of transformed data") {
  const Tensor<float, 2> data(Shape{5, 2}, 1.0f);
  int calls = 0;
  const Transformed doubled{data, [&](Tensor<float, 2> x, Rng&) {
                              ++calls;
                              x.array() *= 2;
                              return x;
                            }};
  Rng rng(1);
  Batches batches{doubled, {.batch_size = 2}};
  CHECK(batches.samples() == 5);
  CHECK(batches.steps_per_epoch() == 3);
  Index samples = 0;
  for (const auto& batch : batches.epoch(rng)) {
    CHECK(batch.array().isApproxToConstant(2));
    samples += batch.shape(0);
  }
  CHECK(samples == 5);
  CHECK(calls == 3);

  const auto ring = ring_of_gaussians(8);
  const Transformed moved{ring, [](Tensor<float, 2> x, Rng&) {
                            x.array() += 10;
                            return x;
                          }};
  Batches endless{moved, {.batch_size = 4}};
  STATIC_REQUIRE(decltype(endless)::endless);
  CHECK(endless.next(rng).array().minCoeff() > 5);
}
