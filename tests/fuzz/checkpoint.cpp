// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>

#include "fuzz.hpp"

namespace {

using namespace eigenesis;

struct Trainer {
  Linear<double>& network;
  Adam<double> optimizer{};
  void prepare() { optimizer.prepare(network); }
  Loss step(const Tensor<double, 2>& batch, Rng&) {
    const auto loss = mean(square(network(Variable(batch))));
    optimizer.minimize(loss, network);
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) {
    field("network", self.network);
    field("optimizer", self.optimizer);
  }
};

/// A training of five samples in batches of two, two epochs.
struct Training {
  Rng rng{1};
  Tensor<double, 2> data = StandardNormal<double>(1).sample(5, rng);
  Linear<double> network{1, 1, rng};
  Trainer trainer{network};

  std::vector<double> numbers() const {
    std::vector<double> all;
    for_each_state(network, [&](const FieldPath&, const auto& tensor) {
      all.insert(all.end(), tensor.values().begin(), tensor.values().end());
    });
    return all;
  }
};

}  // namespace

void fuzz::write_checkpoint(const std::string& path) {
  Training training;
  FitOptions<Loss> options{.epochs = 2, .batch_size = 2, .checkpoint = Checkpoint{path, 1, Start::anew}};
  options.on_step = [](auto& now) { now.stop = now.step == 4; };
  fit(training.trainer, training.data, options, training.rng);
}

bool fuzz::checkpoint(Span file) {
  static MemoryFile memory;
  Training training;
  const std::vector<double> before = training.numbers();
  const Rng::State begin = training.rng.state();
  Batches batches(training.data, {.batch_size = 2});
  FitHistory<Loss> history;
  detail::FitProgress<Loss> run{
      .history = history, .batch_size = 2, .epoch_steps = 3, .begin = begin, .data = detail::checksum(training.data)};
  const detail::CheckpointFunctions functions = detail::checkpoint_functions();
  const auto fields = [&] { return detail::saved_fields(training.trainer); };
  const detail::KeptNumbers kept = functions.keep(fields());
  const bool accepted = accepts([&] {
    detail::resume("fit", Checkpoint{.path = memory.of(file)}, training.trainer, training.data, batches, run,
                   training.rng, false, 6, "", kept);
  });
  if (!accepted) functions.put_back(fields(), kept);  // as fit does
  expect(accepted || (training.numbers() == before && training.trainer.optimizer.steps() == 0),
         "that a refused file changes nothing in the trainer");
  expect(accepted || (training.rng.state().counter == begin.counter && batches.place().step < 0 && run.done == 0),
         "that a refused file changes nothing in the training");
  expect(std::ssize(history.steps) == run.state.step, "as many losses as steps");
  const Tensor<double, 2> batch = batches.next(training.rng);  // wherever it goes on, it can
  expect(batch.size() == 1 || batch.size() == 2, "a batch of the data");
  return accepted;
}
