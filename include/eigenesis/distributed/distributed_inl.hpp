// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <utility>

#include "eigenesis/distributed/distributed.hpp"
#include "eigenesis/machine/float_state.hpp"
#include "eigenesis/machine/isa.hpp"
#include "eigenesis/training/fit_progress.hpp"

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

// -------- a training

namespace detail {

/// A number for bytes, which a double holds exactly (FNV-1a of words of 64 bits).
class Checksum {
 public:
  void add(const void* data, std::size_t bytes) {
    const auto* from = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < bytes; i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, from + i, std::min<std::size_t>(8, bytes - i));
      sum_ = (sum_ ^ word) * 0x100000001b3;
      sum_ ^= sum_ >> 29;
    }
  }
  double value() const { return static_cast<double>(sum_ >> 11); }

 private:
  std::uint64_t sum_ = 0xcbf29ce484222325;
};

}  // namespace detail

EIGENESIS_ONCE void Distributed::begin(const detail::TrainingOfRanks& training, Rng& rng) {
  function_ = training.function;
  known_ = nullptr;
  begun_ = true;
  expect_same("version of the library",
              EIGENESIS_VERSION_MAJOR * 1e6 + EIGENESIS_VERSION_MINOR * 1e3 + EIGENESIS_VERSION_PATCH);
  if (!options_.any_instruction_set)
    expect_same("instruction set (0: baseline, 1: AVX2, 2: AVX-512)", static_cast<double>(isa()),
                "; they give different bits: set EIGENESIS_ISA to one that all have, or allow it, "
                ".any_instruction_set = true");
  const Checkpoint* const checkpoint = training.checkpoint;
  constexpr const char* all_data = "; each has all data and takes its part of each batch";
  for (const auto& [what, own, hint] :
       {std::tuple{"number of samples", training.samples, all_data},
        {"samples (a checksum of 64 of them)", Index{training.data}, all_data},
        {"number of steps", training.steps, ""},
        {"number of epochs", training.epochs, ""},
        {"batch_size", training.batch_size, ""},
        {"drop_last (0 or 1)", Index{training.drop_last}, ""},
        {"number of checkpoints (0 or 1)", Index{checkpoint ? 1 : 0}, ""},
        {"number of steps from one checkpoint to the next", checkpoint ? checkpoint->every : 0, ""}})
    expect_same(what, static_cast<double>(own), hint);
  const Index least = ranks() * (training.drop_last ? training.batch_size : 1);
  if (training.samples > 0 && training.samples < least) {
    all_throw([&] {
      detail::fail<ArgumentError>(function_, ": expected at least ", least, " samples for ", ranks(), " ranks",
                                  training.drop_last ? " with a batch each" : "", " but got ", training.samples);
    });
  }
  agree(false, rng);
}

EIGENESIS_ONCE Progress Distributed::progress(const Progress& given) const {
  if (rank() == 0) return given;
  return ProgressBar({},
                     {.write = [](std::string_view) {}, .seconds = [] { return 0.0; }, .columns = [] { return 0; }});
}

EIGENESIS_ONCE std::vector<WatcherRef> Distributed::watchers(const std::vector<WatcherRef>& given) const {
  std::vector<WatcherRef> mine;
  for (const WatcherRef& each : given)
    if (rank() == 0 || each->on_every_rank()) mine.push_back(each);
  return mine;
}

EIGENESIS_ONCE void Distributed::adopt(const std::vector<detail::SavedField>& trainer) {
  std::vector<double> own;
  for (const detail::SavedField& field : trainer) {
    const std::size_t bytes = detail::bytes_of(field).size();
    detail::Checksum name;
    name.add(field.name.data(), field.name.size());
    name.add(&bytes, sizeof bytes);
    own.push_back(name.value());
  }
  expect_same("fields of the trainer, with the same names and sizes,", trainer, own, "");
  for (const detail::SavedField& field : trainer) {
    const auto bytes = detail::bytes_of(field);
    broadcast(bytes.data(), std::ssize(bytes));
    if (field.updated && rank() > 0) *field.updated = detail::next_serial();
  }
}

