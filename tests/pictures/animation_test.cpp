// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/files/apng.hpp>
#include <eigenesis/pictures/animation.hpp>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

/// A picture whose bytes are those of a formula.
Picture pattern(Index channels, int seed, int colours = 256, Index height = 5, Index width = 7) {
  Picture picture{height, width, channels, {}};
  for (Index i = 0; i < height * width; ++i)
    for (Index c = 0; c < channels; ++c)
      picture.pixels.push_back(static_cast<std::uint8_t>((i * i + 3 * c + seed) % colours + 10 * c));
  return picture;
}

/// Thirty pictures with more than 256 colours together.
std::vector<Picture> many_colours(Index height, Index width) {
  std::vector<Picture> pictures;
  for (int i = 0; i < 30; ++i) {
    Picture& picture = pictures.emplace_back(pattern(3, 11 * i, 250, height, width));
    for (std::size_t k = 0; k < picture.pixels.size(); k += 3)
      picture.pixels[k] = static_cast<std::uint8_t>(k + static_cast<std::size_t>(5 * i));
  }
  return pictures;
}

Bytes in_colour(const Picture& picture) {
  Bytes pixels;
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    pixels.insert(pixels.end(), picture.channels == 1 ? 3 : 1, picture.pixels[i]);
  return pixels;
}

/// The frames of a file, in red, green and blue.
std::vector<Bytes> frames_of(const std::string& path) {
  const detail::Animation animation = detail::decode_apng("test", read_bytes(path), path);
  std::vector<Bytes> frames;
  for (std::size_t i = 0; i < animation.frames.size(); ++i) {
    Bytes& frame = frames.emplace_back();
    for (const std::size_t value : detail::unpack_frame("test", animation, i, path))
      for (std::size_t c = 0; c < 3 && (animation.channels == 1 || c == 0); ++c)
        frame.push_back(animation.palette.empty() ? static_cast<std::uint8_t>(value)
                                                  : animation.palette.at(3 * value + c));
  }
  return frames;
}

}  // namespace

TEST_CASE("save_animation keeps every pixel of every picture, whatever colours there are") {
  const TemporaryDirectory directory;
  const std::string path = directory / "film.png";
  const auto check = [&](const std::vector<Picture>& pictures, int kind) {
    save_animation(path, pictures);
    std::vector<Bytes> expected;
    for (const Picture& picture : pictures) expected.push_back(in_colour(picture));
    CHECK(frames_of(path) == expected);
    CHECK(read_bytes(path).at(25) == kind);  // of IHDR: 0 grey, 2 red, green and blue, 3 a palette
    // What knows PNG only, as load_image, sees the first picture.
    const Tensor<float, 3> first = load_image(path);
    REQUIRE(first.shape() == Shape<3>{5, 7, kind == 0 ? 1 : 3});
    for (std::size_t i = 0; i < static_cast<std::size_t>(first.size()); ++i)
      REQUIRE(std::lround(255 * first.data()[i]) == (kind == 0 ? pictures[0].pixels : expected[0])[i]);
  };
  check({pattern(1, 0)}, 0);
  check({pattern(1, 0), pattern(1, 1), pattern(1, 2)}, 0);
  check({pattern(3, 0, 20), pattern(3, 1, 20), pattern(3, 50, 20), pattern(1, 0, 20)}, 3);
  check({pattern(3, 0, 20), pattern(3, 1)}, 3);
  check(many_colours(5, 7), 2);
  check({pattern(1, 0), pattern(3, 1)}, 2);
  CHECK(directory.file_count() == 1);
}

