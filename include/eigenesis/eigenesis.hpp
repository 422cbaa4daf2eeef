// SPDX-License-Identifier: MIT
#pragma once

// The map of the house. A folder includes lower floors and itself, never a higher one, never sideways.
//
//   machine/       0  memory, threads, instruction sets, errors, version and ABI
//   kernels/       1  loops on plain memory, for each instruction set: products, convolutions, pointwise, random, Adam
//   files/         1  bytes in and out: whole files, atomic writing, gzip, zip, PNG, JPEG, idx, NumPy, CSV, safetensors
//   core/          2  numbers without derivatives: Shape, Tensor, Rng, axes (how shapes stretch), schedules
//   autodiff/      3  Variable, Parameter, record/wrt, gradient
//   data/          3  where samples come from: MNIST, CIFAR-10, NumPy's and CSV files, image folders, toys, batches
//   pictures/      3  grids of images, scatters, charts, alone or beside each other
//   ops/           4  functions of Variables, each beside its gradient; map() for pointwise formulas
//   layers/        5  structs with parameters and operator(): Linear, Conv2d, BatchNorm, ...; their weights in files
//   distributions/ 5  Normal, Bernoulli, ...: log_prob, sample, mean, kl_divergence (nats)
//   optimizers/    6  sgd, rmsprop, adam, clipping, moving averages of models
//   models/        6  Generator, Discriminator, Encoder, Decoder, Autoencoder, Vae
//   objectives/    6  what is minimised: GAN games and penalties, the ELBO
//   metrics/       6  how good the samples are
//   onnx/          6  models in files that other programs run; include eigenesis/onnx/export.hpp for it
//   training/      7  fit, the one loop; GanTrainer, VaeTrainer, AutoencoderTrainer, progress, checkpoints
//   distributed/   8  one training on several processes; include eigenesis/distributed/mpi.hpp for it

// clang-format off: in the order of the floors
#include "eigenesis/machine/config.hpp"
#include "eigenesis/machine/error.hpp"
#include "eigenesis/machine/float_state.hpp"
#include "eigenesis/machine/isa.hpp"
#include "eigenesis/machine/memory.hpp"
#include "eigenesis/machine/threads.hpp"

#include "eigenesis/kernels/convolution.hpp"
#include "eigenesis/kernels/convolution_geometry.hpp"
#include "eigenesis/kernels/operations.hpp"
#include "eigenesis/kernels/pieces.hpp"
#include "eigenesis/kernels/pointwise.hpp"
#include "eigenesis/kernels/product.hpp"
#include "eigenesis/kernels/random.hpp"
#include "eigenesis/kernels/reductions.hpp"
#include "eigenesis/kernels/transpose.hpp"
#include "eigenesis/kernels/updates.hpp"

#include "eigenesis/files/bytes.hpp"
#include "eigenesis/files/csv.hpp"
#include "eigenesis/files/file.hpp"
#include "eigenesis/files/gzip.hpp"
#include "eigenesis/files/idx.hpp"
#include "eigenesis/files/jpeg.hpp"
#include "eigenesis/files/npy.hpp"
#include "eigenesis/files/png.hpp"
#include "eigenesis/files/safetensors_header.hpp"
#include "eigenesis/files/write_file.hpp"
#include "eigenesis/files/zip.hpp"

#include "eigenesis/core/axes.hpp"
#include "eigenesis/core/ranks.hpp"
#include "eigenesis/core/rng.hpp"
#include "eigenesis/core/schedules.hpp"
#include "eigenesis/core/shape.hpp"
#include "eigenesis/core/tensor.hpp"

#include "eigenesis/autodiff/gradient.hpp"
#include "eigenesis/autodiff/node.hpp"
#include "eigenesis/autodiff/parameter.hpp"
#include "eigenesis/autodiff/trace.hpp"
#include "eigenesis/autodiff/variable.hpp"

#include "eigenesis/data/batches.hpp"
#include "eigenesis/data/cifar10.hpp"
#include "eigenesis/data/csv.hpp"
#include "eigenesis/data/idx.hpp"
#include "eigenesis/data/images.hpp"
#include "eigenesis/data/labelled_images.hpp"
#include "eigenesis/data/mnist.hpp"
#include "eigenesis/data/npy.hpp"
#include "eigenesis/data/npz.hpp"
#include "eigenesis/data/split.hpp"
#include "eigenesis/data/standardize.hpp"
#include "eigenesis/data/toy.hpp"
#include "eigenesis/data/transformed.hpp"