EIGENESIS_ONCE void Distributed::adopt(detail::FitMemory& memory) {
  std::vector<double> own;
  detail::FitMemory::fields(memory, [&](std::string_view, const auto& tensor, InFiles = {}) {
    for (const Index size : tensor.shape().sizes) own.push_back(static_cast<double>(size));
  });
  const detail::CachedVector<double> sizes = meet("the progress of the training", own);
  std::size_t i = 0;
  detail::FitMemory::fields(memory, [&]<int Rank>(std::string_view, Tensor<double, Rank>& tensor, InFiles = {}) {
    Shape<Rank> there = tensor.shape();
    for (Index& size : there.sizes) size = static_cast<Index>(sizes[i++]);
    if (rank() > 0) tensor = Tensor<double, Rank>(there);
    broadcast(tensor.data(), tensor.size() * static_cast<Index>(sizeof(double)));
  });
}

EIGENESIS_ONCE void Distributed::expect_same(const std::vector<detail::SavedField>& trainer) {
  if (options_.any_instruction_set) return adopt(trainer);
  std::vector<double> own;
  for (const detail::SavedField& field : trainer) {
    detail::Checksum sum;
    if (field.in_files != InFiles::learning_rate)
      sum.add(detail::bytes_of(field).data(), detail::bytes_of(field).size());
    own.push_back(sum.value());
  }
  expect_same("numbers in the trainer", trainer, own,
              "; callbacks run on rank 0 only: does one change a model? Does a step depend on more than its batch and "
              "its gradients?");
  for (const detail::SavedField& field : trainer)
    if (field.in_files == InFiles::learning_rate)
      broadcast(detail::bytes_of(field).data(), std::ssize(detail::bytes_of(field)));
}

EIGENESIS_ONCE void Distributed::expect_same(std::string_view what, const std::vector<detail::SavedField>& trainer,
                                             std::span<const double> own, std::string_view hint) {
  const detail::CachedVector<double> all = meet("the trainer's fields", own);
  for (std::size_t i = own.size(); i < all.size(); ++i) {
    if (all[i] == all[i % own.size()]) continue;
    all_throw([&] {
      detail::fail<ArgumentError>(function_, ": expected all ranks to have the same ", what, " but rank ",
                                  i / own.size(), " has others than rank 0 in ", trainer[i % own.size()].name, hint);
    });
  }
}

EIGENESIS_ONCE void Distributed::begin_step(Index step) {
  stream_ = static_cast<std::uint64_t>(rank()) << 48 ^ static_cast<std::uint64_t>(step) << 16;
  samples_ = 1;
}

EIGENESIS_ONCE void Distributed::begin_batch(const detail::RowShare& rows, Rng& rng) {
  const Rng::State& state = rng.state();
  const auto low = [](std::uint64_t bits) { return static_cast<std::uint32_t>(bits); };
  const auto words = detail::philox({low(stream_), low(stream_ >> 32), low(state.counter), ~low(state.counter >> 32)},
                                    {low(state.key), low(state.key >> 32)});
  rng.draw_rows(rows, {std::uint64_t{words[0]} << 32 | words[1], 0});
  ++stream_;
  samples_ = rows.rows;
}

EIGENESIS_ONCE Index Distributed::end_step(std::span<NamedValue> losses, Index samples) {
  std::vector<double> own{static_cast<double>(samples)};
  for (const NamedValue& loss : losses) own.push_back(loss.value);
  const detail::CachedVector<double> met = meet("the end of a step", own);
  double all = 0;
  for (NamedValue& loss : losses) loss.value = 0;
  for (std::size_t r = 0; r < met.size(); r += own.size()) {
    all += met[r];
    for (std::size_t i = 0; i < losses.size(); ++i) losses[i].value += detail::rounded(met[r] * met[r + 1 + i]);
  }
  for (NamedValue& loss : losses) loss.value /= all;
  return static_cast<Index>(all);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
