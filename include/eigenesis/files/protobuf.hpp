// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/json.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

/// A message in the wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding), written field
/// by field; `field` is the field's number in the message's definition.
class ProtobufMessage {
 public:
  ProtobufMessage& number(int field, std::int64_t value) {
    key(field, 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  ProtobufMessage& real(int field, float value) {
    key(field, 5);
    for (int i = 0; i < 4; ++i)
      content_.push_back(static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(value) >> 8 * i));
    return *this;
  }
  ProtobufMessage& real_double(int field, double value) {
    key(field, 1);
    for (int i = 0; i < 8; ++i)
      content_.push_back(static_cast<std::uint8_t>(std::bit_cast<std::uint64_t>(value) >> 8 * i));
    return *this;
  }
  ProtobufMessage& bytes(int field, std::span<const std::uint8_t> value) {
    key(field, 2);
    varint(value.size());
    content_.insert(content_.end(), value.begin(), value.end());
    return *this;
  }
  /// A string, which has to be UTF-8.
  ProtobufMessage& text(int field, std::string_view value) {
    const std::string utf8 = as_utf8(value);
    return bytes(field, {reinterpret_cast<const std::uint8_t*>(utf8.data()), utf8.size()});
  }
  ProtobufMessage& message(int field, const ProtobufMessage& value) { return bytes(field, value.content_); }

  /// The fields of another message, behind those of this one.
  ProtobufMessage& append(const ProtobufMessage& fields) {
    content_.insert(content_.end(), fields.content_.begin(), fields.content_.end());
    return *this;
  }

  const Bytes& content() const { return content_; }

 private:
  void key(int field, int wire_type) {
    varint(static_cast<std::uint64_t>(field) << 3 | static_cast<unsigned>(wire_type));
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) content_.push_back(static_cast<std::uint8_t>(value | 0x80));
    content_.push_back(static_cast<std::uint8_t>(value));
  }

  Bytes content_;
};

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
