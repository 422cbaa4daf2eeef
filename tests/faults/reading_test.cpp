// SPDX-License-Identifier: MIT
// Small valid files of every format, damaged in every way that is easy to name: each truncation, each flipped bit, each
// number of a header set to what programs fall over. Whatever is read then is the right data or a DataError, soon, and
// without memory that nobody asked for. The files are the seeds of the fuzz targets, most of them made by Python.
#include <malloc.h>
#include <time.h>

#include <atomic>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <eigenesis/eigenesis.hpp>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;

// This program's malloc counts what is in use. Sanitizers have one of their own.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_MEMORY 1
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* memory);
}
#else
#define COUNTS_MEMORY 0
#endif

namespace {

std::atomic<std::size_t> in_use = 0, most = 0;

#if COUNTS_MEMORY
void* counted(void* memory) {
  const std::size_t now = in_use += malloc_usable_size(memory);
  if (now > most) most = now;
  return memory;
}
#endif

}  // namespace

#if COUNTS_MEMORY
extern "C" {
void* malloc(std::size_t size) { return counted(__libc_malloc(size)); }
void* calloc(std::size_t count, std::size_t size) { return counted(__libc_calloc(count, size)); }
void* realloc(void* old, std::size_t size) {
  in_use -= malloc_usable_size(old);
  void* const memory = __libc_realloc(old, size);
  return counted(memory != nullptr || size == 0 ? memory : old);
}
void* memalign(std::size_t alignment, std::size_t size) { return counted(__libc_memalign(alignment, size)); }
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  *memory = memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) {
  in_use -= malloc_usable_size(memory);
  __libc_free(memory);
}
}
#endif

namespace {

namespace fs = std::filesystem;

const fs::path seeds = fs::path(__FILE__).parent_path().parent_path() / "fuzz" / "seeds";

/// Everything that was read, shapes and numbers, as one text.
class Content {
 public:
  void add(std::span<const Index> shape) { text_ += detail::to_string(detail::ShapeView{shape}); }
  template <class T>
  void add(const T* numbers, std::size_t count) {
    if (count > 0) text_.append(reinterpret_cast<const char*>(numbers), count * sizeof(T));
  }
  template <class Model>
  void add_state(const Model& model) {
    for_each_state(model, [&](const FieldPath&, const auto& tensor) {
      add(std::span<const Index>(tensor.shape().sizes));
      add(tensor.data(), static_cast<std::size_t>(tensor.size()));
    });
    if constexpr (requires { model.rng.state(); }) add(&model.rng.state(), 1);
  }
  bool operator==(const Content&) const = default;

 private:
  std::string text_;
};

using Read = std::function<Content(const std::string& path)>;

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Outcome {
  std::optional<Content> content;  // nothing: refused
  std::string message, fault;      // fault: neither data nor a DataError, too slow, too much memory
};

/// Reads bytes as a file. `promised`: what the file may ask for beside its own size.
Outcome read_bytes_as(const Read& read, const std::string& path, const Bytes& bytes, std::size_t promised = 0) {
  std::remove(path.c_str());  // Some file systems bring a file to the disk that is written a second time.
  write_bytes(path, bytes);
  release_unused_memory();
  Outcome outcome;
  const std::size_t before = in_use;
  most = before;
  const double begin = cpu_seconds();
  try {
    outcome.content = read(path);
  } catch (const DataError& error) {
    outcome.message = error.what();
  } catch (const std::exception& error) {
    outcome.fault = std::string("expected data or a DataError but got ") + error.what();
  }
  [[maybe_unused]] const double seconds = cpu_seconds() - begin;
  const std::size_t grown = most - before, allowed = 4 * bytes.size() + promised + (16 << 20);
#if defined(__OPTIMIZE__) && COUNTS_MEMORY && !defined(EMULATED)
  if (seconds >= 0.1 && promised == 0)
    outcome.fault = "expected less than 0.1 seconds but it took " + std::to_string(seconds);
#endif
  if (grown > allowed)
    outcome.fault =
        "expected at most " + std::to_string(allowed) + " bytes of memory but it took " + std::to_string(grown);
  if (!outcome.content && outcome.fault.empty() && outcome.message.find(": expected ") == std::string::npos)
    outcome.fault = "expected a message that names the rule but got: " + outcome.message;
  return outcome;
}

/// What went wrong, case by case; at most ten are told.
struct Faults {
  std::string text;
  int count = 0, cases = 0, accepted = 0;
  void add(const std::string& what, const std::string& fault) {
    if (++count <= 10) text += "\n" + what + ": " + fault;
  }
};

enum class Rule {
  all_found,  // nothing that was changed is accepted
  same_data,  // what is accepted gives the data of the undamaged file
};

/// A format, or a way to read it, and a file of it.
struct Example {
  std::string name;
  Bytes file;
  Read read;
  Rule rule = Rule::same_data;
  /// What a damaged file that is accepted must give, if that is not what the undamaged one gives.
  std::function<Content(const Bytes&)> data_of = nullptr;
};

class Trial {
 public:
  explicit Trial(const Example& example) : example_(example), path_(directory_ / "file") {
    const Outcome whole = read_bytes_as(example.read, path_, example.file);
    INFO(example.name << ": " << whole.message << whole.fault);
    REQUIRE(whole.content);
    REQUIRE(whole.fault.empty());
    whole_ = *whole.content;
  }
  ~Trial() {
    INFO(example_.name << ", " << faults_.cases << " files, " << faults_.accepted << " accepted" << faults_.text);
    CHECK(faults_.count == 0);
  }

