// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "eigenesis/autodiff/variable.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// dy/dx for each x of `targets`; an empty reference where y does not depend on x.
template <class Scalar>
CachedVector<NodeRef<Scalar>> gradients(const NodeRef<Scalar>& y, std::span<const NodeRef<Scalar>> targets);

/// While one lives, gradients of this thread may reach no other Parameters than those of the given nodes; one that is
/// not among them would never learn. If given, the same goes for the state of optimizers and averages: what is not
/// among it would not be saved.
class ParametersMayBe {
 public:
  /// A Parameter that is not among them is an ArgumentError: `function`, `expected`, its shape, `hint`. The texts must
  /// outlive this object, which is made for every step.
  ParametersMayBe(std::string_view function, const char* expected, const char* hint, CachedVector<const void*> nodes,
                  std::optional<CachedVector<const void*>> state = {})
      : function_(function),
        expected_(expected),
        hint_(hint),
        nodes_(std::move(nodes)),
        state_(std::move(state)),
        outer_(std::exchange(innermost(), this)) {
    std::ranges::sort(nodes_);
  }
  ParametersMayBe(const ParametersMayBe&) = delete;
  ParametersMayBe& operator=(const ParametersMayBe&) = delete;
  ~ParametersMayBe() { innermost() = outer_; }

  /// The innermost one of this thread, or nullptr.
  static const ParametersMayBe*& innermost() {
    static thread_local const ParametersMayBe* scope = nullptr;
    return scope;
  }
  void check(const void* node, std::span<const Index> shape) const {
    require<ArgumentError>(std::ranges::binary_search(nodes_, node), function_, expected_,
                           " but it also depends on one of shape ", ShapeView{shape}, hint_);
  }
  /// Of `owner`, an optimizer or an average that is about to make a step.
  void check_state(const void* state, const char* owner) const {
    require<ArgumentError>(!state_ || std::ranges::find(*state_, state) != state_->end(), owner,
                           ": expected to be named in the trainer's fields, so that checkpoints have its state");
  }

 private:
  std::string_view function_;
  const char *expected_, *hint_;
  CachedVector<const void*> nodes_;
  std::optional<CachedVector<const void*>> state_;
  const ParametersMayBe* outer_;
};

}  // namespace detail

/// The gradients of the number y with respect to each x: a tuple, or one Variable for one x; zeros where y does not
/// depend on it. The result is itself differentiable (so gradients of gradients work) unless a NoGradient lives.
/// Each x is a Parameter, came from watch() or was computed from such. Throws ArgumentError for a constant x; for a y
/// that depends on nothing because it, or all that it was computed from, was computed while a NoGradient lived; for any
/// constant y while one lives; and Error if a parameter was updated since y was computed.
template <class Scalar, int YRank, int... Ranks>
auto gradient(const Variable<Scalar, YRank>& y, const Variable<Scalar, Ranks>&... x) {
  static_assert(YRank == 0, "eigenesis: gradient needs a number; take sum(y) or mean(y) first");
  (require<ArgumentError>(x.differentiable(), "gradient: expected x to be a Parameter or the result of watch() ",
                          "but got a constant of shape ", x.shape(), x.node()->parameter ? ", held fixed" : ""),
   ...);
  const std::array<detail::NodeRef<Scalar>, sizeof...(x)> targets{x.node()...};
  const auto found = detail::gradients<Scalar>(y.node(), targets);
  std::size_t i = 0;
  const auto next = [&]<int Rank>(const Variable<Scalar, Rank>& target) {
    const detail::NodeRef<Scalar>& dx = found[i++];
    return dx ? Variable<Scalar, Rank>(AnyVariable<Scalar>(dx))
              : Variable<Scalar, Rank>(Tensor<Scalar, Rank>(target.shape(), Scalar{0}));
  };
  std::tuple<Variable<Scalar, Ranks>...> result{next(x)...};
  if constexpr (sizeof...(x) == 1)
    return std::get<0>(result);
  else
    return result;
}

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/autodiff/gradient_inl.hpp"
#endif
