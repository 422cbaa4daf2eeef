// SPDX-License-Identifier: MIT
#include <barrier>
#include <cstring>
#include <eigenesis/distributed/distributed.hpp>
#include <eigenesis/eigenesis.hpp>
#include <thread>

#include "catch.hpp"

using namespace eigenesis;

// A training on several ranks, which are threads here. tests/distributed has those that are processes.
namespace {

struct Meeting {
  explicit Meeting(Index ranks) : parts(static_cast<std::size_t>(ranks)), all_here(ranks) {}
  std::vector<const void*> parts;
  std::barrier<> all_here;
};

class ThreadRank : public Distributed {
 public:
  ThreadRank(Meeting& meeting, Index rank) : meeting_(meeting), rank_(rank) {}
  Index rank() const override { return rank_; }
  Index ranks() const override { return std::ssize(meeting_.parts); }
  void gather(const void* own, void* all, Index bytes) override {
    with_parts_of_all(own, [&](Index r, const char* part) { copy(all, r * bytes, part, bytes); });
  }
  void exchange(const void* parts, void* all, Index bytes) override {
    with_parts_of_all(parts, [&](Index r, const char* part) { copy(all, r * bytes, part + rank_ * bytes, bytes); });
  }
  void broadcast(void* data, Index bytes) override {
    with_parts_of_all(data, [&](Index r, const char* part) {
      if (r == 0 && rank_ > 0) copy(data, 0, part, bytes);
    });
  }

