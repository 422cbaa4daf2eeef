// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cassert>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "eigenesis/core/shape.hpp"
#include "eigenesis/machine/error.hpp"
#include "eigenesis/machine/memory.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// Repeats the first `size` of n elements: in copies of growing length, as plain loops are slow without -O3.
template <class T>
void repeat(T* elements, Index size, Index n) {
  for (Index done = size; done < n;) {
    const Index count = std::min({done, n - done, std::max<Index>(size, 4096 / size * size)});
    std::copy_n(elements, count, elements + done);
    done += count;
  }
}
template <class T>
void fill(T* elements, Index n, T value) {
  const Index first = std::min<Index>(n, 16);
  for (Index i = 0; i < first; ++i) elements[i] = value;
  if (n > first) repeat(elements, first, n);
}

}  // namespace detail

/// A shape and a contiguous, row-major, 64-byte aligned buffer that Eigen reads in place.
/// The rank is part of the type, the sizes are known at run time. Features are the last axis: [N, F], [N, H, W, C].
/// A value: copies are independent; what was moved from can only be assigned to or destroyed.
/// (`eigenesis/core/eigen_tensor.hpp` adds a view as an Eigen::TensorMap.)
template <class Scalar, int Rank>
class Tensor {
  static_assert(std::is_floating_point_v<Scalar>, "eigenesis: tensors hold float or double");

 public:
  /// What matrix() maps.
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  /// What array() maps.
  using Array = Eigen::Array<Scalar, Eigen::Dynamic, 1>;

  /// A tensor without elements; for rank 0 the number 0.
  Tensor() : Tensor(Shape<Rank>{}, Scalar{0}) {}
  /// Uninitialised elements.
  explicit Tensor(const Shape<Rank>& shape) : shape_(checked(shape)), data_(take(shape.size())) {}
  /// Every element is `value`.
  Tensor(const Shape<Rank>& shape, Scalar value) : Tensor(shape) { detail::fill(data_, size(), value); }
  /// Elements in row-major order; throws ShapeError unless there are as many as `shape` says.
  Tensor(const Shape<Rank>& shape, std::span<const Scalar> values) : Tensor(shape) {
    require(std::ssize(values) == size(), "Tensor: expected ", size(), " values for shape ", shape, " but got ",
            values.size());
    std::copy(values.begin(), values.end(), data_);
  }
  Tensor(const Shape<Rank>& shape, std::initializer_list<Scalar> values)
      : Tensor(shape, std::span<const Scalar>(values.begin(), values.size())) {}
  template <class Other>
  requires(!std::is_same_v<Other, Scalar>) Tensor(const Shape<Rank>& shape, const std::vector<Other>&) : Tensor(shape) {
    static_assert(std::is_same_v<Other, Scalar>,
                  "eigenesis: the values of a tensor have its scalar type, std::vector<float> for Tensor<float, ...>");
  }
  /// The value of an Eigen matrix or array expression.
  template <class Derived>
  requires(Rank == 2) explicit Tensor(const Eigen::DenseBase<Derived>& x) : Tensor(Shape<2>{x.rows(), x.cols()}) {
    matrix() = x.derived().matrix().template cast<Scalar>();
  }

