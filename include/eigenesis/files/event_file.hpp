// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/file.hpp"

// The event files of TensorBoard. An event is a message of Protocol Buffers (event.proto and summary.proto of
// TensorFlow, tensorflow/core/util and tensorflow/core/framework), whose encoding is short enough to be written by hand
// (https://protobuf.dev/programming-guides/encoding). Events stand in a file as records of TFRecord
// (https://www.tensorflow.org/tutorials/load_data/tfrecord).
namespace eigenesis::inline EIGENESIS_ABI::detail {

/// One number under a tag.
struct EventScalar {
  std::string tag;
  double value;
};
/// One picture under a tag, as the content of a PNG file.
struct EventImage {
  std::string tag;
  Index height, width, channels;
  Bytes png;
};

/// Event{wall_time, file_version: "brain.Event:2"}: the first of a file. Times are seconds since 1970.
Bytes version_event(double time);
/// Event{wall_time, step, session_log: {status: START}}: what earlier files have of this step and later ones is void.
Bytes restart_event(double time, Index step);
/// Event{wall_time, step, summary}, values as floats.
Bytes scalars_event(double time, Index step, std::span<const EventScalar> scalars);
Bytes image_event(double time, Index step, const EventImage& image);

/// Appends a record of TFRecord: length, 8 bytes; masked CRC-32C of these; content; masked CRC-32C of the content.
void append_record(Bytes& file, std::span<const std::uint8_t> content);

}  // namespace eigenesis::inline EIGENESIS_ABI::detail

#if !defined(EIGENESIS_COMPILED)
#include "eigenesis/files/event_file_inl.hpp"
#endif
