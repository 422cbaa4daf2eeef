// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/batches.hpp"
#include "eigenesis/data/labelled_images.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// How split() chooses.
struct SplitOptions {
  std::span<const int> labels = {};  // [N]: so much of the samples of each label is held out, if there are any.
};

/// The two parts of a data set, and which of its rows they are.
template <class Data>
struct Split {
  Data train, held_out;                          // for training, and for evaluation
  std::vector<Index> train_rows, held_out_rows;  // in the order of the parts
};

namespace detail {

struct SplitRows {
  std::vector<Index> train, held_out;
};
/// Throws in the name of split.
SplitRows split_rows(Index count, double fraction, Rng& rng, const SplitOptions& options);

}  // namespace detail

/// Holds out a part of a data set, a tensor [N, ...] or a struct of tensors with one first axis: round(fraction N)
/// samples that are drawn at random, each equally likely. Both parts are in random order.
///   const auto [train, held_out, train_rows, held_out_rows] = split(table.values, 0.2, rng);
/// Row i of `train` is row train_rows[i] of the data. With `.labels`, round(fraction n) of the n samples of each label
/// are held out. Throws ArgumentError for a fraction outside of (0, 1) or labels that are not N, DataError for no
/// samples, or if a part, or one of a label, were empty.
template <detail::HasRows Data>
Split<Data> split(const Data& data, double fraction, Rng& rng, const SplitOptions& options = {}) {
  detail::SplitRows rows = detail::split_rows(detail::row_count("split", data), fraction, rng, options);
  return {detail::take_rows(data, rows.train), detail::take_rows(data, rows.held_out), std::move(rows.train),
          std::move(rows.held_out)};
}

/// The same of images and their labels.
Split<LabelledImages> split(const LabelledImages& data, double fraction, Rng& rng, const SplitOptions& options = {});

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/data/split_inl.hpp"
#endif
