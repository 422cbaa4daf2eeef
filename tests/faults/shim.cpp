// SPDX-License-Identifier: MIT
// With LD_PRELOAD: the kernel as it may be, and a library that forgets fsync. FAULTS_SHIM=short_writes takes a third of
// what is to be written, no_fsync and no_folder_fsync do nothing where the disk is asked for.
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace {

bool asked_for(std::string_view what) {
  const char* const shim = std::getenv("FAULTS_SHIM");
  return shim != nullptr && what == shim;
}

}  // namespace

extern "C" ssize_t write(int file, const void* bytes, std::size_t count) {
  return ::syscall(SYS_write, file, bytes, file > 2 && asked_for("short_writes") ? count / 3 + 1 : count);
}

extern "C" int fsync(int file) {
  struct stat found;
  if (asked_for("no_fsync")) return 0;
  if (asked_for("no_folder_fsync") && ::fstat(file, &found) == 0 && S_ISDIR(found.st_mode)) return 0;
  return static_cast<int>(::syscall(SYS_fsync, file));
}
