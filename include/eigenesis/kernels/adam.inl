// SPDX-License-Identifier: MIT
// The update of Adam; formulas in adam.hpp.

inline void adam_piece(Real* weight, Real* m, Real* v, const Real* gradient, Index n, Real beta1, Real beta2,
                       Real step_size, Real root_scale, Real epsilon, Real decay) {
  for (Index i = 0; i < n; i += lanes) {
    const Vec g = load(gradient + i);
    Vec w = load(weight + i), mean = load(m + i), square = load(v + i);
    w -= decay * w;
    mean += (1 - beta1) * (g - mean);
    square += (1 - beta2) * (g * g - square);
    w -= step_size * mean / (square_root(square * root_scale) + epsilon);
    if (n - i >= lanes) {
      store(weight + i, w), store(m + i, mean), store(v + i, square);
    } else {
      store_first(weight + i, w, n - i), store_first(m + i, mean, n - i), store_first(v + i, square, n - i);
    }
  }
}
