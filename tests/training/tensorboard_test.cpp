// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/files/event_file.hpp>
#include <eigenesis/training/watchers.hpp>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

namespace {

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

/// The events in a file, in hexadecimal digits; ends where a record is not whole or has another sum than its content.
std::vector<std::string> events_of(const std::string& path) {
  const Bytes file = read_bytes(path);
  std::vector<std::string> events;
  for (std::size_t at = 0; at + 16 <= file.size();) {
    const std::size_t size = detail::little_endian(&file[at]);
    if (at + 16 + size > file.size()) break;
    const std::span content = std::span(file).subspan(at + 12, size);
    Bytes record;
    detail::append_record(record, content);
    if (!std::equal(record.begin(), record.end(), file.begin() + static_cast<std::ptrdiff_t>(at))) break;
    events.push_back(hex(content));
    at += record.size();
  }
  return events;
}
/// How many of the events contain the tag.
std::ptrdiff_t count_tag(const std::vector<std::string>& events, const std::string& tag) {
  const std::string digits = hex({reinterpret_cast<const std::uint8_t*>(tag.data()), tag.size()});
  return std::ranges::count_if(events, [&](const std::string& e) { return e.find(digits) != std::string::npos; });
}

/// The i-th event file of a folder, or its name where there is none.
std::string event_file(const std::string& folder, int i) {
  const std::string name = "events.out.tfevents.000000000" + std::to_string(i) + ".t";
  if (std::filesystem::exists(folder))
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (const std::string found = entry.path().filename().string(); found.starts_with(name) && found.size() == 40)
        return entry.path().string();
  return folder + "/" + name;
}

struct Killed {};
/// Six steps in two epochs, with held-out data; stopped after a step, or killed in one.
FitHistory<VaeLosses> train(std::vector<WatcherRef> watch, const std::string& checkpoint = "", Index stop_after = -1,
                            Index killed_in = -1) {
  Rng rng(3);
  Vae vae{Encoder{Linear(4, 3, rng), Linear(3, 2, rng), Linear(3, 2, rng)},
          Decoder{Linear(2, 4, rng), BernoulliLikelihood{}}, StandardNormal(2)};
  VaeTrainer trainer{vae};
  const Tensor<float, 2> data(Shape{12, 4}, 0.5f);
  Rng seed(5);
  return trainer.fit(
      data, data,
      {.epochs = 2,
       .batch_size = 4,
       .on_step =
           [&](auto& now) {
             now.stop = now.step == stop_after;
             if (now.step == killed_in) throw Killed{};
           },
       .checkpoint = checkpoint.empty() ? std::nullopt : std::optional(Checkpoint{.path = checkpoint, .every = 2}),
       .watch = std::move(watch)},
      seed);
}

/// Two pixels, grey and coloured, that tell how often they were drawn.
struct Drawn {
  int times = 0;
  DrawnPicture grey() {
    return {"grey", [this] { return Picture{1, 2, 1, {7, static_cast<std::uint8_t>(++times)}}; }};
  }
};

}  // namespace

TEST_CASE("CRC-32C has the check value of its catalogue entry") {
  const std::string_view digits = "123456789";
  CHECK(hex(std::array{static_cast<std::uint8_t>(
            detail::crc32c({reinterpret_cast<const std::uint8_t*>(digits.data()), digits.size()}) >> 24)}) == "e3");
  CHECK(detail::crc32c({reinterpret_cast<const std::uint8_t*>(digits.data()), digits.size()}) == 0xe3069283);
  CHECK(detail::crc32c(Bytes(32, 0)) == 0x8a9136aa);  // RFC 3720, B.4
}

