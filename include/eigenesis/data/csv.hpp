// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <limits>
#include <optional>

#include "eigenesis/core/tensor.hpp"
#include "eigenesis/files/csv.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// A column of a table: by its name, or by its place, counted from 0.
struct CsvColumn {
  static constexpr Index by_name = std::numeric_limits<Index>::min();  // as a place: none
  std::string name;                                                    // if it is given by name
  Index place = by_name;                                               // if it is given by place
  CsvColumn(std::string column) : name(std::move(column)) {}
  CsvColumn(const char* column) : name(column) {}
  CsvColumn(std::integral auto column) : place(static_cast<Index>(column)) {}
  CsvColumn(char) = delete;  // "1" is a name, 1 a place
};

/// How load_csv reads a file.
struct CsvOptions {
  bool header = true;                   // The first row names the columns.
  char delimiter = ',';                 // between fields
  std::vector<CsvColumn> columns = {};  // Which to read, in this order; all if there are none.
  std::optional<double> missing = {};   // What stands for missing values, which are refused without.
  Index skip_lines = 0;                 // Lines at the beginning that are left out.
  bool round = false;                   // Whole numbers that float or double cannot hold become the nearest.
};

/// Numbers in columns that may have names.
template <class Scalar = float>
struct Table {
  Tensor<Scalar, 2> values;        // [N, F]
  std::vector<std::string> names;  // [F], or none without a header
};

/// Reads a CSV file of numbers (RFC 4180, LF or CRLF, at most 2 GiB) -> values [N, F], the columns' names. Numbers have
/// a decimal point, whatever the locale, and may stand in quotes or between spaces; they are rounded to the nearest
/// Scalar, but whole ones, which may be names of something, only if asked for. A missing value is an empty field, NA,
/// N/A, #N/A, NaN with or without a sign, null, none or ?, in capitals or not. Lines without characters at the end are
/// left out; with one column, where they are missing values, only the last.
///   const Table train = load_csv("train.csv", {.columns = {"age", "income"}});
/// Throws DataError, which names line and column, for what is no number, what a Scalar cannot hold (of whole
/// numbers some above 2^24 for float, 2^53 for double), missing values, and rows of different lengths; for a column
/// that is not there or has the name of another; for a header with a number in a column that is read or, if all are,
/// with a column that has no name. Throws ArgumentError for a delimiter that can be part of a number, and for a
/// .missing that a Scalar cannot hold.
template <class Scalar = float>
Table<Scalar> load_csv(const std::string& path, const CsvOptions& options = {});

}  // namespace eigenesis::inline EIGENESIS_ABI

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/data/csv_inl.hpp"
#endif
