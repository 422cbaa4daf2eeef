// SPDX-License-Identifier: MIT
#pragma once

#include <iterator>

#include "eigenesis/core/axes.hpp"
#include "eigenesis/kernels/reductions.hpp"
#include "eigenesis/ops/broadcast.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// Leads x through step(run, from, to), for one run after the other, into y; `size` elements lie behind each run.
template <class Scalar, class Run, class Size, class Step>
void follow_runs(Run run, Run end, const AnyVariable<Scalar>& x, Scalar* y, Size size, Step step) {
  Tensor<Scalar, 1> between;
  const Scalar* from = x.data();
  while (run != end) {
    const StretchedRun& current = *run;
    if (++run == end) return step(current, from, y);
    Tensor<Scalar, 1> target(Shape{size(current)});
    step(current, from, target.data());
    between = std::move(target);
    from = between.data();
  }
  std::copy_n(from, x.size(), y);  // no run: only axes of size 1 were added
}

template <class Scalar>
AnyVariable<Scalar> sum_to(const AnyVariable<Scalar>& x, std::span<const Index> shape) {
  if (std::ranges::equal(x.shape(), shape)) return x;
  AnyTensor<Scalar> y(shape);
  const auto size = [](const StretchedRun& r) { return r.outer * r.inner; };
  const StretchedRuns runs(shape, x.shape());
  follow_runs(runs.begin(), runs.end(), x, y.data(), size, [](const StretchedRun& r, const Scalar* from, Scalar* to) {
    if (r.outer == 1 && r.inner == 1)
      *to = sum(from, r.size);
    else if (r.inner == 1)
      sum_columns(from, r.outer, r.size, to);
    else
      for (Index i = 0; i < r.outer; ++i) sum_rows(from + i * r.size * r.inner, r.size, r.inner, to + i * r.inner);
  });
  describe<Scalar>("sum_to");
  return record(std::move(y), wrt(x, [x](const auto&, const auto& dy) { return broadcast_to(dy, x.shape()); }));
}

template <class Scalar>
AnyVariable<Scalar> broadcast_to(const AnyVariable<Scalar>& x, std::span<const Index> shape) {
  if (std::ranges::equal(x.shape(), shape)) return x;
  AnyTensor<Scalar> y(shape);
  const StretchedRuns runs(x.shape(), shape);
  const auto size = [](const StretchedRun& r) { return r.outer * r.size * r.inner; };
  const auto first = std::make_reverse_iterator(runs.end()), last = std::make_reverse_iterator(runs.begin());
  follow_runs(first, last, x, y.data(), size, [](const StretchedRun& r, const Scalar* from, Scalar* to) {
    for (Index i = 0; i < r.outer; ++i, from += r.inner, to += r.size * r.inner)
      if (r.inner == 1)
        fill(to, r.size, *from);
      else if (r.inner > 0 && r.size > 0)
        repeat(std::copy_n(from, r.inner, to) - r.inner, r.inner, r.size * r.inner);
  });
  describe<Scalar>("broadcast");
  return record(std::move(y), wrt(x, [x](const auto&, const auto& dy) { return sum_to(dy, x.shape()); }));
}

EIGENESIS_INSTANTIATE(sum_to);
EIGENESIS_INSTANTIATE(broadcast_to);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
