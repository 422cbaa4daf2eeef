// SPDX-License-Identifier: MIT
// Loads a library again and again, calls it and unloads it, in this thread and in one that ends.
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
  const auto sum = reinterpret_cast<long (*)()>(dlsym(library, "plugin_sum"));
  const bool right = sum && sum() == 2016;
  std::thread([&] { sum(); }).join();
  dlclose(library);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // threads of the library look for work or fall asleep
  return right;
}

}  // namespace

int main(int, char** argv) {
  for (int i = 0; i < 5; ++i)
    if (!works(argv[1])) return 1;
}
