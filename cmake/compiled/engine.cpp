// SPDX-License-Identifier: MIT
// What eigenesis::compiled holds of derivatives and operations: all x_inl.hpp.
#define EIGENESIS_COMPILED
#include <eigenesis/autodiff/gradient_inl.hpp>
#include <eigenesis/autodiff/node_inl.hpp>
#include <eigenesis/ops/broadcast_inl.hpp>
#include <eigenesis/ops/map_inl.hpp>
#include <eigenesis/ops/matmul_inl.hpp>
#include <eigenesis/ops/program_run_inl.hpp>
#include <eigenesis/ops/symbol_inl.hpp>
