// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>
#include <vector>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/core/tensor.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Whether pixels in [0, 1] are taken as they are or as probabilities: `dynamic` draws 0 or 1 anew for every batch
/// (Salakhutdinov & Murray 2008).
enum class Binarize { none, dynamic };

struct BatchOptions {
  Index batch_size = 128;
  bool drop_last = false;  // Leave out an epoch's last batch if it is smaller than the others.
  bool shuffle = true;     // false: every epoch in the order of the data
  Binarize binarize = Binarize::none;
};

namespace detail {

inline void check_batch_options(const BatchOptions& options) {
  require<ArgumentError>(options.batch_size >= 1, "Batches: expected batch_size >= 1 but got ", options.batch_size);
}

}  // namespace detail

/// Each value of x as the probability of a 1, drawn: the binarised form of pixels in [0, 1]. Throws DataError outside.
template <class Scalar, int Rank>
Tensor<Scalar, Rank> binarized(Tensor<Scalar, Rank> x, Rng& rng) {
  Tensor<Scalar, Rank> u(x.shape());
  rng.fill_uniform(u.data(), u.size(), Scalar{0}, Scalar{1});
  for (Index i = 0; i < x.size(); ++i) {
    const Scalar p = x.data()[i];
    require<DataError>(p >= 0 && p <= 1, "binarized: expected values in [0, 1] to binarize but got ", p);
    x.data()[i] = u.data()[i] < p ? Scalar{1} : Scalar{0};
  }
  return x;
}

/// Batches of an endless source, which is anything with `sample(n, rng)`: toy data, a generator.
template <class Source>
class Batches {
 public:
  static constexpr bool endless = true;

  explicit Batches(const Source& source, const BatchOptions& options = {}) : source_(source), options_(options) {
    detail::check_batch_options(options);
  }
  /// The next batch [batch_size, ...].
  auto next(Rng& rng) {
    auto batch = source_.sample(options_.batch_size, rng);
    return options_.binarize == Binarize::dynamic ? binarized(std::move(batch), rng) : batch;
  }

 private:
  Source source_;
  BatchOptions options_;
};

/// Batches of a data set [N, ...]: every epoch visits each sample once, in an order drawn from the given Rng.
///
///   Batches batches{mnist.train.images, {.batch_size = 128}};
///   for (const auto& batch : batches.epoch(rng)) train(batch);
///
/// The data must outlive this object. Batches are made in memory from the pool, nothing else is allocated.
template <class Scalar, int Rank>
class Batches<Tensor<Scalar, Rank>> {
  static_assert(Rank >= 1, "eigenesis: batches are taken along the first axis");

 public:
  using Batch = Tensor<Scalar, Rank>;
  static constexpr bool endless = false;

  /// Throws DataError for empty data, ArgumentError for batch_size < 1 or if drop_last would leave nothing.
  explicit Batches(const Batch& data, const BatchOptions& options = {})
      : data_(&data), options_(options), order_(static_cast<std::size_t>(data.shape(0))) {
    detail::check_batch_options(options);
    require<DataError>(data.size() > 0, "Batches: expected at least one sample but got data of shape ", data.shape());
    require<ArgumentError>(!options.drop_last || samples() >= options.batch_size,
                           "Batches: expected at least batch_size = ", options.batch_size,
                           " samples with drop_last but got ", samples());
    step_ = steps_per_epoch();
  }
  explicit Batches(Batch&&, const BatchOptions& = {}) = delete;

  Index samples() const { return data_->shape(0); }
  Index steps_per_epoch() const {
    const Index full = samples() / options_.batch_size;
    return full + (options_.drop_last || samples() % options_.batch_size == 0 ? 0 : 1);
  }

  /// The next batch [batch_size, ...]; begins a new epoch when one is over.
  Batch next(Rng& rng) {
    if (step_ == steps_per_epoch()) begin_epoch(rng);
    return take(step_++, rng);
  }

  /// A new epoch, to be iterated once.
  auto epoch(Rng& rng) {
    begin_epoch(rng);
    return Epoch{this, &rng};
  }

  /// Which samples the last batch consists of; `labels[indices()[i]]` belongs to its row i.
  std::span<const Index> indices() const {
    return std::span(order_).subspan(static_cast<std::size_t>(first_), static_cast<std::size_t>(size_));
  }

 private:
  struct Epoch {
    struct Iterator {
      Batches* batches;
      Rng* rng;
      Batch operator*() const { return batches->take(batches->step_, *rng); }
      Iterator& operator++() {
        ++batches->step_;
        return *this;
      }
      bool operator==(std::default_sentinel_t) const { return batches->step_ >= batches->steps_per_epoch(); }
    };
    Batches* batches;
    Rng* rng;
    Iterator begin() const { return {batches, rng}; }
    std::default_sentinel_t end() const { return {}; }
  };

  void begin_epoch(Rng& rng) {
    std::iota(order_.begin(), order_.end(), Index{0});
    if (options_.shuffle) rng.shuffle(order_.data(), samples());
    step_ = 0;
  }

  Batch take(Index step, Rng& rng) {
    first_ = step * options_.batch_size;
    size_ = std::min(options_.batch_size, samples() - first_);
    Shape<Rank> shape = data_->shape();
    const Index row = shape.size() / shape[0];
    shape[0] = size_;
    Batch batch(shape);
    Scalar* out = batch.data();
    for (const Index i : indices()) out = std::copy_n(data_->data() + i * row, row, out);
    return options_.binarize == Binarize::dynamic ? binarized(std::move(batch), rng) : batch;
  }

  const Batch* data_;
  BatchOptions options_;
  std::vector<Index> order_;
  Index step_ = 0;              // within the epoch
  Index first_ = 0, size_ = 0;  // the last batch, within order_
};

template <class Source>
Batches(const Source&, const BatchOptions& = {}) -> Batches<Source>;

}  // namespace eigenesis::inline EIGENESIS_ABI
