// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "eigenesis/core/rng.hpp"
#include "eigenesis/ops/reduce.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

template <class Scalar>
Tensor<Scalar, 2> one_hot_rows(const char* function, std::span<const int> classes, Index count) {
  Tensor<Scalar, 2> rows(Shape{std::ssize(classes), count}, Scalar{0});
  Scalar* row = rows.data();
  for (const int& label : classes) {
    require<DataError>(label >= 0 && label < count, function, ": expected classes in [0, ", count, ") but got ", label,
                       " in sample ", &label - classes.data());
    row[label] = 1;
    row += count;
  }
  return rows;
}

/// Whether a class has been ruled out, by a logit of -infinity.
template <class Scalar>
auto is_masked(const auto& logit) {
  return logit < -static_cast<double>(std::numeric_limits<Scalar>::max());
}
/// A finite number in the place of -infinity, for products with a probability of 0.
template <class Scalar>
auto finite(const auto& logit) {
  return select(is_masked<Scalar>(logit), -static_cast<double>(std::numeric_limits<Scalar>::max()), logit);
}

/// ln p of rows x of zeros and ones.
template <class Scalar>
Variable<Scalar, 1> log_prob_of(const Variable<Scalar, 2>& x, const Variable<Scalar, 2>& logits) {
  return sum(map([](auto t, auto l) { return select(t == 0, 0, t * l); }, x, log_softmax(logits, 1)), 1);
}

}  // namespace detail

/// One row for each class: 1 at its place, 0 elsewhere, [N, count]. Throws DataError for a class outside of [0, count).
template <class Scalar = float>
Tensor<Scalar, 2> one_hot(std::span<const int> classes, Index count) {
  return detail::one_hot_rows<Scalar>("one_hot", classes, count);
}

/// One of K classes for each row of logits [N, K]; probabilities are softmax(logits). A logit of -infinity rules its
/// class out, as long as another of the row is finite.
template <class Scalar = float>
class Categorical {
 public:
  explicit Categorical(Variable<Scalar, 2> logits) : logits_(std::move(logits)) {}

  /// The logits [N, K].
  const Variable<Scalar, 2>& logits() const { return logits_; }
  /// softmax(logits), [N, K].
  Variable<Scalar, 2> probabilities() const { return softmax(logits_, 1); }

  /// ln p(class) = log_softmax(logits)[class] in nats, [N]. Throws ShapeError unless there are N classes,
  /// DataError for one outside of [0, K).
  Variable<Scalar, 1> log_prob(std::span<const int> classes) const {
    require(std::ssize(classes) == logits_.shape(0), "Categorical::log_prob: expected ", logits_.shape(0),
            " classes but got ", classes.size());
    const Variable chosen(detail::one_hot_rows<Scalar>("Categorical::log_prob", classes, logits_.shape(1)));
    return detail::log_prob_of(chosen, logits_);
  }
  /// One class for each row. Throws NumericError for logits that are NaN or infinity, or rows of -infinity.
  std::vector<int> sample(Rng& rng) const {
    const NoGradient no_gradient;
    const Variable<Scalar, 2> p = probabilities();
    std::vector<int> classes;
    for (Index i = 0; i < p.shape(0); ++i) {
      const Scalar* const row = p.value().data() + i * p.shape(1);
      double total = 0, below = 0;
      for (Index k = 0; k < p.shape(1); ++k) total += static_cast<double>(row[k]);
      require<NumericError>(std::isfinite(total),
                            "Categorical::sample: expected finite logits but got nan or inf in row ", i);
      const double target = rng.uniform() * total;  // always less than the total
      int label = 0;
      while ((below += static_cast<double>(row[label])) <= target) ++label;
      classes.push_back(label);
    }
    return classes;
  }
  /// -sum(p ln p) in nats, [N].
  Variable<Scalar, 1> entropy() const {
    return sum(map([](auto l) { return -(exp(l) * detail::finite<Scalar>(l)); }, log_softmax(logits_, 1)), 1);
  }

 private:
  Variable<Scalar, 2> logits_;
};

/// KL(q || p) = sum(q (ln q - ln p)) in nats, [N]; infinite where q takes a class that p never does. Throws ShapeError
/// for unequal shapes.
template <class Scalar>
Variable<Scalar, 1> kl_divergence(const Categorical<Scalar>& q, const Categorical<Scalar>& p) {
  require(q.logits().shape() == p.logits().shape(), "kl_divergence: expected distributions of equal shape but got ",
          q.logits().shape(), " and ", p.logits().shape());
  const auto term = [](auto lq, auto lp) {
    const auto difference = detail::finite<Scalar>(lq) - detail::finite<Scalar>(lp);
    const auto where_p_is_0 = select(detail::is_masked<Scalar>(lq), 0, std::numeric_limits<double>::infinity());
    return select(detail::is_masked<Scalar>(lp), where_p_is_0, exp(lq) * difference);
  };
  return sum(map(term, log_softmax(q.logits(), 1), log_softmax(p.logits(), 1)), 1);
}

/// A Categorical whose samples are rows of zeros with a single one, [N, K].
template <class Scalar = float>
class OneHot {
 public:
  explicit OneHot(Variable<Scalar, 2> logits) : categorical_(std::move(logits)) {}

  /// The same distribution over the numbers of the classes.
  const Categorical<Scalar>& categorical() const { return categorical_; }
  /// The logits [N, K].
  const Variable<Scalar, 2>& logits() const { return categorical_.logits(); }
  /// The probabilities of the classes.
  Variable<Scalar, 2> mean() const { return categorical_.probabilities(); }

  /// sum(x log_softmax(logits)) in nats, x [N, K] -> [N].
  /// Throws ShapeError, DataError for rows that are not zeros with a single one.
  Variable<Scalar, 1> log_prob(const Variable<Scalar, 2>& x) const {
    require(x.shape() == logits().shape(), "OneHot::log_prob: expected x of the shape of the logits, ",
            logits().shape(), ", but got ", x.shape());
    for (Index i = 0; i < x.shape(0); ++i) {
      Index ones = 0;
      for (Index k = 0; k < x.shape(1); ++k) {
        const Scalar t = x.value()(i, k);
        require<DataError>(t == 0 || t == 1, "OneHot::log_prob: expected zeros and ones but got ", t, " in row ", i);
        ones += t == 1;
      }
      require<DataError>(ones == 1, "OneHot::log_prob: expected one 1 in each row but got ", ones, " in row ", i);
    }
    return detail::log_prob_of(x, logits());
  }
  /// One row for each row of logits, [N, K].
  Tensor<Scalar, 2> sample(Rng& rng) const { return one_hot<Scalar>(categorical_.sample(rng), logits().shape(1)); }
  /// -sum(p ln p) in nats, [N].
  Variable<Scalar, 1> entropy() const { return categorical_.entropy(); }

 private:
  Categorical<Scalar> categorical_;
};

/// KL(q || p) of rows with equal numbers of classes, in nats, [N]. Throws ShapeError.
template <class Scalar>
Variable<Scalar, 1> kl_divergence(const OneHot<Scalar>& q, const OneHot<Scalar>& p) {
  return kl_divergence(q.categorical(), p.categorical());
}

}  // namespace eigenesis::inline EIGENESIS_ABI
