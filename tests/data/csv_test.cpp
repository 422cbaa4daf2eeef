// SPDX-License-Identifier: MIT
#include <clocale>
#include <cmath>
#include <eigenesis/eigenesis.hpp>
#include <limits>

#include "catch.hpp"
#include "files.hpp"
#include "python.hpp"

using namespace eigenesis;

namespace {

struct Fixture {
  TemporaryDirectory directory;
  std::string path = directory / "a.csv";

  void write(const std::string& text) { write_bytes(path, Bytes(text.begin(), text.end())); }
  template <class Scalar = double>
  Table<Scalar> load(const std::string& text, const CsvOptions& options = {}) {
    write(text);
    return load_csv<Scalar>(path, options);
  }
  template <class Scalar = double>
  void check_refused(const std::string& text, const std::string& message, const CsvOptions& options = {}) {
    write(text);
    CHECK_THROWS_MATCHES(load_csv<Scalar>(path, options), DataError, Message("load_csv: expected " + message));
  }
};

template <class Scalar, int Rank>
std::vector<Scalar> list(const Tensor<Scalar, Rank>& x) {
  return std::vector<Scalar>(x.data(), x.data() + x.size());
}

const CsvOptions no_header{.header = false};

}  // namespace

TEST_CASE_METHOD(Fixture, "load_csv reads numbers and the names of their columns") {
  const Table<double> table =
      load("\xef\xbb\xbfid, age ,\"in\"\"come\"\r\n1, 34 ,\"1.5e3\"\r\n2,+28,-.25\r\n3,6.,1E-2");
  REQUIRE(table.values.shape() == Shape<2>{3, 3});
  CHECK(list(table.values) == std::vector<double>{1, 34, 1500, 2, 28, -0.25, 3, 6, 0.01});
  CHECK(table.names == std::vector<std::string>{"id", "age", "in\"come"});

  const Table<float> floats = load<float>("a\n0.1\n16777217.0\n1e-45\n3.4028235e38\n");
  CHECK(list(floats.values) == std::vector<float>{0.1f, 16777216, 1e-45f, std::numeric_limits<float>::max()});
  CHECK(load("1,2\n3,4\n", no_header).names.empty());
  CHECK(list(load("1;2\n3;4\n\n\r\n\n", {.header = false, .delimiter = ';'}).values) ==
        std::vector<double>{1, 2, 3, 4});
  CHECK(list(load("1\t2\n", {.header = false, .delimiter = '\t'}).values) == std::vector<double>{1, 2});
  CHECK(list(load("a comment\nanother, \"one\nx\n5", {.skip_lines = 2}).values) == std::vector<double>{5});
  CHECK(load("a,b\n1,2\n").values.shape() == Shape<2>{1, 2});
}

TEST_CASE_METHOD(Fixture, "load_csv takes columns by name or place, in any order, and reads no others") {
  const std::string text = "name,age,\"in,come\",age2\nAda,36,1,2\n\"Grace, \"\"H\"\"\n\",85,3,4\n";
  const Table<double> named = load(text, {.columns = {"in,come", "age"}});
  CHECK(list(named.values) == std::vector<double>{1, 36, 3, 85});
  CHECK(named.names == std::vector<std::string>{"in,come", "age"});
  const Table<double> placed = load(text, {.columns = {3, 1, 3}});
  CHECK(list(placed.values) == std::vector<double>{2, 36, 2, 4, 85, 4});
  CHECK(placed.names == std::vector<std::string>{"age2", "age", "age2"});
  CHECK(list(load(text, {.columns = {1, "age2"}}).values) == std::vector<double>{36, 2, 85, 4});
  CHECK(list(load("x,1\n", {.header = false, .columns = {1}}).values) == std::vector<double>{1});

  check_refused(text, "a column from 0 to 3 but got 4 for " + path, {.columns = {4}});
  check_refused(text, "a column from 0 to 3 but got -1 for " + path, {.columns = {-1}});
  check_refused(text, "one column named size but got 0 among name, age, in,come, age2 in " + path,
                {.columns = {"size"}});
  check_refused("a,b,a\n1,2,3\n", "one column named a but got 2 among a, b, a in " + path, {.columns = {"a"}});
  write("1,2\n");
  CHECK_THROWS_MATCHES(load_csv(path, {.header = false, .columns = {"a"}}), ArgumentError,
                       Message("load_csv: expected columns by their places without a header but got a for " + path));
}

