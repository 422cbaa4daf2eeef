// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <map>

#include "eigenesis/data/split.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

EIGENESIS_ONCE SplitRows split_rows(Index count, double fraction, Rng& rng, const SplitOptions& options) {
  require<ArgumentError>(fraction > 0 && fraction < 1, "split: expected a fraction between 0 and 1 but got ", fraction);
  const bool by_label = !options.labels.empty();
  require<ArgumentError>(!by_label || std::ssize(options.labels) == count, "split: expected ", count,
                         " labels, as there are samples, but got ", options.labels.size());
  std::vector<Index> order(static_cast<std::size_t>(count));
  for (Index i = 0; i < count; ++i) order[static_cast<std::size_t>(i)] = i;
  rng.shuffle(order.data(), count);
  std::map<int, std::vector<Index>> groups;  // in random order each
  for (const Index row : order) groups[by_label ? options.labels[static_cast<std::size_t>(row)] : 0].push_back(row);

  SplitRows rows;
  for (const auto& [label, group] : groups) {
    const Index samples = std::ssize(group);
    const auto held_out = static_cast<Index>(std::round(fraction * static_cast<double>(samples)));
    require<DataError>(held_out > 0 && held_out < samples, "split: expected samples in both parts but got ", samples,
                       by_label ? " of label " + std::to_string(label) : "", " and a fraction of ", fraction);
    rows.held_out.insert(rows.held_out.end(), group.begin(), group.begin() + held_out);
    rows.train.insert(rows.train.end(), group.begin() + held_out, group.end());
  }
  if (by_label) {
    rng.shuffle(rows.train.data(), std::ssize(rows.train));
    rng.shuffle(rows.held_out.data(), std::ssize(rows.held_out));
  }
  return rows;
}

EIGENESIS_ONCE LabelledImages take_rows(const LabelledImages& data, std::span<const Index> rows) {
  LabelledImages taken{take_rows(data.images, rows), {}, data.height, data.width, data.channels, data.classes};
  for (const Index row : rows) taken.labels.push_back(data.labels[static_cast<std::size_t>(row)]);
  return taken;
}

}  // namespace detail

EIGENESIS_ONCE Split<LabelledImages> split(const LabelledImages& data, double fraction, Rng& rng,
                                           const SplitOptions& options) {
  const Index count = detail::row_count("split", data.images);
  require<DataError>(std::ssize(data.labels) == count, "split: expected as many labels as images but got ",
                     data.labels.size(), " and ", count);
  detail::SplitRows rows = detail::split_rows(count, fraction, rng, options);
  return {detail::take_rows(data, rows.train), detail::take_rows(data, rows.held_out), std::move(rows.train),
          std::move(rows.held_out)};
}

}  // namespace eigenesis::inline EIGENESIS_ABI
