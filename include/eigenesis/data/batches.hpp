// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/core/tensor.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How data are taken batch by batch.
struct BatchOptions {
  Index batch_size = 128;  // samples in each
  bool drop_last = false;  // Leave out an epoch's last batch if it is smaller than the others.
  bool shuffle = true;     // false: every epoch in the order of the data
  /// One of several processes has its rows of each batch of ranks * batch_size samples, if their generators are equal.
  /// An epoch's last batch is divided evenly; fewer samples than ranks are left out.
  Index rank = 0, ranks = 1;
};

/// Samples and what belongs to each of them: a data set or a batch of a conditional model.
///   const Conditioned digits{mnist.train.images, one_hot(mnist.train.labels, 10)};
/// Any other struct of tensors with one first axis that lists them in `fields` is a data set for a trainer of one's
/// own.
template <class Samples, class Conditions>
struct Conditioned {
  Samples samples;        // [N, ...]
  Conditions conditions;  // [N, ...]
  static void fields(auto& self, auto&& field) {
    field("samples", self.samples);
    field("conditions", self.conditions);
  }
};
template <class Samples, class Conditions>
Conditioned(Samples, Conditions) -> Conditioned<Samples, Conditions>;

namespace detail {

inline void check_batch_options(const char* function, const BatchOptions& options) {
  require<ArgumentError>(options.batch_size >= 1, function, ": expected batch_size >= 1 but got ", options.batch_size);
  require<ArgumentError>(0 <= options.rank && options.rank < options.ranks, function,
                         ": expected 0 <= rank < ranks but got rank = ", options.rank, " and ranks = ", options.ranks);
}

template <class T>
inline constexpr bool is_tensor_data = false;
template <class Scalar, int Rank>
inline constexpr bool is_tensor_data<Tensor<Scalar, Rank>> = Rank >= 1;

/// Calls f(name, tensor) for each tensor of a data set or batch: for itself, or for all that its `fields` name.
template <class Rows, class F>
void for_each_tensor(Rows& rows, F&& f) {
  if constexpr (is_tensor_data<std::remove_const_t<Rows>>)
    f(std::string_view("samples"), rows);
  else
    std::remove_const_t<Rows>::fields(rows, f);
}

/// A data set that can be taken row by row. What draws its samples, such as a generator, is no such thing.
template <class T>
concept HasRows = is_tensor_data<T> ||(
    requires(T& rows) { T::fields(rows, [](std::string_view, auto&) {}); } &&
    !requires(const T& source, Rng& rng) { source.sample(Index{1}, rng); });

/// The number of samples. Throws DataError for none, or if tensors disagree.
template <class Rows>
Index row_count(const char* function, const Rows& rows) {
  Index count = -1;
  for_each_tensor(rows, [&](std::string_view name, const auto& tensor) {
    require<DataError>(tensor.size() > 0, function, ": expected at least one sample but got data of shape ",
                       tensor.shape());
    require<DataError>(count < 0 || tensor.shape(0) == count, function, ": expected tensors with one first axis, ",
                       count, ", but got ", name, " of shape ", tensor.shape());
    count = tensor.shape(0);
  });
  return count;
}

/// The given rows of a tensor, in their order.
template <class Scalar, int Rank>
Tensor<Scalar, Rank> take_rows(const Tensor<Scalar, Rank>& x, std::span<const Index> rows) {
  Shape<Rank> shape = x.shape();
  const Index row = shape.size() / shape[0];
  shape[0] = std::ssize(rows);
  Tensor<Scalar, Rank> taken(shape);
  Scalar* out = taken.data();
  for (const Index i : rows) out = std::copy_n(x.data() + i * row, row, out);
  return taken;
}
/// The same of each tensor of a struct: of the one with the same name.
template <class Rows>
Rows take_rows(const Rows& data, std::span<const Index> rows) {
  Rows taken;
  for_each_tensor(taken, [&]<class T>(std::string_view name, T& tensor) {
    for_each_tensor(data, [&]<class Source>(std::string_view source_name, const Source& source) {
      if constexpr (std::is_same_v<T, Source>)
        if (name == source_name) tensor = take_rows(source, rows);
    });
  });
  return taken;
}

/// Where in an epoch a data set is: the generator's state before the epoch's shuffle, and the batches taken since.
struct BatchPlace {
  Rng::State epoch_begin;
  Index step = -1;  // -1: no epoch has begun
};

/// The batches of one epoch, to be iterated once.
template <class Batches>
struct Epoch {
  struct Iterator {
    Batches* batches;
    Rng* rng;
    Index left;
    auto operator*() const { return batches->next(*rng); }
    Iterator& operator++() {
      --left;
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return left == 0; }
  };
  Iterator first;
  Iterator begin() const { return first; }
  std::default_sentinel_t end() const { return {}; }
};

}  // namespace detail

/// Batches of an endless source, which is anything with `sample(n, rng)`: toy data, a generator.
template <class Source>
class Batches {
  static_assert(
      requires(const Source& source, Rng& rng) { source.sample(Index{1}, rng); },
      "eigenesis: data are a Tensor [N, ...], Conditioned{samples, conditions}, another struct that lists tensors in "
      "`fields`, or have sample(n, rng); an Eigen matrix becomes one by Tensor<float, 2>(matrix)");

