// SPDX-License-Identifier: MIT
// A training on several ranks, for ends.py. Each rank writes its process number when it has made two steps.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <eigenesis/distributed/mpi.hpp>
#include <eigenesis/eigenesis.hpp>
#include <string>
using namespace eigenesis;

struct Trainer {
  Linear<float> unit;
  Sgd<> optimizer;
  bool swallows = false;  // its own errors
  int steps = 0;
  Loss step(const Tensor<float, 2>& batch, Rng&) {
    const auto loss = mean(square(unit(batch)));
    try {
      if (swallows && steps == 3) throw NumericError("nan");
      optimizer.minimize(loss, unit);
    } catch (const Error&) {
      if (!swallows) throw;
    }
    if (++steps == 2) {
      const std::string line = std::to_string(getpid()) + "\n";  // one write: ranks share the output
      std::fputs(line.c_str(), stdout);
      std::fflush(stdout);
    }
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) { field("unit", self.unit), field("optimizer", self.optimizer); }
};

int main(int argc, char** argv) try {
  const std::string how = argc > 1 ? argv[1] : "";
  Mpi mpi(argc, argv, {.any_instruction_set = how == "any_instruction_set"});
  const bool last = mpi.rank() == mpi.ranks() - 1;
  if (last && how == "error_outside") throw Error("the last rank has no data");
  if (last && how == "exit_outside") std::exit(3);
  if (last && how == "leaves") return 1;
  if (how == "forgets") return 0;
  Rng rng(1);
  Trainer trainer{Linear(2, 1, rng), Sgd<>{}, last && how == "swallows"};
  const Index steps = how == "endless" || how.ends_with("outside") || how == "swallows" ? 1'000'000'000 : 5;
  if (how == "caught_inside") try {
      if (last) throw Error("the last rank has no data");
      fit(trainer, ring_of_gaussians(8), {.steps = steps, .batch_size = 4, .distributed = mpi}, rng);
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 1;
    }
  FitOptions<Loss> options{.steps = steps, .batch_size = 4, .distributed = mpi};
  if (how == "keeps") {  // keeps STEPS PATH: a checkpoint every 100 steps; shows the weights at the end
    options.steps = std::atoi(argv[2]);
    options.checkpoint = Checkpoint{.path = argv[3], .every = 100};
  }
  fit(trainer, ring_of_gaussians(8), options, rng);
  if (mpi.rank() == 0)
    std::printf("done %a %a %a\n", trainer.unit.weight.value()(0, 0), trainer.unit.weight.value()(1, 0),
                trainer.unit.bias.value()(0));
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