TEST_CASE("save_animation writes the chunks of an animated PNG") {
  const TemporaryDirectory directory;
  const std::string path = directory / "film.png";
  const auto chunks = [&](const AnimationOptions& options) {
    save_animation(path, {pattern(1, 0), pattern(1, 1), pattern(1, 2)}, options);
    const Bytes file = read_bytes(path);
    std::vector<std::pair<std::string, Bytes>> found;
    for (std::size_t at = 8; at < file.size(); at += 12 + detail::big_endian(&file[at])) {
      const auto content = std::span(file).subspan(at + 4, 4 + detail::big_endian(&file[at]));
      CHECK(detail::big_endian(content.data() + content.size()) == detail::crc32(content));
      found.push_back({std::string(content.begin(), content.begin() + 4), Bytes(content.begin() + 4, content.end())});
    }
    return found;
  };
  const auto film = chunks({.frames_per_second = 25, .loops = 3});
  std::string names;
  for (const auto& [name, content] : film) names += name + " ";
  CHECK(names == "IHDR acTL tEXt fcTL IDAT fcTL fdAT fcTL fdAT IEND ");
  CHECK(film[1].second == Bytes{0, 0, 0, 3, 0, 0, 0, 3});
  CHECK(film[3].second == Bytes{0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 25, 0, 0});
  CHECK(film[5].second[3] == 1);  // the order of fcTL and fdAT chunks
  CHECK(film[6].second[3] == 2);
  CHECK(film[7].second[3] == 3);
  CHECK(film[8].second[3] == 4);
  // Seconds of a frame, as a fraction of 16-bit numbers.
  for (const auto& [rate, delay, unit] : std::vector<std::array<double, 3>>{{0.3, 10, 3},
                                                                            {29.97, 100, 2997},
                                                                            {30000.0 / 1001, 1001, 30000},
                                                                            {23.976, 125, 2997},
                                                                            {0.02, 50, 1},
                                                                            {1000, 1, 1000},
                                                                            {59.94, 50, 2997}}) {
    const auto found = chunks({.frames_per_second = rate})[3].second;
    INFO(rate << " frames per second");
    CHECK(found[20] * 256 + found[21] == delay);
    CHECK(found[22] * 256 + found[23] == unit);
  }
  // pi is no such fraction; 355 / 113 is within 8.5e-8 of it.
  const auto pi = chunks({.frames_per_second = 3.14159265358979})[3].second;
  const double delay = pi[20] * 256 + pi[21], unit = pi[22] * 256 + pi[23];
  CHECK_THAT(unit / delay, WithinRel(3.14159265358979, 8.5e-8));
}

TEST_CASE("save_animation names wrong pictures and options") {
  const auto options = [](const std::string& got) {
    return Message("save_animation: expected frames_per_second in [0.02, 1000] and loops in [0, 2^31 - 1] but got " +
                   got);
  };
  CHECK_THROWS_MATCHES(save_animation("a.gif", {pattern(1, 0)}), ArgumentError,
                       Message("save_animation: expected a file name that ends in .png but got a.gif"));
  CHECK_THROWS_MATCHES(save_animation("a.png", {}), ArgumentError,
                       Message("save_animation: expected pictures but got none"));
  CHECK_THROWS_MATCHES(save_animation("a.png", {pattern(1, 0), pattern(1, 0, 256, 5, 6)}), ShapeError,
                       Message("save_animation: expected pictures of one size, 5 x 7, but got one of 5 x 6"));
  CHECK_THROWS_MATCHES(save_animation("a.png", {pattern(1, 0)}, {.frames_per_second = 0}), ArgumentError,
                       options("0 and 0"));
  CHECK_THROWS_MATCHES(save_animation("a.png", {pattern(1, 0)}, {.frames_per_second = NAN}), ArgumentError,
                       options("nan and 0"));
  CHECK_THROWS_MATCHES(save_animation("a.png", {pattern(1, 0)}, {.loops = -1}), ArgumentError, options("10 and -1"));
}

TEST_CASE("An animation that is damaged at any byte is refused or has the same pixels") {
  const TemporaryDirectory directory;
  const std::string path = directory / "film.png";
  save_animation(path, {pattern(3, 0, 20), pattern(3, 1, 20)});
  const Bytes file = read_bytes(path);
  for (std::size_t i = 0; i < file.size(); ++i) {
    Bytes damaged = file;
    damaged[i] ^= 0x41;
    CHECK_THROWS_AS(detail::decode_apng("test", damaged, path), DataError);
    damaged = Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK_THROWS_AS(detail::decode_apng("test", damaged, path), DataError);
  }
}

// For tests/pictures/animation_reader.py, into the folder that EIGENESIS_WRITE_ANIMATION names.
TEST_CASE("Animations for another reader are written", "[.animation]") {
  const char* const given = std::getenv("EIGENESIS_WRITE_ANIMATION");
  REQUIRE(given != nullptr);
  const std::string folder = given;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto write = [&](const std::string& name, const std::vector<Picture>& pictures, AnimationOptions options) {
    save_animation(folder + "/" + name + ".png", pictures, options);
    for (std::size_t i = 0; i < pictures.size(); ++i)
      save_png(folder + "/" + name + "_" + std::to_string(i) + ".png", pictures[i]);
  };
  write("grey", {pattern(1, 0), pattern(1, 1), pattern(1, 2)}, {.frames_per_second = 25, .loops = 3});
  write("palette", {pattern(3, 0, 20), pattern(3, 90, 20), pattern(1, 0, 20)}, {.frames_per_second = 0.5});
  write("colour", many_colours(20, 20), {});
}