TEST_CASE_METHOD(Fixture, "load_csv names line and column of what is no number") {
  check_refused("a,b\n1,2\n3,x\n", "a number but got 'x' in line 3, column 1 (b) of " + path);
  check_refused("1,2\n3,1 2\n", "a number but got '1 2' in line 2, column 1 of " + path, no_header);
  check_refused("\"a\n\",b\n1,\"\x1b\"\n", "a number but got '\\x1b' in line 3, column 1 (b) of " + path);
  check_refused("\"a\nb\"\nx\n", "a number but got 'x' in line 3, column 0 (a\\x0ab) of " + path);
  for (const std::string text :
       {"infinit", "infinity2", "--inf", "nan(1)", "0x10", "1e", "1,5",   "1.2.3",        "--1",  "+-1",
        "++1",     "1e5.5",     ".",     "-",      "+",    "e5", "1_000", "\xef\xbc\x91", "1\r2", "1 \"2\""})
    check_refused("a\n\"" + detail::text(text == "1 \"2\"" ? "1 \"\"2\"\"" : text) + "\"\n",
                  "a number but got '" + detail::shown(text) + "' in line 2, column 0 (a) of " + path);
  const std::string held = "a number that is neither infinite nor 0 when rounded but got ";
  for (const std::string text : {"inf", "-inf", "+INF", "Infinity", "-infinity"})
    check_refused("a\n" + text + "\n", held + "'" + text + "' in line 2, column 0 (a) of " + path);
  check_refused("a\n1e400\n", held + "'1e400' in line 2, column 0 (a) of " + path);
  check_refused("a\n-1e-400\n", held + "'-1e-400' in line 2, column 0 (a) of " + path);
  check_refused<float>("a\n1e39\n", held + "'1e39' in line 2, column 0 (a) of " + path);
  check_refused<float>("a\n1e-46\n", held + "'1e-46' in line 2, column 0 (a) of " + path);
  CHECK(list(load("a\n0e-999\n-0.000\n5e-324\n").values) == std::vector<double>{0, 0, 5e-324});
}

TEST_CASE_METHOD(Fixture, "load_csv refuses missing values, or puts a number in their place") {
  const std::string rule = "a number, or .missing in the options, but got ";
  check_refused("a,b\n1,\n", rule + "nothing in line 2, column 1 (b) of " + path);
  check_refused("a,b\n1,2\n,2\n", rule + "nothing in line 3, column 0 (a) of " + path);
  check_refused("a\n1\n\n2\n", rule + "nothing in line 3, column 0 (a) of " + path);
  check_refused("a\n1\n\n", rule + "nothing in line 3, column 0 (a) of " + path);
  for (const std::string word :
       {"  ", "NA", "na", "N/A", "#N/A", "NaN", "nan", "-nan", "+NaN", "NULL", "null", "None", "?"}) {
    check_refused("a,b\n1,2\n3," + word + "\n", rule + "'" + word + "' in line 3, column 1 (b) of " + path);
    CHECK(list(load("a,b\n1,2\n3," + word + "\n", {.missing = -1}).values) == std::vector<double>{1, 2, 3, -1});
  }
  CHECK(list(load("a,b\n,\"\"\n", {.missing = 0.5}).values) == std::vector<double>{0.5, 0.5});
  CHECK(list(load("a\n1\n\n", {.missing = 9}).values) == std::vector<double>{1, 9});
  check_refused("a\nx\n", "a number but got 'x' in line 2, column 0 (a) of " + path, {.missing = 0});
}

