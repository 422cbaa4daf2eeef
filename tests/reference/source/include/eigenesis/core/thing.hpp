// SPDX-License-Identifier: MIT
#pragma once

namespace eigenesis::inline EIGENESIS_ABI {

/// What is described below has `described` in its name.
struct DescribedThing {
  double described_a = 0, described_b = 0;  // of both
  double described_c = 0;                   // of one that needs
                                            // two lines
  int name = 0;
  double bare_field = 0;

  DescribedThing(int n) : described_c{double(n)} {}
  DescribedThing(const DescribedThing&) = delete;
  auto operator()(const auto& x, double factor = {}) const { return factor * x; }

  /// Of [N, F] * `x` | y: 5 < 6 & _this_, as in Author et al. 2014:
  ///   described_sum(1, 2);
  /// and so on
  /// - not a list.
  double described_sum(double x, double y) const { return x + y; }
  double described_sum(double x) const { return x; }
  double bare_member() const { return 1; }

  static void fields(auto& self, auto&& field) { field("described_a", self.described_a); }

 protected:
  double described_protected = 0;

 private:
  double described_private() const { return 0; }
};

struct BareThing {
  int described_number = 0;  // of things
};

/// One of two kinds.
enum class DescribedKind {
  one,  // the first
  two   // the second
};

namespace detail {

template <class T>
struct DescribedInternal {
  T described_internal;
};

}  // namespace detail

template <class T>
requires requires(T t) { t + t; }
T bare_function(T t) {
  struct DescribedLocal {};
  return t + t;
}

/// Each function of the table.
#define EIGENESIS_FUNCTION(name, ...) \
  inline double name(double described_x) { return described_x; }
#include "eigenesis/kernels/operations.inl"

template <class T>
DescribedThing(T) -> DescribedThing;

}  // namespace eigenesis::inline EIGENESIS_ABI
