// SPDX-License-Identifier: MIT
#include <charconv>
#include <eigenesis/data/csv.hpp>

#include "fuzz.hpp"

namespace {

/// What was read must be finite, and be read again from a plain text of the same numbers, to the bit.
bool table(const std::string& path, const eigenesis::CsvOptions& options) {
  static fuzz::MemoryFile memory;
  eigenesis::Table<double> table, again;
  if (!fuzz::accepts([&] { table = eigenesis::load_csv<double>(path, options); })) return false;
  const auto [rows, columns] = table.values.shape().sizes;
  fuzz::expect(rows > 0 && columns > 0, "rows and columns");
  fuzz::expect(std::ssize(table.names) == (options.header ? columns : 0), "as many names as columns");
  std::string text;
  for (eigenesis::Index i = 0; i < table.values.size(); ++i) {
    const double number = table.values.data()[i];
    fuzz::expect(number - number == 0, "finite numbers");
    char digits[64];
    text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
    text += (i + 1) % columns == 0 ? '\n' : ',';
  }
  const fuzz::Span bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  const bool accepted =
      fuzz::accepts([&] { again = eigenesis::load_csv<double>(memory.of(bytes), {.header = false}); });
  fuzz::expect(
      accepted && again.values.shape() == table.values.shape() &&
          std::memcmp(again.values.data(), table.values.data(), sizeof(double) * table.values.values().size()) == 0,
      "the same numbers from a plain text");
  return true;
}

}  // namespace

bool fuzz::csv(Span bytes) {
  static MemoryFile memory;
  const std::string& path = memory.of(bytes);
  const bool accepted = table(path, {});
  table(path, {.header = false, .missing = 0.5});
  table(path, {.delimiter = ';', .columns = {0}, .skip_lines = 1});
  accepts([&] { eigenesis::load_csv<float>(path, {.columns = {"a"}}); });
  return accepted;
}
