// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

/// A picture of several parts beside each other. The parts are files of their own only until it is saved:
///   Montage montage(lesson.picture());
///   save_chart(montage.part(), ...);
///   save_grid(montage.part("samples"), ...);
///   montage.save();
class Montage {
 public:
  explicit Montage(std::string path) : path_(std::move(path)) {}

  /// Where to save the next part.
  std::string part(std::string title = {}) {
    parts_.push_back({path_ + "." + std::to_string(parts_.size()) + ".png", std::move(title)});
    return parts_.back().path;
  }
  /// In rows of `columns` parts, or all in one row.
  void save(eigenesis::Index columns = 0) const {
    eigenesis::save_montage(path_, parts_, columns);
    for (const eigenesis::MontagePart& part : parts_) std::filesystem::remove(part.path);
  }

 private:
  std::string path_;
  std::vector<eigenesis::MontagePart> parts_;
};
