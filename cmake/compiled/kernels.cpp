// SPDX-License-Identifier: MIT
// What eigenesis::compiled holds of machine/ and kernels/: all x_inl.hpp.
#define EIGENESIS_COMPILED
#include <eigenesis/kernels/updates_inl.hpp>
#include <eigenesis/kernels/convolution_inl.hpp>
#include <eigenesis/kernels/pointwise_inl.hpp>
#include <eigenesis/kernels/product_inl.hpp>
#include <eigenesis/kernels/random_inl.hpp>
#include <eigenesis/kernels/reductions_inl.hpp>
#include <eigenesis/kernels/transpose_inl.hpp>
#include <eigenesis/machine/threads_inl.hpp>