#include "eigenesis/pictures/axes.hpp"
#include "eigenesis/pictures/canvas.hpp"
#include "eigenesis/pictures/chart.hpp"
#include "eigenesis/pictures/font.hpp"
#include "eigenesis/pictures/image_grid.hpp"
#include "eigenesis/pictures/picture.hpp"
#include "eigenesis/pictures/scatter.hpp"

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

#include "eigenesis/layers/activations.hpp"
#include "eigenesis/layers/condition.hpp"
#include "eigenesis/layers/convolution.hpp"
#include "eigenesis/layers/dropout.hpp"
#include "eigenesis/layers/fields.hpp"
#include "eigenesis/layers/flatten.hpp"
#include "eigenesis/layers/initializers.hpp"
#include "eigenesis/layers/linear.hpp"
#include "eigenesis/layers/living.hpp"
#include "eigenesis/layers/normalization.hpp"
#include "eigenesis/layers/pass.hpp"
#include "eigenesis/layers/pooling.hpp"
#include "eigenesis/layers/safetensors.hpp"
#include "eigenesis/layers/sequential.hpp"
#include "eigenesis/layers/silent_units.hpp"
#include "eigenesis/layers/summary.hpp"

#include "eigenesis/distributions/bernoulli.hpp"
#include "eigenesis/distributions/categorical.hpp"
#include "eigenesis/distributions/likelihoods.hpp"
#include "eigenesis/distributions/normal.hpp"
#include "eigenesis/distributions/point_mass.hpp"
#include "eigenesis/distributions/standard_normal.hpp"
#include "eigenesis/distributions/standard_uniform.hpp"

#include "eigenesis/optimizers/adam.hpp"
#include "eigenesis/optimizers/gradients.hpp"
#include "eigenesis/optimizers/moving_average.hpp"
#include "eigenesis/optimizers/optimizer.hpp"
#include "eigenesis/optimizers/rmsprop.hpp"
#include "eigenesis/optimizers/served_model.hpp"
#include "eigenesis/optimizers/sgd.hpp"
#include "eigenesis/optimizers/update.hpp"

#include "eigenesis/models/autoencoder.hpp"
#include "eigenesis/models/decoder.hpp"
#include "eigenesis/models/discriminator.hpp"
#include "eigenesis/models/encoder.hpp"
#include "eigenesis/models/generator.hpp"
#include "eigenesis/models/vae.hpp"

#include "eigenesis/objectives/elbo.hpp"
#include "eigenesis/objectives/gan_objectives.hpp"
#include "eigenesis/objectives/instance_noise.hpp"
#include "eigenesis/objectives/penalties.hpp"

#include "eigenesis/metrics/divergence.hpp"
#include "eigenesis/metrics/features.hpp"
#include "eigenesis/metrics/frechet.hpp"
#include "eigenesis/metrics/log_likelihood.hpp"
#include "eigenesis/metrics/modes.hpp"
#include "eigenesis/metrics/prdc.hpp"
#include "eigenesis/metrics/sharpness.hpp"

#include "eigenesis/training/autoencoder_trainer.hpp"
#include "eigenesis/training/checkpoint.hpp"
#include "eigenesis/training/checkpoint_file.hpp"
#include "eigenesis/training/checksum.hpp"
#include "eigenesis/training/fit.hpp"
#include "eigenesis/training/fit_options.hpp"
#include "eigenesis/training/fit_progress.hpp"
#include "eigenesis/training/gan_trainer.hpp"
#include "eigenesis/training/losses.hpp"
#include "eigenesis/training/own_parameters.hpp"
#include "eigenesis/training/parts.hpp"
#include "eigenesis/training/progress.hpp"
#include "eigenesis/training/ranks.hpp"
#include "eigenesis/training/resume.hpp"
#include "eigenesis/training/steps.hpp"
#include "eigenesis/training/vae_trainer.hpp"
#include "eigenesis/training/watch.hpp"