  void expect(const Bytes& damaged, const std::string& what) {
    ++faults_.cases;
    const Outcome outcome = read_bytes_as(example_.read, path_, damaged);
    const std::string title = example_.name + ", " + what;
    if (!outcome.fault.empty()) faults_.add(title, outcome.fault);
    if (!outcome.content) return;
    ++faults_.accepted;
    if (damaged == example_.file) return;
    if (example_.rule == Rule::all_found)
      faults_.add(title, "expected a DataError but the file was accepted");
    else if (*outcome.content != (example_.data_of ? example_.data_of(damaged) : whole_))
      faults_.add(title, "expected the right data or a DataError but got other data");
  }

  void each_truncation() {
    for (std::size_t size = 0; size < example_.file.size(); ++size)
      expect(Bytes(example_.file.begin(), example_.file.begin() + static_cast<std::ptrdiff_t>(size)),
             "the first " + std::to_string(size) + " bytes");
  }
  void each_bit() {
    for (std::size_t bit = 0; bit < 8 * example_.file.size(); ++bit) {
      Bytes damaged = example_.file;
      damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1 << bit % 8);
      expect(damaged, "byte " + std::to_string(bit / 8) + ", bit " + std::to_string(bit % 8));
    }
  }
  /// Sets the number in `count` bytes from `at` to what is easy to get wrong. `mend` sets checksums right.
  void each_number(std::size_t at, int count, bool big, const std::function<void(Bytes&)>& mend = nullptr) {
    const auto place = [&](int i) { return at + static_cast<std::size_t>(big ? count - 1 - i : i); };
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) value |= std::uint64_t{example_.file[place(i)]} << 8 * i;
    const std::uint64_t top = std::uint64_t{1} << (8 * count - 1);
    for (const std::uint64_t number :
         {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, top, top - 1, value + 1, value - 1}) {
      Bytes damaged = example_.file;
      for (int i = 0; i < count; ++i) damaged[place(i)] = static_cast<std::uint8_t>(number >> 8 * i);
      if (mend) mend(damaged);
      expect(damaged, "the number at byte " + std::to_string(at) + " as " + std::to_string(number));
    }
  }

 private:
  TemporaryDirectory directory_;
  const Example& example_;
  std::string path_;
  Content whole_;
  Faults faults_;
};

void append_number(Bytes& bytes, std::uint64_t number, int count, bool big) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(number >> 8 * (big ? count - 1 - i : i)));
}

// Idx.

Content read_idx_content(const std::string& path) {
  const IdxFile file = read_idx(path);
  Content content;
  content.add(file.sizes);
  content.add(file.values.data(), file.values.size());
  return content;
}

/// The sizes and values that stand in the bytes.
Content idx_content_of(const Bytes& file) {
  std::vector<Index> sizes;
  for (std::size_t i = 0; i < file[3]; ++i) sizes.push_back(detail::big_endian(&file[4 + 4 * i]));
  Content content;
  content.add(sizes);
  content.add(file.data() + 4 + 4 * sizes.size(), file.size() - 4 - 4 * sizes.size());
  return content;
}

