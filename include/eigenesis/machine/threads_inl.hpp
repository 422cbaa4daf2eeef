// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#include "eigenesis/machine/float_state.hpp"
#include "eigenesis/machine/memory.hpp"
#include "eigenesis/machine/threads.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

/// Processors that the control groups of this process grant it, rounded up; a huge number without a limit.
EIGENESIS_ONCE int cgroup_processors() {
  int allowed = std::numeric_limits<int>::max();
  const auto limit = [&](const std::string& quota_file, const std::string& period_file) {
    double quota = 0, period = 0;  // "max 100000" does not parse as a number: no limit
    if (std::FILE* file = std::fopen(quota_file.c_str(), "r")) {
      if (std::fscanf(file, "%lf %lf", &quota, &period) < 1) quota = 0;
      std::fclose(file);
    }
    if (std::FILE* file = period_file.empty() ? nullptr : std::fopen(period_file.c_str(), "r")) {
      if (std::fscanf(file, "%lf", &period) < 1) period = 0;
      std::fclose(file);
    }
    if (quota > 0 && period > 0) allowed = std::min(allowed, std::max(1, static_cast<int>(quota / period + 0.999)));
  };
  char line[4096] = "";
  if (std::FILE* file = std::fopen("/proc/self/cgroup", "r")) {
    while (std::fgets(line, sizeof line, file) != nullptr && std::strncmp(line, "0::", 3) != 0) {
    }
    std::fclose(file);
  }
  if (std::strncmp(line, "0::", 3) == 0)  // version 2: the group of this process and all above it
    for (std::string group(line + 3, std::strcspn(line + 3, "\n"));; group.resize(group.rfind('/'))) {
      limit("/sys/fs/cgroup" + group + "/cpu.max", "");
      if (group.empty()) break;
    }
  limit("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  return allowed;
}

EIGENESIS_ONCE int default_threads() {
  if (const char* wish = std::getenv("EIGENESIS_THREADS"); wish != nullptr && *wish != '\0') {
    char* end = nullptr;
    const long threads = std::strtol(wish, &end, 10);
    require<ArgumentError>(*end == '\0' && threads >= 1 && threads <= 4096,
                           "EIGENESIS_THREADS: expected a number from 1 to 4096 but got ", wish);
    return static_cast<int>(threads);
  }
  int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) processors = std::max(1, CPU_COUNT(&set));
  processors = std::min(processors, cgroup_processors());
#endif
  return processors;
}

EIGENESIS_ONCE std::atomic<int>& thread_setting() {
  static std::atomic<int> threads{default_threads()};
  return threads;
}

/// A fork-join pool of threads. A job is a number of pieces: the caller of run() and the workers take them from one
/// counter until none is left. A worker takes part only if it enters the job while the caller still has pieces to do;
/// the caller waits for those workers only, so one that is asleep or preempted delays nobody. Workers without a job
/// look for the next one in a loop, as waking a thread takes longer than most jobs, and sleep after 300 microseconds.
/// They compute in the floating-point state of the caller.
class ThreadPool {
 public:
  using Piece = void (*)(void* context, Index piece);

  /// The pool is never destroyed and its threads are detached, so that static destructors may run jobs too. A child of
  /// fork() has none of these threads, and finds a new pool in the place of the old one.
  static ThreadPool& instance() {
    alignas(ThreadPool) static unsigned char memory[sizeof(ThreadPool)];
    static constexpr auto start = [] { new (memory) ThreadPool; };
    [[maybe_unused]] static const bool started = [] {
      start();
#if defined(__unix__) || defined(__APPLE__)
      pthread_atfork(nullptr, nullptr, start);
#endif
      return true;
    }();
    return *std::launder(reinterpret_cast<ThreadPool*>(memory));
  }

