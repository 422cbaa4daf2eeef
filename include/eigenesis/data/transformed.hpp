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
  const Data& data;
  F f;

  Transformed(const Data& original, F transform) : data(original), f(std::move(transform)) {}
  Transformed(Data&&, F) = delete;
};

template <class Data, class F>
class Batches<Transformed<Data, F>> {
 public:
  static constexpr bool endless = Batches<Data>::endless;

  explicit Batches(const Transformed<Data, F>& source, const BatchOptions& options = {},
                   const char* function = "Batches")
      : batches_(source.data, options, function), f_(source.f) {}

  auto next(Rng& rng) { return f_(batches_.next(rng), rng); }

  Index samples() const { return batches_.samples(); }
  Index steps_per_epoch() const { return batches_.steps_per_epoch(); }
  void begin_epoch(Rng& rng) { batches_.begin_epoch(rng); }
  detail::Epoch<Batches> epoch(Rng& rng) & {
    begin_epoch(rng);
    return {{this, &rng, steps_per_epoch()}};
  }
  void epoch(Rng&) && = delete;
  std::span<const Index> indices() const { return batches_.indices(); }
  detail::BatchPlace place() const { return batches_.place(); }
  void go_to(const detail::BatchPlace& place) { batches_.go_to(place); }

 private:
  Batches<Data> batches_;
  F f_;
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
