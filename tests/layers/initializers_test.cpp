// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

/// Mean and variance within five standard deviations of what a uniform distribution over [low, high) gives; all inside,
/// and the ends of the interval reached.
template <int Rank>
void check_uniform(const Tensor<float, Rank>& x, double low, double high) {
  const auto values = x.array().template cast<double>();
  const double n = static_cast<double>(x.size()), variance = (high - low) * (high - low) / 12;
  const double mean = values.mean();
  CHECK_THAT(mean, WithinAbs((low + high) / 2, 5 * std::sqrt(variance / n)));
  CHECK_THAT((values - mean).square().mean(), WithinAbs(variance, 5 * variance * std::sqrt(0.8 / n)));
  CHECK(values.minCoeff() >= low * (1 + 1e-6));
  CHECK(values.maxCoeff() <= high * (1 + 1e-6));
  CHECK(values.minCoeff() < low + 0.01 * (high - low));
  CHECK(values.maxCoeff() > high - 0.01 * (high - low));
}

/// Mean, variance and fourth moment within five standard deviations of those of a normal distribution.
void check_normal(const Tensor<float, 2>& x, double mean, double deviation) {
  const auto scaled = (x.array().cast<double>() - mean) / deviation;
  const double n = static_cast<double>(x.size());
  CHECK_THAT(scaled.mean(), WithinAbs(0, 5 / std::sqrt(n)));
  CHECK_THAT(scaled.square().mean(), WithinAbs(1, 5 * std::sqrt(2 / n)));
  CHECK_THAT(scaled.pow(4).mean(), WithinAbs(3, 5 * std::sqrt(96 / n)));
}

template <class Scalar>
void check_orthogonal(Index rows, Index columns, double gain, double margin) {
  Rng rng(5);
  Parameter<Scalar, 2> weight{Tensor<Scalar, 2>(Shape{rows, columns})};
  initialize_orthogonal(weight, rng, gain);
  const auto w = weight.value().matrix().template cast<double>().eval();
  const Eigen::MatrixXd product =
      rows < columns ? Eigen::MatrixXd(w * w.transpose()) : Eigen::MatrixXd(w.transpose() * w);
  INFO(rows << " x " << columns);
  CHECK_THAT((product - gain * gain * Eigen::MatrixXd::Identity(product.rows(), product.cols())).cwiseAbs().maxCoeff(),
             WithinAbs(0, margin));
}

}  // namespace

TEST_CASE("Linear starts as PyTorch's does", "[layers]") {
  Rng rng(1);
  const Linear wide(400, 150, rng);
  check_uniform(wide.weight.value(), -0.05, 0.05);
  const Linear tall(16, 20'000, rng);
  check_uniform(tall.bias.value(), -0.25, 0.25);
}

TEST_CASE("Initialisers have the moments that they promise", "[layers]") {
  Rng rng(2);
  Parameter<float, 2> weight{Tensor<float, 2>(Shape{300, 200})};  // fan_in 300, fan_out 200
  initialize_uniform(weight, -1, 3, rng);
  check_uniform(weight.value(), -1, 3);
  initialize_normal(weight, 2, 0.02, rng);
  check_normal(weight.value(), 2, 0.02);
  initialize_xavier(weight, rng);
  check_uniform(weight.value(), -std::sqrt(6.0 / 500), std::sqrt(6.0 / 500));
  initialize_xavier(weight, rng, 5.0 / 3);
  check_uniform(weight.value(), -std::sqrt(6.0 / 500) * 5 / 3, std::sqrt(6.0 / 500) * 5 / 3);
  initialize_he(weight, rng);
  check_normal(weight.value(), 0, std::sqrt(2.0 / 300));
  initialize_he(weight, rng, 0.5);
  check_normal(weight.value(), 0, std::sqrt(2.0 / (1.25 * 300)));
}

TEST_CASE("Initialisers take the next numbers of the generator", "[layers]") {
  Rng a(7), b(7);
  const Linear first(3, 4, a), same(3, 4, b), next(3, 4, a);
  CHECK(std::ranges::equal(first.weight.value().values(), same.weight.value().values()));
  CHECK_FALSE(std::ranges::equal(first.weight.value().values(), next.weight.value().values()));
}

TEST_CASE("initialize_orthogonal makes rows or columns orthonormal", "[layers]") {
  check_orthogonal<double>(20, 50, 1, 1e-14);
  check_orthogonal<double>(50, 20, 2, 1e-13);
  check_orthogonal<double>(30, 30, 1, 1e-14);
  check_orthogonal<float>(64, 64, 1, 1e-6);
  check_orthogonal<float>(1, 5, std::sqrt(2.0), 1e-6);
}

TEST_CASE("initialize_orthogonal makes each row of the normal numbers orthogonal to those before", "[layers]") {
  Rng rng(7), same(7);
  Parameter<double, 2> weight(Tensor<double, 2>(Shape{4, 9}, 0.0));
  initialize_orthogonal(weight, rng);
  Tensor<double, 2> normal(weight.shape());
  same.fill_normal(normal.data(), normal.size());
  const Eigen::MatrixXd products = normal.matrix() * weight.value().matrix().transpose();
  for (Index i = 0; i < 4; ++i) {
    CHECK(products(i, i) > 0);
    for (Index j = i + 1; j < 4; ++j) CHECK_THAT(products(i, j), WithinAbs(0, 1e-12));
  }
}

TEST_CASE("initialize_orthogonal prefers no direction", "[layers]") {
  // Over the orthogonal matrices of size 3 the trace has mean 0 and variance 1; the signs of a plain QR would bias it.
  Rng rng(6);
  Parameter<double, 2> weight{Tensor<double, 2>(Shape{3, 3})};
  const int draws = 4000;
  double sum = 0, squares = 0;
  for (int i = 0; i < draws; ++i) {
    initialize_orthogonal(weight, rng);
    const double trace = weight.value().matrix().trace();
    sum += trace / draws;
    squares += trace * trace / draws;
  }
  CHECK_THAT(sum, WithinAbs(0, 5 / std::sqrt(double{draws})));
  CHECK_THAT(squares, WithinAbs(1, 5 * std::sqrt(2.0 / draws)));
}