Bytes gzip_of(const Bytes& content) {
  const Bytes stream = detail::zlib_compress(content);
  Bytes file{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  file.insert(file.end(), stream.begin() + 2, stream.end() - 4);
  append_number(file, detail::crc32(content), 4, false);
  append_number(file, content.size(), 4, false);
  return file;
}

// PNG and JPEG.

Content read_image_content(const std::string& path) {
  const Tensor<float, 3> image = load_image(path);
  Content content;
  content.add(std::span<const Index>(image.shape().sizes));
  content.add(image.data(), static_cast<std::size_t>(image.size()));
  return content;
}

void mend_chunks(Bytes& file) {
  for (std::size_t chunk = 8; chunk + 12 <= file.size();) {
    const std::size_t length = detail::big_endian(&file[chunk]);
    if (length > file.size() - chunk - 12) return;
    const std::uint32_t crc = detail::crc32(std::span(file).subspan(chunk + 4, 4 + length));
    for (std::size_t i = 0; i < 4; ++i) file[chunk + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    chunk += 12 + length;
  }
}

/// Where the frame header of a JPEG file begins, SOF0 to SOF2, or its end if it has none.
std::size_t frame_of(const Bytes& jpeg) {
  for (std::size_t at = 2; at + 9 <= jpeg.size(); at += 2 + detail::big_endian(&jpeg[at + 2], 2))
    if (jpeg[at + 1] >= 0xc0 && jpeg[at + 1] <= 0xc2) return at;
  return jpeg.size();
}

Bytes png_of(std::uint32_t height, std::uint32_t width, std::uint8_t depth, const Bytes& stream) {
  Bytes file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, header;
  append_number(header, width, 4, true);
  append_number(header, height, 4, true);
  header.insert(header.end(), {depth, 0, 0, 0, 0});
  detail::append_chunk(file, "IHDR", header);
  detail::append_chunk(file, "IDAT", stream);
  detail::append_chunk(file, "IEND", {});
  return file;
}

// NumPy.

void append_array(Content& content, std::span<const Index> shape, std::span<const double> values) {
  content.add(shape);
  content.add(values.data(), values.size());
}

template <int Rank>
Content read_npy_content(const std::string& path) {
  const Tensor<double, Rank> x = load_npy<double, Rank>(path);
  Content content;
  append_array(content, x.shape(), x.values());
  return content;
}

/// How the array in a seed is read: as one of its rank.
const std::map<std::string, Read> npy_reads{{"good_f4", read_npy_content<2>},
                                            {"good_f8_scalar", read_npy_content<0>},
                                            {"good_f8_beyond_float", read_npy_content<1>},
                                            {"good_i2_big_fortran", read_npy_content<2>},
                                            {"good_i8", read_npy_content<1>},
                                            {"good_b1", read_npy_content<3>},
                                            {"good_u4_empty", read_npy_content<2>},
                                            {"good_version_2", read_npy_content<1>},
                                            {"good_version_3", read_npy_content<3>},
                                            {"good_python", read_npy_content<1>}};

/// The numbers that stand in the bytes: the first of < > | in the header, type and bytes behind it, sizes in (...).
Content npy_content_of(const Bytes& file) {
  const std::string text(file.begin(), file.end());
  const std::size_t type = text.find_first_of("<>|"), open = text.find('('), close = text.find(')', open);
  const auto bytes = static_cast<std::size_t>(text[type + 2] - '0');
  const bool big = text[type] == '>', fortran = text.find("True") < file.size();
  std::vector<Index> shape;
  for (std::size_t i = open; i < close; ++i)
    if (std::isdigit(text[i]) && !std::isdigit(text[i - 1])) shape.push_back(std::stoll(text.substr(i)));
  std::size_t count = 1;
  for (const Index size : shape) count *= static_cast<std::size_t>(size);
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    // Of the arrays in Fortran's order, there is only one, which has two axes.
    const auto rows = static_cast<std::size_t>(fortran ? shape[0] : 1), columns = count / rows;
    const std::size_t at = file.size() - bytes * (count - (fortran ? i % columns * rows + i / columns : i));
    std::uint64_t bits = 0;
    for (std::size_t b = 0; b < bytes; ++b) bits |= std::uint64_t{file[at + b]} << 8 * (big ? bytes - 1 - b : b);
    if (text[type + 1] == 'f')
      values[i] = bytes == 4 ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)))
                             : std::bit_cast<double>(bits);
    else if (text[type + 1] == 'i' && (bits >> (8 * bytes - 1) & 1) != 0)
      values[i] = -static_cast<double>((~bits + 1) << (64 - 8 * bytes) >> (64 - 8 * bytes));
    else
      values[i] = static_cast<double>(bits);
  }
  Content content;
  append_array(content, shape, values);
  return content;
}

/// All that is in an archive; arrays as doubles of the first rank that fits.
Content read_npz_content(const std::string& path) {
  const Npz file = load_npz(path);
  Content content;
  for (const std::string& name : file.names()) {
    content.add(name.data(), name.size());
    const auto read = [&]<int Rank>(const Shape<Rank>&) {
      const Tensor<double, Rank> x = file.get<double, Rank>(name);
      append_array(content, x.shape(), x.values());
    };
    try {
      read(Shape<1>{});
    } catch (const DataError&) {
      try {
        read(Shape<2>{});
      } catch (const DataError&) {
        read(Shape<3>{});
      }
    }
  }
  return content;
}

// CSV.

void append_table(Content& content, const std::vector<std::string>& names, const std::vector<double>& numbers) {
  content.add(std::array{std::ssize(names), std::ssize(numbers)});
  for (const std::string& name : names) content.add(name.c_str(), name.size() + 1);
  content.add(numbers.data(), numbers.size());
}

Content read_csv_content(const std::string& path) {
  const Table<double> table = load_csv<double>(path);
  if (std::ssize(table.names) != table.values.shape(1)) throw std::runtime_error("other names than columns");
  for (const double x : table.values.values())
    if (!std::isfinite(x)) throw std::runtime_error("a number of " + std::to_string(x));
  Content content;
  append_table(content, table.names, {table.values.values().begin(), table.values.values().end()});
  return content;
}

/// The names and numbers that stand in the bytes. The format leaves nothing open here: no accepted file has a missing
/// value, and lines without characters can only be the last.
Content csv_content_of(const Bytes& file) {
  std::string text(file.begin(), file.end());
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  std::vector<std::string> cells(1);
  std::size_t columns = 0;
  bool quoted = false, begins = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i], next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '"' && (quoted || begins)) {
      if (quoted && next == '"')
        cells.back() += text[++i];  // a quote that is written twice
      else
        quoted = !quoted;
      begins = false;
    } else if (!quoted && (c == ',' || c == '\n')) {
      if (c == '\n' && columns == 0) columns = cells.size();
      cells.emplace_back();
      begins = true;
    } else if (quoted || c != '\r' || next != '\n') {
      cells.back() += c;
      begins = false;
    }
  }
  std::vector<std::string> names;
  std::vector<double> numbers;
  for (std::string& cell : cells) {
    cell.erase(0, cell.find_first_not_of(" \t"));
    cell.erase(cell.find_last_not_of(" \t") + 1);
    if (names.size() < columns) {
      names.push_back(cell);
      continue;
    }
    char* end = nullptr;
    const double number = std::strtod(cell.c_str(), &end);
    const bool whole = !cell.empty() && end == cell.c_str() + cell.size();
    numbers.push_back(whole ? number : std::numeric_limits<double>::quiet_NaN());
  }
  Content content;
  append_table(content, names, numbers);
  return content;
}

