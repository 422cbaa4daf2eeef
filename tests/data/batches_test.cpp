// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "catch.hpp"

using namespace eigenesis;

namespace {

/// Samples [i, 100 + i].
Tensor<float, 2> numbered(Index n) {
  Tensor<float, 2> data(Shape{n, Index{2}});
  for (Index i = 0; i < n; ++i) {
    data(i, 0) = static_cast<float>(i);
    data(i, 1) = static_cast<float>(100 + i);
  }
  return data;
}

std::vector<float> epoch_order(Batches<Tensor<float, 2>>& batches, Rng& rng) {
  std::vector<float> order;
  for (const auto& batch : batches.epoch(rng))
    for (Index i = 0; i < batch.shape(0); ++i) {
      CHECK(batch(i, 1) == batch(i, 0) + 100);
      CHECK(batches.indices()[static_cast<std::size_t>(i)] == static_cast<Index>(batch(i, 0)));
      order.push_back(batch(i, 0));
    }
  return order;
}

std::vector<float> sorted(std::vector<float> x) {
  std::sort(x.begin(), x.end());
  return x;
}

}  // namespace

TEST_CASE("An epoch visits every sample once, each epoch in another order") {
  const Tensor<float, 2> data = numbered(10);
  Batches batches{data, {.batch_size = 4}};
  Rng rng(1), same(1);
  CHECK(batches.steps_per_epoch() == 3);
  const auto first = epoch_order(batches, rng), second = epoch_order(batches, rng);
  const std::vector<float> all{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(sorted(first) == all);
  CHECK(sorted(second) == all);
  CHECK(first != all);
  CHECK(first != second);
  Batches again{data, {.batch_size = 4}};
  CHECK(epoch_order(again, same) == first);
}

TEST_CASE("The last partial batch is kept or dropped") {
  const Tensor<float, 2> data = numbered(10);
  Rng rng(1);
  std::vector<Index> sizes;
  Batches kept{data, {.batch_size = 4}};
  for (const auto& batch : kept.epoch(rng)) sizes.push_back(batch.shape(0));
  CHECK(sizes == std::vector<Index>{4, 4, 2});
  sizes.clear();
  Batches dropped{data, {.batch_size = 4, .drop_last = true}};
  CHECK(dropped.steps_per_epoch() == 2);
  for (const auto& batch : dropped.epoch(rng)) sizes.push_back(batch.shape(0));
  CHECK(sizes == std::vector<Index>{4, 4});
  CHECK(Batches{data, {.batch_size = 5}}.steps_per_epoch() == 2);
  Batches whole{data, {.batch_size = 64}};
  CHECK(whole.next(rng).shape() == Shape<2>{10, 2});
}

TEST_CASE("Without shuffling batches follow the data") {
  const Tensor<float, 2> data = numbered(5);
  Batches batches{data, {.batch_size = 2, .shuffle = false}};
  Rng rng(1);
  CHECK(epoch_order(batches, rng) == std::vector<float>{0, 1, 2, 3, 4});
  CHECK(rng.state() == Rng(1).state());
}

TEST_CASE("next goes on from epoch to epoch") {
  const Tensor<float, 2> data = numbered(6);
  Batches batches{data, {.batch_size = 4}};
  Rng rng(2);
  std::vector<float> seen;
  for (const Index size : {4, 2, 4, 2}) {
    const auto batch = batches.next(rng);
    CHECK(batch.shape() == Shape<2>{size, 2});
    for (Index i = 0; i < size; ++i) seen.push_back(batch(i, 0));
  }
  const std::vector<float> all{0, 1, 2, 3, 4, 5};
  CHECK(sorted({seen.begin(), seen.begin() + 6}) == all);
  CHECK(sorted({seen.begin() + 6, seen.end()}) == all);
}

TEST_CASE("Batches keep the rank of the data") {
  const Tensor<double, 4> images(Shape{7, 2, 3, 1}, 0.5);
  Batches batches{images, {.batch_size = 3}};
  Rng rng(2);
  CHECK(batches.next(rng).shape() == Shape<4>{3, 2, 3, 1});
}

TEST_CASE("A copy of batches goes its own way") {
  const Tensor<float, 2> data = numbered(6);
  Rng rng(2);
  auto original = std::make_unique<Batches<Tensor<float, 2>>>(data, BatchOptions{.batch_size = 4});
  const auto batch = original->next(rng);
  auto copy = *original;
  original.reset();
  CHECK(copy.indices()[3] == static_cast<Index>(batch(3, 0)));
  CHECK(copy.next(rng).shape(0) == 2);
}

TEST_CASE("Anything that samples is an endless source of batches") {
  Rng rng(3), same(3);
  Batches batches{ring_of_gaussians(8), {.batch_size = 5}};
  STATIC_REQUIRE(decltype(batches)::endless);
  STATIC_REQUIRE(!Batches<Tensor<float, 2>>::endless);
  const auto batch = batches.next(rng);
  CHECK((batch.array() == ring_of_gaussians(8).sample(5, same).array()).all());
  CHECK((batch.array() != batches.next(rng).array()).all());
}

TEST_CASE("Batches of a struct take its tensors row by row together") {
  const Tensor<float, 2> data = numbered(7);
  Tensor<double, 3> twice(Shape{7, 1, 2});
  for (Index i = 0; i < 7; ++i) twice(i, 0, 1) = 2.0 * static_cast<double>(i);
  const Conditioned pairs{data, twice};
  Batches batches{pairs, {.batch_size = 3}};
  Rng rng(5), same(5);
  Batches plain{data, {.batch_size = 3}};
  Index seen = 0;
  for (const auto& batch : batches.epoch(rng)) {
    const auto alone = plain.next(same);  // the same order as that of one tensor
    REQUIRE(batch.samples.shape() == alone.shape());
    CHECK((batch.samples.array() == alone.array()).all());
    CHECK(batch.conditions.shape() == Shape{batch.samples.shape(0), 1, 2});
    for (Index i = 0; i < batch.samples.shape(0); ++i, ++seen)
      CHECK(batch.conditions(i, 0, 1) == 2.0 * static_cast<double>(batch.samples(i, 0)));
  }
  CHECK(seen == 7);
}

TEST_CASE("Batches take no memory from the system in steady state") {
  const Tensor<float, 2> data(Shape{1000, 50}, 0.5f);
  const Transformed binary{data, Binarize{}};
  Batches batches{binary, {.batch_size = 64}};
  Rng rng(3);
  for (const auto& batch : batches.epoch(rng)) CHECK(batch.size() > 0);
  const auto before = detail::block_cache().system_allocations();
  for (const auto& batch : batches.epoch(rng)) CHECK(batch.size() > 0);
  if (detail::recycle_blocks) CHECK(detail::block_cache().system_allocations() == before);
}

TEST_CASE("Batches divided among ranks are those of one rank, and too few samples for all are left out") {
  for (const Index n : {24, 26, 27, 35}) {
    const Tensor<float, 2> data = numbered(n);
    Rng whole_rng(3);
    Batches whole(data, {.batch_size = 12});
    whole.begin_epoch(whole_rng);
    std::vector<Batches<Tensor<float, 2>>> parts;
    std::vector<Rng> rngs(3, Rng(3));
    for (Index rank = 0; rank < 3; ++rank)
      parts.emplace_back(data, BatchOptions{.batch_size = 4, .rank = rank, .ranks = 3});
    CHECK(parts[0].steps_per_epoch() == (n % 12 < 3 ? 2 : 3));
    for (Index step = 0; step < parts[0].steps_per_epoch(); ++step) {
      std::vector<float> together;
      for (std::size_t rank = 0; rank < 3; ++rank) {
        const detail::RowShare share = parts[rank].next_rows(rngs[rank]);
        const auto batch = parts[rank].next(rngs[rank]);
        CHECK(batch.shape(0) == share.rows);
        CHECK(share.rows >= share.total / 3);
        CHECK(share.rows <= share.total / 3 + 1);
        CHECK(std::ssize(together) == 2 * share.first);
        together.insert(together.end(), batch.data(), batch.data() + batch.size());
      }
      const auto expected = whole.next(whole_rng);
      CHECK(together == std::vector<float>(expected.data(), expected.data() + expected.size()));
    }
    for (const Rng& rng : rngs) CHECK(rng.state() == whole_rng.state());
  }
}

TEST_CASE("Batches name wrong arguments") {
  const Tensor<float, 2> data = numbered(10), empty(Shape{0, 2}), odd(Shape{1, 2}, {0.5f, 1.5f});
  CHECK_THROWS_MATCHES((Batches{data, {.rank = 3, .ranks = 3}}), ArgumentError,
                       Message("Batches: expected 0 <= rank < ranks but got rank = 3 and ranks = 3"));
  CHECK_THROWS_MATCHES((Batches{data, {.batch_size = 0}}), ArgumentError,
                       Message("Batches: expected batch_size >= 1 but got 0"));
  CHECK_THROWS_MATCHES((Batches{ring_of_gaussians(), {.batch_size = -1}}), ArgumentError,
                       Message("Batches: expected batch_size >= 1 but got -1"));
  CHECK_THROWS_MATCHES(Batches{empty}, DataError,
                       Message("Batches: expected at least one sample but got data of shape [0, 2]"));
  CHECK_THROWS_MATCHES((Batches{data, {.batch_size = 11, .drop_last = true}}), ArgumentError,
                       Message("Batches: expected at least batch_size = 11 samples with drop_last but got 10"));
  const Conditioned uneven{data, empty}, unequal{data, odd};
  CHECK_THROWS_MATCHES(Batches{uneven}, DataError,
                       Message("Batches: expected at least one sample but got data of shape [0, 2]"));
  CHECK_THROWS_MATCHES(
      Batches{unequal}, DataError,
      Message("Batches: expected tensors with one first axis, 10, but got conditions of shape [1, 2]"));
}

TEST_CASE("Batches of data that will be gone are refused when the program is compiled", "[data]") {
  using Rows = Tensor<float, 2>;
  STATIC_REQUIRE(std::is_constructible_v<Batches<Rows>, const Rows&>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Batches<Rows>, Rows>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Batches<Rows>, const Rows>);
  const auto epoch_of_temporary = []<class B>(B*) {
    return requires(Rng & rng, B(*make)()) { *make().epoch(rng).begin(); };
  };
  STATIC_REQUIRE_FALSE(decltype(epoch_of_temporary(static_cast<Batches<Rows>*>(nullptr)))(
      epoch_of_temporary(static_cast<Batches<Rows>*>(nullptr))));
}
