// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <exception>

#include "eigenesis/files/file.hpp"
#include "eigenesis/files/json.hpp"
#include "eigenesis/training/drawn_picture.hpp"

namespace eigenesis::inline EIGENESIS_ABI::detail {

EIGENESIS_ONCE void check_pictures(std::string_view function, const std::vector<DrawnPicture>& pictures) {
  for (const auto& [name, draw] : pictures) {
    require<ArgumentError>(!name.empty() && draw, function,
                           ": expected a name and a function for each picture but got ",
                           name.empty() ? "one without a name" : "no function for ", name);
    require<ArgumentError>(as_utf8(name) == name, function, ": expected names of pictures in UTF-8 but got ",
                           shown(name));
    require<ArgumentError>(std::ranges::count(pictures, name, &DrawnPicture::name) == 1, function,
                           ": expected pictures of different names but got ", name, " twice");
  }
}

EIGENESIS_ONCE bool Drawing::succeeds(TrainingView& now, const std::string& name, const std::function<void()>& draw) {
  std::vector<std::string>& told = failures_[name];
  try {
    draw();
    told.clear();
    return true;
  } catch (const std::exception& error) {
    if (told.size() == 3 || std::ranges::count(told, error.what()) > 0) return false;
    told.emplace_back(error.what());
    now.warn(watcher_ + ": expected to draw " + name + " but got '" + told.back() + "'");
    return false;
  }
}

}  // namespace eigenesis::inline EIGENESIS_ABI::detail
