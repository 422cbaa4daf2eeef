// SPDX-License-Identifier: MIT
// Loads a library again and again, calls it and closes it, in this thread and in one that ends. As its pool of threads
// has thread-local objects of it, glibc keeps it in memory: its static objects are destroyed at the exit of the program.
#include <dlfcn.h>

#include <chrono>
#include <cstdio>
#include <thread>

namespace {

bool works(const char* path) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    std::fprintf(stderr, "plugin_host: %s\n", dlerror());
    return false;
  }
  const auto plugin_works = reinterpret_cast<bool (*)()>(dlsym(library, "plugin_works"));
  bool right = plugin_works && plugin_works();
  std::thread([&] { right = right && plugin_works(); }).join();
  dlclose(library);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // threads of the library look for work or fall asleep
  return right;
}

}  // namespace

int main(int, char** argv) {
  for (int i = 0; i < 5; ++i)
    if (!works(argv[1])) return 1;
}