// The bytes are those that the protobuf classes of the tensorboard package write.
TEST_CASE("Events have the bytes of Protocol Buffers, records those of TFRecord", "[training]") {
  const Bytes version = detail::version_event(1.5);
  CHECK(hex(version) == "09000000000000f83f1a0d627261696e2e4576656e743a32");
  CHECK(hex(detail::restart_event(1.5, 301)) == "09000000000000f83f10ad023a020801");
  CHECK(hex(detail::scalars_event(1700000000.25, 300,
                                  std::vector<detail::EventScalar>{{"step/loss", 0.1}, {"learning_rate/VAE", 2e-3}})) ==
        "0900001040fc54d94110ac022a2c0a100a09737465702f6c6f737315cdcccc3d0a180a116c6561726e696e675f726174652f5641451"
        "56f12033b");
  Bytes png(200);
  for (std::size_t i = 0; i < 200; ++i) png[i] = static_cast<std::uint8_t>(i);
  CHECK(hex(detail::image_event(2, 7, {"samples", 300, 2, 3, png})) ==
        "09000000000000004010072ae1010ade010a0773616d706c657322d20108ac021002180322c801" + hex(png));
  Bytes record;
  detail::append_record(record, version);
  CHECK(hex(record) == "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c");
}

TEST_CASE("TensorBoard writes curves and pictures of a training to a folder that it makes", "[training]") {
  const TemporaryDirectory directory;
  const std::string folder = directory / "logs/run1";
  Drawn drawn;
  const auto with = train({TensorBoard{folder, {.every = 2, .pictures = {drawn.grey()}}}});
  const std::vector<std::string> events = events_of(event_file(folder, 1));
  // Version, start, three steps, and of each epoch numbers and a picture.
  REQUIRE(events.size() == 2 + 3 + 2 * 2);
  CHECK(count_tag({events[0]}, "brain.Event:2") == 1);
  CHECK(events[1].substr(18) == "10013a020801");  // step 1, START
  CHECK(count_tag(events, "step/KL") == 3);
  CHECK(count_tag(events, "gradient_norm") == 3);
  CHECK(count_tag(events, "learning_rate") == 3);
  CHECK(count_tag(events, "epoch/loss") == 2);
  CHECK(count_tag(events, "held_out/loss") == 2);
  CHECK(count_tag(events, "grey") == 2);
  const std::string first = hex(detail::png_file("", {1, 2, 1, {7, 1}})),
                    second = hex(detail::png_file("", {1, 2, 1, {7, 2}}));
  CHECK(events[4].find(first) != std::string::npos);
  CHECK(events[8].find(second) != std::string::npos);

  const auto without = train({});
  for (std::size_t i = 0; i < 6; ++i) CHECK(with.steps[i].loss == without.steps[i].loss);

  const std::string other = directory / "logs/run2/";
  train({TensorBoard{other, {.every = 0, .pictures = {drawn.grey()}, .pictures_every = 3}}});
  CHECK(events_of(event_file(other, 1)).size() == 2 + 4);  // one picture at the end of an epoch, not two
  CHECK(drawn.times == 4);
}

TEST_CASE("A training that goes on writes a further event file, which says where it begins", "[training]") {
  const TemporaryDirectory directory;
  const std::string folder = directory / "run", checkpoint = directory / "run.ckpt";
  train({TensorBoard{folder}}, checkpoint, 4);
  const Bytes of_four = read_bytes(checkpoint);
  train({TensorBoard{folder}}, checkpoint, 5);
  write_bytes(checkpoint, of_four);  // what step 5 wrote is void
  train({TensorBoard{folder}}, checkpoint);
  const auto starts = [&](int i) { return events_of(event_file(folder, i)).at(1).substr(18); };
  CHECK(starts(1) == "10013a020801");
  CHECK(starts(2) == "10053a020801");
  CHECK(starts(3) == "10053a020801");
  CHECK(count_tag(events_of(event_file(folder, 1)), "step/loss") == 4);
  CHECK(count_tag(events_of(event_file(folder, 2)), "step/loss") == 1);
  CHECK(count_tag(events_of(event_file(folder, 3)), "step/loss") == 2);
  CHECK(count_tag(events_of(event_file(folder, 3)), "epoch/loss") == 1);
  std::ptrdiff_t epochs = 0;
  for (int i = 1; i <= 3; ++i) epochs += count_tag(events_of(event_file(folder, i)), "held_out/loss");
  CHECK(epochs == 2);                        // as of a training that was never stopped
  train({TensorBoard{folder}}, checkpoint);  // it is over, and nothing is added
  CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 3);
}

