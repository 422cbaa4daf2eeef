// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <map>
#include <set>

#include "catch.hpp"

using namespace eigenesis;

namespace {

/// Sample i is (i, 10 i).
Tensor<float, 2> samples(Index count) {
  Tensor<float, 2> x(Shape{count, 2});
  for (Index i = 0; i < count; ++i) x(i, 0) = static_cast<float>(i), x(i, 1) = static_cast<float>(10 * i);
  return x;
}

template <class Data>
void check_rows(const Split<Data>& parts, Index count, Index held_out) {
  CHECK(std::ssize(parts.held_out_rows) == held_out);
  CHECK(std::ssize(parts.train_rows) == count - held_out);
  std::set<Index> all(parts.train_rows.begin(), parts.train_rows.end());
  all.insert(parts.held_out_rows.begin(), parts.held_out_rows.end());
  CHECK(std::ssize(all) == count);
  CHECK(*all.begin() == 0);
  CHECK(*all.rbegin() == count - 1);
}

void check_samples(const Tensor<float, 2>& x, const std::vector<Index>& rows) {
  REQUIRE(x.shape() == Shape{std::ssize(rows), Index{2}});
  for (Index i = 0; i < x.shape(0); ++i) {
    CHECK(x(i, 0) == static_cast<float>(rows[static_cast<std::size_t>(i)]));
    CHECK(x(i, 1) == static_cast<float>(10 * rows[static_cast<std::size_t>(i)]));
  }
}

}  // namespace

TEST_CASE("split gives each sample to one of two parts, in random order") {
  Rng rng(1);
  const auto parts = split(samples(50), 0.2, rng);
  check_rows(parts, 50, 10);
  check_samples(parts.train, parts.train_rows);
  check_samples(parts.held_out, parts.held_out_rows);
  CHECK_FALSE(std::ranges::is_sorted(parts.train_rows));
  CHECK_FALSE(std::ranges::is_sorted(parts.held_out_rows));

  Rng same(1), other(2);
  CHECK(split(samples(50), 0.2, same).train_rows == parts.train_rows);
  CHECK(split(samples(50), 0.2, other).train_rows != parts.train_rows);
  check_rows(split(samples(2), 0.5, rng), 2, 1);
  check_rows(split(samples(7), 0.5, rng), 7, 4);
  check_rows(split(samples(10), 0.05, rng), 10, 1);
}

TEST_CASE("split holds out each sample equally often") {
  Rng rng(3);
  const Tensor<float, 2> x = samples(10);
  std::vector<int> times(10);
  for (int i = 0; i < 4000; ++i)
    for (const Index row : split(x, 0.3, rng).held_out_rows) ++times[static_cast<std::size_t>(row)];
  for (const int count : times) CHECK(std::abs(count - 1200) < 145);  // 5 standard deviations of 29
}

TEST_CASE("split takes the same rows of all tensors of a struct") {
  Rng rng(4);
  Tensor<double, 3> conditions(Shape{20, 1, 1});
  for (Index i = 0; i < 20; ++i) conditions.data()[i] = static_cast<double>(-i);
  const Conditioned data{samples(20), conditions};
  const auto parts = split(data, 0.25, rng);
  check_rows(parts, 20, 5);
  check_samples(parts.train.samples, parts.train_rows);
  check_samples(parts.held_out.samples, parts.held_out_rows);
  for (Index i = 0; i < 15; ++i)
    CHECK(parts.train.conditions(i, 0, 0) == static_cast<double>(-parts.train_rows[static_cast<std::size_t>(i)]));
}

TEST_CASE("split holds out the same part of each label if it is asked to") {
  Rng rng(5);
  std::vector<int> labels;
  for (int i = 0; i < 100; ++i) labels.push_back(i < 70 ? 3 : i < 90 ? -1 : 8);
  const auto parts = split(samples(100), 0.3, rng, {.labels = labels});
  check_rows(parts, 100, 30);
  check_samples(parts.train, parts.train_rows);
  std::map<int, int> held_out;
  std::vector<int> order;
  for (const Index row : parts.held_out_rows) {
    order.push_back(labels[static_cast<std::size_t>(row)]);
    ++held_out[order.back()];
  }
  CHECK(held_out == std::map<int, int>{{-1, 6}, {3, 21}, {8, 3}});
  CHECK_FALSE(std::ranges::is_sorted(order));
}

TEST_CASE("split takes images with their labels") {
  Rng rng(6);
  LabelledImages digits{samples(10), {}, 1, 2, 1, {"even", "odd"}};
  for (int i = 0; i < 10; ++i) digits.labels.push_back(i % 2);
  const auto parts = split(digits, 0.4, rng, {.labels = digits.labels});
  check_rows(parts, 10, 4);
  check_samples(parts.train.images, parts.train_rows);
  for (std::size_t i = 0; i < 6; ++i) CHECK(parts.train.labels[i] == parts.train_rows[i] % 2);
  CHECK(std::ranges::count(parts.held_out.labels, 1) == 2);
  CHECK(parts.held_out.size() == 4);
  CHECK(parts.held_out.width == 2);
  CHECK(parts.held_out.classes == digits.classes);
  digits.labels.pop_back();
  CHECK_THROWS_MATCHES(split(digits, 0.4, rng), DataError,
                       Message("split: expected as many labels as images but got 9 and 10"));
}

TEST_CASE("split refuses parts that would be empty") {
  Rng rng(7);
  const auto refused = [&](Index count, double fraction, const std::string& message, const SplitOptions& options = {}) {
    CHECK_THROWS_WITH(split(samples(count), fraction, rng, options), "split: expected " + message);
  };
  refused(1, 0.5, "samples in both parts but got 1 and a fraction of 0.5");
  refused(10, 0.04, "samples in both parts but got 10 and a fraction of 0.04");
  refused(10, 0.96, "samples in both parts but got 10 and a fraction of 0.96");
  for (const double fraction : {0.0, 1.0, -0.5, 7.0})
    refused(10, fraction, "a fraction between 0 and 1 but got " + detail::text(fraction));
  refused(10, std::numeric_limits<double>::quiet_NaN(), "a fraction between 0 and 1 but got nan");
  const std::vector<int> labels{1, 1, 1, 2};
  refused(4, 0.5, "samples in both parts but got 1 of label 2 and a fraction of 0.5", {.labels = labels});
  refused(5, 0.5, "5 labels, as there are samples, but got 4", {.labels = labels});
  refused(0, 0.5, "at least one sample but got data of shape [0, 2]");
}
