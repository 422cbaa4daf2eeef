// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace eigenesis;

namespace {

constexpr Index million = 1'000'000;

/// The greatest distance between the distribution of samples and F, times sqrt(n): above 1.95 with probability 0.001.
template <class T, class F>
double kolmogorov_smirnov(std::vector<T> x, F distribution) {
  std::sort(x.begin(), x.end());
  const double n = static_cast<double>(x.size());
  double distance = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = distribution(static_cast<double>(x[i])), below = static_cast<double>(i) / n;
    distance = std::max({distance, expected - below, below + 1 / n - expected});
  }
  return distance * std::sqrt(n);
}

double normal_distribution(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

template <class T>
std::vector<T> normals(Rng& rng, Index n) {
  std::vector<T> x(static_cast<std::size_t>(n));
  rng.fill_normal(x.data(), n);
  return x;
}

template <class T>
std::vector<T> uniforms(Rng& rng, Index n, T low, T high) {
  std::vector<T> x(static_cast<std::size_t>(n));
  rng.fill_uniform(x.data(), n, low, high);
  return x;
}

/// Correlation coefficient; beyond 4 / sqrt(n) with probability 6e-5 if there is none.
template <class T>
double correlation(const T* x, const T* y, Index n) {
  double xy = 0, xx = 0, yy = 0;
  for (Index i = 0; i < n; ++i) xy += x[i] * y[i], xx += x[i] * x[i], yy += y[i] * y[i];
  return xy / std::sqrt(xx * yy);
}

struct Threads {
  int before = num_threads();
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
};

}  // namespace

