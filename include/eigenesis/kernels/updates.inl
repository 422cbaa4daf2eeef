// SPDX-License-Identifier: MIT
// Updates of weights; formulas in updates.hpp.

inline void adam_piece(Real* weight, Real* m, Real* v, const Real* gradient, Index n, Real beta1, Real beta2,
                       Real step_size, Real root_scale, Real epsilon, Real decay) {
  for (Index i = 0; i < n; i += lanes) {
    const Vec g = load(gradient + i);
    Vec w = load(weight + i), mean = load(m + i), square = load(v + i);
    w = multiply_add(broadcast(-decay), w, w);
    mean = multiply_add(broadcast(1 - beta1), g - mean, mean);
    square = multiply_add(broadcast(1 - beta2), multiply_add(g, g, -square), square);
    w -= step_size * mean / (square_root(square * root_scale) + epsilon);
    store_part(weight + i, w, n - i);
    store_part(m + i, mean, n - i);
    store_part(v + i, square, n - i);
  }
}

inline void sgd_piece(Real* weight, Real* momentum, const Real* gradient, Index n, Real rate, Real keep, Real take,
                      Real ahead) {
  for (Index i = 0; i < n; i += lanes) {
    const Vec g = load(gradient + i);
    Vec direction = g;
    if (momentum != nullptr) {
      direction = multiply_add(broadcast(keep), load(momentum + i), take * g);
      store_part(momentum + i, direction, n - i);
      if (ahead > 0) direction = multiply_add(broadcast(ahead), direction, g);
    }
    store_part(weight + i, multiply_add(broadcast(-rate), direction, load(weight + i)), n - i);
  }
}

inline void rmsprop_piece(Real* weight, Real* v, Real* momentum, const Real* gradient, Index n, Real rate, Real keep,
                          Real take, Real epsilon, Real factor) {
  for (Index i = 0; i < n; i += lanes) {
    const Vec g = load(gradient + i), square = multiply_add(broadcast(keep), load(v + i), take * (g * g));
    Vec direction = g / (square_root(square) + epsilon);
    store_part(v + i, square, n - i);
    if (momentum != nullptr) {
      direction = multiply_add(broadcast(factor), load(momentum + i), direction);
      store_part(momentum + i, direction, n - i);
    }
    store_part(weight + i, multiply_add(broadcast(-rate), direction, load(weight + i)), n - i);
  }
}

inline void average_piece(Real* average, const Real* x, Index n, Real rate) {
  for (Index i = 0; i < n; i += lanes) {
    const Vec a = load(average + i);
    store_part(average + i, multiply_add(broadcast(rate), load(x + i) - a, a), n - i);
  }
}
