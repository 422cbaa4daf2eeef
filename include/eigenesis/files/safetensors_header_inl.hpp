// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/json.hpp"
#include "eigenesis/files/safetensors_header.hpp"
#include "eigenesis/files/text_cursor.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE std::string to_json(const StoredTensor& tensor) {
  return "{\"dtype\": " + json_string(facts(tensor.type).name) + ", \"shape\": " + to_string(ShapeView{tensor.shape}) +
         ", \"data_offsets\": " + to_string(ShapeView{tensor.offsets}) + "}";
}

/// Reads headers; refuses any JSON that is not one. Names and keys must not come twice.
class HeaderReader : TextCursor {
 public:
  HeaderReader(std::string_view text, const std::string& path) : TextCursor(text), path_(path) {}

  [[gnu::cold]] StoredTensors read() {
    StoredTensors tensors;
    for_each_member([&](const std::string& name) {
      require_fact(!tensors.contains(name), "each name once but got ", shown(name), " twice");
      StoredTensor& tensor = tensors[name];
      if (name == "__metadata__")
        read_metadata();
      else
        tensor = read_tensor(name);
    });
    require_here(at_ == text_.size(), "the end");
    tensors.erase("__metadata__");
    return tensors;
  }

 private:
  [[gnu::cold]] void read_metadata() {
    std::set<std::string> keys;
    for_each_member([&](const std::string& key) {
      require_fact(keys.insert(key).second, "each key of __metadata__ once but got ", shown(key), " twice");
      string();
    });
  }
  [[gnu::cold]] StoredTensor read_tensor(const std::string& name) {
    StoredTensor tensor;
    std::array<bool, 3> found{};
    static constexpr std::array<std::string_view, 3> keys{"dtype", "shape", "data_offsets"};
    for_each_member([&](const std::string& key) {
      const auto i = static_cast<std::size_t>(std::find(keys.begin(), keys.end(), key) - keys.begin());
      require_fact(i < keys.size() && !std::exchange(found[i], true), "dtype, shape and data_offsets, each once, of ",
                   shown(name), " but got ", shown(key));
      if (key == "dtype") {
        tensor.type = data_type(name, string());
      } else if (key == "shape") {
        tensor.shape = numbers();
      } else {
        const std::vector<Index> offsets = numbers();
        require_fact(offsets.size() == 2, "two data_offsets of ", shown(name), " but got ", ShapeView{offsets});
        tensor.offsets = {offsets[0], offsets[1]};
      }
    });
    for (std::size_t i = 0; i < keys.size(); ++i)
      require_fact(found[i], "dtype, shape and data_offsets of ", shown(name), " but got no ", keys[i]);
    return tensor;
  }

  /// PyTorch's BatchNorm counts its batches in 64-bit integers. Nothing else may be of such.
  [[gnu::cold]] DataType data_type(const std::string& name, const std::string& type) const {
    const bool counter = name == "num_batches_tracked" || name.ends_with(".num_batches_tracked");
    std::size_t i = 0;
    while (i < data_types.size() && data_types[i].name != type) ++i;
    require_fact(i < data_types.size() && (counter || type != "I64"), "numbers of type F64, F32, F16, BF16 or U64 for ",
                 shown(name), " but got ", shown(type));
    return static_cast<DataType>(i);
  }

  // What follows reads JSON. Each begins where the text stands and skips the white space behind what it has read.

  template <class F>
  [[gnu::cold]] void for_each_member(F&& f) {
    expect('{');
    if (accept('}')) return;
    do {
      const std::string key = string();
      expect(':');
      f(key);
    } while (accept(','));
    expect('}');
  }

  [[gnu::cold]] std::vector<Index> numbers() {
    std::vector<Index> result;
    expect('[');
    if (accept(']')) return result;
    do {
      result.push_back(number());
      require_here(result.size() <= 64, "at most 64 numbers");
    } while (accept(','));
    expect(']');
    return result;
  }

  [[gnu::cold]] Index number() {
    const char *const first = text_.data() + at_, *const last = text_.data() + text_.size();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(first, last, value);
    require_here(end != first && (*first != '0' || end == first + 1), "a whole number");
    require_here(error == std::errc() && value <= PTRDIFF_MAX, "a number below 2^63");
    at_ += static_cast<std::size_t>(end - first);
    skip_space();
    return static_cast<Index>(value);
  }

  [[gnu::cold]] std::string string() {
    std::string result;
    require_here(next_is('"'), "a string");
    for (++at_; !next_is('"');) {
      require_here(at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x20, "a character of a string");
      if (text_[at_] == '\\') {
        append_escaped(result);
        continue;
      }
      const int length = utf8_length(text_.substr(at_));
      require_here(length > 0, "a character in UTF-8");
      result += text_.substr(at_, static_cast<std::size_t>(length));
      at_ += static_cast<std::size_t>(length);
    }
    ++at_;
    skip_space();
    return result;
  }

