// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <eigenesis/eigenesis.hpp>
#include <thread>

#include "catch.hpp"
#include "files.hpp"

using namespace eigenesis;
namespace fs = std::filesystem;

namespace {

const Bytes content{1, 2, 3, 0, 255};

mode_t mode_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

/// A limit of the process that goes back with this object.
class Limit {
 public:
  Limit(decltype(RLIMIT_FSIZE) which, rlim_t value) : which_(which) {
    ::getrlimit(which_, &before_);
    const rlimit limit{value, before_.rlim_max};
    ::setrlimit(which_, &limit);
  }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;
  ~Limit() { ::setrlimit(which_, &before_); }

 private:
  decltype(RLIMIT_FSIZE) which_;
  rlimit before_{};
};

/// The process is not root as long as this lives. Root may read and write everything.
class NotRoot {
 public:
  NotRoot() {
    if (::geteuid() == 0) REQUIRE(::seteuid(65534) == 0);
  }
  NotRoot(const NotRoot&) = delete;
  NotRoot& operator=(const NotRoot&) = delete;
  ~NotRoot() {
    if (::getuid() == 0 && ::seteuid(0) != 0) std::abort();
  }
};

struct Fixture {
  TemporaryDirectory directory;
  std::string path = directory / "file";

  void check_refused(const std::string& name, const std::string& reason, const Bytes& bytes = content) {
    CHECK_THROWS_MATCHES(detail::write_file("save", name, bytes), Error,
                         Message("save: expected a writable file but got '" + reason + "' for " + name));
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "A new file gets the mode that the process gives to files") {
  const mode_t mask = ::umask(027);
  detail::write_file("save", path, content);
  ::umask(mask);
  CHECK(read_bytes(path) == content);
  CHECK(mode_of(path) == 0640);
  CHECK(directory.file_count() == 1);
}

TEST_CASE_METHOD(Fixture, "An old file keeps its mode") {
  write_bytes(path, {9});
  for (const mode_t mode : {0600u, 0666u, 0755u}) {
    ::chmod(path.c_str(), mode);
    detail::write_file("save", path, content);
    CHECK(read_bytes(path) == content);
    CHECK(mode_of(path) == mode);
  }
  CHECK(directory.file_count() == 1);
}

TEST_CASE_METHOD(Fixture, "What a symbolic link leads to is written, and the link stays") {
  fs::create_directories(directory / "there/deeper");
  write_bytes(directory / "there/target", {9});
  const auto link = [&](const std::string& name, const std::string& to) { fs::create_symlink(to, directory / name); };
  link("relative", "there/target");
  link("absolute", directory / "there/target");
  link("there/deeper/second", "../../relative");
  link("new", "there/deeper/new");  // leads to nothing yet
  Bytes bytes = content;
  for (const std::string name : {"relative", "absolute", "there/deeper/second"}) {
    bytes.push_back(7);
    detail::write_file("save", directory / name, bytes);
    CHECK(read_bytes(directory / "there/target") == bytes);
    CHECK(fs::is_symlink(directory / name));
  }
  detail::write_file("save", directory / "new", content);
  CHECK(fs::is_symlink(directory / "new"));
  CHECK(fs::is_regular_file(fs::symlink_status(directory / "there/deeper/new")));
  CHECK(read_bytes(directory / "there/deeper/new") == content);
  link("circle", "circle");
  check_refused(directory / "circle", "Too many levels of symbolic links");
}

TEST_CASE_METHOD(Fixture, "A pipe is written in place, whatever signals come") {
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  Bytes sent(3'000'000), received;
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::uint8_t>(i * i / 251);
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  ::pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
  std::thread reader([&] { received = read_bytes(path); });
  struct sigaction act {
  }, before{};
  act.sa_handler = [](int) {};  // without SA_RESTART
  ::sigaction(SIGALRM, &act, &before);
  ::pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
  const itimerval often{{0, 300}, {0, 300}}, never{};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  detail::write_file("save", path, sent);
  detail::write_file("save", directory / "regular", sent);
  ::setitimer(ITIMER_REAL, &never, nullptr);
  reader.join();
  ::sigaction(SIGALRM, &before, nullptr);
  CHECK(received == sent);
  CHECK(read_bytes(directory / "regular") == sent);
  CHECK(fs::is_fifo(path));
  CHECK(directory.file_count() == 2);
}

TEST_CASE_METHOD(Fixture, "Names may be as long as the file system allows") {
  const std::string longest = directory / std::string(255, 'n');
  detail::write_file("save", longest, content);
  CHECK(read_bytes(longest) == content);
  check_refused(directory / std::string(256, 'n'), "File name too long");
  CHECK(directory.file_count() == 1);
}

TEST_CASE_METHOD(Fixture, "A file that cannot be written is an error with the reason, and the old one stays") {
  write_bytes(path, {9});
  check_refused(directory.path(), "Is a directory");
  check_refused(directory / "no/file", "No such file or directory");
  check_refused(directory / "file/file", "Not a directory");
  check_refused(directory / "new/", "No such file or directory");
  CHECK_THROWS_MATCHES(detail::write_file("test", "", Bytes(1)), ArgumentError,
                       Message("test: expected the path of a file but got an empty one"));
  CHECK_THROWS_MATCHES(detail::read_file("test", ""), ArgumentError,
                       Message("test: expected the path of a file but got an empty one"));
  CHECK_THROWS_MATCHES(
      detail::write_file("test", path + std::string("\0.png", 5), Bytes(1)), ArgumentError,
      Message("test: expected the path of a file but got one with a character 0, " + path + "\\x00.png"));
  {
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const Limit size(RLIMIT_FSIZE, 1000);
    check_refused(path, "File too large", Bytes(2000));
    std::signal(SIGXFSZ, handler);
  }
  const auto refuse_without_descriptors = [&](rlim_t free) {
    const int first = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(first);
    const Limit descriptors(RLIMIT_NOFILE, static_cast<rlim_t>(first) + free);
    check_refused(path, "Too many open files");
  };
  refuse_without_descriptors(0);
  refuse_without_descriptors(1);
  refuse_without_descriptors(2);
  ::chmod(path.c_str(), 0444);
  ::chmod(directory.path().c_str(), 0755);
  {
    const NotRoot not_root;
    check_refused(path, "Permission denied");
    ::chmod(directory.path().c_str(), 0555);
    check_refused(directory / "new", "Permission denied");
  }
  ::chmod(directory.path().c_str(), 0700);
  CHECK(read_bytes(path) == Bytes{9});
  CHECK(directory.file_count() == 1);
}

TEST_CASE_METHOD(Fixture, "A folder that nobody may list can be written to") {
  ::chmod(directory.path().c_str(), 0300);
  detail::write_file("save", path, content);
  ::chmod(directory.path().c_str(), 0700);
  CHECK(read_bytes(path) == content);
  CHECK(directory.file_count() == 1);
}

TEST_CASE_METHOD(Fixture, "Several writers of one file leave a whole one") {
  std::vector<std::thread> writers;
  for (std::uint8_t i = 0; i < 4; ++i)
    writers.emplace_back([&, i] {
      for (int k = 0; k < 20; ++k) detail::write_file("save", path, Bytes(50'000, i));
    });
  for (std::thread& writer : writers) writer.join();
  const Bytes found = read_bytes(path);
  REQUIRE(found.size() == 50'000);
  CHECK(found == Bytes(50'000, found[0]));
  CHECK(directory.file_count() == 1);
}

TEST_CASE_METHOD(Fixture, "A file that cannot be read is there") {
  CHECK(!detail::file_exists(path));
  CHECK(!detail::file_exists(""));
  write_bytes(path, content);
  CHECK(!detail::file_exists(path + "/below"));
  ::chmod(path.c_str(), 0);
  fs::create_symlink("circle", directory / "circle");
  fs::create_directory(directory / "closed");
  write_bytes(directory / "closed/file", content);
  ::chmod((directory / "closed").c_str(), 0);
  ::chmod(directory.path().c_str(), 0711);
  {
    const NotRoot not_root;
    for (const std::string name : {"file", "circle", "closed/file"}) {
      INFO(name);
      CHECK(detail::file_exists(directory / name));
    }
  }
  ::chmod((directory / "closed").c_str(), 0700);
}

TEST_CASE_METHOD(Fixture, "The last files that were there before are kept") {
  const auto has = [&](const std::string& name, std::uint8_t number) {
    INFO(name);
    CHECK(read_bytes(directory / name) == Bytes{number});
  };
  const auto write = [&](std::uint8_t number, Index keep) { detail::write_file("save", path, Bytes{number}, keep); };
  write_bytes(path + ".1", {99});
  for (std::uint8_t i = 1; i <= 3; ++i) write(i, 1);
  has("file", 3);
  has("file.1", 99);  // none of ours
  fs::remove(path + ".1");
  for (std::uint8_t i = 4; i <= 9; ++i) {
    write(i, 3);
    has("file", i);
    has("file.1", static_cast<std::uint8_t>(i - 1));
    if (i > 4) has("file.2", static_cast<std::uint8_t>(i - 2));
    CHECK(directory.file_count() == (i == 4 ? 2 : 3));
  }

  // Wherever a process is killed while they move up, the next one goes on.
  const auto is_as_if_never_killed = [&] {
    write(10, 3);
    has("file", 10);
    has("file.1", 9);
    has("file.2", 8);
    CHECK(directory.file_count() == 3);
  };
  const auto back_to_nine = [&] {
    for (std::uint8_t i = 7; i <= 9; ++i) write(i, 3);
  };
  fs::rename(path + ".2", path + ".3");
  is_as_if_never_killed();
  back_to_nine();
  fs::rename(path + ".2", path + ".3");
  fs::rename(path + ".1", path + ".2");
  is_as_if_never_killed();
  back_to_nine();
  fs::rename(path + ".2", path + ".3");
  fs::rename(path + ".1", path + ".2");
  fs::create_hard_link(path, path + ".1");
  is_as_if_never_killed();
  back_to_nine();
  fs::copy_file(path + ".2", path + ".3");
  is_as_if_never_killed();

  for (std::uint8_t i = 11; i <= 12; ++i) write(i, 2);
  has("file", 12);
  has("file.1", 11);
  CHECK(detail::earlier_file(path, 2) == path + ".2");
}

TEST_CASE_METHOD(Fixture, "Earlier files of a symbolic link stand beside what it leads to") {
  fs::create_directory(directory / "there");
  fs::create_symlink("there/target", path);
  for (std::uint8_t i = 1; i <= 3; ++i) detail::write_file("save", path, Bytes{i}, 2);
  CHECK(fs::is_symlink(path));
  CHECK(read_bytes(path) == Bytes{3});
  CHECK(read_bytes(directory / "there/target.1") == Bytes{2});
  CHECK(detail::earlier_file(path, 1) == directory / "there/target.1");
  CHECK(directory.file_count() == 2);
}

TEST_CASE_METHOD(Fixture, "What is no file in the way of earlier ones is an error, and all stays as it is") {
  for (std::uint8_t i = 1; i <= 2; ++i) detail::write_file("save", path, Bytes{i}, 3);
  fs::create_directory(path + ".2");
  CHECK_THROWS_MATCHES(detail::write_file("save", path, content, 3), Error,
                       Message("save: expected a writable file but got 'File exists' for " + path + ".2"));
  fs::remove(path + ".2");
  fs::create_symlink("elsewhere", path + ".2");
  CHECK_THROWS_MATCHES(detail::write_file("save", path, content, 3), Error,
                       Message("save: expected a writable file but got 'File exists' for " + path + ".2"));
  CHECK(read_bytes(path) == Bytes{2});
  CHECK(read_bytes(path + ".1") == Bytes{1});
  CHECK(fs::is_symlink(path + ".2"));
  CHECK(directory.file_count() == 3);
}

TEST_CASE_METHOD(Fixture, "Several writers that keep earlier files leave whole ones") {
  std::vector<std::thread> writers;
  for (std::uint8_t i = 0; i < 4; ++i)
    writers.emplace_back([&, i] {
      for (int k = 0; k < 20; ++k) {
        detail::remove_abandoned_files(path);
        detail::write_file("save", path, Bytes(50'000, i), 3);
      }
    });
  for (std::thread& writer : writers) writer.join();
  for (const std::string name : {"file", "file.1", "file.2"}) {
    const Bytes found = read_bytes(directory / name);
    if (name != "file" && found.empty()) continue;  // the other threads may have moved it up
    REQUIRE(found.size() == 50'000);
    CHECK(found == Bytes(50'000, found[0]));
  }
  for (const auto& entry : fs::directory_iterator(directory.path()))
    CHECK(entry.path().filename().string().starts_with("file"));
}

TEST_CASE_METHOD(Fixture, "What killed processes left behind is removed, and what living ones write is not") {
  const std::string begin = ".eigenesis-8c9f3610-";  // CRC-32 of "file", by Python's zlib
  const std::string other = directory / ".eigenesis-00000000-1", live = directory / begin + "2";
  write_bytes(directory / begin + "1", content);
  write_bytes(other, content);
  write_bytes(live, content);
  const int writer = ::open(live.c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(::flock(writer, LOCK_EX) == 0);
  detail::remove_abandoned_files(path);
  CHECK(!fs::exists(directory / begin + "1"));
  CHECK(fs::exists(live));
  CHECK(fs::exists(other));
  ::close(writer);
  detail::remove_abandoned_files(path);
  CHECK(!fs::exists(live));
  CHECK(directory.file_count() == 1);

  // A process that is killed at the first byte: its limit of file sizes is 0.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit none{0, 0};
    std::signal(SIGXFSZ, SIG_DFL);
    ::setrlimit(RLIMIT_FSIZE, &none);
    try {
      detail::write_file("save", path, content);
    } catch (const Error&) {
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(!fs::exists(path));
  REQUIRE(directory.file_count() == 2);
  detail::remove_abandoned_files(path);
  CHECK(directory.file_count() == 1);
}