// Safetensors.

struct Model {
  Parameter<float, 2> weight = Tensor<float, 2>(Shape{2, 3}, 0.5f);
  Parameter<double, 1> bias = Tensor<double, 1>(Shape{2}, 0.25);
  Tensor<float, 1> variance = Tensor<float, 1>(Shape{2}, 1.0f);
  Tensor<double, 0> step = Tensor<double, 0>({}, 7.0);
  Tensor<float, 2> none;
  Rng rng{1};
  static void fields(auto& self, auto&& field) {
    field("0.weight", self.weight, InFiles::features_first);
    field("0.bias", self.bias);
    field("1.variance", self.variance, InFiles::at_least_zero);
    field("step", self.step, InFiles::count);
    field("none", self.none);
    field("rng", self.rng);
  }
};

/// Loads into a model, which must be as before if the file is refused.
Content load_content(const std::string& path, const LoadOptions& options) {
  Model model;
  Content before, after;
  before.add_state(model);
  try {
    load_safetensors(path, model, options);
  } catch (const DataError&) {
    after.add_state(model);
    if (after != before) throw std::runtime_error("a refused file that changed the model");
    throw;
  }
  after.add_state(model);
  return after;
}

std::uint64_t header_size(const Bytes& file) {
  return detail::little_endian(&file[0]) | std::uint64_t{detail::little_endian(&file[4])} << 32;
}

/// What the file good_plain holds, whose data may be damaged: rng, 0.bias, step, 0.weight [3, 2], 1.variance.
Content plain_content_of(const Bytes& file) {
  Model model;
  const std::uint8_t* from = file.data() + 8 + header_size(file);
  const auto take = [&](auto& number) {
    std::memcpy(&number, from, sizeof number);
    from += sizeof number;
  };
  Rng::State rng;
  take(rng.key);
  take(rng.counter);
  model.rng = Rng(rng);
  Tensor<double, 1> bias(Shape{2});
  Tensor<float, 2> weight(Shape{2, 3});
  for (double& x : bias.values()) take(x);
  take(*model.step.data());
  for (Index out = 0; out < 3; ++out)
    for (Index in = 0; in < 2; ++in) take(weight(in, out));
  for (float& x : model.variance.values()) take(x);
  model.bias = bias;
  model.weight = weight;
  Content content;
  content.add_state(model);
  return content;
}

/// Replaces each number of a header, its type names left out, by each of `others` and by its neighbours.
void each_number_in_header(Trial& trial, const Bytes& file, bool has_checksum) {
  const auto end = static_cast<std::size_t>(8 + header_size(file));
  const auto is_digit = [&](std::size_t i) { return i < end && file[i] >= '0' && file[i] <= '9'; };
  for (std::size_t i = 9; i < end; ++i) {
    const bool begins = is_digit(i) && (file[i - 1] == '[' || file[i - 1] == ' ');
    if (!begins) continue;
    std::size_t last = i;
    while (is_digit(last)) ++last;
    const long long value = std::stoll(
        std::string(file.begin() + static_cast<std::ptrdiff_t>(i), file.begin() + static_cast<std::ptrdiff_t>(last)));
    for (const std::string& number :
         {std::string("0"), std::string("1"), std::string("-1"), std::to_string(value + 1), std::to_string(value - 1),
          std::string("4294967296"), std::string("2305843009213693952"), std::string("9223372036854775807"),
          std::string("9223372036854775808"), std::string("18446744073709551615"), std::string("18446744073709551616"),
          std::string("1e9"), std::string("00"), std::string("[1]"), std::string("")}) {
      if (number == std::to_string(value)) continue;
      Bytes damaged(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(i));
      damaged.insert(damaged.end(), number.begin(), number.end());
      damaged.insert(damaged.end(), file.begin() + static_cast<std::ptrdiff_t>(last), file.end());
      const std::uint64_t size = header_size(file) + number.size() - (last - i);
      std::memcpy(damaged.data(), &size, 8);
      if (has_checksum) set_checksum_right(damaged);
      trial.expect(damaged, "the number at byte " + std::to_string(i) + " as " + number);
    }
  }
}

/// A file of a header and of zeros.
Bytes safetensors_of(const std::string& header, std::size_t data_size = 0) {
  Bytes file;
  append_number(file, header.size(), 8, false);
  file.insert(file.end(), header.begin(), header.end());
  file.resize(file.size() + data_size);
  return file;
}

// Checkpoints.

struct Trainer {
  Linear<double>& network;
  Adam<double> optimizer{};
  void prepare() { optimizer.prepare(network); }
  Loss step(const Tensor<double, 2>& batch, Rng&) {
    const auto loss = mean(square(network(Variable(batch))));
    optimizer.minimize(loss, network);
    return {loss.item()};
  }
  static void fields(auto& self, auto&& field) {
    field("network", self.network);
    field("optimizer", self.optimizer);
  }
};

struct Stop {};

