// SPDX-License-Identifier: MIT
// train_with_checkpoints PATH [STEPS [EVERY [KEEP]]]: trains a small GAN, and goes on from the checkpoint at PATH if
// there is one. Says "resumed 20", "saving 30" and, when it is acknowledged, "saved 30"; at the end a hash of all
// numbers that the training leaves. faults.py stops it in every way.
#include <cstdio>
#include <cstdlib>
#include <eigenesis/eigenesis.hpp>
using namespace eigenesis;

namespace {

void say(const char* what, const detail::FitMemory& memory) {
  std::printf("%s %td\n", what, memory.number(detail::FitMemory::step));
  std::fflush(stdout);
}

/// A checkpoint that says what is done with it.
Checkpoint audible(const Checkpoint& silent) {
  Checkpoint checkpoint = silent;
  checkpoint.functions.save = [](const std::string& path, Index keep, std::vector<detail::SavedField> trainer,
                                 const detail::FitMemory& memory, std::optional<std::string>& mark) {
    say("saving", memory);
    detail::checkpoint_functions().save(path, keep, std::move(trainer), memory, mark);
    say("saved", memory);
  };
  checkpoint.functions.read = [](const std::string& path, detail::FitMemory& memory,
                                 std::vector<detail::SavedField> trainer, const std::string& kinds, Index loss_names) {
    detail::checkpoint_functions().read(path, memory, std::move(trainer), kinds, loss_names);
    say("resumed", memory);
  };
  return checkpoint;
}

}  // namespace

int main(int argc, char** argv) try {
  const auto number = [&](int i, Index otherwise) { return argc > i ? Index{std::atol(argv[i])} : otherwise; };
  if (argc < 2 || argc > 5) return std::fprintf(stderr, "train_with_checkpoints PATH [STEPS [EVERY [KEEP]]]\n"), 2;
  Rng rng(7);
  Generator generator{Sequential{Linear(2, 16, rng), BatchNorm(16), Relu{}, Linear(16, 2, rng)}, StandardNormal(2)};
  Discriminator discriminator{Sequential{Linear(2, 16, rng), LeakyRelu{0.2}, Dropout(0.1), Linear(16, 1, rng)}};
  GanTrainer trainer{generator, discriminator, NonSaturating{}, MovingAverage{generator}};
  const auto history =
      trainer.fit(ring_of_gaussians(8).sample(500, rng),
                  {.steps = number(2, 60),
                   .batch_size = 32,
                   .checkpoint = audible({.path = argv[1], .every = number(3, 10), .keep = number(4, 3)})},
                  rng);

  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto add = [&](const auto& value) {
    for (const std::uint8_t byte : std::bit_cast<std::array<std::uint8_t, sizeof value>>(value))
      hash = (hash ^ byte) * 0x100000001b3;
  };
  for_each_state(trainer, [&](const FieldPath&, const auto& tensor) {
    for (const auto x : tensor.values()) add(x);
  });
  for (const GanLosses& losses : history.steps) add(losses.discriminator), add(losses.generator);
  add(rng.uniform());
  std::printf("hash %016jx\n", static_cast<std::uintmax_t>(hash));
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
