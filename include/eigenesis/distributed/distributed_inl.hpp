// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "eigenesis/distributed/distributed.hpp"
#include "eigenesis/machine/float_state.hpp"
#include "eigenesis/training/fit_progress.hpp"

// How ranks meet, throw together, and add up.
namespace eigenesis::inline EIGENESIS_ABI {

// -------- meetings

/// What a rank brings to a meeting.
struct Distributed::Card {
  enum Kind : std::uint64_t { fine, other, shape, argument, data, numeric };
  static constexpr std::size_t few = 8, most_characters = 1024;
  std::uint64_t kind = fine;
  std::uint64_t count = 0;  // of numbers
  std::array<char, 64> place = {};
  std::array<double, few> numbers = {};  // if they are so few
};

/// Calls `fail`, which throws what all ranks throw now.
template <class F>
void Distributed::all_throw(F&& fail) {
  try {
    fail();
  } catch (...) {
    known_ = std::current_exception();
    throw;
  }
}

EIGENESIS_ONCE detail::CachedVector<double> Distributed::meet(std::string_view place, std::span<const double> own) {
  if (known_) std::rethrow_exception(known_);  // somebody caught it, and goes on alone
  Card card;
  card.count = own.size();
  std::ranges::copy(place.substr(0, card.place.size() - 1), card.place.begin());
  const bool few = own.size() <= Card::few;
  if (few) std::ranges::copy(own, card.numbers.begin());
  const auto n = static_cast<std::size_t>(ranks());
  detail::CachedVector<Card> cards(n);
  detail::CachedVector<double> all(n * own.size());  // before the others wait for this rank
  gather(&card, cards.data(), sizeof(Card));
  if (!std::ranges::all_of(cards, [](const Card& each) { return each.kind == Card::fine; })) fail_together(cards);
  for (std::size_t r = 1; r < n; ++r)
    if (cards[r].place != cards[0].place || cards[r].count != cards[0].count)
      all_throw([&] {
        detail::fail<Error>(function_, ": expected all ranks to take the same steps but rank 0 is at ",
                            cards[0].place.data(), " with ", cards[0].count, " numbers and rank ", r, " at ",
                            cards[r].place.data(), " with ", cards[r].count);
      });
  if (few)
    for (std::size_t r = 0; r < n; ++r)
      std::copy_n(cards[r].numbers.begin(), own.size(), all.begin() + static_cast<Index>(r * own.size()));
  else
    gather(own.data(), all.data(), static_cast<Index>(own.size_bytes()));
  return all;
}

EIGENESIS_ONCE void Distributed::expect_same(std::string_view what, double own, std::string_view hint) {
  const detail::CachedVector<double> all = meet(what, std::array{own});
  for (std::size_t r = 1; r < all.size(); ++r) {
    if (all[r] == all[0]) continue;
    all_throw([&] {
      detail::fail<ArgumentError>(function_, ": expected all ranks to have the same ", what, " but rank 0 has ", all[0],
                                  " and rank ", r, " has ", all[r], hint);
    });
  }
}

EIGENESIS_ONCE bool Distributed::any(std::string_view place, bool own) {
  return std::ranges::any_of(meet(place, std::array{own ? 1.0 : 0.0}), [](double each) { return each != 0; });
}

EIGENESIS_ONCE void Distributed::adopt(std::string_view place, std::span<NamedValue> numbers) {
  std::vector<double> own;
  for (const NamedValue& each : numbers) own.push_back(each.value);
  const detail::CachedVector<double> all = meet(place, own);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i].value = all[i];
}

EIGENESIS_ONCE bool Distributed::agree(bool stop, Rng& rng) {
  const Rng::State state = rng.state();
  std::array<double, 5> own{stop ? 1.0 : 0.0};
  detail::put_bits(&own[1], state.key);
  detail::put_bits(&own[3], state.counter);
  const detail::CachedVector<double> met = meet("what follows a step", own);
  rng = Rng(Rng::State{detail::get_bits(&met[1]), detail::get_bits(&met[3])});
  for (std::size_t r = 0; r < met.size(); r += own.size()) stop = stop || met[r] != 0;
  return stop;
}

EIGENESIS_ONCE void Distributed::end() { meet("the end of the training", {}); }

EIGENESIS_ONCE void Distributed::leave() {
  for (bool here = false; !here && ranks() > 1;) {
    known_ = nullptr;
    try {
      meet("the end of the program", {});
      here = true;
    } catch (const Error&) {  // of a rank that is elsewhere, and learns that it is alone; it comes here too
      here = !known_;         // no rank can be reached
    }
  }
}