TEST_CASE_METHOD(Fixture, "load_csv refuses files that are no table") {
  check_refused("", "at least one row but got none in " + path);
  check_refused("a,b\n", "at least one row of numbers but got none in " + path);
  check_refused("a,b\n\n\n", "at least one row of numbers but got none in " + path);
  check_refused("a,b\n1,2\n3\n", "2 fields in each row, as in the first, but got 1 in line 3 of " + path);
  check_refused("a,b\n\n1,2\n", "2 fields in each row, as in the first, but got 0 in the empty line 2 of " + path);
  check_refused("a,b\r\n1,2\r\n\r\n3,4\r\n",
                "2 fields in each row, as in the first, but got 0 in the empty line 3 of " + path);
  check_refused("a,b\n1,2,\n", "2 fields in each row, as in the first, but got 3 in line 2 of " + path);
  check_refused("a;b\n1,5;2,5\n", "1 fields in each row, as in the first, but got 3 in line 2 of " + path +
                                      "; is the .delimiter in the options right?");
  const std::string hint = "; is the .delimiter in the options right?";
  check_refused("a\tb\n1,5\t2,5\n", "1 fields in each row, as in the first, but got 3 in line 2 of " + path + hint);
  check_refused("a\tb\n1\t2\n", "a number but got '1\\x092' in line 2, column 0 (a\\x09b) of " + path + hint);
  check_refused("a;b\n1;2\n", "a number but got '1;2' in line 2, column 0 (a;b) of " + path + hint,
                {.delimiter = '\t'});
  for (const std::string text : {"a,b\r1,2\r", "a\r1", "1\r2\r"})
    check_refused(text, "lines that end with LF or CRLF but got CR alone in " + path);
  CHECK(list(load("1,2\r", no_header).values) == std::vector<double>{1, 2});
  CHECK(list(load("\"a\rb\",1", {.header = false, .columns = {1}}).values) == std::vector<double>{1});
  check_refused("\x1f\x8b\x08\x01\x02\x03\x04", "text but got bytes compressed by gzip in " + path);
  check_refused("a,b\n1,\"2\n3,4\n", "a closing quote in the row that begins in line 2 but got none in " + path);
  check_refused("a,b\n1,\"2\"3\n",
                "the delimiter ',' or the end of the line behind a closing quote but got '3' in line 2 of " + path);
  check_refused("a,b\n1,\"2\" \n",
                "the delimiter ',' or the end of the line behind a closing quote but got ' ' in line 2 of " + path);
  // The first sample is not taken for names because a column that nobody reads has a text, or a number is missing.
  const std::string numbers = "names of the columns in the first row but got numbers or missing values in " + path +
                              "; .header = false reads them, .skip_lines leaves them out";
  check_refused("5.1,3.5,setosa\n4.9,3.0,setosa\n", numbers, {.columns = {0, 1}});
  for (const std::string row : {"5.1,NA", "NA,?", "inf,2", "-inf,x", "a,-Infinity", "-nan,2", "1e400,x", "x,\" 1 \""})
    check_refused(row + "\n3,4\n", numbers);
  check_refused("1,2\n3,4\n", numbers);
  check_refused("1,0,1\n3,4,5\n", numbers);
  check_refused("none,null\n3,4\n", numbers);
  CHECK(list(load("NA,b\n1,2\n", {.columns = {"NA"}}).values) == std::vector<double>{1});  // which is asked for by name
  check_refused("NA,2,setosa\n1,2,setosa\n", numbers, {.columns = {0}});
  check_refused("label,0,1\n3,4,5\n", numbers);
  CHECK(load("label,0,1\n3,4,5\n", {.columns = {"label"}}).names == std::vector<std::string>{"label"});
  CHECK(load("K,Na,Mg\n1,2,3\n").names == std::vector<std::string>{"K", "Na", "Mg"});  // sodium
  check_refused("a\n", "more than skip_lines = 2 lines but got 1 in " + path, {.skip_lines = 2});
  for (const char delimiter : {'"', '\n', '\r', '5', '.', '-', 'e'})
    CHECK_THROWS_MATCHES(load_csv(path, {.delimiter = delimiter}), ArgumentError,
                         Message("load_csv: expected a delimiter that no number and no line's end has but got '" +
                                 detail::shown({&delimiter, 1}) + "'"));
  check_refused("a,b\n1,2\n", "one column named  but got 0 among a, b in " + path, {.columns = {""}});
  CHECK(list(load(",b\n1,2\n", {.columns = {""}}).values) == std::vector<double>{1});
  CHECK_THROWS_MATCHES(load_csv(path, {.missing = 1e300}), ArgumentError,
                       Message("load_csv: expected a number for .missing that the table can have but got 1e+300"));
  static_assert(!std::is_constructible_v<CsvColumn, char>);
  CHECK_THROWS_MATCHES(load_csv(path, {.skip_lines = -1}), ArgumentError,
                       Message("load_csv: expected skip_lines >= 0 but got -1"));
}

