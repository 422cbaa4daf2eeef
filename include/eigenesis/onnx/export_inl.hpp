// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/onnx/export.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE void write_onnx(const std::string& path, const OnnxModel& model) {
  const Bytes content = OnnxTranslation(model).file();
  require<ArgumentError>(content.size() <= max_file_bytes, "export_onnx: expected a model of less than 2 GiB but got ",
                         content.size(), " bytes for ", path);
  write_file("export_onnx", path, content);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
