// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/files/write_file.hpp"
#include "eigenesis/onnx/export.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE void write_onnx(const std::string& path, OnnxModel model, const OnnxNames& names) {
  const auto rename = [](std::vector<std::string>& own, const std::vector<std::string>& given, const char* what) {
    require<ArgumentError>(given.empty() || given.size() == own.size(), "export_onnx: expected as many names of ", what,
                           " as ", what, ", ", own.size(), ", but got ", given.size());
    for (const std::string& name : given)
      require<ArgumentError>(!name.empty() && as_utf8(name) == name, "export_onnx: expected names of ", what,
                             " in UTF-8 that are not empty but got '", shown(name), "'");
    if (!given.empty()) own = given;
  };
  rename(model.inputs, names.inputs, "inputs");
  rename(model.outputs, names.outputs, "outputs");
  for (const SavedField& field : model.fields)
    require<ArgumentError>(as_utf8(field.name) == field.name, "export_onnx: expected names of fields in UTF-8 but got ",
                           shown(field.name));
  const Bytes content = OnnxTranslation(model).file();
  require<ArgumentError>(content.size() <= max_file_bytes, "export_onnx: expected a model of less than 2 GiB but got ",
                         content.size(), " bytes for ", path);
  write_file("export_onnx", path, content);
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
