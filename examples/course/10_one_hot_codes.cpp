// SPDX-License-Identifier: MIT
// What a decoder stores under one-hot codes and under dense ones, and what it draws between two codes.
#include <eigenesis/eigenesis.hpp>

#include "lesson.hpp"
using namespace eigenesis;

namespace {

/// Pictures [N, 20 * 20] of a spot at each position [N, 2] in the square [-1, 1]^2.
Tensor<float, 2> spots(const Tensor<float, 2>& position) {
  Tensor<float, 2> pictures(Shape{position.shape(0), Index{400}});
  for (Index i = 0; i < pictures.shape(0); ++i)
    for (Index k = 0; k < 400; ++k) {
      const float x = static_cast<float>(k % 20) - (9.5f + 6 * position(i, 0));
      const float y = static_cast<float>(k / 20) - (9.5f + 6 * position(i, 1));
      pictures(i, k) = std::exp(-(x * x + y * y) / 4);
    }
  return pictures;
}

/// The nodes of a grid of `side` lines each way, [side^2, 2].
Tensor<float, 2> grid(Index side) {
  Tensor<float, 2> position(Shape{side * side, Index{2}});
  for (Index i = 0; i < side * side; ++i) {
    position(i, 0) = static_cast<float>(2 * (i % side)) / static_cast<float>(side - 1) - 1;
    position(i, 1) = static_cast<float>(2 * (i / side)) / static_cast<float>(side - 1) - 1;
  }
  return position;
}

/// One-hot codes of the tiles that those nodes lie in, `tiles` each way, [side^2, tiles^2]: neighbours share a code.
Tensor<float, 2> one_hot_tiles(Index side, Index tiles) {
  std::vector<int> tile;
  for (Index i = 0; i < side * side; ++i) {
    const Index row = i / side * tiles / side, column = i % side * tiles / side;
    tile.push_back(static_cast<int>(row * tiles + column));
  }
  return one_hot(tile, tiles * tiles);
}

/// A decoder that has learned which picture belongs to which code.
auto trained_decoder(const Tensor<float, 2>& codes, const Tensor<float, 2>& pictures, Index steps, Rng& rng) {
  Decoder decoder{Sequential{Linear(codes.shape(1), 128, rng), Relu{}, Linear(128, 400, rng), Sigmoid{}},
                  SquaredError{}};
  Adam adam{{.learning_rate = 5e-3, .schedule = CosineSchedule{.steps = steps}}};
  for (Index step = 0; step < steps; ++step) adam.minimize(-mean(decoder(codes).log_prob(pictures)), decoder);
  return decoder;
}

/// Mean squared error of a picture.
double error(const auto& decoder, const Tensor<float, 2>& codes, const Tensor<float, 2>& pictures) {
  return -mean(decoder(codes).log_prob(pictures)).item();
}

/// The best that anything can draw under shared codes is the mean of the pictures that share one.
double error_of_means(const Tensor<float, 2>& shared, const Tensor<float, 2>& pictures) {
  const Eigen::MatrixXf to_means = shared.matrix() * shared.matrix().transpose();  // a row has a 1 for each that shares
  const Eigen::MatrixXf means = to_means.rowwise().sum().cwiseInverse().asDiagonal() * to_means * pictures.matrix();
  return (pictures.matrix() - means).squaredNorm() / static_cast<float>(means.rows());
}

void teach(Lesson& lesson) {
  Rng rng(lesson.seed());
  const Index steps = lesson.whole("steps");

  // How much fits?
  std::vector<Series> stored{Series{"16 numbers, one-hot"}, Series{"16 numbers, random"},
                             Series{"2 numbers, the position"}};
  struct Size {
    Index side;
    double random;  // its error, at most
  };
  for (const auto& [side, random] : {Size{4, 0.06}, Size{8, 0.6}, Size{12, 1.3}, Size{16, 1.75}}) {
    const Tensor<float, 2> position = grid(side), pictures = spots(position), shared = one_hot_tiles(side, 4);
    const std::vector codes{shared, StandardNormal(16).sample(side * side, rng), position};
    for (std::size_t k = 0; k < codes.size(); ++k)
      stored[k].add(side * side, error(trained_decoder(codes[k], pictures, steps, rng), codes[k], pictures));
    const std::string many = std::to_string(side * side) + " pictures, ";
    const double floor = error_of_means(shared, pictures);
    lesson.measured(many + "error: one-hot", stored[0].values.back(), floor, floor + 0.04);
    lesson.at_most(many + "error: random", stored[1].values.back(), random);
    lesson.at_most(many + "error: position", stored[2].values.back(), 0.6);
  }

  // What lies between? Half way between two codes should be the spot half way between two positions.
  const Tensor<float, 2> position = grid(8), pictures = spots(position);
  const auto half_way = [pairs = rng](const Tensor<float, 2>& codes) {
    Rng same = pairs;
    Tensor<float, 2> between(Shape{Index{1000}, codes.shape(1)});
    for (Index i = 0; i < 1000; ++i)
      between.matrix().row(i) = (codes.matrix().row(same.below(64)) + codes.matrix().row(same.below(64))) / 2;
    return between;
  };
  const auto way = [](const Tensor<float, 2>& codes) {  // from the first to the last in 9 steps
    Tensor<float, 2> line(Shape{Index{9}, codes.shape(1)});
    for (Index i = 0; i < 9; ++i)
      line.matrix().row(i) =
          (static_cast<float>(8 - i) * codes.matrix().row(0) + static_cast<float>(i) * codes.matrix().row(63)) / 8;
    return line;
  };
  const Tensor<float, 2> truth = spots(half_way(position));
  lesson.show("half way, error of a black picture", truth.array().square().sum() / 1000);
  std::vector<Variable<float, 2>> rows{spots(way(position))};
  struct Case {
    const char* name;
    Tensor<float, 2> codes;
    double low, high;
  };
  for (const auto& [name, codes, low, high] :
       {Case{"64 numbers, one-hot", one_hot_tiles(8, 8), 3.8, 5},
        Case{"16 numbers, random", StandardNormal(16).sample(64, rng), 4.6, 6.2}, Case{"position", position, 0, 0.6}}) {
    const auto decoder = trained_decoder(codes, pictures, steps, rng);
    lesson.measured(std::string("half way, error: ") + name, error(decoder, half_way(codes), truth), low, high);
    rows.push_back(decoder(way(codes)).mean());
  }

  const std::vector<std::string> names{"the truth", "one-hot", "random", "position"};
  std::vector<TitledPicture> ways;
  for (std::size_t i = 0; i < names.size(); ++i)
    ways.emplace_back(names[i], draw_grid(rows[i].value(), {.columns = 9, .scale = 3}));
  const ChartOptions look{.title = "How much fits",
                          .x_label = "pictures to store",
                          .y_label = "squared error",
                          .logarithmic = true,
                          .width = 520,
                          .height = 400};
  save_png(lesson.picture(), beside({draw_chart(stored, look),
                                     {"From one corner to the other, in equal steps of the code", beside(ways, 1)}}));
}

}  // namespace

int main(int argc, char** argv) {
  return run_lesson(argc, argv, "10_one_hot_codes",
                    "One-hot codes name as many pictures as they have numbers, and nothing lies between them.",
                    {{"steps", "1000", "updates of each decoder"}}, teach);
}
