// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "eigenesis/autodiff/parameter.hpp"
#include "eigenesis/core/rng.hpp"

// A layer or model is a plain struct that lists its fields once:
//   static void fields(auto& self, auto&& field) { field("weight", self.weight); field("bias", self.bias); }
// Parameters are learned. Tensors, doubles, floats and Rngs are state that is saved but not learned (running averages).
// Anything else is a layer with fields of its own; a struct without `fields` has none.
namespace eigenesis::inline EIGENESIS_ABI {

/// How files hold a parameter or tensor, and which numbers it may have; a layer says so where it names it:
///   field("weight", self.weight, InFiles::features_first);
enum class InFiles {
  as_in_memory,    // unless the layer says otherwise
  features_first,  // [..., in, out] in memory is [out, in, ...] in files, PyTorch's order
  at_least_zero,   // as in memory; variances and means of squares
  count,           // as in memory; whole numbers >= 0
  learning_rate    // as in memory; a callback may set it, and of several ranks rank 0 calls it
};

/// Where a field stands in a model; put together as text ("encoder.trunk.0.weight") only when asked for.
struct FieldPath {
  const FieldPath* parent;                   // nullptr for a field of the model itself
  std::string_view name;                     // as `fields` has it
  InFiles in_files = InFiles::as_in_memory;  // as the layer names it
};
/// The names from the model to the field: "encoder.trunk.0.weight".
inline std::string to_string(const FieldPath& path) {
  return (path.parent ? to_string(*path.parent) + "." : std::string()) + std::string(path.name);
}

namespace detail {

/// A type as the compiler writes it.
template <class T>
constexpr std::string_view type_name() {
  std::string_view name = __PRETTY_FUNCTION__;
  name.remove_prefix(name.find("T = ") + 4);
  return name.substr(0, std::min(name.rfind("; std::string_view = "), name.size() - 1));  // GCC's, clang's end
}
/// Of such a name the template arguments in their brackets, or nothing.
constexpr std::string_view arguments_in(std::string_view name) {
  if (!name.ends_with('>')) return {};
  std::size_t open = name.size() - 1;
  for (int depth = 1; depth > 0; depth += (name[open] == '>') - (name[open] == '<')) --open;
  return name.substr(open);
}

/// The name of a type without namespaces and template arguments: "Linear", "lambda".
template <class T>
constexpr std::string_view kind_of() {
  std::string_view name = type_name<T>();
  if (name.ends_with(')')) return "lambda";  // clang: (lambda at file.cpp:1:2)
  const std::string_view arguments = arguments_in(name);
  if (arguments.starts_with("<lambda(")) return "lambda";
  name.remove_suffix(arguments.size());
  return name.substr(name.rfind(':') + 1);  // of npos: 0
}

template <class T>
struct TemplateArguments;
/// The name of a type with the template arguments of one that is not the library's, whose parts and options tell all:
/// "Block<Relu>", "Linear".
template <class T>
std::string full_kind() {
  std::string text(kind_of<T>());
  if (text != "lambda" && !type_name<T>().starts_with("eigenesis::")) text += TemplateArguments<T>::text();
  return text;
}
template <class T>
struct TemplateArguments {  // with values among them
  static std::string text() { return std::string(arguments_in(type_name<T>())); }
};
template <template <class...> class Of, class... Arguments>
struct TemplateArguments<Of<Arguments...>> {  // compilers write them differently
  static std::string text() {
    std::string list;
    ((list += (list.empty() ? "" : ", ") + full_kind<Arguments>()), ...);
    return '<' + list + '>';
  }
};

/// The kind of a part with its options: "LeakyRelu(0.2)".
template <class T>
std::string described(const T& part) {
  std::string text = full_kind<T>();
  if constexpr (requires { part.details(); })
    if (const std::string details = part.details(); !details.empty()) text += '(' + details + ')';
  return text;
}

/// Whether a type is one of the standard library or of Eigen.
template <class T>
constexpr bool is_foreign() {
  constexpr std::string_view name = type_name<std::remove_const_t<T>>();
  return name.starts_with("std::") || name.starts_with("Eigen::");
}

/// For a layer's `details()`, which summaries show and checkpoints compare: "kernel 4, stride 2".
template <class Number>
std::string option(const char* name, Number value, Number usual) {
  return value == usual ? "" : std::string(", ") + name + " " + text(value);
}
/// Of options alone: "momentum 0.5, epsilon 0.1".
inline std::string options_text(const std::string& options) {
  return options.substr(std::min<std::size_t>(2, options.size()));
}

template <class T>
concept HasFields = requires(T& object) {
  std::remove_const_t<T>::fields(object, [](std::string_view, auto&, InFiles = InFiles::as_in_memory) {});
};

/// A T, and one that cannot be copied.
template <class T>
struct Copied : T {};
template <class T>
struct Uncopied : T {
  Uncopied(const Uncopied&) = delete;
};
template <class T, class Object>
concept FieldsTake = requires(Object& object) {
  T::fields(object, [](std::string_view, auto&, InFiles = InFiles::as_in_memory) {});
};
/// Whether `fields` takes a copy, auto self, whose numbers would be gone. Not seen if it names its own type or T is
/// final.
template <class T>
constexpr bool takes_copy() {
  if constexpr (std::is_final_v<T>)
    return false;
  else
    return FieldsTake<T, Copied<T>> && !FieldsTake<T, Uncopied<T>>;
}

template <class Scalar, int Rank>
std::true_type is_parameter(const Parameter<Scalar, Rank>*);
std::false_type is_parameter(const void*);
template <class T>
inline constexpr bool is_parameter_v = decltype(is_parameter(static_cast<std::remove_cv_t<T>*>(nullptr)))::value;

template <class T>
inline constexpr bool is_tensor_v = false;
template <class Scalar, int Rank>
inline constexpr bool is_tensor_v<Tensor<Scalar, Rank>> = true;

/// A number or generator that is saved with a model.
template <class T>
inline constexpr bool is_single_v = std::is_same_v<T, double> || std::is_same_v<T, float> || std::is_same_v<T, Rng>;

/// A std::vector or std::array.
template <class T>
inline constexpr bool is_sequence_v = false;
template <class T>
inline constexpr bool is_sequence_v<std::vector<T>> = true;
template <class T, std::size_t n>
inline constexpr bool is_sequence_v<std::array<T, n>> = true;

template <class T, class F>
void visit_field(const FieldPath* path, T& field, F&& leaf);

template <class T, class F>
void visit_fields(const FieldPath* parent, T& object, F&& leaf) {
  if constexpr (requires { leaf.part(parent, std::as_const(object)); }) leaf.part(parent, std::as_const(object));
  if constexpr (HasFields<T>) {
    static_assert(!takes_copy<std::remove_const_t<T>>(),
                  "eigenesis: `fields` takes the object by reference, static void fields(auto& self, auto&& field)");
    const auto visit = [&](std::string_view name, auto& field, InFiles in_files = InFiles::as_in_memory) {
      const FieldPath path{parent, name, in_files};
      if constexpr (std::is_const_v<T>)  // what a const object refers to is seen as const too
        visit_field(&path, std::as_const(field), leaf);
      else
        visit_field(&path, field, leaf);
    };
    std::remove_const_t<T>::fields(object, visit);
  } else {
    static_assert(
        !std::is_scalar_v<T> && !std::is_array_v<T> && !is_foreign<T>(),
        "eigenesis: fields are parameters, tensors, doubles, floats, Rngs, std::vector or std::array of these, "
        "and structs with fields; this one would not be saved. Keep a count as a double");
    static_assert(std::is_trivially_destructible_v<T>,  // owns nothing, so no parameters either
                  "eigenesis: a layer with parameters needs a public `static void fields(auto& self, auto&& field)`");
  }
}

template <class T, class F>
void visit_field(const FieldPath* path, T& field, F&& leaf) {
  using Field = std::remove_const_t<T>;
  if constexpr (is_parameter_v<Field> || is_tensor_v<Field> || is_single_v<Field>) {
    leaf(*path, field);
  } else if constexpr (is_sequence_v<Field>) {
    for (std::size_t i = 0; i < field.size(); ++i) {
      const std::string index = std::to_string(i);
      const FieldPath element{path, index, path->in_files};
      visit_field(&element, field[i], leaf);
    }
  } else {
    visit_fields(path, field, leaf);
  }
}

/// Calls Check::check<T>() for the type of a model and those of all that its fields hold, when the program is compiled.
template <class Check, class T>
constexpr void check_types() {
  Check::template check<T>();
  if constexpr (is_sequence_v<T>)
    check_types<Check, typename T::value_type>();
  else if constexpr (HasFields<T>)
    static_cast<void>([](T& object) {  // never called
      T::fields(object, []<class Field>(std::string_view, Field&, InFiles = InFiles::as_in_memory) {
        check_types<Check, std::remove_const_t<Field>>();
      });
    });
}

}  // namespace detail

/// Calls f(path, parameter) for every Parameter of a model, in the order of its fields.
template <class Model, class F>
void for_each_parameter(Model& model, F&& f) {
  detail::visit_fields(nullptr, model, [&](const FieldPath& path, auto& field) {
    if constexpr (detail::is_parameter_v<std::remove_reference_t<decltype(field)>>) f(path, field);
  });
}

/// Calls f(path, tensor) for the tensors of a model's state: values of parameters, and tensors.
template <class Model, class F>
void for_each_state(Model& model, F&& f) {
  detail::visit_fields(nullptr, model, [&](const FieldPath& path, auto& field) {
    using Field = std::remove_reference_t<decltype(field)>;
    if constexpr (detail::is_tensor_v<std::remove_const_t<Field>>)
      f(path, field);
    else if constexpr (detail::is_single_v<std::remove_const_t<Field>>)
      return;
    else if constexpr (std::is_const_v<Field>)
      f(path, field.value());
    else
      f(path, field.mutable_value());
  });
}

/// Holds the parameters of a model fixed, or no longer: no gradient flows to them, though it flows through the model,
/// and optimizers leave them as they are. For a feature network in a loss, or the first layers of a model that is
/// tuned.
template <class Model>
void hold_fixed(Model& model, bool fixed = true) {
  for_each_parameter(model, [fixed](const FieldPath&, auto& parameter) { parameter.hold_fixed(fixed); });
}

/// The number of learned numbers in a model.
template <class Model>
Index parameter_count(const Model& model) {
  Index count = 0;
  for_each_parameter(model, [&](const FieldPath&, const auto& parameter) { count += parameter.size(); });
  return count;
}

}  // namespace eigenesis::inline EIGENESIS_ABI
