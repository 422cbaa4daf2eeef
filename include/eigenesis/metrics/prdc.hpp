// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/metrics/features.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How like the real samples the fake ones are, and how much of them they cover.
struct Prdc {
  double precision = 0;  // share of fake samples near some real one
  double recall = 0;     // share of real samples near some fake one
  double density = 0;    // how many real samples a fake one is near, over k: 1 expected for equal distributions
  double coverage = 0;   // share of real samples that have a fake one near
};

namespace detail {

/// Points with their squared lengths.
struct Points {
  Tensor<double, 2> x;
  Tensor<double, 1> squares;

  Index size() const { return x.shape(0); }
  Index features() const { return x.shape(1); }
};
template <class Scalar>
Points points(const char* function, const Tensor<Scalar, 2>& features) {
  Points p{checked_features(function, features), Tensor<double, 1>(Shape{features.shape(0)}, 0)};
  for (Index i = 0; i < p.size(); ++i)
    for (Index j = 0; j < p.features(); ++j) p.squares(i) += p.x(i, j) * p.x(i, j);
  return p;
}

/// Calls visit(i, first, distances) with the squared distances of point i of a from the points of b from `first` on,
/// block by block, until all pairs have been visited. Calls for one i come one by one. Equal pairs of points have equal
/// distances, to the bit.
template <class Visit>
void visit_distances(const Points& a, const Points& b, Visit visit) {
  constexpr Index rows = 64, columns = 512;
  run_ranges(a.size(), rows, [&](Index begin, Index end) {
    double* const block = scratch<double, struct DistanceBlock>(rows * columns);
    for (Index first = 0; first < b.size(); first += columns) {
      const Index count = std::min(columns, b.size() - first), f = a.features();
      gemm(false, true, end - begin, count, f, a.x.data() + begin * f, b.x.data() + first * f, block);
      for (Index i = begin; i < end; ++i) {
        double* const distances = block + (i - begin) * count;
        for (Index j = 0; j < count; ++j)
          distances[j] = (a.squares(i) - distances[j]) + (b.squares(first + j) - distances[j]);
        visit(i, first, std::span<const double>(distances, static_cast<std::size_t>(count)));
      }
    }
  });
}

/// The squared distance of each point from its k-th nearest neighbour among the others, [N].
Tensor<double, 1> squared_radii(const auto& p, Index k) {
  Tensor<double, 2> nearest(Shape{p.size(), k}, std::numeric_limits<double>::infinity());  // in order
  visit_distances(p, p, [&](Index i, Index first, std::span<const double> distances) {
    double* const found = nearest.data() + i * k;
    for (const double& distance : distances) {
      if (!(distance < found[k - 1]) || first + (&distance - distances.data()) == i) continue;
      Index place = k - 1;
      for (; place > 0 && found[place - 1] > distance; --place) found[place] = found[place - 1];
      found[place] = distance;
    }
  });
  Tensor<double, 1> radii(Shape{p.size()});
  for (Index i = 0; i < p.size(); ++i) radii(i) = nearest(i, k - 1);
  return radii;
}

}  // namespace detail

/// Precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020) of fake features y [M, F]
/// with respect to real ones x [N, F]. Let r_i be the distance of x_i from its k-th nearest neighbour among the other
/// real samples, s_j that of y_j among the other fake ones, k = `neighbours`:
///   precision = share of all j with |x_i - y_j| <= r_i for some i,
///   recall    = share of all i with |x_i - y_j| <= s_j for some j,
///   density   = number of all (i, j) with |x_i - y_j| <= r_i, over k M,
///   coverage  = share of all i with |x_i - y_j| <= r_i for some j.
/// With <= a copy of a real sample is near it even where real samples repeat; the authors' code of density and coverage
/// has <. For equal distributions coverage is expected to be 1 - (N / (N + M))^k for many samples. Takes time of order
/// (N + M)^2 F. Throws ShapeError unless both have F >= 1 features, ArgumentError unless 1 <= k < N, M, DataError for a
/// feature that is not finite.
template <class Scalar>
Prdc precision_recall_density_coverage(const Tensor<Scalar, 2>& real, const Tensor<Scalar, 2>& fake,
                                       Index neighbours = 5) {
  const char* const function = "precision_recall_density_coverage";
  require(real.shape(1) == fake.shape(1) && real.shape(1) >= 1, function,
          ": expected features of shapes [N, F] and [M, F] with F >= 1 but got ", real.shape(), " and ", fake.shape());
  const Index n = real.shape(0), m = fake.shape(0);
  require<ArgumentError>(neighbours >= 1 && neighbours < std::min(n, m), function,
                         ": expected 1 <= neighbours < samples but got ", neighbours, " neighbours of ", n,
                         " real and ", m, " fake samples");
  const detail::Points x = detail::points(function, real), y = detail::points(function, fake);
  const Tensor<double, 1> real_radii = detail::squared_radii(x, neighbours);
  const Tensor<double, 1> fake_radii = detail::squared_radii(y, neighbours);

  Tensor<double, 1> near(Shape{n}, 0), recalled(Shape{n}, 0);           // near: how many fake samples
  std::vector<std::atomic<bool>> precise(static_cast<std::size_t>(m));  // several threads may set one
  detail::visit_distances(x, y, [&](Index i, Index first, std::span<const double> distances) {
    Index j = first;
    for (const double distance : distances) {
      if (distance <= real_radii(i)) {
        near(i) += 1;
        precise[static_cast<std::size_t>(j)].store(true, std::memory_order_relaxed);
      }
      if (distance <= fake_radii(j)) recalled(i) = 1;
      ++j;
    }
  });
  const auto share = [](const auto& flags) {
    double sum = 0;
    for (const auto& flag : flags) sum += flag > 0 ? 1 : 0;
    return sum / static_cast<double>(flags.size());
  };
  double pairs = 0;
  for (const double fakes : near.values()) pairs += fakes;
  return {share(precise), share(recalled.values()), pairs / static_cast<double>(neighbours * m), share(near.values())};
}

}  // namespace eigenesis::inline EIGENESIS_ABI