 private:
  static void copy(void* to, Index offset, const char* from, Index bytes) {
    std::memcpy(static_cast<char*>(to) + offset, from, static_cast<std::size_t>(bytes));
  }
  void with_parts_of_all(const void* own, auto f) {
    meeting_.parts[static_cast<std::size_t>(rank_)] = own;
    meeting_.all_here.arrive_and_wait();
    for (Index r = 0; r < ranks(); ++r) f(r, static_cast<const char*>(meeting_.parts[static_cast<std::size_t>(r)]));
    meeting_.all_here.arrive_and_wait();
  }
  Meeting& meeting_;
  Index rank_;
};

/// What f(rank) gives on each rank, or the message of what it throws.
template <class Result>
struct Outcome {
  Result result = {};
  std::string message = {};
};
template <class F>
auto on_ranks(Index ranks, F f) {
  using Result = std::invoke_result_t<F, Distributed&>;
  Meeting meeting(ranks);
  std::vector<Outcome<Result>> outcomes(static_cast<std::size_t>(ranks));
  std::vector<std::thread> threads;
  for (Index rank = 0; rank < ranks; ++rank)
    threads.emplace_back([&, rank] {
      auto& outcome = outcomes[static_cast<std::size_t>(rank)];
      ThreadRank own(meeting, rank);
      try {
        outcome.result = f(own);
      } catch (const std::exception& error) {
        outcome.message = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

/// The weights of a VAE after a training; alone if not `over`. `spoil` is called in each step. A callback may draw from
/// the generator of the training.
std::vector<double> train(Distributed* over, Index ranks, Index samples, const std::function<void()>& spoil = {},
                          bool callback_draws = false) {
  Rng rng(3);
  Tensor<double, 2> data(Shape{samples, 6});
  rng.fill_uniform(data.data(), data.size(), 0.0, 1.0);
  Vae vae{Encoder{Sequential{Linear<double>(6, 8, rng), Relu{}}, Linear<double>(8, 2, rng), Linear<double>(8, 2, rng)},
          Decoder{Sequential{Linear<double>(2, 8, rng), Relu{}, Linear<double>(8, 6, rng)}, BernoulliLikelihood{}},
          StandardNormal<double>(2)};
  VaeTrainer trainer{vae, Adam<double>{}};
  const auto noisy = [&](Tensor<double, 2> x, Rng&) {
    if (spoil) spoil();
    return x;
  };
  const auto draw = [&](auto&) {
    if (callback_draws) rng.uniform();
  };
  trainer.fit(
      Transformed{data, noisy},
      {.epochs = 10, .batch_size = over ? 8 : 8 * ranks, .on_step = draw, .on_epoch = draw, .distributed = over}, rng);
  std::vector<double> weights;
  for_each_state(
      vae, [&](const FieldPath&, const auto& x) { weights.insert(weights.end(), x.data(), x.data() + x.size()); });
  return weights;
}

}  // namespace

TEST_CASE("Three ranks with a third of the batch each come to the weights of one") {
  const Index samples = 3 * 8 * 4 + 5;  // the last batch: two, two and one
  const auto alone = train(nullptr, 3, samples);
  const auto outcomes = on_ranks(3, [&](Distributed& over) { return train(&over, 3, samples); });
  for (const auto& [weights, message] : outcomes) {
    CHECK(message == "");
    CHECK(weights == outcomes[0].result);
    REQUIRE(weights.size() == alone.size());
    double worst = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) worst = std::max(worst, std::abs(weights[i] - alone[i]));
    CHECK(worst < 1e-12);
  }
}

TEST_CASE("All ranks go on with the generator from which a callback of rank 0 has drawn") {
  const auto alone = train(nullptr, 2, 83, {}, true);
  for (const auto& [weights, message] : on_ranks(2, [](Distributed& over) { return train(&over, 2, 83, {}, true); })) {
    CHECK(message == "");
    REQUIRE(weights.size() == alone.size());
    double worst = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) worst = std::max(worst, std::abs(weights[i] - alone[i]));
    CHECK(worst < 1e-12);
  }
}

TEST_CASE("What one rank throws ends the training on all") {
  const auto outcomes = on_ranks(3, [](Distributed& over) {
    int batches = 0;
    return train(&over, 3, 100, [&] { require<DataError>(++batches < 7 || over.rank() != 1, "file 7 is damaged"); });
  });
  const std::string told = "VaeTrainer::fit: expected all ranks to go on but rank 1 ended with: file 7 is damaged";
  CHECK(outcomes[0].message == told);
  CHECK(outcomes[1].message == "file 7 is damaged");
  CHECK(outcomes[2].message == told);
}

TEST_CASE("Ranks with other data are refused") {
  const auto outcomes = on_ranks(2, [](Distributed& over) { return train(&over, 2, 100 + over.rank()); });
  for (const auto& outcome : outcomes)
    CHECK(outcome.message ==
          "VaeTrainer::fit: expected all ranks to have the same number of samples but rank 0 has 100 "
          "and rank 1 has 101; each has all data and takes its part of each batch");
}

TEST_CASE("Too few samples for all ranks are refused") {
  for (const auto& outcome : on_ranks(3, [](Distributed& over) { return train(&over, 3, 2); }))
    CHECK(outcome.message == "VaeTrainer::fit: expected at least 3 samples for 3 ranks but got 2");
}

TEST_CASE("A gradient is the mean over the samples of all ranks, added in the order of ranks") {
  const auto outcomes = on_ranks(3, [](Distributed& over) {
    const double values[] = {1, 1e17, -1e17};  // 1 is lost unless it is added last
    double x[] = {values[over.rank()], static_cast<double>(over.rank())};
    float y = over.rank() == 2 ? 7.0f : 1.0f;
    double adopted = 10.0 + static_cast<double>(over.rank());
    detail::RanksOfStep& ranks = over;
    const std::span<double> doubles[] = {{x, 1}, {x + 1, 1}};
    const std::span<float> floats[] = {{&y, 1}};
    ranks.average("a place", 1, doubles, {});
    const Index all = ranks.average("a place", 3 - over.rank(), floats, {&adopted, 1});
    return std::vector<double>{x[0], x[1], static_cast<double>(y), static_cast<double>(all), adopted};
  });
  for (const auto& outcome : outcomes) CHECK(outcome.result == std::vector<double>{0, 1, 2, 6, 10});
}
