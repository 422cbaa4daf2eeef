// SPDX-License-Identifier: MIT
#include <eigenesis/eigenesis.hpp>
#include <eigenesis/training/report.hpp>
#include <eigenesis/training/report_curves.hpp>
#include <eigenesis/training/watchers.hpp>
#include <numeric>

#include "catch.hpp"
#include "files.hpp"
#include "locale.hpp"

using namespace eigenesis;
using Catch::Matchers::Contains;
using Catch::Matchers::Message;

namespace {

std::string text_of(const std::string& path) {
  const Bytes bytes = read_bytes(path);
  return {bytes.begin(), bytes.end()};
}
void write_text(const std::string& path, const std::string& text) {
  write_bytes(path, Bytes(text.begin(), text.end()));
}
std::size_t count_of(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}
/// What stands between two words, the first one after the word `behind`.
std::string between(const std::string& text, const std::string& behind, const std::string& first,
                    const std::string& last) {
  const std::size_t begin = text.find(first, text.find(behind)) + first.size();
  return text.substr(begin, text.find(last, begin) - begin);
}
/// The lines of pictures (p) or warnings (w).
std::vector<std::string> kept(const std::string& page, char kind) {
  std::vector<std::string> lines;
  std::string line;
  for (const char c : between(page, "id=\"kept\"", "\n", "</script>"))
    if (c != '\n') {
      line += c;
    } else {
      if (line[0] == kind) lines.push_back(line);
      line.clear();
    }
  return lines;
}
Index step_of(const std::string& line) { return std::stol(line.substr(2)); }

const Picture grey_picture{2, 2, 1, {0, 80, 160, 255}};

/// Loss 10, 20, ... in steps 1, 2, ...; fails in one of them.
struct CountingTrainer {
  Tensor<double, 0> steps = Tensor<double, 0>(Shape{}, 0);
  Index fail_in = -1;
  Loss step(const Tensor<float, 2>&, Rng&) {
    const double now = steps.data()[0] += 1;
    if (static_cast<Index>(now) == fail_in) throw NumericError("failed as it should");
    return {10 * now};
  }
  Loss evaluate(const Tensor<float, 2>&, Rng&) const { return {-steps.data()[0]}; }
  static void fields(auto& self, auto&& field) { field("steps", self.steps); }
};

const Tensor<float, 2> four_samples(Shape{4, 1}, 0.0f);

FitHistory<Loss> train(std::vector<WatcherRef> watch, Index epochs, const std::string& checkpoint = "",
                       CountingTrainer trainer = {}) {
  Rng rng(1);
  return fit(
      trainer, four_samples, four_samples,
      {.epochs = epochs, .batch_size = 2, .checkpoint = Checkpoint{.path = checkpoint}, .watch = std::move(watch)},
      rng);
}

struct WarnsIn : Watcher {
  Index in;
  std::string sentence;
  WarnsIn(Index step, std::string text) : in(step), sentence(std::move(text)) {}
  void step(TrainingView& now) override {
    if (now.step == in && !now.past) now.warn(sentence);
  }
  void end(TrainingView& now) override {
    if (in < 0) now.warn(sentence);
  }
};

}  // namespace