  Tensor(const Tensor& other) : shape_(other.shape_), data_(take(other.size())) {
    if (other.data_) std::copy_n(other.data_, size(), data_);
  }
  Tensor(Tensor&& other) noexcept
      : shape_(std::exchange(other.shape_, {})), data_(std::exchange(other.data_, nullptr)) {}
  Tensor& operator=(Tensor other) noexcept {
    std::swap(shape_, other.shape_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Tensor() {
    if (data_) detail::give_memory(data_, bytes(size()));
  }

  /// Sizes of the axes.
  const Shape<Rank>& shape() const { return shape_; }
  /// Size of one axis; negative axes count from the back.
  Index shape(int axis) const { return shape_[detail::checked_axis("Tensor::shape", axis, Rank)]; }
  /// Number of elements.
  Index size() const { return shape_.size(); }

  /// The elements in row-major order, at an address that is a multiple of 64.
  Scalar* data() { return data_; }
  const Scalar* data() const { return data_; }
  /// The elements in row-major order.
  std::span<Scalar> values() & { return {data_, static_cast<std::size_t>(size())}; }
  std::span<const Scalar> values() const& { return {data_, static_cast<std::size_t>(size())}; }
  /// Of a temporary, a copy: `for (float t : f(x).values())` would otherwise read what is gone.
  std::vector<Scalar> values() && { return std::vector<Scalar>(data_, data_ + size()); }

  /// The element at the given indices, which are checked by assert() only.
  template <class... Indices>
  requires(sizeof...(Indices) == Rank) Scalar& operator()(Indices... i) {
    return data_[offset({static_cast<Index>(i)...})];
  }
  template <class... Indices>
  requires(sizeof...(Indices) == Rank) Scalar operator()(Indices... i) const {
    return data_[offset({static_cast<Index>(i)...})];
  }
  /// The only element; throws ShapeError if there is not exactly one.
  Scalar item() const {
    require(size() == 1, "Tensor::item: expected one element but got shape ", shape_);
    return data_[0];
  }

  /// A view as an Eigen matrix: the last axis gives the columns, all others the rows. Of a temporary, a copy.
  auto matrix() & { return Eigen::Map<Matrix, Eigen::Aligned64>(data_, rows(), columns()); }
  auto matrix() const& { return Eigen::Map<const Matrix, Eigen::Aligned64>(data_, rows(), columns()); }
  Matrix matrix() && { return std::as_const(*this).matrix(); }
  /// A view of all elements as a one-dimensional Eigen array. Of a temporary, a copy.
  auto array() & { return Eigen::Map<Array, Eigen::Aligned64>(data_, size()); }
  auto array() const& { return Eigen::Map<const Array, Eigen::Aligned64>(data_, size()); }
  Array array() && { return std::as_const(*this).array(); }

  /// The same elements under another shape; copies unless *this is about to go: `std::move(x).reshaped(shape)`.
  template <int NewRank>
  Tensor<Scalar, NewRank> reshaped(const Shape<NewRank>& shape) && {
    using Result = Tensor<Scalar, NewRank>;
    require(Result::checked(shape).size() == size(), "Tensor::reshaped: expected ", size(), " elements as in ", shape_,
            " but got ", shape);
    Result result(typename Result::Adopt{}, shape, std::exchange(data_, nullptr));
    shape_ = {};
    return result;
  }
  template <int NewRank>
  Tensor<Scalar, NewRank> reshaped(const Shape<NewRank>& shape) const& {
    return Tensor(*this).reshaped(shape);
  }

 private:
  template <class, int>
  friend class Tensor;
  struct Adopt {};
  Tensor(Adopt, const Shape<Rank>& shape, Scalar* data) : shape_(shape), data_(data) {}

  // Kernels read whole vectors, up to two of 64 bytes beyond the last element.
  static std::size_t bytes(Index size) { return static_cast<std::size_t>(size) * sizeof(Scalar) + 128; }
  static Scalar* take(Index size) { return static_cast<Scalar*>(detail::take_memory(bytes(size))); }
  static const Shape<Rank>& checked(const Shape<Rank>& shape) {
    Index elements = 1;
    bool fits = true;
    for (const Index s : shape.sizes) {
      require(s >= 0, "Tensor: expected sizes >= 0 but got ", shape);
      fits = !__builtin_mul_overflow(elements, s, &elements) && fits;
    }
    require(fits && elements <= (Index{1} << 56), "Tensor: expected a shape that fits into memory but got ", shape);
    return shape;
  }
  Index columns() const { return Rank == 0 ? 1 : shape_[Rank == 0 ? 0 : Rank - 1]; }
  Index rows() const {
    Index product = 1;
    for (int i = 0; i + 1 < Rank; ++i) product *= shape_[i];
    return product;
  }
  Index offset(const std::array<Index, static_cast<std::size_t>(Rank)>& indices) const {
    Index result = 0;
    for (int i = 0; i < Rank; ++i)
      assert(0 <= indices[static_cast<std::size_t>(i)] && indices[static_cast<std::size_t>(i)] < shape_[i]);
    for (int i = 0; i < Rank; ++i) result = result * shape_[i] + indices[static_cast<std::size_t>(i)];
    return result;
  }

  Shape<Rank> shape_;
  Scalar* data_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI
