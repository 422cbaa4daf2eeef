// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "eigenesis/machine/config.hpp"

namespace eigenesis::inline EIGENESIS_ABI {
namespace detail {

// The sanitizers see every use after free only if blocks really go back to the system.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool recycle_blocks = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool recycle_blocks = false;
#else
inline constexpr bool recycle_blocks = true;
#endif
#else
inline constexpr bool recycle_blocks = true;
#endif

/// Keeps blocks of memory that are given back, and hands them out again. A training step that repeats takes no memory
/// from the system, where each new page costs more than the arithmetic done on it. Every thread has a cache of its own;
/// a block may be given back in another thread than it was taken in.
class BlockCache {
 public:
  static constexpr std::size_t alignment = 64;

  BlockCache() = default;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;
  ~BlockCache() {
    release();
    closed() = true;
  }

  void* take(std::size_t bytes) {
    const std::size_t c = size_class(bytes);
    void* memory = free_[c];
    if (memory)
      free_[c] = free_[c]->next;
    else
      memory = allocate(c);
    ++outstanding_[c];
    return memory;
  }

  void give(void* memory, std::size_t bytes) noexcept {
    const std::size_t c = size_class(bytes);
    // A thread that only gives back what others took would hoard memory that it never needs.
    if (recycle_blocks && outstanding_[c] > 0) {
      --outstanding_[c];
      free_[c] = new (memory) Block{free_[c]};
    } else {
      std::free(memory);
    }
  }

  /// Returns all unused blocks to the system.
  void release() noexcept {
    for (Block*& head : free_)
      while (head) std::free(std::exchange(head, head->next));
  }

  /// How often the caches of all threads asked the system for memory.
  static std::int64_t system_allocations() { return allocations_.load(std::memory_order_relaxed); }

  // Whether the cache of this thread is destroyed: tensors of static storage may live longer.
  static bool& closed() {
    static thread_local bool is_closed = false;
    return is_closed;
  }

  static std::size_t class_bytes(std::size_t c) {
    return c < 8 ? alignment * (c + 1) : (alignment * (9 + c % 8)) << (c / 8 - 1);
  }
  // Eight classes between neighbouring powers of two: at most an eighth of a block is unused.
  static std::size_t size_class(std::size_t bytes) {
    const std::size_t units = bytes == 0 ? 0 : (bytes - 1) / alignment;
    if (units < 8) return units;
    const std::size_t shift = std::bit_width(units) - 4u;
    return 8 * (shift + 1) + ((units >> shift) - 8);
  }
  static void* allocate(std::size_t c) {
    allocations_.fetch_add(1, std::memory_order_relaxed);
    void* memory = std::aligned_alloc(alignment, class_bytes(c));
    if (!memory) throw std::bad_alloc();
    return memory;
  }

 private:
  struct Block {
    Block* next;
  };
  static constexpr std::size_t classes = 8 * 62;
  Block* free_[classes] = {};
  std::int64_t outstanding_[classes] = {};  // taken in this thread and not yet given back in it
  inline static std::atomic<std::int64_t> allocations_{0};
};

inline BlockCache& block_cache() {
  static thread_local BlockCache instance;
  return instance;
}

inline void* take_memory(std::size_t bytes) {
  const std::size_t c = BlockCache::size_class(bytes);
  void* const memory = BlockCache::closed() ? BlockCache::allocate(c) : block_cache().take(bytes);
#if defined(EIGENESIS_NAN_MEMORY)  // a test's: what is read before it is written is NaN
  std::memset(memory, 0xff, BlockCache::class_bytes(c));
#else
  static_cast<void>(c);
#endif
  return memory;
}
inline void give_memory(void* memory, std::size_t bytes) noexcept {
  if (BlockCache::closed())
    std::free(memory);
  else
    block_cache().give(memory, bytes);
}

/// Lets small standard containers of the training loop use the cache too.
template <class T>
struct CachedAllocator {
  using value_type = T;
  CachedAllocator() = default;
  template <class U>
  CachedAllocator(const CachedAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(take_memory(n * sizeof(T))); }
  void deallocate(T* memory, std::size_t n) noexcept { give_memory(memory, n * sizeof(T)); }
  bool operator==(const CachedAllocator&) const = default;
};
template <class T>
using CachedVector = std::vector<T, CachedAllocator<T>>;

}  // namespace detail

/// Returns the memory that this thread keeps for later tensors to the system.
inline void release_unused_memory() {
  if (!detail::BlockCache::closed()) detail::block_cache().release();
}

}  // namespace eigenesis::inline EIGENESIS_ABI