TEST_CASE_METHOD(Fixture, "load_csv reads no column without a name of its own unless it is asked for") {
  const std::string rule = "a name of its own for each column in the first row but got ",
                    hint = "; .columns = {...} chooses columns, .header = false reads numbers there";
  const std::string index = ",a\n0,1\n1,2\n";  // df.to_csv of pandas
  check_refused(index, rule + "none for column 0 of " + path + hint);
  check_refused("a,\t,b\n0,1,2\n", rule + "none for column 1 of " + path + hint);
  check_refused("a,b,\"  \"\n0,1,2\n", rule + "none for column 2 of " + path + hint);
  check_refused("a,b,\n0,x,\n", rule + "none for column 2 of " + path + hint);
  check_refused("a,b, a\n0,1,2\n", rule + "a twice in " + path + hint);
  CHECK(list(load(index, {.columns = {"a"}}).values) == std::vector<double>{1, 2});
  CHECK(list(load(index, {.columns = {1}}).values) == std::vector<double>{1, 2});
  CHECK(list(load(index, {.columns = {0, "a"}}).values) == std::vector<double>{0, 1, 1, 2});
  CHECK(list(load("a,b,a\n1,2,3\n", {.columns = {2, 0}}).values) == std::vector<double>{3, 1});
}

TEST_CASE_METHOD(Fixture, "load_csv does not round whole numbers unless it is asked to") {
  const std::string ids = "id,b\n1700000000,0.1\n1700000001,4\n";
  check_refused<float>(ids,
                       "a whole number that a float holds, or .round = true in the options, but got '1700000001' "
                       "in line 3, column 0 (id) of " +
                           path);
  CHECK(load<float>(ids, {.round = true}).values(1, 0) == 1.7e9f);
  CHECK(load<double>(ids).values(1, 0) == 1700000001.0);
  for (const char* held : {"16777216", "-16777218", "1700000128", "+16777220", "1700000001.0", "1.700000001e9", "1e30"})
    CHECK_NOTHROW(load<float>(std::string("a\n") + held + "\n"));
  for (const char* other : {"16777217", "-16777219", "9223372036854775807", "99999999999999999999"})
    CHECK_THROWS_AS(load<float>(std::string("a\n") + other + "\n"), DataError);
  for (const char* held : {"9007199254740992", "-00123456789012345683968", "1e300"})
    CHECK_NOTHROW(load<double>(std::string("a\n") + held + "\n"));
  for (const char* other : {"-9007199254740993", "123456789012345680000"})
    CHECK_THROWS_AS(load<double>(std::string("a\n") + other + "\n"), DataError);
}

TEST_CASE_METHOD(Fixture, "load_csv reads the same in every locale") {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  bool other = false;
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"})
    other = other || std::setlocale(LC_ALL, name);
  const Table<double> table = load("a\n1.5\n");
  check_refused("a;b\n1;2\n", "a number but got '1;2' in line 2, column 0 (a;b) of " + path +
                                  "; is the .delimiter in the options right?");
  check_refused("a;b\n1,5;2\n", "a number but got '1,5' in line 2, column 0 (a) of " + path, {.delimiter = ';'});
  std::setlocale(LC_ALL, before.c_str());
  CHECK(list(table.values) == std::vector<double>{1.5});
  if (!other) WARN("no locale with decimal commas is installed");
}

TEST_CASE("load_csv reads what pandas reads, to the last bit") {
  const TemporaryDirectory directory;
  const std::string& folder = directory.path();
  const std::string said = run_python(__FILE__, "numpy_tables.py", folder);
  if (said.empty()) return;
  INFO(said);
  const Table<double> table = load_csv<double>(folder + "/table.csv", {.columns = {0, 1, 2, 3, 4, 5}, .round = true});
  const Tensor<double, 2> values = load_npy<double, 2>(folder + "/values.npy");
  CHECK(table.names ==
        std::vector<std::string>{"plain", "with, comma", "with \"quotes\"", "two\nlines", "\xc3\xa9", ""});
  REQUIRE(table.values.shape() == values.shape());
  for (Index i = 0; i < values.size(); ++i) CHECK(table.values.data()[i] == values.data()[i]);

  const Tensor<double, 2> small = load_npy<double, 2>(folder + "/small.npy");
  const Tensor<double, 2> expected = load_npy<double, 2>(folder + "/standardized.npy");
  const Tensor<double, 2> standardized = Standardize(small)(small);
  REQUIRE(standardized.shape() == expected.shape());
  for (Index i = 0; i < expected.size(); ++i)
    CHECK_THAT(standardized.data()[i],
               WithinAbs(expected.data()[i], 1e-11));  // the last mean is 5e5 deviations of rounding
}
