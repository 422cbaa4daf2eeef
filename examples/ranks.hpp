// SPDX-License-Identifier: MIT
#pragma once

#include <eigenesis/eigenesis.hpp>
#include <optional>
#include <stdexcept>
#if defined(EIGENESIS_EXAMPLES_WITH_MPI)
#include <eigenesis/distributed/mpi.hpp>
#endif

/// The ranks that mpirun started, for an example that is told --distributed; else this process alone.
class Ranks {
 public:
  Ranks([[maybe_unused]] int& argc, [[maybe_unused]] char**& argv, bool distributed) {
    if (!distributed) return;
#if defined(EIGENESIS_EXAMPLES_WITH_MPI)
    mpi_.emplace(argc, argv);
#else
    throw std::runtime_error("--distributed needs a build with MPI: cmake -DEIGENESIS_MPI=ON");
#endif
  }

#if defined(EIGENESIS_EXAMPLES_WITH_MPI)
  eigenesis::DistributedOver get() { return mpi_ ? &*mpi_ : nullptr; }
  /// Whether this process writes files and prints.
  bool first() const { return !mpi_ || mpi_->rank() == 0; }

 private:
  std::optional<eigenesis::Mpi> mpi_;
#else
  eigenesis::DistributedOver get() { return {}; }
  bool first() const { return true; }
#endif
};
