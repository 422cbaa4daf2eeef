// SPDX-License-Identifier: MIT
#pragma once

#include "eigenesis/data/npz.hpp"
#include "eigenesis/files/write_file.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

EIGENESIS_ONCE Npz::Npz(std::string path, detail::Bytes file)
    : path_(std::move(path)), file_(std::move(file)), members_(detail::read_zip("load_npz", file_, path_)) {
  for (detail::ZipMember& member : members_) {
    require<DataError>(member.name.ends_with(".npy"), "load_npz: expected arrays, whose names end in .npy, but got ",
                       detail::shown(member.name), " in ", path_);
    member.name.resize(member.name.size() - 4);
  }
}

EIGENESIS_ONCE std::vector<std::string> Npz::names() const {
  std::vector<std::string> result;
  for (const detail::ZipMember& member : members_) result.push_back(member.name);
  return result;
}

EIGENESIS_ONCE const detail::ZipMember* Npz::find(std::string_view name) const {
  for (const detail::ZipMember& member : members_)
    if (member.name == name) return &member;
  return nullptr;
}

EIGENESIS_ONCE detail::Bytes Npz::array(std::string_view function, std::string_view name) const {
  const detail::ZipMember* const member = find(name);
  if (member == nullptr) {
    std::string all;
    for (const detail::ZipMember& other : members_) all += (all.empty() ? "" : ", ") + detail::shown(other.name);
    if (all.size() > 200) all = all.substr(0, 200) + "...";
    detail::fail<DataError>(function, ": expected one of the names ", all, " but got ", detail::shown(name), " for ",
                            path_);
  }
  // What the array's own header says decides how much memory its content may take.
  const detail::Bytes beginning = detail::zip_beginning(function, file_, *member, detail::max_npy_header, path_);
  const detail::NpyHeader header = detail::read_npy_header(function, beginning, place(name));
  return detail::zip_content(function, file_, *member, header.end, path_);
}

EIGENESIS_ONCE Npz load_npz(const std::string& path) { return Npz(path, detail::read_file("load_npz", path)); }

EIGENESIS_ONCE void save_npz(const std::string& path, const std::vector<NamedArray>& arrays) {
  require<ArgumentError>(path.ends_with(".npz"), "save_npz: expected a name that ends in .npz but got ", path);
  std::vector<detail::ZipContent> members;
  for (const NamedArray& named : arrays) {
    require<ArgumentError>(!named.name.empty(), "save_npz: expected names but got an empty one");
    members.push_back({named.name + ".npy", detail::npy_file(named.array)});
  }
  detail::write_file("save_npz", path, detail::zip_file("save_npz", members));
}

}  // namespace eigenesis::inline EIGENESIS_ABI