EIGENESIS_ONCE void Distributed::report() {
  if (known_) return;
  Card card;
  std::array<char, Card::most_characters> message = {};
  const auto note = [&](Card::Kind kind, std::string_view text) {
    card.kind = kind;
    std::ranges::copy(text.substr(0, message.size() - 1), message.begin());
  };
  try {
    throw;
  } catch (const ShapeError& e) {
    note(Card::shape, e.what());
  } catch (const ArgumentError& e) {
    note(Card::argument, e.what());
  } catch (const DataError& e) {
    note(Card::data, e.what());
  } catch (const NumericError& e) {
    note(Card::numeric, e.what());
  } catch (const std::exception& e) {
    note(Card::other, e.what());
  } catch (...) {
    note(Card::other, "something that is no std::exception");
  }
  detail::CachedVector<Card> cards(static_cast<std::size_t>(ranks()));
  gather(&card, cards.data(), sizeof(Card));
  detail::CachedVector<char> messages(cards.size() * message.size());
  gather(message.data(), messages.data(), static_cast<Index>(message.size()));
}

EIGENESIS_ONCE void Distributed::fail_together(std::span<const Card> cards) {
  const std::array<char, Card::most_characters> none = {};
  detail::CachedVector<char> messages(cards.size() * none.size());
  gather(none.data(), messages.data(), static_cast<Index>(none.size()));
  std::size_t r = 0;
  while (cards[r].kind == Card::fine) ++r;
  const std::string message = function_ + ": expected all ranks to go on but rank " + std::to_string(r) +
                              " ended with: " + &messages[r * none.size()];
  all_throw([&] {
    switch (cards[r].kind) {
      case Card::shape:
        throw ShapeError(message);
      case Card::argument:
        throw ArgumentError(message);
      case Card::data:
        throw DataError(message);
      case Card::numeric:
        throw NumericError(message);
      default:
        throw Error(message);
    }
  });
  std::abort();  // never reached
}

// -------- sums

// Each rank adds up one section of the numbers, of all ranks in their order, and all get the sums.
template <class Scalar>
Index Distributed::average_parts(std::string_view place, Index weight, std::span<const std::span<Scalar>> parts,
                                 std::span<double> adopted) {
  std::size_t count = 0;
  for (const std::span<Scalar> part : parts) count += part.size();
  std::vector<double> own{static_cast<double>(weight), static_cast<double>(count)};
  own.insert(own.end(), adopted.begin(), adopted.end());
  const auto n = static_cast<std::size_t>(ranks());
  constexpr std::size_t multiple = 64 / sizeof(Scalar);  // sections of whole cache lines
  const std::size_t section = (count + n * multiple - 1) / (n * multiple) * multiple;
  const auto bytes = static_cast<Index>(section * sizeof(Scalar));
  detail::CachedVector<Scalar> all(n * section, Scalar{0}), sections(n * section);
  detail::CachedVector<double> sums(section, 0.0);

  const detail::CachedVector<double> met = meet(place, own);
  std::copy_n(met.begin() + 2, adopted.size(), adopted.begin());
  const auto weight_of = [&](std::size_t r) { return met[r * own.size()]; };
  double whole = 0;
  for (std::size_t r = 0; r < n; ++r) {
    whole += weight_of(r);
    const double there = met[r * own.size() + 1];
    if (there == met[1]) continue;
    all_throw([&] {
      detail::fail<ShapeError>(function_, ": expected as many numbers in ", place, " on all ranks but rank ", r,
                               " has ", there, " and rank 0 has ", met[1]);
    });
  }

  auto to = all.begin();
  for (const std::span<Scalar> part : parts) to = std::ranges::copy(part, to).out;
  exchange(all.data(), sections.data(), bytes);
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t i = 0; i < section; ++i) {
      const double product = weight_of(r) * static_cast<double>(sections[r * section + i]);
      if constexpr (sizeof(Scalar) == 4)  // of a float and a number of samples: exact
        sums[i] += product;
      else
        sums[i] += detail::rounded(product);
    }
  for (std::size_t i = 0; i < section; ++i) sections[i] = static_cast<Scalar>(sums[i] / whole);
  gather(sections.data(), all.data(), bytes);
  const Scalar* from = all.data();
  for (const std::span<Scalar> part : parts) {
    std::copy_n(from, part.size(), part.begin());
    from += part.size();
  }
  return static_cast<Index>(whole);
}
EIGENESIS_ONCE Index Distributed::average(std::string_view place, Index weight, std::span<const std::span<float>> parts,
                                          std::span<double> adopted) {
  return average_parts(place, weight, parts, adopted);
}
EIGENESIS_ONCE Index Distributed::average(std::string_view place, Index weight,
                                          std::span<const std::span<double>> parts, std::span<double> adopted) {
  return average_parts(place, weight, parts, adopted);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