 public:
  static constexpr bool endless = true;

  explicit Batches(const Source& source, const BatchOptions& options = {}, const char* function = "Batches")
      : source_(source), options_(options) {
    detail::check_batch_options(function, options);
  }
  /// The next batch [batch_size, ...].
  auto next(Rng& rng) { return std::as_const(source_).sample(options_.batch_size, rng); }
  /// The rows of the next batch that this rank has.
  detail::RowShare next_rows(Rng&) const {
    const Index n = options_.batch_size;
    return {options_.rank * n, n, options_.ranks * n};
  }

  /// For checkpoints.
  detail::BatchPlace place() const { return {}; }
  void go_to(const detail::BatchPlace&) {}

 private:
  Source source_;
  BatchOptions options_;
};

/// Batches of a data set, which is a tensor [N, ...] or a struct of tensors with one first axis. Every epoch visits
/// each sample once, in an order drawn from the given Rng.
///
///   Batches batches{mnist.train.images, {.batch_size = 128}};
///   for (const auto& batch : batches.epoch(rng)) train(batch);
///
/// The data must outlive this object. Batches are made in memory from the cache, nothing else is allocated.
template <detail::HasRows Data>
class Batches<Data> {
 public:
  static constexpr bool endless = false;

  /// Throws DataError for empty data or tensors that do not agree on N, ArgumentError for batch_size < 1 or if
  /// drop_last would leave nothing, in the name of `function`.
  explicit Batches(const Data& data, const BatchOptions& options = {}, const char* function = "Batches")
      : data_(&data), options_(options), order_(static_cast<std::size_t>(detail::row_count(function, data))) {
    detail::check_batch_options(function, options);
    require<ArgumentError>(!options.drop_last || samples() >= options.batch_size, function,
                           ": expected at least batch_size = ", options.batch_size, " samples with drop_last but got ",
                           samples());
    step_ = steps_per_epoch();
  }
  explicit Batches(const Data&&, const BatchOptions& = {}, const char* = nullptr) = delete;

  /// Number of samples, N.
  Index samples() const { return std::ssize(order_); }
  /// Number of batches in an epoch.
  Index steps_per_epoch() const {
    const Index whole = options_.ranks * options_.batch_size;
    return samples() / whole + (options_.drop_last || samples() % whole < options_.ranks ? 0 : 1);
  }

  /// The next batch [batch_size, ...]; begins a new epoch when one is over.
  Data next(Rng& rng) {
    const detail::RowShare share = next_rows(rng);
    first_ = step_ * options_.ranks * options_.batch_size + share.first;
    size_ = share.rows;
    Data rows = detail::take_rows(*data_, indices());
    ++step_;  // after all that can fail: no batch is lost
    return rows;
  }

  /// The rows of the next batch that this rank has; begins a new epoch when one is over. All ranks have as many as
  /// possible, the first ones may have one more.
  detail::RowShare next_rows(Rng& rng) {
    if (step_ == steps_per_epoch()) begin_epoch(rng);
    const Index whole = options_.ranks * options_.batch_size, total = std::min(whole, samples() - step_ * whole);
    const Index each = total / options_.ranks, more = total % options_.ranks;
    return {options_.rank * each + std::min(options_.rank, more), each + (options_.rank < more ? 1 : 0), total};
  }

  /// A new epoch, to be iterated once. Of a temporary it would outlive its batches.
  detail::Epoch<Batches> epoch(Rng& rng) & {
    begin_epoch(rng);
    return {{this, &rng, steps_per_epoch()}};
  }
  void epoch(Rng&) && = delete;
  /// Begins an epoch: draws its order. next() does so by itself.
  void begin_epoch(Rng& rng) {
    epoch_begin_ = rng.state();
    began_ = true;
    std::iota(order_.begin(), order_.end(), Index{0});
    if (options_.shuffle) rng.shuffle(order_.data(), samples());
    step_ = 0;
  }

  /// For checkpoints: where the next batch is, and to go back there.
  detail::BatchPlace place() const { return {epoch_begin_, began_ ? step_ : -1}; }
  void go_to(const detail::BatchPlace& place) {
    if (place.step < 0) return;
    Rng rng(place.epoch_begin);
    begin_epoch(rng);
    step_ = std::min(place.step, steps_per_epoch());
  }

  /// Which samples the last batch consists of; `labels[indices()[i]]` belongs to its row i.
  std::span<const Index> indices() const {
    return std::span(order_).subspan(static_cast<std::size_t>(first_), static_cast<std::size_t>(size_));
  }

 private:
  const Data* data_;
  BatchOptions options_;
  std::vector<Index> order_;
  Index step_ = 0;          // within the epoch
  Rng::State epoch_begin_;  // before its shuffle
  bool began_ = false;
  Index first_ = 0, size_ = 0;  // the last batch, within order_
};

template <class Data>
Batches(const Data&, const BatchOptions& = {}) -> Batches<Data>;

}  // namespace eigenesis::inline EIGENESIS_ABI
