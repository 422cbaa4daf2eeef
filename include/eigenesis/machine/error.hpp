// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <concepts>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "eigenesis/machine/config.hpp"

// Exceptions have no part in the ABI, and names that can be read where nobody catches them.
namespace eigenesis {

/// What every exception of this library derives from. Messages read "function: expected rule but got fact".
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Shapes that do not fit together. In a layer of a model, the message says in which: "..., in layer 2 (Linear)".
struct ShapeError : Error {
  explicit ShapeError(const std::string& message) : Error(message), fact(message) {}
  ShapeError(const std::string& what_is_wrong, const std::string& layer_path, std::string_view layer_kind)
      : Error(what_is_wrong + ", in layer " + layer_path + " (" + std::string(layer_kind) + ")"),
        fact(what_is_wrong),
        path(layer_path),
        kind(layer_kind) {}
  std::string fact, path, kind;  // path and kind of the layer, empty outside of models
};
/// An argument outside of its range.
struct ArgumentError : Error {
  using Error::Error;
};
/// A file or a data set that is not what it claims to be.
struct DataError : Error {
  using Error::Error;
};
/// A loss, gradient or weight that is not a finite number.
struct NumericError : Error {
  using Error::Error;
};

}  // namespace eigenesis

namespace eigenesis::inline EIGENESIS_ABI {

namespace detail {

/// A shape whose rank is only known at run time; "[64, 784]" in messages.
struct ShapeView {
  std::span<const Index> sizes;
};
inline std::string to_string(ShapeView shape) {
  std::string result = "[";
  for (const Index& s : shape.sizes) result += (&s == shape.sizes.data() ? "" : ", ") + std::to_string(s);
  return result + "]";
}

inline std::string text(std::string_view part) { return std::string(part); }
inline std::string text(std::integral auto part) { return std::to_string(part); }
inline std::string text(std::floating_point auto part) {
  if (part != part) return "nan";  // its sign says nothing
  char buffer[64];                 // the shortest text that stands for exactly this number
  return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, part).ptr);
}
template <class T>
requires requires(const T& part) { to_string(part); }
std::string text(const T& part) { return to_string(part); }

/// A part of a message, whatever its type: the code that puts messages together exists once, not for every message.
class Part {
 public:
  Part(const char* text)
      : data_(text), append_([](std::string& to, const void* from) { to += static_cast<const char*>(from); }) {}
  template <class T>
  Part(const T& value)
      : data_(&value), append_([](std::string& to, const void* from) { to += text(*static_cast<const T*>(from)); }) {}
  void append_to(std::string& message) const { append_(message, data_); }

 private:
  const void* data_;
  void (*append_)(std::string&, const void*);
};

template <class E>
[[noreturn, gnu::cold, gnu::noinline]] void fail_with(std::initializer_list<Part> parts) {
  std::string message;
  for (const Part& part : parts) part.append_to(message);
  throw E(message);
}
template <class E, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  fail_with<E>({parts...});
}

}  // namespace detail

/// Throws E unless `condition` holds. The message is put together from `parts` (text, numbers, shapes) only then.
template <class E = ShapeError, class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]]
    detail::fail_with<E>({parts...});
}

}  // namespace eigenesis::inline EIGENESIS_ABI