/// Goes on from the checkpoint of a training of two epochs, up to the first step that it makes itself.
Content resume_content(const std::string& path) {
  Rng rng{1};
  const Tensor<double, 2> data = StandardNormal<double>(1).sample(5, rng);
  Linear<double> network{1, 1, rng};
  Trainer trainer{network};
  Content before, after;
  before.add_state(network);
  FitOptions<Loss> options{.epochs = 2, .batch_size = 2, .checkpoint = Checkpoint{path, 0, Start::resume}};
  FitHistory<Loss> history;
  options.history = &history;
  options.on_step = [](auto&) { throw Stop(); };
  try {
    fit(trainer, data, options, rng);
  } catch (const Stop&) {
  } catch (const DataError&) {
    after.add_state(network);
    if (after != before || trainer.optimizer.steps() != 0)
      throw std::runtime_error("a refused checkpoint that changed the trainer");
    throw;
  }
  after.add_state(trainer);
  for (const Loss& loss : history.steps) after.add(&loss, 1);
  after.add(&rng.state().counter, 1);
  return after;
}

Bytes whole_checkpoint() {
  const TemporaryDirectory directory;
  const std::string path = directory / "file";
  Rng rng{1};
  const Tensor<double, 2> data = StandardNormal<double>(1).sample(5, rng);
  Linear<double> network{1, 1, rng};
  Trainer trainer{network};
  fit(trainer, data, {.epochs = 2, .batch_size = 2, .checkpoint = Checkpoint{path, 1}}, rng);
  return read_bytes(path);
}

/// Where the data of a tensor begin in a file.
std::size_t place_of(const Bytes& file, const std::string& name) {
  const std::string header(file.begin() + 8, file.begin() + 8 + static_cast<std::ptrdiff_t>(header_size(file)));
  const std::string key = "\"data_offsets\": [";
  const std::size_t at = header.find(key, header.find("\"" + name + "\""));
  REQUIRE(at != header.npos);
  return 8 + header.size() + static_cast<std::size_t>(std::stoul(header.substr(at + key.size())));
}

std::vector<fs::path> good_seeds(const std::string& format) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(seeds / format))
    if (entry.path().filename().string().starts_with("good")) files.push_back(entry.path());
  std::ranges::sort(files);
  REQUIRE(!files.empty());
  return files;
}

}  // namespace

TEST_CASE("Damaged idx files give what stands in them or are refused", "[faults]") {
  for (const fs::path& seed : good_seeds("idx")) {
    const Example example{"idx, " + seed.filename().string(), read_bytes(seed), read_idx_content, Rule::same_data,
                          idx_content_of};
    Trial trial(example);
    trial.each_truncation();
    trial.each_bit();
    for (std::size_t i = 0; i < 4; ++i) trial.each_number(i, 1, true);
    for (std::size_t axis = 0; axis < example.file[3]; ++axis) trial.each_number(4 + 4 * axis, 4, true);
    Bytes longer = example.file;
    longer.push_back(0);
    trial.expect(longer, "one more byte");
  }
}

TEST_CASE("Damaged gzip files give the right idx or are refused", "[faults]") {
  for (const fs::path& seed : good_seeds("idx_gz")) {
    const Example example{"idx.gz, " + seed.filename().string(), read_bytes(seed), read_idx_content};
    Trial trial(example);
    trial.each_truncation();
    trial.each_bit();
    for (std::size_t i = 0; i < 10; ++i) trial.each_number(i, 1, true);
    trial.each_number(4, 4, false);
    if (example.file[3] & 4) trial.each_number(10, 2, false);
    for (const std::size_t from_end : {std::size_t{8}, std::size_t{4}})
      trial.each_number(example.file.size() - from_end, 4, false);
    Bytes twice = example.file;
    twice.insert(twice.end(), example.file.begin(), example.file.end());
    trial.expect(twice, "a second member");
  }
}

TEST_CASE("Numbers of a header inside of a gzip file with right checksums are not believed", "[faults]") {
  const Bytes plain = read_bytes(seeds / "idx" / "good_images");
  const auto read_packed = [](const std::string& path) {
    const Bytes packed = gzip_of(read_bytes(path));
    std::remove(path.c_str());
    write_bytes(path, packed);
    return read_idx_content(path);
  };
  const Example example{"idx in gzip", plain, read_packed, Rule::same_data, idx_content_of};
  Trial trial(example);
  trial.each_truncation();
  trial.each_bit();
  for (std::size_t axis = 0; axis < 3; ++axis) trial.each_number(4 + 4 * axis, 4, true);
}

TEST_CASE("Damaged PNG files give the right picture or are refused", "[faults]") {
  for (const fs::path& seed : good_seeds("png")) {
    const Example example{"png, " + seed.filename().string(), read_bytes(seed), read_image_content};
    if (example.file.size() > 1000) continue;
    Trial trial(example);
    trial.each_truncation();
    trial.each_bit();
    for (std::size_t chunk = 8; chunk < example.file.size(); chunk += 12 + detail::big_endian(&example.file[chunk])) {
      trial.each_number(chunk, 4, true);
      trial.each_number(chunk, 4, true, mend_chunks);
    }
  }
}

namespace {

Content size_of(Index height, Index width) {
  Content content;
  content.add(std::array{height, width});
  return content;
}

/// The size of a picture whose pixels are in their range.
Content read_image_size(const std::string& path) {
  const Tensor<float, 3> image = load_image(path);
  for (const float x : image.values())
    if (!(x >= 0 && x <= 1)) throw std::runtime_error("a pixel of " + std::to_string(x));
  return size_of(image.shape(0), image.shape(1));
}

}  // namespace

