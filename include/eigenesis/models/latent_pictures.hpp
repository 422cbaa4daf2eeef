// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/pictures/image_grid.hpp"
#include "eigenesis/pictures/scatter.hpp"

// What a latent space looks like. A model is anything with decode(z), z [N, L] -> images [N, ...]: a Generator, an
// Autoencoder, a Vae. All evaluate.
namespace eigenesis::inline EIGENESIS_ABI {

/// Images on the way through latents [K, L], `steps` from each to the next, the first and the last included:
/// [(K - 1) * steps + 1, ...]. From latent to latent the model's `interpolate` leads: along a great circle for a
/// Generator with a StandardNormal prior, otherwise along a straight line. As a film:
///   save_animation("walk.png", draw_frames(latent_walk(generator, generator.prior.sample(8, rng), 20)));
/// Throws ArgumentError for fewer than two latents or steps < 1.
template <class Model, class Scalar>
auto latent_walk(const Model& model, const Tensor<Scalar, 2>& latents, Index steps) {
  const auto [count, size] = latents.shape().sizes;
  require<ArgumentError>(count >= 2 && steps >= 1, "latent_walk: expected at least 2 latents and steps >= 1 but got ",
                         count, " and ", steps);
  const auto latent = [&](Index i) {
    return Tensor<Scalar, 1>(
        Shape{size}, latents.values().subspan(static_cast<std::size_t>(i * size), static_cast<std::size_t>(size)));
  };
  using Images = decltype(model.interpolate(latent(0), latent(1), steps + 1));
  std::vector<Scalar> numbers;
  auto sizes = Images().shape().sizes;
  for (Index i = 0; i + 1 < count; ++i) {
    const Images leg = model.interpolate(latent(i), latent(i + 1), steps + 1);
    sizes = leg.shape().sizes;
    const auto values = leg.values().subspan(i == 0 ? 0 : leg.values().size() / static_cast<std::size_t>(steps + 1));
    numbers.insert(numbers.end(), values.begin(), values.end());
  }
  sizes[0] = (count - 1) * steps + 1;
  return Images({sizes}, std::span<const Scalar>(numbers));
}

/// The codes of x [N, ...] under a model with two latents, a dot for each, in the colour of its label, with a key. The
/// options are those of draw_scatter; without names the classes are numbered. Throws ShapeError for another number of
/// latents or of labels.
template <class Model, class Scalar, int Rank>
Picture draw_latents(const Model& model, const Tensor<Scalar, Rank>& x, std::vector<int> labels,
                     ScatterOptions options = {}) {
  const auto codes = model.encode(x);
  require(codes.shape(1) == 2, "draw_latents: expected a model with two latents but got codes of shape ",
          codes.shape());
  if (options.names.empty() && !labels.empty())
    for (int i = 0; i <= *std::ranges::max_element(labels); ++i) options.names.push_back(std::to_string(i));
  options.labels = std::move(labels);
  return detail::scatter("draw_latents", codes, options);
}

/// How draw_traversal() draws.
struct TraversalOptions {
  Index steps = 9;          // images in each row
  double reach = 3;         // a latent goes from -reach to reach
  GridOptions images = {};  // as draw_grid takes them, but for the columns
};
/// What each latent does: a row for each, in which it goes from -reach to reach while the others stay as they are in z
/// [L] (Higgins et al. 2017, figure 2). Throws ArgumentError for steps < 2 or reach <= 0.
template <class Model, class Scalar>
Picture draw_traversal(const Model& model, const Tensor<Scalar, 1>& z, const TraversalOptions& options = {}) {
  const Index size = z.size(), steps = options.steps;
  require<ArgumentError>(size >= 1 && steps >= 2 && options.reach > 0,
                         "draw_traversal: expected latents, steps >= 2 and reach > 0 but got ", size, ", ", steps,
                         " and ", options.reach);
  Tensor<Scalar, 2> latents(Shape{size * steps, size});
  for (Index i = 0; i < size * steps; ++i) {
    for (Index j = 0; j < size; ++j) latents(i, j) = z(j);
    const double t = static_cast<double>(i % steps) / static_cast<double>(steps - 1);
    latents(i, i / steps) = static_cast<Scalar>(options.reach * (2 * t - 1));
  }
  GridOptions images = options.images;
  images.columns = steps;
  return detail::grid("draw_traversal", model.decode(std::move(latents)), images);
}

/// How draw_manifold() draws.
struct ManifoldOptions {
  Index steps = 20;         // images in each row and column
  GridOptions images = {};  // as draw_grid takes them, but for the columns
};
/// All that a model with two latents draws: images over the plane of latents, the first latent growing to the right and
/// the second upwards, at the prior's quantiles of probability (i + 1/2) / steps, so that each image stands for as many
/// samples (Kingma and Welling 2014, figure 4). The prior is one with `quantile(p)`, StandardNormal or StandardUniform.
/// Throws ArgumentError for steps < 1 or a model with another number of latents.
template <class Model>
Picture draw_manifold(const Model& model, const ManifoldOptions& options = {}) {
  Rng any(0);
  using Latents = decltype(model.prior.sample(1, any));
  using Number = std::remove_cvref_t<decltype(std::declval<Latents>()(0, 0))>;
  const Index steps = options.steps;
  require<ArgumentError>(steps >= 1 && model.prior.size == 2,
                         "draw_manifold: expected steps >= 1 and a prior of two latents but got ", steps, " and ",
                         model.prior.size);
  const auto quantile = [&](Index i) {
    return model.prior.quantile((static_cast<double>(i) + 0.5) / static_cast<double>(steps));
  };
  Latents latents(Shape{steps * steps, Index{2}});
  for (Index i = 0; i < steps * steps; ++i) {
    latents(i, 0) = static_cast<Number>(quantile(i % steps));
    latents(i, 1) = static_cast<Number>(quantile(steps - 1 - i / steps));
  }
  GridOptions images = options.images;
  images.columns = steps;
  return detail::grid("draw_manifold", model.decode(std::move(latents)), images);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
