// SPDX-License-Identifier: MIT
// What eigenesis::compiled holds of kernels/ and core/.
#define EIGENESIS_COMPILED_HERE
#include <eigenesis/kernels/convolution.hpp>
#include <eigenesis/core/rng.hpp>
