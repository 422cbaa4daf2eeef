// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/training/resume.hpp"

// What a training is evaluated on.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// What f() returns. Its errors become a DataError about held-out data.
template <class F>
auto on_held_out(const std::string& name, F&& f) {
  try {
    return f();
  } catch (const Error& error) {
    fail<DataError>(name, ": expected held-out data that can be evaluated but: ", error.what());
  }
}

/// Data that a training is evaluated on.
template <class Losses>
struct HeldOut {
  virtual ~HeldOut() = default;
  /// The losses on the first batches.
  virtual Losses losses(Index most_batches) const = 0;
  virtual Index checksum() const = 0;
  /// What they go through.
  virtual std::string transforms() const = 0;
  /// After losses that are no numbers: throws DataError if a number in the data is not finite.
  virtual void expect_finite(const Error& error) const = 0;
};

/// The same, of a trainer.
template <class Losses, class Trainer, class Data>
class HeldOutOf : public HeldOut<Losses> {
 public:
  HeldOutOf(Trainer& trainer, const Data& data) : trainer_(trainer), data_(data) {}
  Losses losses(Index most_batches) const override {
    return on_held_out(fit_name<Trainer>(),
                       [&] { return detail::evaluate(trainer_, data_, Rng(0), 1000, most_batches); });
  }
  Index checksum() const override { return detail::checksum(data_); }
  std::string transforms() const override { return detail::transforms(data_, " of held-out data"); }
  void expect_finite(const Error& error) const override {
    detail::expect_finite(fit_name<Trainer>(), "held-out data", data_, error);
  }

 private:
  Trainer& trainer_;
  const Data& data_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
