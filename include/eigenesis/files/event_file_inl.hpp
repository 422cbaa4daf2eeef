// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/event_file.hpp"
#include "eigenesis/files/protobuf.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE ProtobufMessage begun_event(double time, Index step) {
  ProtobufMessage event;
  event.real_double(1, time);
  if (step != 0) event.number(2, step);
  return event;
}

EIGENESIS_ONCE Bytes version_event(double time) { return begun_event(time, 0).text(3, "brain.Event:2").content(); }

EIGENESIS_ONCE Bytes restart_event(double time, Index step) {
  ProtobufMessage session_log;
  session_log.number(1, 1);  // START
  return begun_event(time, step).message(7, session_log).content();
}

EIGENESIS_ONCE Bytes scalars_event(double time, Index step, std::span<const EventScalar> scalars) {
  ProtobufMessage summary;
  for (const EventScalar& scalar : scalars) {
    ProtobufMessage value;
    value.text(1, scalar.tag).real(2, static_cast<float>(scalar.value));
    summary.message(1, value);
  }
  return begun_event(time, step).message(5, summary).content();
}

EIGENESIS_ONCE Bytes image_event(double time, Index step, const EventImage& image) {
  ProtobufMessage content, value, summary;
  content.number(1, image.height).number(2, image.width).number(3, image.channels);  // 1: grey, 3: colour
  content.bytes(4, image.png);
  value.text(1, image.tag).message(4, content);
  summary.message(1, value);
  return begun_event(time, step).message(5, summary).content();
}

EIGENESIS_ONCE void append_record(Bytes& file, std::span<const std::uint8_t> content) {
  const auto masked_sum = [](std::span<const std::uint8_t> bytes) {
    const std::uint32_t crc = crc32c(bytes);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
  };
  const auto append = [&](std::uint64_t value, int count) {  // the least significant byte first
    for (int i = 0; i < count; ++i) file.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  };
  append(content.size(), 8);
  append(masked_sum(std::span(file).last(8)), 4);
  file.insert(file.end(), content.begin(), content.end());
  append(masked_sum(content), 4);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
