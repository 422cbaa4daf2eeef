// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/files/json.hpp>
#include <eigenesis/files/protobuf.hpp>

#include "catch.hpp"
#include "files.hpp"
#include "locale.hpp"

using namespace eigenesis;

namespace {

/// "XXA": what is no character as an X.
std::string marked(const std::string& text) {
  std::string result = detail::as_utf8(text);
  for (std::size_t at; (at = result.find("\xef\xbf\xbd")) != std::string::npos;) result.replace(at, 3, "X");
  return result;
}

struct Named {
  Parameter<float, 1> weight = Tensor<float, 1>(Shape{1}, 1.0f);
  static void fields(auto& self, auto&& field) { field("w\xff", self.weight); }
};

}  // namespace

TEST_CASE("Text that is no UTF-8 is marked where it is none") {
  // The Unicode Standard 15, section 3.9, tables 3-8 to 3-11.
  CHECK(marked("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
               "A") == "XXXXXXXXA");
  CHECK(marked("\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
               "A") == "XXXXXXXXA");
  CHECK(marked("\xf4\x91\x92\x93\xff"
               "A\x80\xbf"
               "B") == "XXXXXAXXB");
  CHECK(marked("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
               "A") == "XXXXA");
  // The first and last characters of each length.
  for (const std::string good :
       {"", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xc3\xa9t\xc3\xa9 \xe2\x82\xac"})
    CHECK(detail::as_utf8(good) == good);
  CHECK(marked("a\xff") == "aX");
  CHECK(marked("\xe2\x82") == "X");
  CHECK(marked("\xf5\x80") == "XX");
}

TEST_CASE("JSON strings are JSON, whatever the text is") {
  CHECK(detail::json_string("a\"\\\n\x01\x1f/") == R"("a\"\\\u000a\u0001\u001f/")");
  CHECK(detail::json_string(std::string_view("\0", 1)) == R"("\u0000")");
  CHECK(detail::json_string("\xc3\xa9\xff") == "\"\xc3\xa9\xef\xbf\xbd\"");
  const Bytes message = detail::ProtobufMessage().text(1, "a\xff").content();
  CHECK(message == Bytes{0x0a, 4, 'a', 0xef, 0xbf, 0xbd});
}

TEST_CASE("JSON numbers are the same in every locale") {
  const auto check = [] {
    CHECK(detail::json_number(0.1) == "0.1");
    CHECK(detail::json_number(-1e300) == "-1e+300");
    CHECK(detail::json_number(1.0 / 3) == "0.3333333333333333");
    CHECK(detail::json_number(1.0 / 3, 7) == "0.3333333");
    CHECK(detail::json_number(1234567.9, 12) == "1234567.9");
    CHECK(detail::json_number(2, 12) == "2");
    CHECK(detail::json_number(NAN) == "null");
    CHECK(detail::json_number(-INFINITY, 12) == "null");
  };
  check();
  const CommaLocale comma;
  check();
}

TEST_CASE("Names that are no UTF-8 are in no safetensors file") {
  const TemporaryDirectory folder;
  CHECK_THROWS_MATCHES(save_safetensors(folder / "a.safetensors", Named{}), ArgumentError,
                       Catch::Matchers::Message("save_safetensors: expected names of fields in UTF-8 but got w\\xff"));
  CHECK(folder.file_count() == 0);
}
