// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <eigenesis/eigenesis.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "catch.hpp"

using namespace eigenesis;

namespace {

/// Restores the number of threads.
struct Threads {
  int before = num_threads();
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
};

/// An environment variable that is put back.
struct Environment {
  const char* name;
  std::string before;
  bool was_set;
  Environment(const char* name_, const char* value) : name(name_), was_set(std::getenv(name_) != nullptr) {
    if (was_set) before = std::getenv(name);
    setenv(name, value, 1);
  }
  ~Environment() { was_set ? setenv(name, before.c_str(), 1) : unsetenv(name); }
};

/// Whether two pieces are at work at the same time: each waits, at most ten seconds, until both have begun.
bool two_at_once() {
  std::atomic<int> begun{0};
  std::atomic<bool> together{true};
  parallel_for(2, [&](Index) {
    ++begun;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (begun < 2 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    if (begun < 2) together = false;
  });
  return together;
}

/// A product whose right factor has to be packed.
bool product_is_right() {
  const Variable<float, 2> a(Tensor<float, 2>(Shape{256, 64}, 1.0f)), b(Tensor<float, 2>(Shape{256, 64}, 1.0f));
  const auto values = matmul(a, transposed(b)).value().values();
  return std::all_of(values.begin(), values.end(), [](float x) { return x == 64; });
}

/// Uses the pool, and the working memory of a thread, while static objects are destroyed.
struct LateUser {
  std::vector<int> counts = std::vector<int>(8, 0);
  ~LateUser() {
    parallel_for(8, [&](Index i) { ++counts[static_cast<std::size_t>(i)]; });
    if (counts != std::vector<int>(8, 1)) std::abort();
    const std::vector<char> taken(100'000, 1);  // memory that was freed before may lie here
    if (!product_is_right() || !product_is_right()) std::abort();
    if (taken != std::vector<char>(100'000, 1)) std::abort();
    release_unused_memory();
  }
} late_user;

#if defined(__unix__)
/// Runs f() in a child of this process; whether it returned true within ten seconds.
template <class F>
bool holds_in_child(F f) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    _exit(f() ? 0 : 1);
  }
  int status = -1;
  return waitpid(child, &status, 0) == child && status == 0;
}
#endif

}  // namespace

TEST_CASE("parallel_for calls each piece once") {
  for (const int threads : {1, 2, 3, 8})
    for (const Index pieces : {0, 1, 2, 7, 1000}) {
      const Threads setting(threads);
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(pieces));
      for (int round = 0; round < 20; ++round)
        parallel_for(pieces, [&](Index i) { ++calls[static_cast<std::size_t>(i)]; });
      INFO(threads << " threads, " << pieces << " pieces");
      CHECK(std::all_of(calls.begin(), calls.end(), [](const auto& n) { return n == 20; }));
    }
}

TEST_CASE("parallel_for works on several threads, also when the workers had gone to sleep") {
  const Threads setting(2);
  CHECK(two_at_once());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(two_at_once());
}

TEST_CASE("parallel_for with one thread stays in the calling thread, in order") {
  const Threads setting(1);
  std::vector<Index> order;
  bool same = true;
  const auto self = std::this_thread::get_id();
  parallel_for(5, [&](Index i) {
    same = same && std::this_thread::get_id() == self;
    order.push_back(i);
  });
  CHECK(same);
  CHECK(order == std::vector<Index>{0, 1, 2, 3, 4});
}

TEST_CASE("parallel_for inside a piece stays in the thread of the piece") {
  const Threads setting(3);
  std::atomic<int> calls{0}, strangers{0};
  parallel_for(6, [&](Index) {
    const auto self = std::this_thread::get_id();
    parallel_for(10, [&](Index) {
      ++calls;
      if (std::this_thread::get_id() != self) ++strangers;
    });
  });
  CHECK(calls == 60);
  CHECK(strangers == 0);
}

TEST_CASE("parallel_for may be called by several threads at once") {
  const Threads setting(3);
  std::atomic<long> total{0};
  const auto user = [&] {
    for (int round = 0; round < 500; ++round) parallel_for(9, [&](Index i) { total += i; });
  };
  std::thread first(user), second(user);
  user();
  first.join();
  second.join();
  CHECK(total == 3L * 500 * 36);
}

TEST_CASE("parallel_for throws the exception of the lowest piece and goes on working") {
  for (const int threads : {1, 2, 8}) {
    const Threads setting(threads);
    for (int round = 0; round < 50; ++round) {
      CHECK_THROWS_MATCHES(parallel_for(100,
                                        [](Index i) {
                                          if (i == 13 || i == 14 || i == 60)
                                            throw std::runtime_error("piece " + std::to_string(i));
                                        }),
                           std::runtime_error, Message("piece 13"));
    }
    std::atomic<int> calls{0};
    parallel_for(100, [&](Index) { ++calls; });
    CHECK(calls == 100);
  }
}

TEST_CASE("set_num_threads sets the number and refuses less than one") {
  const Threads setting(5);
  CHECK(num_threads() == 5);
  CHECK_THROWS_MATCHES(set_num_threads(0), ArgumentError,
                       Message("set_num_threads: expected a number from 1 to 4096 but got 0"));
  CHECK_THROWS_MATCHES(set_num_threads(5000), ArgumentError,
                       Message("set_num_threads: expected a number from 1 to 4096 but got 5000"));
  CHECK(num_threads() == 5);
}

TEST_CASE("The number of threads at first") {
  {
    const Environment none("EIGENESIS_THREADS", "");
    const int threads = detail::default_threads();
    CHECK(threads >= 1);
    CHECK(threads <= static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  }
  {
    const Environment seven("EIGENESIS_THREADS", "7");
    CHECK(detail::default_threads() == 7);
  }
  for (const char* wrong : {"0", "-1", "two", "2x", "4097"}) {
    const Environment variable("EIGENESIS_THREADS", wrong);
    CHECK_THROWS_MATCHES(detail::default_threads(), ArgumentError,
                         Message(std::string("EIGENESIS_THREADS: expected a number from 1 to 4096 but got ") + wrong));
  }
}

#if defined(__unix__)
TEST_CASE("A child of fork() has threads of its own", "[fork]") {
  const Threads setting(4);
  const auto works = [] { return two_at_once() && product_is_right(); };
  for (int i = 0; i < 20; ++i) {
    CHECK(works());
    if (i % 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the pool's threads sleep by then
    CHECK(holds_in_child([&] { return works() && holds_in_child(works); }));
  }
  CHECK(works());
}

TEST_CASE("A child of fork() has a free pool also if other threads were using it", "[fork]") {
  const Threads setting(3);
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done) parallel_for(64, [](Index) {});
  });
  for (int i = 0; i < 20; ++i) CHECK(holds_in_child(two_at_once));
  done = true;
  other.join();
}
#endif