  [[gnu::cold]] void append_escaped(std::string& to) {
    static constexpr std::string_view names = "\"\\/bfnrt", characters = "\"\\/\b\f\n\r\t";
    ++at_;
    const std::size_t i = at_ < text_.size() ? names.find(text_[at_]) : names.npos;
    if (i != names.npos) {
      to += characters[i];
      ++at_;
      return;
    }
    unsigned code = hexadecimal();
    bool whole = (code & 0xf800) != 0xd800;
    if ((code & 0xfc00) == 0xd800 && next_is('\\')) {  // the first half of a character beyond 16 bits
      ++at_;
      const unsigned second = hexadecimal();
      whole = (second & 0xfc00) == 0xdc00;
      code = 0x10000 + ((code & 0x3ff) << 10) + (second & 0x3ff);
    }
    require_fact(whole, "escapes of whole characters but got half of one");
    append_utf8(to, code);
  }

  /// Four digits behind a u.
  [[gnu::cold]] unsigned hexadecimal() {
    require_here(next_is('u'), "an escaped character");
    unsigned code = 0;
    const std::string_view digits = text_.substr(++at_, 4);
    const char* const end = digits.data() + digits.size();
    require_here(digits.size() == 4 && std::from_chars(digits.data(), end, code, 16).ptr == end,
                 "four hexadecimal digits");
    at_ += 4;
    return code;
  }

  static void append_utf8(std::string& to, unsigned code) {
    const auto byte = [&](unsigned value) { to += static_cast<char>(value); };
    if (code < 0x80) return byte(code);
    if (code < 0x800) {
      byte(0xc0 | code >> 6);
    } else {
      if (code < 0x10000) {
        byte(0xe0 | code >> 12);
      } else {
        byte(0xf0 | code >> 18);
        byte(0x80 | (code >> 12 & 0x3f));
      }
      byte(0x80 | (code >> 6 & 0x3f));
    }
    byte(0x80 | (code & 0x3f));
  }

  void expect(char c) { require_here(accept(c), std::string{'\'', c, '\''}); }

  void require_here(bool condition, std::string_view rule) const {
    if (condition) return;
    std::string fact = "its end";
    if (at_ < text_.size()) {
      const char c = text_[at_];
      fact = c > 0x20 && c < 0x7f ? std::string{'\'', c, '\''} : "byte " + text(static_cast<unsigned char>(c));
    }
    fail<DataError>("load_safetensors: expected ", rule, " at byte ", at_, " of the header but got ", fact, " in ",
                    path_);
  }
  template <class... Parts>
  void require_fact(bool condition, const Parts&... parts) const {
    require<DataError>(condition, "load_safetensors: expected ", parts..., " in ", path_);
  }

  const std::string& path_;
};

/// Checks that the data of each tensor are as long as its shape says, and that together they fill `size` bytes.
[[gnu::cold]] EIGENESIS_ONCE void check_extents(const StoredTensors& tensors, Index size, const std::string& path) {
  std::vector<const StoredTensors::value_type*> in_order;
  for (const auto& named : tensors) {
    const StoredTensor& tensor = named.second;
    Index bytes = facts(tensor.type).bytes;
    bool fits = true;
    for (const Index s : tensor.shape) fits = !__builtin_mul_overflow(bytes, s, &bytes) && fits;
    require<DataError>(fits && tensor.offsets[0] <= tensor.offsets[1] && tensor.offsets[1] - tensor.offsets[0] == bytes,
                       "load_safetensors: expected data_offsets of ", shown(named.first), " that hold ",
                       facts(tensor.type).name, " ", ShapeView{tensor.shape}, " but got ", ShapeView{tensor.offsets},
                       " in ", path);
    in_order.push_back(&named);
  }
  std::sort(in_order.begin(), in_order.end(),
            [](const auto* a, const auto* b) { return a->second.offsets < b->second.offsets; });
  Index end = 0;
  for (const auto* named : in_order) {
    require<DataError>(named->second.offsets[0] == end, "load_safetensors: expected the data of ", shown(named->first),
                       " to begin at ", end, ", where those before end, but got ", named->second.offsets[0], " in ",
                       path);
    end = named->second.offsets[1];
  }
  require<DataError>(end == size, "load_safetensors: expected ", end, " bytes of data, as the header says, but got ",
                     size, " in ", path);
}

EIGENESIS_ONCE StoredTensors read_safetensors_header(std::string_view text, Index size, const std::string& path) {
  StoredTensors tensors = HeaderReader(text, path).read();
  check_extents(tensors, size, path);
  return tensors;
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
