// SPDX-License-Identifier: MIT
// The smallest GAN there is does not come to rest by itself.
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
#include "line.hpp"
using namespace eigenesis;

namespace {

/// All probability at 0: prior and data.
struct Zero {
  Tensor<double, 2> sample(Index n, Rng&) const { return Tensor<double, 2>(Shape{n, Index{1}}, 0.0); }
};

/// The logit psi x, x [N, 1].
struct Slope {
  Parameter<double, 1> psi{Tensor<double, 1>(Shape{1}, -1.0)};
  auto operator()(const Variable<double, 2>& x) const { return x * psi; }
  static void fields(auto& self, auto&& field) { field("psi", self.psi); }
};

enum class Updates { simultaneous, generator_first, discriminator_first };

/// (theta, psi) from (1, -1) on, over 500 steps.
template <class Objective, class Penalty = NoPenalty>
Series orbit(const std::string& name, Updates updates, Objective objective, Penalty penalty = {}) {
  Generator generator{Shift{1.0}, Zero{}}, generator_before = generator;
  Discriminator discriminator{Slope{}};
  const Sgd<double> descent{{.learning_rate = 0.2}};
  GanTrainer trainer{generator, discriminator, objective, penalty, descent, descent};
  GanTrainer against_before{generator_before, discriminator, objective, penalty, descent, descent};
  Rng rng(1);  // nothing is drawn
  Series result{name};
  const auto note = [&] { result.add(generator.network.theta.value()(0), discriminator.network.psi.value()(0)); };
  note();
  for (int step = 0; step < 500; ++step) {
    generator_before = generator;
    if (updates != Updates::discriminator_first) trainer.train_generator(1, rng);
    // Simultaneous: D answers to G as it was before its own step.
    (updates == Updates::simultaneous ? against_before : trainer).train_discriminator(Zero{}.sample(1, rng), rng);
    if (updates == Updates::discriminator_first) trainer.train_generator(1, rng);
    note();
  }
  return result;
}

void teach(Lesson& lesson) {
  using enum Updates;
  // At the fixed point (0, 0) samples are data, and D cannot tell.
  const auto ends = [&](const Series& path, double distance) {
    lesson.exact(path.name, std::hypot(path.x.back(), path.values.back()), distance, 5e-7 * distance);
    return path;
  };
  const R1 r1{.gamma = 0.3};
  const Series outwards = ends(orbit("minimax, simultaneous", simultaneous, Minimax{}), 3.096949);
  const Series circle = ends(orbit("minimax, G first", generator_first, Minimax{}), 1.421019);
  ends(orbit("minimax, D first", discriminator_first, Minimax{}), 1.412598);
  ends(orbit("non-saturating, simultaneous", simultaneous, NonSaturating{}), 0.6402071);
  const Series inwards = ends(orbit("non-saturating, G first", generator_first, NonSaturating{}), 0.2839234);
  ends(orbit("non-saturating, D first", discriminator_first, NonSaturating{}), 0.2706304);
  const Series home = ends(orbit("minimax + R1, simultaneous", simultaneous, Minimax{}, r1), 2.642656e-06);
  ends(orbit("minimax + R1, G first", generator_first, Minimax{}, r1), 2.300913e-07);
  ends(orbit("minimax + R1, D first", discriminator_first, Minimax{}, r1), 2.382703e-07);
  save_chart(lesson.picture(),
             {{"simultaneous", outwards.values, outwards.x},
              {"alternating", circle.values, circle.x},
              {"non-saturating", inwards.values, inwards.x},
              {"R1", home.values, home.x}},
             {.title = "The Dirac-GAN: 500 steps from (1, -1)",
              .x_label = "theta, where the samples lie",
              .y_label = "psi, the slope of D",
              .width = 760,
              .height = 780});
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "09_dirac_gan",
                    "With one number each, G and D circle around their fixed point; R1 brings them to rest.", {},
                    teach);
}