TEST_CASE("TensorBoard has metrics, no parts of epochs, and no picture that cannot be drawn", "[training]") {
  const TemporaryDirectory directory;
  const std::string folder = directory / "run";
  struct Warnings : Watcher {
    std::vector<std::string> sentences;
    void warning(TrainingView&, std::string_view sentence) override { sentences.emplace_back(sentence); }
  } warnings;
  Drawn drawn;
  const DrawnPicture broken{"broken", []() -> Picture { throw std::runtime_error("no paint"); }};
  const auto history = train({TensorBoard{folder, {.pictures = {broken, drawn.grey()}}}, &warnings,
                              Metric{"FID", [] { return 7.0; }, {.every = 2}}},
                             "", 4);
  CHECK(history.steps.size() == 4);
  const std::vector<std::string> events = events_of(event_file(folder, 1));
  CHECK(count_tag(events, "FID") == 2);
  CHECK(count_tag(events, "epoch/loss") == 1);  // step 4 is the first of epoch 2
  CHECK(count_tag(events, "held_out/loss") == 1);
  CHECK(count_tag(events, "grey") == 2);
  CHECK(warnings.sentences ==
        std::vector<std::string>{"TensorBoard: expected to draw the picture broken but got 'no paint'"});
}

TEST_CASE("Events are in the file before a checkpoint is", "[training]") {
  const TemporaryDirectory directory;
  struct Looks : Watcher {  // after TensorBoard, before the checkpoint is written
    std::string folder;
    std::vector<std::ptrdiff_t> found;
    void save(TrainingView&) override { found.push_back(count_tag(events_of(event_file(folder, 1)), "step/loss")); }
  } looks;
  looks.folder = directory / "run";
  train({TensorBoard{directory / "run"}, &looks}, directory / "run.ckpt");
  CHECK(looks.found == std::vector<std::ptrdiff_t>{0, 2, 3, 4, 6});
}

