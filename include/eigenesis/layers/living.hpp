// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <utility>

#include "eigenesis/machine/error.hpp"

// Trainers refer to their models. Whether a model is still where it was is asked before each step.
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A member of a model. A copy of a model, or what it was moved into, is another model.
class Living {
 public:
  enum class State { here, moved, gone };

  Living() = default;
  Living(const Living&) noexcept {}
  Living(Living&& other) noexcept { other.become(State::moved); }
  Living& operator=(const Living&) noexcept {
    become(State::here);
    return *this;
  }
  Living& operator=(Living&& other) noexcept {
    if (this == &other) return *this;
    other.become(State::moved);
    become(State::here);
    return *this;
  }
  ~Living() { become(State::gone); }

  std::shared_ptr<const State> watch() const {
    if (!state_) state_ = std::make_shared<State>(State::here);
    return state_;
  }

 private:
  void become(State state) noexcept {
    if (state_) *state_ = state;
  }
  mutable std::shared_ptr<State> state_;  // made only for trainers
};

/// A model that a trainer refers to. A type of model without `living` is not watched.
class Watched {
 public:
  template <class Model>
  explicit Watched(Model& model) {
    if constexpr (requires { model.living; }) state_ = model.living.watch();
  }
  void expect_here(const char* trainer) const {
    if (!state_ || *state_ == Living::State::here) [[likely]]
      return;
    fail<Error>(trainer, ": expected a model that outlives its trainer but it ",
                *state_ == Living::State::moved ? "was moved elsewhere" : "is gone");
  }

 private:
  std::shared_ptr<const Living::State> state_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
