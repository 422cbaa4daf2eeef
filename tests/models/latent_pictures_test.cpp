// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/models/latent_pictures.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

/// Draws one pixel: half of a latent, and a half.
struct OnePixel {
  Index latent = 0;
  StandardUniform<float> prior{2};
  Tensor<float, 4> decode(const Tensor<float, 2>& z) const {
    Tensor<float, 4> images(Shape{z.shape(0), Index{1}, Index{1}, Index{1}});
    for (Index i = 0; i < z.shape(0); ++i) images.data()[i] = 0.5f + 0.5f * z(i, latent);
    return images;
  }
};

/// x -> x -> x, in two numbers.
auto identity() {
  Rng rng(1);
  Autoencoder model{Encoder{Linear(2, 2, rng), Linear(2, 2, rng)}, Decoder{Linear(2, 2, rng), SquaredError{}}};
  const auto set = [](Linear<float>& linear) {
    linear.weight.mutable_value() = Tensor<float, 2>(Shape{2, 2}, {1, 0, 0, 1});
    linear.bias.mutable_value() = Tensor<float, 1>(Shape{2}, 0.0f);
  };
  set(model.encoder.trunk);
  set(model.encoder.mean);
  set(model.decoder.network);
  return model;
}

const GridOptions bare{.padding = 0};

}  // namespace

TEST_CASE("latent_walk leads through all latents and ends at the last") {
  const Tensor<float, 2> corners(Shape{3, 2}, {0, 0, 4, 0, 4, 8});
  const Tensor<float, 2> way = latent_walk(identity(), corners, 4);
  REQUIRE(way.shape() == Shape<2>{9, 2});
  const std::vector<float> expected{0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 4, 2, 4, 4, 4, 6, 4, 8};
  for (std::size_t i = 0; i < 18; ++i) CHECK_THAT(way.values()[i], WithinAbs(expected[i], 1e-6));

  // Under a standard normal prior latents keep their distance from 0.
  Rng rng(1);
  Generator generator{Linear(2, 2, rng), StandardNormal(2)};
  generator.network.weight.mutable_value() = Tensor<float, 2>(Shape{2, 2}, {1, 0, 0, 1});
  generator.network.bias.mutable_value() = Tensor<float, 1>(Shape{2}, 0.0f);
  const Tensor<float, 2> circle = latent_walk(generator, Tensor<float, 2>(Shape{3, 2}, {5, 0, 0, 5, -3, 4}), 6);
  REQUIRE(circle.shape() == Shape<2>{13, 2});
  for (Index i = 0; i < 13; ++i) CHECK_THAT(std::hypot(circle(i, 0), circle(i, 1)), WithinAbs(5.0, 1e-5));
  CHECK_THAT(circle(3, 0), WithinAbs(5 / std::sqrt(2.0), 1e-5));
  CHECK_THAT(circle(12, 0), WithinAbs(-3.0, 1e-5));

  CHECK_THROWS_MATCHES(latent_walk(generator, Tensor<float, 2>(Shape{1, 2}, 0.0f), 3), ArgumentError,
                       Message("latent_walk: expected at least 2 latents and steps >= 1 but got 1 and 3"));
  CHECK_THROWS_MATCHES(latent_walk(generator, Tensor<float, 2>(Shape{2, 2}, 0.0f), 0), ArgumentError,
                       Message("latent_walk: expected at least 2 latents and steps >= 1 but got 2 and 0"));
}

TEST_CASE("draw_traversal varies one latent in each row") {
  const Tensor<float, 1> z(Shape{2}, {0.5f, -0.5f});
  const TraversalOptions options{.steps = 3, .reach = 1, .images = bare};
  const Picture first = draw_traversal(OnePixel{0}, z, options), second = draw_traversal(OnePixel{1}, z, options);
  CHECK(first.height == 2);
  CHECK(first.width == 3);
  CHECK(first.pixels == std::vector<std::uint8_t>{0, 128, 255, 191, 191, 191});
  CHECK(second.pixels == std::vector<std::uint8_t>{64, 64, 64, 0, 128, 255});
  CHECK_THROWS_MATCHES(draw_traversal(OnePixel{}, z, {.steps = 1}), ArgumentError,
                       Message("draw_traversal: expected latents, steps >= 2 and reach > 0 but got 2, 1 and 3"));
}

TEST_CASE("draw_manifold lays the plane of latents out at the prior's quantiles") {
  const ManifoldOptions options{.steps = 4, .images = bare};
  const Picture first = draw_manifold(OnePixel{0}, options), second = draw_manifold(OnePixel{1}, options);
  // Of probabilities 1/8, 3/8, 5/8, 7/8.
  for (std::size_t row = 0; row < 4; ++row)
    for (std::size_t column = 0; column < 4; ++column) {
      CHECK(first.pixels[4 * row + column] == std::lround(255 * (2.0 * static_cast<double>(column) + 1) / 8));
      CHECK(second.pixels[4 * row + column] == std::lround(255 * (2.0 * (3 - static_cast<double>(row)) + 1) / 8));
    }
  OnePixel three;
  three.prior = StandardUniform<float>(3);
  CHECK_THROWS_MATCHES(draw_manifold(three), ArgumentError,
                       Message("draw_manifold: expected steps >= 1 and a prior of two latents but got 20 and 3"));
}

TEST_CASE("Quantiles of the priors have their known values") {
  CHECK_THAT(StandardNormal<float>::quantile(0.5), WithinAbs(0.0, 1e-15));
  CHECK_THAT(StandardNormal<float>::quantile(0.975), WithinAbs(1.959963984540054, 1e-13));
  CHECK_THAT(StandardNormal<float>::quantile(1e-10), WithinAbs(-6.361340902404056, 1e-12));
  CHECK_THAT(StandardNormal<float>::quantile(0.8413447460685429), WithinAbs(1.0, 1e-13));
  CHECK(StandardUniform<float>::quantile(0.25) == -0.5);
}

TEST_CASE("draw_latents shows the codes in the colours of their labels, with a key") {
  const Tensor<float, 2> x(Shape{4, 2}, {0, 0, 1, 1, 2, 0, 1, 2});
  const std::vector<int> labels{0, 1, 2, 1};
  const Picture picture = draw_latents(identity(), x, labels, {.title = "codes"});
  CHECK(picture.pixels == draw_scatter(x, {.title = "codes", .labels = labels, .names = {"0", "1", "2"}}).pixels);
  const Picture named = draw_latents(identity(), x, labels, {.names = {"shoe", "shirt", "bag"}});
  CHECK(named.width > picture.width);
  CHECK(draw_latents(identity(), x, {}).pixels == draw_scatter(x).pixels);
  CHECK_THROWS_MATCHES(draw_latents(identity(), x, {1, 2}), ShapeError,
                       Message("draw_latents: expected 4 labels, one for each point, but got 2"));
  Rng rng(1);
  const Autoencoder three{Encoder{Linear(2, 3, rng), Linear(3, 3, rng)}, Decoder{Linear(3, 2, rng), SquaredError{}}};
  CHECK_THROWS_MATCHES(draw_latents(three, x, labels), ShapeError,
                       Message("draw_latents: expected a model with two latents but got codes of shape [4, 3]"));
}
