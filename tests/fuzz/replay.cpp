// SPDX-License-Identifier: MIT
// Runs the fuzz targets without a fuzzer:
//   replay TARGET FILE_OR_FOLDER...   each file once; those whose names begin with "good" must be accepted
//   replay --write-checkpoint FILE    a file that the target checkpoint accepts; one of another version is refused
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "fuzz.hpp"

namespace {

struct Target {
  std::string_view name;
  bool (*run)(fuzz::Span);
};
constexpr Target targets[] {
  {"idx", fuzz::idx}, {"idx_gz", fuzz::idx}, {"png", fuzz::png},
#if defined(EIGENESIS_FUZZ_LIBPNG)
      {"png_as_libpng", fuzz::png_as_libpng},
#endif
      {"jpeg", fuzz::jpeg},
#if defined(EIGENESIS_FUZZ_LIBJPEG)
      {"jpeg_as_libjpeg", fuzz::jpeg_as_libjpeg},
#endif
      {"npy", fuzz::npy}, {"npz", fuzz::npz}, {"csv", fuzz::csv}, {"safetensors", fuzz::safetensors},
      {"checkpoint", fuzz::checkpoint}, {
    "mended", fuzz::mended
  }
};

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 2 && arguments[0] == "--write-checkpoint") {
    fuzz::write_checkpoint(arguments[1]);
    return 0;
  }
  const auto* const target =
      arguments.empty() ? std::end(targets) : std::ranges::find(targets, arguments[0], &Target::name);
  if (arguments.size() < 2 || target == std::end(targets)) {
    std::fprintf(stderr, "replay: expected a target and files but got '%s'\n",
                 arguments.empty() ? "" : arguments[0].c_str());
    return 2;
  }
  std::vector<fs::path> files;
  for (std::size_t i = 1; i < arguments.size(); ++i)
    if (fs::is_directory(arguments[i]))
      std::ranges::copy(fs::directory_iterator(arguments[i]), std::back_inserter(files));
    else
      files.emplace_back(arguments[i]);
  std::ranges::sort(files);
  int accepted = 0, wrong = 0;
  for (const fs::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> content(std::istreambuf_iterator<char>(stream), {});
    // A copy of its own length, so that a sanitizer sees what is read beyond it.
    const std::vector<std::uint8_t> bytes(content.begin(), content.end());
    std::fprintf(stderr, "%s ", file.filename().c_str());  // before it runs: it may end the process
    const bool good = target->run(bytes);
    std::fprintf(stderr, "%s\n", good ? "accepted" : "refused");
    accepted += good;
    if (!good && file.filename().string().starts_with("good")) {
      ++wrong;
      std::fprintf(stderr, "replay: expected %s to be accepted by %s but it was refused\n", file.c_str(),
                   arguments[0].c_str());
    }
  }
  std::fprintf(stderr, "%s: %zu files, %d accepted\n", arguments[0].c_str(), files.size(), accepted);
  return files.empty() || wrong > 0 ? 1 : 0;
}
