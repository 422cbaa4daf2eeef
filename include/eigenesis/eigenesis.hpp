// SPDX-License-Identifier: MIT
#pragma once

// The map of the house. A folder includes lower floors and itself, never a higher one, never sideways.
//
//   core/          0  numbers without derivatives: Shape, Tensor, Rng, errors, threads, kernels
//   autodiff/      1  Variable, Parameter, record/wrt, gradient
//   ops/           2  functions of Variables, each beside its gradient; map() for pointwise formulas
//   data/          2  where samples come from: MNIST, idx files, PNG folders, toy distributions, batches
//   layers/        3  structs with parameters and operator(): Linear, Conv2d, BatchNorm, Sequential, ...
//   distributions/ 3  DiagonalNormal, Bernoulli, ...: log_prob, sample, mean, kl_divergence (nats)
//   optimizers/    4  sgd, rmsprop, adam, schedules, clipping
//   models/        4  Generator, Discriminator, Encoder, Decoder, Autoencoder, Vae
//   objectives/    4  what generator and discriminator minimise; penalties
//   io/            4  weights in safetensors files, pictures
//   metrics/       4  how good the samples are
//   training/      5  GanTrainer, VaeTrainer, AutoencoderTrainer, progress

#include "eigenesis/core/config.hpp"
#include "eigenesis/core/convolution.hpp"
#include "eigenesis/core/convolution_geometry.hpp"
#include "eigenesis/core/error.hpp"
#include "eigenesis/core/isa.hpp"
#include "eigenesis/core/kernels.hpp"
#include "eigenesis/core/pool.hpp"
#include "eigenesis/core/rng.hpp"
#include "eigenesis/core/shape.hpp"
#include "eigenesis/core/tensor.hpp"
#include "eigenesis/core/threads.hpp"
#include "eigenesis/core/unfold.hpp"

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/autodiff/node.hpp"
#include "eigenesis/autodiff/parameter.hpp"
#include "eigenesis/autodiff/variable.hpp"

#include "eigenesis/ops/arithmetic.hpp"
#include "eigenesis/ops/arrange.hpp"
#include "eigenesis/ops/broadcast.hpp"
#include "eigenesis/ops/convolution.hpp"
#include "eigenesis/ops/map.hpp"
#include "eigenesis/ops/matmul.hpp"
#include "eigenesis/ops/pointwise.hpp"
#include "eigenesis/ops/pooling.hpp"
#include "eigenesis/ops/program_run.hpp"
#include "eigenesis/ops/reduce.hpp"
#include "eigenesis/ops/symbol.hpp"

#include "eigenesis/data/batches.hpp"
#include "eigenesis/data/idx.hpp"
#include "eigenesis/data/mnist.hpp"
#include "eigenesis/data/png.hpp"
#include "eigenesis/data/png_folder.hpp"
#include "eigenesis/data/toy.hpp"

#include "eigenesis/layers/activations.hpp"
#include "eigenesis/layers/convolution.hpp"
#include "eigenesis/layers/dropout.hpp"
#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/flatten.hpp"
#include "eigenesis/layers/initializers.hpp"
#include "eigenesis/layers/linear.hpp"
#include "eigenesis/layers/normalization.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/layers/pooling.hpp"
#include "eigenesis/layers/sequential.hpp"
#include "eigenesis/layers/summary.hpp"

#include "eigenesis/distributions/bernoulli.hpp"
#include "eigenesis/distributions/categorical.hpp"
#include "eigenesis/distributions/diagonal_normal.hpp"
#include "eigenesis/distributions/likelihoods.hpp"
#include "eigenesis/distributions/normal.hpp"
#include "eigenesis/distributions/point_mass.hpp"
#include "eigenesis/distributions/standard_normal.hpp"
#include "eigenesis/distributions/standard_uniform.hpp"

#include "eigenesis/optimizers/adam.hpp"
#include "eigenesis/optimizers/gradients.hpp"
#include "eigenesis/optimizers/optimizer.hpp"
#include "eigenesis/optimizers/rmsprop.hpp"
#include "eigenesis/optimizers/schedules.hpp"
#include "eigenesis/optimizers/sgd.hpp"

#include "eigenesis/models/autoencoder.hpp"
#include "eigenesis/models/decoder.hpp"
#include "eigenesis/models/discriminator.hpp"
#include "eigenesis/models/encoder.hpp"
#include "eigenesis/models/generator.hpp"
#include "eigenesis/models/vae.hpp"

#include "eigenesis/objectives/gan_objectives.hpp"
#include "eigenesis/objectives/penalties.hpp"

#include "eigenesis/io/chart.hpp"
#include "eigenesis/io/image_grid.hpp"
#include "eigenesis/io/montage.hpp"
#include "eigenesis/io/png.hpp"
#include "eigenesis/io/safetensors.hpp"
#include "eigenesis/io/scatter.hpp"

#include "eigenesis/metrics/divergence.hpp"
#include "eigenesis/metrics/frechet.hpp"
#include "eigenesis/metrics/log_likelihood.hpp"
#include "eigenesis/metrics/modes.hpp"
#include "eigenesis/metrics/prdc.hpp"
#include "eigenesis/metrics/sharpness.hpp"

#include "eigenesis/training/autoencoder_trainer.hpp"
#include "eigenesis/training/gan_trainer.hpp"
#include "eigenesis/training/loop.hpp"
#include "eigenesis/training/progress.hpp"
#include "eigenesis/training/vae_trainer.hpp"