TEST_CASE("A report is one HTML file with the numbers of the training", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html";
  train({Report{path, {.every_seconds = 0, .facts = {{"seed", 7}, {"rate", 0.5}}, .model = "Linear 10"}}}, 3);
  CHECK(folder.file_count() == 1);
  const std::string page = text_of(path);
  CHECK(page.starts_with("<!doctype html>\n"));
  CHECK(page.ends_with("</html>\n"));
  CHECK(count_of(page, "<script") == 3);
  CHECK(count_of(page, "</script>") == 3);
  CHECK(count_of(page, "http") == count_of(page, "http://www.w3.org/2000/svg") + 1);  // and http-equiv
  CHECK(count_of(page, "src=") == 0);
  CHECK_THAT(page, Contains(R"({"title":"Training","status":"over","step":6,"steps":6,"epoch":3,"epochs":3,)"));
  CHECK_THAT(page, Contains(R"({"name":"loss","steps":{"at":[1,2,3,4,5,6],"mean":[10,20,30,40,50,60],"width":1},)"
                            R"("epochs":{"at":[2,4,6],"mean":[15,35,55],"width":1},)"
                            R"("held_out":{"at":[2,4,6],"mean":[-2,-4,-6],"width":1}})"));
  CHECK_THAT(page, Contains(R"(["seed","7"],["rate","0.5"],["began",")"));
  CHECK_THAT(page, Contains("[\"threads\",\"" + std::to_string(num_threads()) + "\"]"));
  CHECK_THAT(page, Contains("[\"command\",\""));
  CHECK_THAT(page, Contains("\"model\":\"Linear 10\""));
  CHECK_THAT(page, Contains("\"explorer\":null"));
}

TEST_CASE("A report shows texts as they are", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html", evil = "</script><b>&\"'\\\n\x01<!--";
  train({Report{path,
                {.title = "A & B </title>" + evil,
                 .facts = {{evil, evil}},
                 .model = evil,
                 .pictures = {{evil, [] { return grey_picture; }}}}},
         WarnsIn{1, evil}},
        1);
  const std::string page = text_of(path);
  CHECK(count_of(page, "</script>") == 3);
  CHECK(count_of(page, "<b>") == 0);
  CHECK(count_of(page, "<!--") == 1);
  CHECK_THAT(page, Contains("<title>A &amp; B &lt;/title&gt;&lt;/script&gt;&lt;b&gt;&amp;"));
  const std::string escaped = R"(\u003c/script>\u003cb>&\"'\\\u000a\u0001\u003c!--)";
  CHECK_THAT(page, Contains("[\"" + escaped + "\",\"" + escaped + "\"]"));
  CHECK_THAT(page, Contains("\"model\":\"" + escaped + "\""));
  REQUIRE(kept(page, 'w').size() == 1);
  CHECK(kept(page, 'w')[0] == "w 1 1 \"" + escaped + "\"");
  REQUIRE(kept(page, 'p').size() == 2);
  CHECK_THAT(kept(page, 'p')[1], Catch::Matchers::StartsWith("p 2 1 \"" + escaped + "\" \"iVBORw0KGgo"));
}

TEST_CASE("Base64, floats and halves are as in their standards", "[training]") {
  const auto encoded = [](std::string_view text) {
    return detail::base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  // RFC 4648, section 10
  CHECK(encoded("") == "");
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foobar") == "Zm9vYmFy");
  CHECK(encoded("\xfb\xff") == "+/8=");
  const float numbers[] = {1.0f, -2.0f, 65504.0f};  // 3f800000, c0000000, 477fe000; halves 3c00, c000, 7bff
  CHECK(detail::base64_of<std::uint32_t>(numbers) == "\"AACAPwAAAMAA4H9H\"");
  CHECK(detail::base64_of<std::uint16_t>(numbers) == "\"ADwAwP97\"");
}

TEST_CASE("A long curve is thinned out, and keeps its extremes and means", "[training]") {
  detail::ThinnedCurve curve;
  double sum = 0;
  for (Index step = 1; step <= 100'000; ++step) {
    const double value = step == 12'345   ? 1e6
                         : step == 54'321 ? -1e6
                         : step == 77     ? NAN
                                          : static_cast<double>(step % 7);
    if (step != 77) sum += value;
    curve.add(step, value);
  }
  const std::string json = curve.json();
  const auto numbers = [&](const std::string& name) {
    std::vector<double> values;
    std::istringstream text(between(json, name, "[", "]"));
    for (std::string value; std::getline(text, value, ',');) values.push_back(std::stod(value));
    return values;
  };
  const auto at = numbers("at"), mean = numbers("mean"), low = numbers("low"), high = numbers("high");
  CHECK_THAT(json, Contains("\"width\":64"));
  CHECK(at.size() == 1563);  // 100000 / 64, rounded up
  REQUIRE(mean.size() == at.size());
  REQUIRE(low.size() == at.size());
  REQUIRE(high.size() == at.size());
  CHECK(at[0] == 32.5);
  CHECK(at.back() == (1562 * 64 + 1 + 100'000) / 2.0);
  CHECK(high[12'344 / 64] == 1e6);
  CHECK(low[54'320 / 64] == -1e6);
  CHECK(std::ranges::count(high, 6.0) == 1562);
  CHECK(std::ranges::count(low, 0.0) == 1562);
  double total = 0;
  for (std::size_t i = 0; i < mean.size(); ++i)
    total += mean[i] * (i == 1 ? 63 : i + 1 == mean.size() ? 100'000 - 1562 * 64 : 64);
  CHECK(std::abs(total - sum) < 1e-5 * 100'000 * 7);

  detail::ThinnedCurve none;
  none.add(1, INFINITY);
  none.add(2, 0.1);
  CHECK(none.json() == R"({"at":[1,2],"mean":[null,0.1],"width":1})");
}

TEST_CASE("A report keeps so many pictures, from the first to the last", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html";
  const auto picture = [] { return grey_picture; };
  train({Report{path, {.every_seconds = 0, .pictures = {{"a", picture}, {"b", picture}}, .frames = 5}}}, 20);
  for (const std::string name : {"a", "b"}) {
    std::vector<Index> steps;
    for (const std::string& line : kept(text_of(path), 'p'))
      if (line.find(" \"" + name + "\" ") != std::string::npos) steps.push_back(step_of(line));
    REQUIRE(steps.size() == 5);
    CHECK(steps.front() == 0);
    CHECK(steps.back() == 40);
    for (std::size_t i = 1; i < 5; ++i) {
      INFO("from " << steps[i - 1] << " to " << steps[i]);
      CHECK(steps[i] - steps[i - 1] >= 4);
      CHECK(steps[i] - steps[i - 1] <= 20);
    }
  }
}

TEST_CASE("A report is written before the first step, then every so many seconds, whole each time", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html";
  std::vector<std::string> statuses;
  struct Reads : Watcher {
    std::vector<std::string>* statuses;
    std::string path;
    Reads(std::vector<std::string>* to, std::string from) : statuses(to), path(std::move(from)) {}
    void step(TrainingView&) override {
      const std::string page = text_of(path);
      CHECK(page.ends_with("</html>\n"));
      statuses->push_back(between(page, "\"title\"", "\"status\":\"", "\"") +
                          between(page, "\"status\"", "\"step\":", ","));
    }
  };
  train({Reads{&statuses, path}, Report{path, {.every_seconds = 0}}}, 2);
  CHECK(statuses == std::vector<std::string>{"running0", "running1", "running2", "running3"});
  statuses.clear();
  train({Reads{&statuses, path}, Report{path, {.every_seconds = 1000}}}, 2);
  CHECK(statuses == std::vector<std::string>{"running0", "running0", "running0", "running0"});
  CHECK_THAT(text_of(path), Contains("\"status\":\"over\",\"step\":4"));
  CHECK(folder.file_count() == 1);
}

TEST_CASE("A training that goes on shows its past, and the pictures and warnings of its report", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html", checkpoint = folder / "run.safetensors";
  const auto report = [&] {
    return Report{path, {.every_seconds = 0, .pictures = {{"a", [] { return grey_picture; }}}}};
  };
  train({report(), WarnsIn{1, "one"}}, 2, checkpoint);
  std::string page = text_of(path);
  REQUIRE(kept(page, 'p').size() == 5);
  // As if the run before had been killed in a later epoch than that of the checkpoint.
  page.replace(page.find("</script>"), 0, "p 5 3 \"a\" \"x\"\nw 5 3 \"five\"\n");
  write_text(path, page);
  train({report(), WarnsIn{6, "six"}}, 3, checkpoint);
  const std::string longer = text_of(path);
  std::vector<Index> steps;
  for (const std::string& line : kept(longer, 'p')) steps.push_back(step_of(line));
  CHECK(steps == std::vector<Index>{0, 1, 2, 3, 4, 5, 6});
  CHECK(kept(longer, 'w') == std::vector<std::string>{"w 1 1 \"one\"", "w 6 3 \"six\""});
  CHECK_THAT(longer, Contains("\"steps\":{\"at\":[1,2,3,4,5,6],\"mean\":[10,20,30,40,50,60],"));
  CHECK_THAT(longer, Contains("\"epochs\":{\"at\":[2,4,6],\"mean\":[15,35,55],"));
  CHECK_THAT(longer, Contains(", after step 4\"]"));

  train({report()}, 1);  // one that begins has none of it
  CHECK(kept(text_of(path), 'p').size() == 3);
  CHECK(kept(text_of(path), 'w').empty());

  const std::string whole = text_of(path);
  write_text(path, std::string(whole).replace(whole.find("p 1 "), 4, "p x "));
  CHECK_THROWS_MATCHES(train({report()}, 4, checkpoint), DataError,
                       Message("Report: expected a report as it was written but got the line p x 1 \"a\" "
                               "\"iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAAD in " +
                               path + "; give this training another file, or remove it"));
  const std::size_t end = whole.find("</script>"), line = whole.find("\np 2 ") + 1;
  for (const std::size_t size : {line, end, end + 5}) {
    write_text(path, whole.substr(0, size));
    CHECK_THROWS_MATCHES(train({report()}, 4, checkpoint), DataError,
                         Message("Report: expected a report as it was written but got a part of one in " + path +
                                 "; give this training another file, or remove it"));
  }
}

TEST_CASE("A report has metrics of epochs and of steps, after the losses, also of earlier runs", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html", checkpoint = folder / "run.safetensors";
  const auto watch = [&] {
    return std::vector<WatcherRef>{Report{path}, Metric{"of epochs", [] { return 0.5; }},
                                   Metric{"of steps", [] { return 0.25; }, {.every = 3}}};
  };
  train(watch(), 2, checkpoint);
  train(watch(), 4, checkpoint);
  const std::string losses = between(text_of(path), "\"written\"", "\"losses\":[", "\"facts\"");
  CHECK(losses.starts_with("{\"name\":\"loss\",\"steps\":{\"at\":[1,2,3,4,5,6,7,8],"));
  CHECK_THAT(losses, Contains(R"({"name":"of epochs","steps":{"at":[],"mean":[],"width":1},)"
                              R"("epochs":{"at":[2,4,6,8],"mean":[0.5,0.5,0.5,0.5],"width":1},)"));
  CHECK_THAT(losses, Contains(R"({"name":"of steps","steps":{"at":[3,6],"mean":[0.25,0.25],"width":1},)"));
}

TEST_CASE("A report keeps each of many metrics, from the first measurement to the last", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html";
  const auto steps_of = [&](const std::string& name) {
    std::vector<Index> steps;
    for (const std::string& line : kept(text_of(path), 'm'))
      if (line.find(" \"" + name + "\" ") != std::string::npos) steps.push_back(step_of(line));
    return steps;
  };
  const auto train_for = [&](Index epochs) {
    const auto number = [] { return 1.0; };
    train({Report{path, {.every_seconds = 1000}}, Metric{"a", number, {.every = 1}}, Metric{"b", number, {.every = 1}}},
          epochs);
  };
  train_for(750);
  std::vector<Index> all(1500);
  std::iota(all.begin(), all.end(), Index{1});
  CHECK(steps_of("a") == all);
  CHECK(steps_of("b") == all);
  train_for(1001);  // 2002 steps, of which 2001 were too many
  std::vector<Index> odd;
  for (Index step = 1; step <= 2001; step += 2) odd.push_back(step);
  odd.push_back(2002);
  CHECK(steps_of("a") == odd);
  CHECK(steps_of("b") == odd);
}

TEST_CASE("A report has all that came before a checkpoint, whenever the program is killed", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html", checkpoint = folder / "run.safetensors";
  int drawn = 0;
  const auto draw = [&drawn] {
    ++drawn;
    return grey_picture;
  };
  const auto watch = [&] {
    return std::vector<WatcherRef>{Report{path, {.every_seconds = 1000, .pictures = {{"a", draw}}}},
                                   Metric{"FID", [] { return 0.5; }, {.every = 1}}, WarnsIn{2, "two"}};
  };
  std::string page;
  struct Looks : Watcher {  // the last one before the checkpoint is written
    std::string path, *page;
    Looks(std::string from, std::string* to) : path(std::move(from)), page(to) {}
    void save(TrainingView& now) override {
      if (now.step == 4) *page = text_of(path);
    }
  };
  std::vector<WatcherRef> with_look = watch();
  with_look.push_back(Looks{path, &page});
  train(with_look, 2, checkpoint);
  CHECK(kept(page, 'm').size() == 4);
  CHECK(kept(page, 'w').size() == 1);
  CHECK(drawn == 2);  // before the first step and at the end, but not for checkpoints
  write_text(path, page);  // as if it had been killed after the checkpoint
  train(watch(), 3, checkpoint);
  CHECK(kept(text_of(path), 'm').size() == 6);
  CHECK(kept(text_of(path), 'w') == std::vector<std::string>{"w 2 1 \"two\""});
}

TEST_CASE("A report has the time of all runs, and when the first one began", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html", checkpoint = folder / "run.safetensors";
  struct Waits : Watcher {
    void step(TrainingView& now) override {
      for (const auto begin = std::chrono::steady_clock::now();
           !now.past && std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(50);) {
      }
    }
  };
  const auto number = [&](const std::string& name) {
    return std::stod(between(text_of(path), "\"title\"", "\"" + name + "\":", ","));
  };
  train({Report{path}, Waits{}}, 2, checkpoint);
  const std::string first = text_of(path);
  const double seconds = number("seconds"), speed = number("steps_per_second");
  CHECK(seconds >= 0.2);
  const std::string at = "t 4 0 \"", time_line = kept(first, 't').at(0);
  REQUIRE(time_line.starts_with(at));
  const std::string began = time_line.substr(time_line.find(' ', at.size()) + 1);
  CHECK_THAT(first, Contains("[\"began\",\"" + began + "]"));
  write_text(path, std::string(first).replace(first.find(time_line), time_line.size(), "t 4 0 \"1000 long ago\""));
  train({Report{path}, Waits{}}, 3, checkpoint);
  CHECK(number("seconds") >= 1000.1);
  CHECK(number("seconds") < 1010);
  CHECK(std::abs(number("steps_per_second") - 6 / number("seconds")) < 1e-6);
  CHECK_THAT(text_of(path), Contains("[\"began\",\"long ago\"]") && Contains(", after step 4\"]"));

  // Again, though there is no step left.
  write_text(path, first);
  train({}, 2, folder / "other.safetensors");
  train({Report{path}}, 2, folder / "other.safetensors");
  CHECK(std::abs(number("seconds") - seconds) < 1e-6);
  CHECK(std::abs(number("steps_per_second") - speed) < 1e-4);
  CHECK_THAT(text_of(path), Contains("[\"began\",\"" + began + "]") && !Contains(", after step"));
}

TEST_CASE("A warning of the past is in a report once, whoever warns again", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html", checkpoint = folder / "run.safetensors";
  struct WarnsAgain : Watcher {  // in each third step, also of the past
    void step(TrainingView& now) override {
      if (now.step % 3 == 0) now.warn("three");
    }
  };
  train({Report{path}, WarnsAgain{}}, 3, checkpoint);
  const std::vector<std::string> both{"w 3 2 \"three\"", "w 6 3 \"three\""};
  CHECK(kept(text_of(path), 'w') == both);
  train({Report{path}, WarnsAgain{}}, 4, checkpoint);
  CHECK(kept(text_of(path), 'w') == both);
  std::filesystem::remove(path);  // one that had none of them takes them
  train({Report{path}, WarnsAgain{}}, 4, checkpoint);
  CHECK(kept(text_of(path), 'w') == both);
}

/// A weight whose gradient is 3 in each step.
struct SteadyTrainer {
  Parameter<double, 1> weight = Parameter<double, 1>(Tensor<double, 1>(Shape{1}, 0.0));
  Sgd<double> optimizer{{.learning_rate = 0.5}};
  Loss step(const Tensor<float, 2>&, Rng&) {
    optimizer.minimize(sum(3.0 * weight), *this);
    return {0};
  }
  static void fields(auto& self, auto&& field) { field("weight", self.weight), field("optimizer", self.optimizer); }
};

TEST_CASE("A report has learning rates and gradient norms if asked for, also after a stop", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html";
  const auto train_for = [&](Index epochs, Index every, const std::string& checkpoint) {
    SteadyTrainer trainer;
    Rng rng(1);
    fit(trainer, four_samples,
        {.epochs = epochs,
         .batch_size = 2,
         .checkpoint = Checkpoint{.path = checkpoint},
         .watch = {Report{path, {.every_seconds = 1000, .updates_every = every}}}},
        rng);
    std::vector<Index> steps;
    for (const std::string& line : kept(text_of(path), 'u')) {
      CHECK(line.ends_with(" \"0.5 3\""));
      steps.push_back(step_of(line));
    }
    return steps;
  };
  CHECK(train_for(3, 0, "").empty());
  CHECK(train_for(3, 2, folder / "run.ckpt") == std::vector<Index>{2, 4, 6});
  CHECK(train_for(5, 2, folder / "run.ckpt") == std::vector<Index>{2, 4, 6, 8, 10});
  std::vector<Index> even;  // of 2000 steps every second, as 1001 are too many
  for (Index step = 2; step <= 2000; step += 2) even.push_back(step);
  CHECK(train_for(1000, 1, "") == even);
  CHECK_THROWS_MATCHES(Report("run.html", {.updates_every = -1}), ArgumentError,
                       Message("Report: expected updates_every >= 0 but got -1"));
}

TEST_CASE("A report of another training is not taken for one's own", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html", checkpoint = folder / "run.safetensors";
  train({}, 1, checkpoint);
  Rng other(2);
  CountingTrainer trainer;
  fit(trainer, four_samples, {.epochs = 1, .batch_size = 2, .watch = {Report{path}}}, other);
  const std::string page = text_of(path);
  CHECK_THROWS_MATCHES(train({Report{path}}, 2, checkpoint), DataError,
                       Message("Report: expected the report of this training but got that of another one in " + path +
                               "; give this one another file, or remove that one"));
  CHECK(text_of(path) == page);
  train({Report{path}}, 1);  // one that begins replaces it, and then goes on with it
  train({Report{path}}, 2, checkpoint);
  CHECK_THAT(text_of(path), Contains("\"mean\":[10,20,30,40]"));
}

TEST_CASE("An explorer refuses pixels beyond black and white, and codes that are no numbers", "[training]") {
  Rng rng(1);
  Sequential decoder{Linear(2, 4, rng), Tanh{}};
  CHECK_THROWS_WITH(Explorer{decoder}, Contains("Explorer: expected pixels in [0, 1] but got -"));
  CHECK_NOTHROW(Explorer{decoder, {.range = {-1, 1}}});
  CHECK_NOTHROW(Explorer{decoder, {.range = {0, 1, true}}});
  const auto codes = [] { return Tensor<float, 2>(Shape{2, 2}, std::numeric_limits<float>::quiet_NaN()); };
  CHECK_THROWS_MATCHES((Explorer{decoder, {.codes = codes, .range = {-1, 1}}}), NumericError,
                       Message("Explorer: expected finite codes but got nan or inf"));
}

TEST_CASE("A drawing that fails is a warning, and the training goes on", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html";
  int drawn = 0;
  const auto fails = [&drawn]() -> Picture {
    if (++drawn == 2 || drawn == 3) throw NumericError("nan in a pixel");
    if (drawn == 4) throw std::runtime_error("\xff");
    return grey_picture;
  };
  Rng rng(1);
  Sequential decoder{Linear(2, 4, rng)};
  const auto codes = [&drawn] {
    if (drawn == 5) throw NumericError("no codes");
    return Tensor<float, 2>(Shape{2, 2}, 0.0f);
  };
  const Explorer explorer{decoder, {.codes = codes, .range = {-9, 9, true}}};
  const auto history = train(
      {Report{path,
              {.every_seconds = 0,
               .pictures = {{"bad", fails}, {"good", [] { return grey_picture; }}, {"empty", [] { return Picture{}; }}},
               .explorer = explorer}}},
      2);
  CHECK(history.steps.size() == 4);
  CHECK(drawn == 6);  // before the first step, after each, at the end
  const std::string page = text_of(path);
  const auto frames = [&](const std::string& name) {
    std::vector<Index> steps;
    for (const std::string& line : kept(page, 'p'))
      if (line.find(" \"" + name + "\" ") != std::string::npos) steps.push_back(step_of(line));
    return steps;
  };
  CHECK(frames("bad") == std::vector<Index>{0, 4});
  CHECK(frames("good") == std::vector<Index>{0, 1, 2, 3, 4});
  CHECK(frames("empty").empty());
  const auto warnings = kept(page, 'w');
  REQUIRE(warnings.size() == 4);
  CHECK_THAT(warnings[0], Contains("w 0 0 \"Report: expected to draw the picture empty but got 'Report: expected "));
  CHECK(warnings[1] == "w 1 1 \"Report: expected to draw the picture bad but got 'nan in a pixel'\"");
  CHECK(warnings[2] == "w 3 2 \"Report: expected to draw the picture bad but got '\xef\xbf\xbd'\"");
  CHECK(warnings[3] == "w 4 2 \"Report: expected to draw the explorer but got 'no codes'\"");
  CHECK(count_of(page, "\"explorer\":null") == 0);  // it stays as it was
}

TEST_CASE("A report is the same in every locale, and tells numbers apart", "[training]") {
  const TemporaryDirectory folder;
  const CommaLocale comma;
  detail::ThinnedCurve curve;
  curve.add(1, 1234567.8);
  curve.add(2, 1234567.9);
  curve.add(3, 0.5);
  CHECK(curve.json() == R"({"at":[1,2,3],"mean":[1234567.8,1234567.9,0.5],"width":1})");
  const std::string path = folder / "run.html";
  train({Report{path, {.every_seconds = 0.25, .facts = {{"rate", 0.5}}}}}, 1);
  CHECK_THAT(text_of(path), Contains(R"("every_seconds":0.25,)") && Contains(R"(["rate","0.5"])"));
}

TEST_CASE("A report replaces no other file", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html";
  for (const std::string other : {"<!doctype html>\n<title>Mine</title>\n", ""}) {
    write_text(path, other);
    CHECK_THROWS_MATCHES(train({Report{path}}, 1), DataError,
                         Message("Report: expected a report or no file but got another file: " + path));
    CHECK(text_of(path) == other);
  }
  const std::string nowhere = folder / "none/run.html";
  CHECK_THROWS_WITH(train({Report{nowhere}}, 1), Contains("Report: ") && Contains(nowhere));
}

TEST_CASE("A report tells of a training that failed, and of warnings at the end", "[training]") {
  const TemporaryDirectory folder;
  const std::string path = folder / "run.html";
  int drawn = 0;
  const auto draw = [&drawn] {
    ++drawn;
    return grey_picture;
  };
  CHECK_THROWS_MATCHES(train({Report{path, {.every_seconds = 1000, .pictures = {{"a", draw}}}}}, 3, "", {.fail_in = 4}),
                       NumericError, Message("failed as it should"));
  CHECK(drawn == 1);
  CHECK_THAT(text_of(path), Contains("\"status\":\"failed\",\"step\":3,") && Contains("\"mean\":[10,20,30]"));

  train({Report{path}, WarnsIn{-1, "at the end"}}, 1);
  CHECK(kept(text_of(path), 'w') == std::vector<std::string>{"w 2 1 \"at the end\""});
}

TEST_CASE("A report refuses options that it cannot follow", "[training]") {
  const auto draw = [] { return grey_picture; };
  CHECK_THROWS_MATCHES(Report("run.htm"), ArgumentError,
                       Message("Report: expected a name that ends in .html but got run.htm"));
  CHECK_THROWS_MATCHES(Report("run.html", {.every_seconds = -1}), ArgumentError,
                       Message("Report: expected every_seconds >= 0 and frames >= 2 but got -1 and 40"));
  CHECK_THROWS_MATCHES(Report("run.html", {.frames = 1}), ArgumentError,
                       Message("Report: expected every_seconds >= 0 and frames >= 2 but got 10 and 1"));
  CHECK_THROWS_MATCHES(Report("run.html", {.pictures = {{"a", {}}}}), ArgumentError,
                       Message("Report: expected a name and a function for each picture but got no function for a"));
  CHECK_THROWS_MATCHES(Report("run.html", {.pictures = {{"", draw}}}), ArgumentError,
                       Message("Report: expected a name and a function for each picture but got one without a name"));
  CHECK_THROWS_MATCHES(Report("run.html", {.pictures = {{"a", draw}, {"a", draw}}}), ArgumentError,
                       Message("Report: expected pictures of different names but got a twice"));
  CHECK_THROWS_MATCHES(Report("run.html", {.pictures = {{"a\xff", draw}}}), ArgumentError,
                       Message("Report: expected names of pictures in UTF-8 but got a\\xff"));
}

TEST_CASE("An explorer has the layers and weights of a decoder", "[training]") {
  Rng rng(1);
  Decoder decoder{Sequential{Linear(2, 3, rng), LeakyRelu{0.2}, Dropout(0.1), Linear(3, 4, {.bias = false}, rng)},
                  BernoulliLikelihood{}};
  const detail::PageDecoder page = Explorer{decoder}.take();
  CHECK(page.latents == 2);
  CHECK(page.layers == R"({"kind":"Linear","in":2,"out":3,"weight":0,"bias":0},{"kind":"LeakyRelu","slope":0.2},)"
                       R"({"kind":"Linear","in":3,"out":4,"weight":6,"bias":-1},{"kind":"Sigmoid"})");
  const auto& first = std::get<0>(decoder.network.layers);
  const auto weights = first.weight.value().values(), biases = first.bias.value().values();
  REQUIRE(page.matrices.size() == 6 + 12);
  CHECK(std::equal(weights.begin(), weights.end(), page.matrices.begin()));
  CHECK(std::equal(biases.begin(), biases.end(), page.vectors.begin(), page.vectors.end()));
  CHECK(page.height == 2);
  CHECK(page.width == 2);
  CHECK(page.channels == 1);
  CHECK_FALSE(page.circle);
  REQUIRE(page.latents_of_examples.size() == 4 * 2);
  const Tensor<float, 2> z(Shape{4, 2}, page.latents_of_examples);
  const auto expected = decoder(Variable(z)).mean().value();
  CHECK(std::ranges::equal(page.examples, expected.values()));

  Generator generator{Sequential{BatchNorm(4), Unflatten{2, 2, 1}}, StandardNormal(4)};
  std::get<0>(generator.network.layers).running_mean(1) = 3;
  std::get<0>(generator.network.layers).running_variance(1) = 4;
  const detail::PageDecoder images = Explorer{generator, {.range = {-9, 9, true}}}.take();
  CHECK(images.circle);
  CHECK(images.layers == R"({"kind":"Affine","features":4,"scale":0,"shift":4},)"
                         R"({"kind":"Unflatten","height":2,"width":2,"channels":1,"channels_first":0})");
  CHECK(std::abs(images.vectors[1] - 0.5f) < 1e-5f);
  CHECK(std::abs(images.vectors[5] + 1.5f) < 1e-5f);
}

TEST_CASE("An explorer takes float16 only where it changes no pixel by more than 5e-4", "[training]") {
  Rng rng(1);
  Sequential decoder{Linear(3, 16, rng), Relu{}, Linear(16, 4, rng), Sigmoid{}};
  const detail::PageDecoder fine = Explorer{decoder}.take();
  CHECK(fine.half);
  CHECK(fine.half_error > 0);
  CHECK(fine.half_error <= 5e-4);
  for (auto& weight : std::get<2>(decoder.layers).weight.mutable_value().values()) weight *= 100;
  const detail::PageDecoder coarse = Explorer{decoder}.take();
  CHECK_FALSE(coarse.half);
  CHECK(coarse.half_error > 5e-4);
  std::get<2>(decoder.layers).weight.mutable_value().values()[0] = 1e6f;  // infinite as float16
  CHECK_FALSE(Explorer{decoder}.take().half);
}

TEST_CASE("An explorer refuses what its page cannot show", "[training]") {
  Rng rng(1);
  const std::string expected =
      "Explorer: expected a decoder of Linear, Conv2d, ConvTranspose2d, BatchNorm, LayerNorm, Relu, LeakyRelu, Elu, "
      "Tanh, Sigmoid, Softplus, Flatten, Unflatten, Upsample2d, Dropout and Sequential, with a likelihood of the "
      "library, but got ";
  const Linear linear(4, 4, rng);
  const auto swish = [](const auto& x) { return x * sigmoid(x); };
  const Sequential unknown{linear, Sequential{Relu{}, Gelu{}}};
  const Sequential lambda{linear, swish};
  const Sequential told{AppendCondition{}, linear};
  const Decoder own{linear, std::identity{}};
  CHECK_THROWS_MATCHES(Explorer{unknown}, ArgumentError, Message(expected + "Gelu"));
  CHECK_THROWS_MATCHES(Explorer{lambda}, ArgumentError, Message(expected + "lambda"));
  CHECK_THROWS_MATCHES(Explorer{told}, ArgumentError, Message(expected + "AppendCondition"));
  CHECK_THROWS_MATCHES(Explorer{own}, ArgumentError, Message(expected + "identity"));
  const Sequential none{Relu{}};
  CHECK_THROWS_MATCHES(Explorer{none}, ArgumentError,
                       Message("Explorer: expected a decoder with a Linear layer but got none"));
  const Sequential good{linear};
  const Sequential two_channels{linear, Unflatten{1, 2, 2}};
  const Sequential five{Linear(4, 5, rng)};
  const auto codes = [](Index size) { return [size] { return Tensor<float, 2>(Shape{2, size}, 0.0f); }; };
  CHECK_THROWS_MATCHES(Explorer(good, {.codes = codes(3)}), ShapeError,
                       Message("Explorer: expected codes of shape [M, 4] but got [2, 3]"));
  CHECK_THROWS_MATCHES(Explorer(good, {.codes = codes(4), .names = {"a"}}), ArgumentError,
                       Message("Explorer: expected 2 names, one for each code, but got 1"));
  CHECK_THROWS_AS(Explorer{two_channels}, ShapeError);
  CHECK_THROWS_AS(Explorer{five}, ShapeError);
  CHECK_THROWS_AS(Explorer(good, {.range = {1, 0}}), ArgumentError);
}
