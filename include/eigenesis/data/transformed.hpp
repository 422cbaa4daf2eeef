// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/batches.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Data whose batches go through f(batch, rng) -> batch, anew each time: dynamic binarisation, noise for a denoiser,
/// random crops.
///   trainer.fit(Transformed{mnist.train.images, Binarize{}}, {.epochs = 10}, rng);
/// The data must outlive this object.
template <class Data, class F>
struct Transformed {
  const Data& data;  // as they are
  F f;               // (batch, rng) -> batch

  Transformed(const Data& original, F transform) : data(original), f(std::move(transform)) {}
  Transformed(Data&&, F) = delete;
};

/// Batches of transformed data; see Transformed.
template <class Data, class F>
class Batches<Transformed<Data, F>> {
  static_assert(
      requires(const F& f, Batches<Data>& batches, Rng& rng) { f(batches.next(rng), rng); },
      "eigenesis: what Transformed takes is a const function of (batch, rng); a checkpoint would not keep what another "
      "one changes in itself");

 public:
  static constexpr bool endless = Batches<Data>::endless;

  explicit Batches(const Transformed<Data, F>& source, const BatchOptions& options = {},
                   const char* function = "Batches")
      : batches_(source.data, options, function), f_(source.f) {}

  /// The next batch of the data, transformed.
  auto next(Rng& rng) { return f_(batches_.next(rng), rng); }

  /// Number of samples, N.
  Index samples() const { return batches_.samples(); }
  /// Number of batches in an epoch.
  Index steps_per_epoch() const { return batches_.steps_per_epoch(); }
  /// The rows of the next batch that this rank has; begins a new epoch when one is over.
  detail::RowShare next_rows(Rng& rng) { return batches_.next_rows(rng); }
  /// Begins an epoch: draws its order. next() does so by itself.
  void begin_epoch(Rng& rng) { batches_.begin_epoch(rng); }
  /// A new epoch, to be iterated once.
  detail::Epoch<Batches> epoch(Rng& rng) & {
    begin_epoch(rng);
    return {{this, &rng, steps_per_epoch()}};
  }
  void epoch(Rng&) && = delete;
  /// Which samples the last batch consists of.
  std::span<const Index> indices() const { return batches_.indices(); }
  detail::BatchPlace place() const { return batches_.place(); }
  void go_to(const detail::BatchPlace& place) { batches_.go_to(place); }

 private:
  Batches<Data> batches_;
  const F f_;
};

/// Each pixel in [0, 1] as the probability of a 1, drawn anew for every batch (Salakhutdinov and Murray 2008). Throws
/// DataError for values outside.
struct Binarize {
  template <class Scalar, int Rank>
  Tensor<Scalar, Rank> operator()(Tensor<Scalar, Rank> x, Rng& rng) const {
    Tensor<Scalar, Rank> u(x.shape());
    rng.fill_uniform(u.data(), u.size(), Scalar{0}, Scalar{1});
    for (Index i = 0; i < x.size(); ++i) {
      const Scalar p = x.data()[i];
      require<DataError>(p >= 0 && p <= 1, "Binarize: expected values in [0, 1] but got ", p);
      x.data()[i] = u.data()[i] < p ? Scalar{1} : Scalar{0};
    }
    return x;
  }
};

}  // namespace eigenesis::inline EIGENESIS_ABI
