// SPDX-License-Identifier: MIT
// Updates of weights; formulas in updates.hpp.

/// Stores x, or of the last vector the part that there is.
EIGENESIS_INLINE void store_part(Real* to, Vec x, Index left) {
  if (left >= lanes)
    store(to, x);
  else
    store_first(to, x, left);
}

inline void adam_piece(Real* weight, Real* m, Real* v, const Real* gradient, Index n, Real beta1, Real beta2,
                       Real step_size, Real root_scale, Real epsilon, Real decay) {
  for (Index i = 0; i < n; i += lanes) {
    const Vec g = load(gradient + i);
    Vec w = load(weight + i), mean = load(m + i), square = load(v + i);
    w -= decay * w;
    mean += (1 - beta1) * (g - mean);
    square += (1 - beta2) * (g * g - square);
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
      direction = keep * load(momentum + i) + take * g;
      store_part(momentum + i, direction, n - i);
      if (ahead > 0) direction = g + ahead * direction;
    }
    store_part(weight + i, load(weight + i) - rate * direction, n - i);
  }
}

inline void rmsprop_piece(Real* weight, Real* v, Real* momentum, const Real* gradient, Index n, Real rate, Real keep,
                          Real take, Real epsilon, Real factor) {
  for (Index i = 0; i < n; i += lanes) {
    const Vec g = load(gradient + i), square = keep * load(v + i) + take * (g * g);
    Vec direction = g / (square_root(square) + epsilon);
    store_part(v + i, square, n - i);
    if (momentum != nullptr) {
      direction += factor * load(momentum + i);
      store_part(momentum + i, direction, n - i);
    }
    store_part(weight + i, load(weight + i) - rate * direction, n - i);
  }
}

inline void average_piece(Real* average, const Real* x, Index n, Real rate) {
  for (Index i = 0; i < n; i += lanes) {
    const Vec a = load(average + i);
    store_part(average + i, a + rate * (load(x + i) - a), n - i);
  }
}
