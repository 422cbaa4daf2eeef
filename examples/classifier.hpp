// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>
using namespace eigenesis;

/// A trainer of one's own: teaches a network x [N, ...] -> logits [N, K] to tell K classes apart, by cross-entropy. A
/// batch holds the samples and, as conditions, their classes one-hot [N, K].
template <class Network>
struct ClassifierTrainer {
  struct Losses {
    double loss = 0;      // -log p(class | x), nats
    double accuracy = 0;  // the share of samples whose most likely class is the right one
    static void fields(auto& self, auto&& field) {
      field("loss", self.loss);
      field("accuracy", self.accuracy);
    }
  };
  Network& network;
  Adam<> optimizer{};

  Losses step(const auto& batch, Rng& rng) {
    const auto logits = call(network, Variable(batch.samples), Pass::training(rng));
    const auto loss = -mean(OneHot{logits}.log_prob(batch.conditions));
    optimizer.minimize(loss, network);
    return losses(loss, logits, batch.conditions);
  }
  Losses evaluate(const auto& batch, Rng&) const {
    const auto logits = call(network, Variable(batch.samples));
    return losses(-mean(OneHot{logits}.log_prob(batch.conditions)), logits, batch.conditions);
  }
  static void fields(auto& self, auto&& field) {
    field("network", self.network);
    field("optimizer", self.optimizer);
  }

 private:
  static Losses losses(const auto& loss, const auto& logits, const auto& classes) {
    double right = 0;
    for (Index i = 0; i < classes.shape(0); ++i) {
      Index likely = 0;
      logits.value().matrix().row(i).maxCoeff(&likely);
      right += classes(i, likely);
    }
    return {loss.item(), right / static_cast<double>(classes.shape(0))};
  }
};