TEST_CASE("Other sizes, kinds, depths and ways in the header of a PNG file are refused or give that size", "[faults]") {
  for (const fs::path& seed : good_seeds("png")) {
    const Example example{
        "png, " + seed.filename().string(), read_bytes(seed), read_image_size, Rule::same_data,
        [&](const Bytes& file) { return size_of(detail::big_endian(&file[20]), detail::big_endian(&file[16])); }};
    Trial trial(example);
    for (const std::size_t size : {std::size_t{16}, std::size_t{20}}) trial.each_number(size, 4, true, mend_chunks);
    for (std::size_t i = 24; i < 29; ++i) trial.each_number(i, 1, true, mend_chunks);
  }
}

TEST_CASE("Damaged JPEG files give a picture of the size that they say or are refused", "[faults]") {
  // There is no checksum: a flipped bit can be another picture.
  for (const fs::path& seed : good_seeds("jpeg")) {
    const std::string name = "jpeg, " + seed.filename().string();
    const Bytes file = read_bytes(seed);
    {
      const Example example{name, file, read_image_content, Rule::all_found};
      Trial trial(example);
      trial.each_truncation();  // Without its last marker, none is whole.
    }
    const Example example{name, file, read_image_size, Rule::same_data, [&](const Bytes& damaged) {
                            const std::size_t at = frame_of(damaged);
                            return at == damaged.size() ? Content()
                                                        : size_of(detail::big_endian(&damaged[at + 5], 2),
                                                                  detail::big_endian(&damaged[at + 7], 2));
                          }};
    Trial trial(example);
    trial.each_bit();
    for (std::size_t at = 2; at + 4 < file.size() && file[at] == 0xff && file[at + 1] != 0xd9;) {
      const std::size_t length = detail::big_endian(&file[at + 2], 2);
      trial.each_number(at + 2, 2, true);
      for (std::size_t i = at + 4; i < at + 2 + length && i < at + 32; ++i) trial.each_number(i, 1, true);
      at += 2 + length;
      if (file[at] != 0xff) break;  // the codes of the first scan
    }
    const std::size_t frame = frame_of(file);
    for (const std::size_t size : {frame + 5, frame + 7}) trial.each_number(size, 2, true);
  }
}

TEST_CASE("Damaged npy files give the numbers that stand in them or are refused", "[faults]") {
  for (const fs::path& seed : good_seeds("npy")) {
    const Example example{"npy, " + seed.filename().string(), read_bytes(seed), npy_reads.at(seed.filename().string()),
                          Rule::same_data, npy_content_of};
    Trial trial(example);
    trial.each_truncation();
    trial.each_bit();
    for (std::size_t i = 0; i < 8; ++i) trial.each_number(i, 1, false);
    trial.each_number(8, example.file[6] == 1 ? 2 : 4, false);
    Bytes longer = example.file;
    longer.push_back(0);
    trial.expect(longer, "one more byte");
  }
}

TEST_CASE("Damaged npz files give the right arrays or are refused", "[faults]") {
  for (const fs::path& seed : good_seeds("npz")) {
    const Example example{"npz, " + seed.filename().string(), read_bytes(seed), read_npz_content};
    const Bytes& file = example.file;
    Trial trial(example);
    trial.each_truncation();
    trial.each_bit();
    for (std::size_t at = 0; at + 22 <= file.size(); ++at) {
      if (file[at] != 'P' || file[at + 1] != 'K' || file[at + 2] > 5) continue;
      // Each field of the three kinds of records, in their order.
      const std::vector<int> fields = file[at + 2] == 1 ? std::vector{4, 2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4}
                                      : file[at + 2] == 3 ? std::vector{4, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2}
                                                          : std::vector{4, 2, 2, 2, 2, 4, 4, 2};
      std::size_t place = at;
      for (const int size : fields) {
        trial.each_number(place, size, false);
        place += static_cast<std::size_t>(size);
      }
    }
  }
}

TEST_CASE("Damaged CSV files give the numbers that stand in them or are refused", "[faults]") {
  for (const fs::path& seed : good_seeds("csv")) {
    const Example example{"csv, " + seed.filename().string(), read_bytes(seed), read_csv_content, Rule::same_data,
                          csv_content_of};
    Trial trial(example);
    trial.each_truncation();
    trial.each_bit();
    for (std::size_t i = 0; i < example.file.size(); ++i) trial.each_number(i, 1, false);
  }
}

TEST_CASE("All damage to a safetensors file with a checksum is found where it is asked for", "[faults]") {
  const Example example{"safetensors, exact", read_bytes(seeds / "safetensors" / "good_checksum"),
                        [](const std::string& path) { return load_content(path, {.exact = true}); }, Rule::all_found};
  Trial trial(example);
  trial.each_truncation();
  trial.each_bit();
  trial.each_number(0, 8, false);
  trial.each_number(0, 8, false, set_checksum_right);
}

TEST_CASE("Damaged safetensors files give the right numbers or are refused, and then change nothing", "[faults]") {
  for (const std::string name : {"good_checksum", "good_plain"}) {
    const bool has_checksum = name == "good_checksum";
    Example example{"safetensors, " + name, read_bytes(seeds / "safetensors" / name),
                    [](const std::string& path) { return load_content(path, {}); }};
    if (!has_checksum) example.data_of = plain_content_of;
    Trial trial(example);
    trial.each_truncation();
    trial.each_bit();
    trial.each_number(0, 8, false);
    each_number_in_header(trial, example.file, has_checksum);
    Bytes longer = example.file;
    longer.resize(longer.size() + 4);
    trial.expect(longer, "four more bytes");
  }
}

