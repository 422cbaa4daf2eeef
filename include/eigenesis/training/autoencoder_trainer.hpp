// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/training/vae_trainer.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// Trains an Autoencoder to reconstruct: minimises -mean(log p(x | z)). It is a VaeTrainer whose codes have no noise
/// and whose divergence is 0.
template <class Model, class Optimizer = Adam<float>>
class AutoencoderTrainer : public VaeTrainer<Model, Optimizer> {
 public:
  explicit AutoencoderTrainer(Model& model, Optimizer with = Optimizer{})
      : VaeTrainer<Model, Optimizer>(model, std::move(with), "AutoencoderTrainer", "autoencoder") {}
};

}  // namespace eigenesis::inline EIGENESIS_ABI