TEST_CASE("Philox gives the known answers of Random123") {
  using Block = std::array<std::uint32_t, 4>;
  CHECK(detail::philox({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(detail::philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(detail::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("A seed is Philox's key and the words of its blocks follow one another") {
  Rng zero(0);
  for (const std::uint32_t word : {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}) CHECK(zero.next() == word);
  Rng rng(0x299f31d0a4093822);
  for (std::uint32_t block = 0; block < 3; ++block)
    for (const std::uint32_t word : detail::philox({block, 0, 0, 0}, {0xa4093822, 0x299f31d0}))
      CHECK(rng.next() == word);
}

TEST_CASE("All instruction sets compute Philox") {
  for (const Isa use : {Isa::baseline, Isa::avx2, Isa::avx512})
    for (const std::uint64_t block : {std::uint64_t{0}, std::uint64_t{0xfffffff9}, std::uint64_t{0x123456789abcdef0}}) {
      if (!supports(use)) continue;
      alignas(64) std::uint32_t words[64];
      detail::random_words(0x299f31d0a4093822, block, words, use);
      for (std::uint32_t i = 0; i < 16; ++i) {
        const std::uint64_t counter = block + i;
        const auto low = static_cast<std::uint32_t>(counter), high = static_cast<std::uint32_t>(counter >> 32);
        const auto expected = detail::philox({low, high, 0, 0}, {0xa4093822, 0x299f31d0});
        for (std::uint32_t w = 0; w < 4; ++w) CHECK(words[16 * w + i] == expected[w]);
      }
    }
}

TEMPLATE_TEST_CASE("Fills are the same for any number of threads, and an element depends on its place only", "", float,
                   double) {
  const Index n = 100'003;
  const auto both = [&](int threads, Index count) {
    const Threads setting(threads);
    Rng rng(3);
    rng.next();
    auto x = normals<TestType>(rng, count), y = uniforms<TestType>(rng, count, -2, 5);
    x.insert(x.end(), y.begin(), y.end());
    return std::pair{x, rng.state()};
  };
  const auto [expected, state] = both(1, n);
  for (const int threads : {2, 3, 8}) {
    const auto [x, after] = both(threads, n);
    CHECK(x == expected);
    CHECK(after == state);
  }
  for (const Index shorter : {1, 15, 16, 33, 64, 1000}) {
    const auto [x, after] = both(2, shorter);
    CHECK(std::equal(x.begin(), x.begin() + shorter, expected.begin()));
  }
}

TEST_CASE("A copy and a restored state continue with the same numbers") {
  Rng rng(11);
  for (int used = 0; used < 9; ++used) {
    Rng copy = rng;
    Rng restored(Rng::State{rng.state().key, rng.state().counter});
    CHECK(rng.state().counter == static_cast<std::uint64_t>(used));
    std::uint32_t word = rng.next();
    CHECK(copy.next() == word);
    CHECK(restored.next() == word);
  }
  Rng restored(rng.state());
  const auto x = normals<float>(rng, 100), y = normals<float>(restored, 100);
  CHECK(x == y);
  CHECK(rng.next() == restored.next());
  CHECK(rng.below(1000) == restored.below(1000));
}

TEST_CASE("Successive draws never use a word twice") {
  Rng rng(12);
  const auto first = normals<float>(rng, 64), second = normals<float>(rng, 64);
  CHECK(first != second);
  rng.next();
  const auto third = uniforms<float>(rng, 70, 0.0f, 1.0f), fourth = uniforms<float>(rng, 70, 0.0f, 1.0f);
  for (const float x : third) CHECK(std::find(fourth.begin(), fourth.end(), x) == fourth.end());
}

TEMPLATE_TEST_CASE("Uniform numbers are uniform and stay below the upper end", "", float, double) {
  Rng rng(21);
  const auto x = uniforms<TestType>(rng, million, -3, 5);
  CHECK(*std::min_element(x.begin(), x.end()) >= -3);
  CHECK(*std::max_element(x.begin(), x.end()) < 5);
  CHECK(kolmogorov_smirnov(x, [](double t) { return (t + 3) / 8; }) < 1.95);
  const auto narrow = uniforms<TestType>(rng, 10'000, 1, 1 + std::numeric_limits<TestType>::epsilon());
  CHECK(std::all_of(narrow.begin(), narrow.end(), [](TestType t) { return t == 1; }));
}

TEST_CASE("uniform() is uniform on [0, 1)") {
  Rng rng(22);
  std::vector<double> x(million);
  for (double& t : x) t = rng.uniform();
  CHECK(*std::min_element(x.begin(), x.end()) >= 0);
  CHECK(*std::max_element(x.begin(), x.end()) < 1);
  CHECK(kolmogorov_smirnov(x, [](double t) { return t; }) < 1.95);
}

TEMPLATE_TEST_CASE("Normal numbers have the normal distribution, its moments and its tails", "", float, double) {
  Rng rng(23);
  const auto x = normals<TestType>(rng, million);
  double moment[5] = {};
  Index beyond3 = 0, beyond4 = 0;
  for (const TestType value : x) {
    const double t = value;
    moment[1] += t / million, moment[2] += t * t / million, moment[3] += t * t * t / million;
    moment[4] += t * t * t * t / million;
    beyond3 += std::fabs(t) > 3, beyond4 += std::fabs(t) > 4;
  }
  CHECK_THAT(moment[1], WithinAbs(0, 4e-3));  // four standard errors each
  CHECK_THAT(moment[2], WithinAbs(1, 4 * 1.4142e-3));
  CHECK_THAT(moment[3], WithinAbs(0, 4 * 3.873e-3));
  CHECK_THAT(moment[4], WithinAbs(3, 4 * 9.798e-3));
  CHECK_THAT(static_cast<double>(beyond3), WithinAbs(2699.8, 4 * 51.9));
  CHECK_THAT(static_cast<double>(beyond4), WithinAbs(63.3, 4 * 8.0));
  CHECK(kolmogorov_smirnov(x, normal_distribution) < 1.95);
  for (const Index lag : {1, 2, 16, 32, 64})
    CHECK_THAT(correlation(x.data(), x.data() + lag, million - lag), WithinAbs(0, 4e-3));
}

TEST_CASE("Instruction sets agree on normal numbers to rounding") {
  alignas(64) std::uint32_t words[64];
  alignas(64) float x[64], reference[64];
  for (std::uint64_t block = 0; block < 16'000; block += 16) {
    detail::random_words(24, block, words, Isa::baseline);
    detail::normal_chunk(words, reference, Isa::baseline);
    for (const Isa use : {Isa::avx2, Isa::avx512}) {
      if (!supports(use)) continue;
      detail::normal_chunk(words, x, use);
      double worst = 0;
      for (int i = 0; i < 64; ++i) worst = std::max(worst, std::fabs(double{x[i]} - double{reference[i]}));
      CHECK(worst < 2e-6);
    }
  }
}

TEST_CASE("below draws each number equally often") {
  Rng rng(25);
  for (int i = 0; i < 10; ++i) CHECK(rng.below(1) == 0);
  for (const Index n : {2, 3, 10, 1000}) {
    const Index draws = 1000 * n;
    std::vector<double> counts(static_cast<std::size_t>(n));
    for (Index i = 0; i < draws; ++i) {
      const Index k = rng.below(n);
      REQUIRE((k >= 0 && k < n));
      ++counts[static_cast<std::size_t>(k)];
    }
    double chi_squared = 0;
    for (const double count : counts) chi_squared += (count - 1000) * (count - 1000) / 1000;
    const double freedom = static_cast<double>(n - 1);
    INFO("n " << n);
    CHECK(chi_squared < freedom + 4 * std::sqrt(2 * freedom) + 8);
  }
  const Index huge = Index{3} << 60;
  Index above_half = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Index k = rng.below(huge);
    REQUIRE((k >= 0 && k < huge));
    above_half += k >= huge / 2;
  }
  CHECK_THAT(static_cast<double>(above_half), WithinAbs(5000, 200));
  CHECK_THROWS_MATCHES(rng.below(0), ArgumentError, Message("Rng::below: expected n >= 1 but got 0"));
}

TEST_CASE("shuffle gives each order equally often") {
  Rng rng(26);
  std::map<std::array<int, 3>, int> orders;
  for (int i = 0; i < 6000; ++i) {
    std::array<int, 3> x{1, 2, 3};
    rng.shuffle(x.data(), 3);
    ++orders[x];
  }
  REQUIRE(orders.size() == 6);
  for (const auto& [order, count] : orders) CHECK_THAT(double(count), WithinAbs(1000, 4 * 28.9));
  std::vector<Index> large(1000), sorted;
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<Index>(i);
  sorted = large;
  rng.shuffle(large.data(), 1000);
  CHECK(large != sorted);
  std::sort(large.begin(), large.end());
  CHECK(large == sorted);
  rng.shuffle(large.data(), 0);
}

TEST_CASE("split gives streams that are independent of each other and of their origin") {
  Rng origin(27);
  Rng first = origin.split(), second = origin.split();
  CHECK(first.state() != second.state());
  const auto x = normals<double>(origin, million), y = normals<double>(first, million);
  const auto z = normals<double>(second, million);
  CHECK_THAT(correlation(x.data(), y.data(), million), WithinAbs(0, 4e-3));
  CHECK_THAT(correlation(x.data(), z.data(), million), WithinAbs(0, 4e-3));
  CHECK_THAT(correlation(y.data(), z.data(), million), WithinAbs(0, 4e-3));
  Rng again(27);
  CHECK(again.split().state() == Rng(27).split().state());
}

static detail::RowShare share_of(Index rows, Index rank, Index ranks) {
  const Index first = rows * rank / ranks;
  return {first, rows * (rank + 1) / ranks - first, rows};
}

TEMPLATE_TEST_CASE("Ranks of a distributed training draw together what one generator draws", "", float, double) {
  for (const Index rows : {3, 8, 200})
    for (const Index columns : {1, 7, 64}) {
      Rng whole(5);
      whole.next();
      const Rng::State begin = whole.state();
      std::vector<TestType> expected = normals<TestType>(whole, rows * columns), together;
      Tensor<TestType, 1> uniform(Shape{rows * columns});
      whole.fill_uniform(uniform.data(), uniform.size(), TestType{2}, TestType{5});
      expected.insert(expected.end(), uniform.data(), uniform.data() + uniform.size());
      std::vector<TestType> second;
      for (Index rank = 0; rank < 3; ++rank) {
        Rng rng(begin);
        const detail::RowShare share = share_of(rows, rank, 3);
        rng.draw_rows(share, Rng::State{static_cast<std::uint64_t>(rank), 0});
        const auto part = normals<TestType>(rng, share.rows * columns);
        together.insert(together.end(), part.begin(), part.end());
        std::vector<TestType> more(part.size());
        rng.fill_uniform(more.data(), std::ssize(more), TestType{2}, TestType{5});
        second.insert(second.end(), more.begin(), more.end());
        rng.draw_rows({}, {});
        CHECK(rng.state() == whole.state());
        CHECK(rng.next() == Rng(whole).next());
      }
      together.insert(together.end(), second.begin(), second.end());
      INFO(rows << " rows of " << columns);
      CHECK(together == expected);
    }
}

TEST_CASE("What is no row of a batch comes from a stream of the rank's own") {
  std::vector<double> drawn;
  for (std::uint64_t rank = 0; rank < 3; ++rank)
    for (std::uint64_t step = 0; step < 2; ++step) {
      Rng rng(5);
      rng.draw_rows({static_cast<Index>(4 * rank), 4, 12}, {rank << 48 | step << 16, 0});
      for (const double x : normals<double>(rng, 5)) drawn.push_back(x);
      drawn.push_back(rng.uniform());
      CHECK(rng.state() == Rng(5).state());  // all ranks stay together
    }
  std::sort(drawn.begin(), drawn.end());
  CHECK(std::adjacent_find(drawn.begin(), drawn.end()) == drawn.end());
}