TEST_CASE("All damage to a checkpoint is found, and changes nothing in the trainer", "[faults]") {
  const Example example{"checkpoint", whole_checkpoint(), resume_content, Rule::all_found};
  Trial trial(example);
  trial.each_truncation();
  trial.each_bit();
  trial.each_number(0, 8, false);
}

TEST_CASE("A checkpoint with a right checksum and wrong numbers takes no memory for them", "[faults]") {
  const Bytes whole = whole_checkpoint();
  // Other numbers of steps, of the epoch, or another place can be a training's own; sizes, offsets and shapes cannot.
  Example example{"checkpoint, mended", whole, resume_content};
  {
    Trial trial(example);
    each_number_in_header(trial, whole, true);
  }
  example.read = [](const std::string& path) {
    resume_content(path);
    return Content();
  };
  Trial trial(example);
  for (const auto& [name, count] : {std::pair{"fit.numbers", 13}, {"fit.place", 14}, {"trainer.optimizer.steps", 1}})
    for (int i = 0; i < count; ++i) {
      const std::size_t at = place_of(whole, name) + 8 * static_cast<std::size_t>(i);
      double value;
      std::memcpy(&value, &whole[at], 8);
      for (const double number :
           {0.0, 1.0, -1.0, value + 1, value - 1, 0.5, 0x1p27, 0x1p28 - 1, 0x1p31, 0x1p32, 0x1p53, 0x1p63, 0x1p64,
            std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        Bytes damaged = whole;
        std::memcpy(&damaged[at], &number, 8);
        set_checksum_right(damaged);
        trial.expect(damaged, std::string(name) + " " + std::to_string(i) + " as " + std::to_string(number));
      }
    }
}

TEST_CASE("Small files that promise much take little memory", "[faults]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "file";
  const auto check_refused = [&](const std::string& name, const Read& read, const Bytes& file,
                                 const std::string& message, std::size_t promised = 0) {
    const Outcome outcome = read_bytes_as(read, path, file, promised);
    INFO(name << ", " << file.size() << " bytes");
    CHECK(outcome.fault == "");
    CHECK_FALSE(outcome.content);
    CHECK_THAT(outcome.message, ContainsSubstring(message));
  };
  const Read load = [](const std::string& file) { return load_content(file, {}); };

  // 24 MiB of zeros in 24 KiB, where 9 values are announced, and where the trailer lies about them.
  Bytes zeros(24 << 20);
  zeros[2] = 8;
  zeros[3] = 1;
  zeros[7] = 9;
  Bytes bomb = gzip_of(zeros);
  REQUIRE(bomb.size() < 1 << 20);
  check_refused("gzip bomb", read_idx_content, bomb, "expected 17 bytes, as its content begins, but the gzip trailer");
  bomb.resize(bomb.size() - 4);
  append_number(bomb, 17, 4, false);
  check_refused(
      "gzip bomb with another trailer", read_idx_content, bomb,
      "expected 17 bytes, as the gzip trailer says, but the compressed data are damaged, truncated or longer");
  check_refused("plain idx of exabytes", read_idx_content,
                {0, 0, 8, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, "expected sizes whose product is 1,");

  // The same in PNG files, and a header of 2^26 pixels without data for them.
  const Bytes stream = detail::zlib_compress(Bytes(24 << 20));
  check_refused("PNG bomb", read_image_content, png_of(2, 3, 8, stream), "expected 8 bytes of pixels and no others");
  check_refused("PNG of 2^26 pixels", read_image_content, png_of(8192, 8192, 16, detail::zlib_compress(Bytes(100))),
                "bytes can fill but got 8192 x 8192");
  check_refused("PNG of 2^62 pixels", read_image_content, png_of(0x7fffffff, 0x7fffffff, 16, stream),
                "expected at most 2^26 values but got 2147483647 x 2147483647");

  // JPEG files of 2^32 and 2^25 pixels without data for them, and one of empty scans.
  Bytes jpeg = read_bytes(seeds / "jpeg" / "good_progressive");
  const auto set_size = [&](std::uint8_t high) {
    for (const std::size_t i : {5u, 7u}) jpeg[frame_of(jpeg) + i] = high;
  };
  set_size(0xff);
  check_refused("JPEG of 2^32 pixels", read_image_content, jpeg, "expected 1 to 2^26 values but got 65299 x 65302 x 3");
  set_size(0x11);
  check_refused("JPEG of 2^24 pixels", read_image_content, jpeg, "bytes can fill but got 4371 x 4374");
  jpeg = read_bytes(seeds / "jpeg" / "good_progressive_grey");
  // More scans of the last band, each of which says that no block has coefficients.
  Bytes bomb_of_scans(jpeg.begin(), jpeg.end() - 2);
  for (int i = 0; i < 100'000; ++i)
    for (const int byte : {0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0, 0})
      bomb_of_scans.push_back(static_cast<std::uint8_t>(byte));
  bomb_of_scans.insert(bomb_of_scans.end(), {0xff, 0xd9});
  check_refused("JPEG of empty scans", read_image_content, bomb_of_scans,
                "expected bits of coefficient 1 of component 1");

  // The same in an .npz file: zeros behind an array of two numbers, and sizes that nothing can fill.
  const Bytes array = detail::npy_file(Tensor<float, 1>(Shape{2}, 1.0f));
  Bytes much = array;
  much.resize(24 << 20);
  const auto npz_of = [&](const Bytes& content, std::size_t size) {
    const Bytes deflated = detail::zlib_compress(content);
    Bytes file = detail::zip_file("test", {{"x.npy", Bytes(deflated.begin() + 2, deflated.end() - 4)}});
    const std::size_t member = file.size() - 22 - 46 - 5;
    file[8] = file[member + 10] = 8;  // deflated
    for (std::size_t i = 0; i < 4; ++i) {
      file[member + 16 + i] = static_cast<std::uint8_t>(detail::crc32(content) >> 8 * i);
      file[member + 24 + i] = static_cast<std::uint8_t>(size >> 8 * i);
    }
    return file;
  };
  write_bytes(path, npz_of(array, array.size()));
  CHECK(load_npz(path).get<float, 1>("x")(1) == 1.0f);
  check_refused("npz bomb", read_npz_content, npz_of(much, much.size()), "expected 136 bytes, as their beginning says");
  check_refused("npz bomb of another size", read_npz_content, npz_of(much, array.size()),
                "expected deflated bytes but got damaged or truncated ones for x");
  check_refused("npz of a gigabyte", read_npz_content, npz_of(array, 1 << 30),
                "expected a size that the compressed bytes can have but got 1073741824");
  check_refused("npy of exabytes", read_npy_content<1>, read_bytes(seeds / "npy" / "exabytes"),
                "expected a shape that fits into a file but got [4294967296, 4294967296, 4]");
  Bytes two_gigabytes = array;
  const std::string shape = "(500000000,), }";
  std::copy(shape.begin(), shape.end(), std::find(two_gigabytes.begin(), two_gigabytes.end(), '('));
  check_refused("npy of two gigabytes", read_npy_content<1>, two_gigabytes,
                "expected 2000000000 bytes of numbers, as the header says, but got 8");

  const std::string eib = "1152921504606846976";
  check_refused("header of an exbibyte", load, {0, 0, 0, 0, 0, 0, 0, 0x10, '{', '}'}, "bytes but got " + eib);
  check_refused("tensor of exbibytes", load,
                safetensors_of(R"({"step":{"dtype":"F64","shape":[)" + eib + R"(],"data_offsets":[0,8]}})", 8),
                "that hold F64 [" + eib + "] but got [0, 8]");
  check_refused(
      "offsets of exbibytes", load,
      safetensors_of(R"({"step":{"dtype":"F64","shape":[],"data_offsets":[)" + eib + ",1152921504606846984]}}", 8),
      "to begin at 0, where those before end, but got " + eib);
  check_refused(
      "a product that wraps to 8", load,
      safetensors_of(R"({"step":{"dtype":"F64","shape":[4294967297,4294967296,4294967296],"data_offsets":[0,8]}})", 8),
      "that hold F64 [4294967297, 4294967296, 4294967296] but got [0, 8]");
  check_refused("nesting", load, safetensors_of(std::string(1 << 20, '[')), "expected '{' at byte 0");
  check_refused("nested members", load, safetensors_of([] {
                  std::string text;
                  for (int i = 0; i < 100'000; ++i) text += "{\"a\":";
                  return text;
                }()),
                "dtype, shape and data_offsets, each once, of a but got a");
  check_refused("a long name", load, safetensors_of("{\"" + std::string(1 << 20, 'n') + "\": 1}"), "expected '{'");
  check_refused("many axes", load,
                safetensors_of(R"({"step":{"dtype":"F64","shape":[)" +
                                   [] {
                                     std::string ones = "1";
                                     for (int i = 0; i < 100'000; ++i) ones += ",1";
                                     return ones;
                                   }() +
                                   R"(],"data_offsets":[0,8]}})",
                               8),
                "expected at most 64 numbers");
}

TEST_CASE("A header of nothing but names takes memory in proportion to its length", "[faults]") {
  const TemporaryDirectory directory;
  const std::string path = directory / "file";
  std::string header = "{";
  for (int i = 100'000; i < 200'000; ++i)
    header += "\"" + std::to_string(i) + R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)";
  header.back() = '}';
  const Bytes file = safetensors_of(header);
  const Outcome outcome = read_bytes_as([](const std::string& p) { return load_content(p, {.partial = true}); }, path,
                                        file, 4 * file.size());
  CHECK(outcome.fault == "");
  CHECK_THAT(outcome.message, ContainsSubstring("expected at least one of the names of the model"));
}

TEST_CASE("A table of nothing but delimiters takes memory in proportion to its length", "[faults]") {
  const TemporaryDirectory directory;
  const Read read = [](const std::string& path) {
    load_csv(path, {.columns = {0}});  // the only one that has a name
    return Content();
  };
  // A million names of columns, 32 bytes each.
  Bytes names(1 << 20, ',');
  names[0] = 'a';
  const Outcome header = read_bytes_as(read, directory / "file", names, 128 << 20);
  CHECK(header.fault == "");
  CHECK_THAT(header.message, ContainsSubstring("expected at least one row of numbers but got none"));
  Bytes rows(1 << 20, ',');
  rows[0] = 'a';
  rows[1 << 19] = '\n';
  const Outcome row = read_bytes_as(read, directory / "file", rows, 128 << 20);
  CHECK(row.fault == "");
  CHECK_THAT(
      row.message,
      ContainsSubstring("expected a number, or .missing in the options, but got nothing in line 2, column 0 (a)"));
}
