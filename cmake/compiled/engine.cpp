// SPDX-License-Identifier: MIT
// What eigenesis::compiled holds of derivatives, operations and optimizers.
#define EIGENESIS_COMPILED
#include <eigenesis/kernels/adam.hpp>
#include <eigenesis/kernels/convolution.hpp>
#include <eigenesis/kernels/pointwise.hpp>
#include <eigenesis/core/rng.hpp>
#undef EIGENESIS_COMPILE
#define EIGENESIS_COMPILE(...) template __VA_ARGS__
#include <eigenesis/eigenesis.hpp>