TEST_CASE("TensorBoard refuses folders and options that do not fit", "[training]") {
  const TemporaryDirectory directory;
  const std::string folder = directory / "run", checkpoint = directory / "run.ckpt";
  const auto message = [](auto&& f) {
    try {
      f();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  train({TensorBoard{folder}}, checkpoint, 3);
  const Bytes before = read_bytes(event_file(folder, 1));
  const std::string id = event_file(folder, 1).substr((folder + "/events.out.tfevents.0000000001.t").size());
  CHECK(id.size() == 8);
  CHECK(message([&] { train({TensorBoard{folder}}); }) ==
        "TensorBoard: expected a folder without event files for a training that begins but got "
        "events.out.tfevents.0000000001.t" +
            id + " in " + folder + "; give it another folder, or remove the file");
  CHECK(read_bytes(event_file(folder, 1)) == before);
  CHECK(message([&] {
          train({TensorBoard{folder}, TensorBoard{folder}}, checkpoint);
        }) ==
        "VaeTrainer::fit: expected another file for each watcher and the checkpoint but got " + folder + " twice");
  struct Other : Watcher {
    std::string folder, said;
    void end(TrainingView&) override {
      try {
        train({TensorBoard{folder}});
      } catch (const Error& error) {
        said = error.what();
      }
    }
  } other;
  other.folder = directory / "of_two";
  train({&other, TensorBoard{other.folder}});
  CHECK(other.said ==
        "TensorBoard: expected a folder for this training only but another one is writing to " + other.folder);
  write_bytes(folder + "/events.out.tfevents.1700000000.host", {});
  CHECK(message([&] { train({TensorBoard{folder}}, checkpoint); }) ==
        "TensorBoard: expected event files of this training, which end in .t" + id +
            ", but got events.out.tfevents.1700000000.host in " + folder +
            "; give it another folder, or remove the file");
  const std::string other_training = directory / "other", name = "events.out.tfevents.0000000001.t00000001";
  std::filesystem::create_directory(other_training);
  write_bytes(other_training + "/" + name, {});
  CHECK(message([&] { train({TensorBoard{other_training}}, checkpoint); }) ==
        "TensorBoard: expected event files of this training, which end in .t" + id + ", but got " + name + " in " +
            other_training + "; give it another folder, or remove the file");
  for (const std::string own : {"step/", "epoch/", "held_out/", "learning_rate/", "gradient_norm/"})
    for (const std::string& metric : {own + "loss", own.substr(0, own.size() - 1)})
      CHECK(message([&] {
              train({TensorBoard{directory / "none"}, Metric{metric, [] { return 1.0; }}});
            }) == "TensorBoard: expected a metric whose name does not begin like its own curves, " + own +
                      ", but got " + metric);
  CHECK_FALSE(std::filesystem::exists(directory / "none"));
  write_bytes(directory / "file", {});
  CHECK(message([&] { train({TensorBoard{directory / "file"}}); }) ==
        "TensorBoard: expected a folder but got 'Not a directory' for " + directory / "file");
  CHECK(message([&] { train({TensorBoard{directory / "file/run"}}); }) ==
        "TensorBoard: expected a folder that can be made but got 'Not a directory' for " + directory / "file/run");
  CHECK(message([&] { TensorBoard(""); }) == "TensorBoard: expected the name of a folder but got none");
  CHECK(message([&] { TensorBoard("run", {.every = -1}); }) ==
        "TensorBoard: expected every >= 0 and pictures_every >= 0 but got -1 and 0");
  Drawn drawn;
  CHECK(message([&] {
          TensorBoard("run", {.pictures = {drawn.grey(), drawn.grey()}});
        }) == "TensorBoard: expected pictures of different names but got grey twice");
  CHECK(message([&] {
          TensorBoard("run", {.pictures = {{"grey", {}}}});
        }) == "TensorBoard: expected a name and a function for each picture but got no function for grey");
  CHECK(message([&] {
          TensorBoard("run", {.pictures = {{"", drawn.grey().draw}}});
        }) == "TensorBoard: expected a name and a function for each picture but got one without a name");
}

// For tests/training/tensorboard_reader.py, into the folder that EIGENESIS_WRITE_TENSORBOARD names.
TEST_CASE("Files for the reader of TensorBoard are written", "[.tensorboard]") {
  const char* const given = std::getenv("EIGENESIS_WRITE_TENSORBOARD");
  REQUIRE(given != nullptr);
  const std::string folder = given, run = folder + "/run", checkpoint = folder + "/run.ckpt";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  Drawn drawn;
  int colour = 0;
  const auto watch = [&] {
    const DrawnPicture coloured{"coloured", [&] {
                                  Picture picture{20, 30, 3, {}};
                                  for (int i = 0; i < 1800; ++i)
                                    picture.pixels.push_back(static_cast<std::uint8_t>(i * i + colour));
                                  ++colour;
                                  return picture;
                                }};
    return std::vector<WatcherRef>{TensorBoard{run, {.pictures = {drawn.grey(), coloured}}}, Log{folder + "/run.csv"},
                                   Metric{"FID", [] { return 0.1; }, {.every = 2}}};
  };
  CHECK_THROWS_AS(train(watch(), checkpoint, -1, 3), Killed);
  const Bytes of_two = read_bytes(checkpoint), log_of_two = read_bytes(folder + "/run.csv");
  CHECK_THROWS_AS(train(watch(), checkpoint, -1, 6), Killed);  // while it wrote an event, before its checkpoints
  Bytes events = read_bytes(event_file(run, 2));
  events.resize(events.size() - 5);
  write_bytes(event_file(run, 2), events);
  write_bytes(checkpoint, of_two);
  write_bytes(folder + "/run.csv", log_of_two);
  train(watch(), checkpoint);
}