  void run(Index pieces, Piece piece, void* context) {
    const Index helpers = std::min<Index>(pieces, thread_setting().load(std::memory_order_relaxed)) - 1;
    if (helpers < 1 || inside() || busy_.exchange(true, std::memory_order_acquire)) {
      for (Index i = 0; i < pieces; ++i) piece(context, i);
      return;
    }
    start(static_cast<int>(helpers));
    piece_ = piece;
    context_ = context;
    pieces_ = pieces;
    state_ = float_state();
    next_.store(0, std::memory_order_relaxed);
    const std::uint64_t job = ((gate_.load(std::memory_order_relaxed) >> 32) + 1) << 32;
    gate_.store(job | static_cast<std::uint64_t>(helpers) << 16, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) {
      { std::lock_guard lock(mutex_); }
      for (Index i = 0; i < helpers; ++i) wake_.notify_one();
    }
    work();
    gate_.fetch_and(~closed_mask, std::memory_order_relaxed);
    for (int spins = 0; (gate_.load(std::memory_order_acquire) & entered_mask) != 0; ++spins)
      spins < 20000 ? relax() : std::this_thread::yield();
    std::exception_ptr error;
    std::swap(error, error_);
    busy_.store(false, std::memory_order_release);
    if (error) std::rethrow_exception(error);
  }

 private:
  // The state of the job in one number, so that it changes at once: the job's number (32 bits), how many more workers
  // may enter (16 bits), how many are inside (16 bits). closed_mask selects the places left: without any the job is
  // closed.
  static constexpr std::uint64_t place = 1 << 16, closed_mask = 0xffff0000, entered_mask = 0xffff;

  static bool& inside() {
    static thread_local bool flag = false;
    return flag;
  }

  static void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  void start(int helpers) {
    try {
      for (; workers_ < helpers; ++workers_) std::thread([this] { wait_for_jobs(); }).detach();
    } catch (const std::exception&) {  // no more threads to be had: those that exist do the work
    }
  }

  void wait_for_jobs() {
    // The C library lets no thread register what it destroys at its end while a shared library is being loaded. A
    // worker waits for that here, as the caller of a job may be a static constructor of that library, and wait for it.
    // What is registered also keeps the library from being unloaded.
    block_cache();
    in_pool_thread() = true;
    std::uint64_t seen = 0;
    for (;;) {
      const auto changed = [&] { return gate_.load(std::memory_order_seq_cst) >> 32 != seen; };
      const auto patience = std::chrono::steady_clock::now() + std::chrono::microseconds(300);
      for (int spins = 1; !changed(); ++spins) {
        relax();
        if (spins % 64 == 0 && std::chrono::steady_clock::now() > patience) {
          std::unique_lock lock(mutex_);
          sleepers_.fetch_add(1, std::memory_order_seq_cst);
          wake_.wait(lock, changed);
          sleepers_.fetch_sub(1, std::memory_order_seq_cst);
        }
      }
      std::uint64_t gate = gate_.load(std::memory_order_acquire);
      seen = gate >> 32;
      while (gate >> 32 == seen && (gate & closed_mask) != 0)
        if (gate_.compare_exchange_weak(gate, gate - place + 1, std::memory_order_acquire)) {
          set_float_state(state_);
          work();
          gate_.fetch_sub(1, std::memory_order_release);
          break;
        }
    }
  }

  void work() {
    inside() = true;
    for (Index i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < pieces_;) {
      try {
        piece_(context_, i);
      } catch (...) {
        // Pieces start in order, so the lowest that throws is the one a serial loop would have thrown.
        std::lock_guard lock(mutex_);
        if (!error_ || i < failed_) error_ = std::current_exception(), failed_ = i;
        next_.store(pieces_, std::memory_order_relaxed);
      }
    }
    inside() = false;
  }

  Piece piece_ = nullptr;
  void* context_ = nullptr;
  Index pieces_ = 0, failed_ = 0;
  int workers_ = 0;
  FloatState state_ = 0;
  std::exception_ptr error_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> busy_{false};
  std::atomic<int> sleepers_{0};
  alignas(64) std::atomic<std::uint64_t> gate_{0};
  alignas(64) std::atomic<Index> next_{0};
};

EIGENESIS_ONCE void run_on_threads(Index pieces, void (*piece)(void* context, Index piece), void* context) {
  ThreadPool::instance().run(pieces, piece, context);
}

}  // namespace detail

EIGENESIS_ONCE int num_threads() { return detail::thread_setting().load(std::memory_order_relaxed); }

EIGENESIS_ONCE void set_num_threads(int n) {
  require<ArgumentError>(n >= 1 && n <= 4096, "set_num_threads: expected a number from 1 to 4096 but got ", n);
  detail::thread_setting().store(n, std::memory_order_relaxed);
}

}  // namespace eigenesis::inline EIGENESIS_ABI
