// SPDX-License-Identifier: MIT
// What eigenesis::compiled holds of kernels/ and core/.
#define EIGENESIS_COMPILED_HERE
#include <eigenesis/kernels/adam.hpp>
#include <eigenesis/kernels/convolution.hpp>
#include <eigenesis/kernels/pointwise.hpp>
#include <eigenesis/core/rng.hpp>
