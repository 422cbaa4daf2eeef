// SPDX-License-Identifier: MIT
#pragma once

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#if !__has_include(<mpi.h>)
// clang-format off
#error "eigenesis: distributed/mpi.hpp needs MPI but there is no mpi.h; install OpenMPI or MPICH (apt: libopenmpi-dev openmpi-bin) and link eigenesis::mpi, or compile by mpicxx"
// clang-format on
#include <stopped_by_the_error_above>
#endif
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "eigenesis/distributed/distributed.hpp"

namespace eigenesis::inline EIGENESIS_ABI {

/// What ranks of MPI may be told.
using MpiOptions = DistributedOptions;

/// MPI while it lives: MPI_Init when it is made, MPI_Finalize at its end. A program has one, at the beginning of main,
/// and gives it to fit:
///   Mpi mpi(argc, argv);
///   trainer.fit(data, {.epochs = 10, .distributed = mpi}, rng);
/// Started with `mpirun -np 4 program`, four processes train one model. If an exception ends its life on one rank, all
/// others end too, when that process exits. Throws Error for a second one, or for functions of MPI that fail.
class Mpi : public Distributed {
 public:
  /// Begins MPI with the arguments of main.
  Mpi(int& argc, char**& argv, const MpiOptions& options = {}) : Distributed(options) {
    int initialized = 0;
    MPI_Initialized(&initialized);
    require<Error>(!initialized, "Mpi: expected to begin MPI but a program can do so only once");
    int threads = 0;
    check(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &threads), "MPI_Init_thread");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
    check(MPI_Comm_size(MPI_COMM_WORLD, &ranks_), "MPI_Comm_size");
    check(MPI_Type_contiguous(line, MPI_BYTE, &line_type_), "MPI_Type_contiguous");
    check(MPI_Type_commit(&line_type_), "MPI_Type_commit");
    // What leaves main without an end of this object ends the other ranks too.
    std::atexit([] {
      int begun = 0, over = 0;
      MPI_Initialized(&begun);
      MPI_Finalized(&over);
      if (begun && !over) MPI_Abort(MPI_COMM_WORLD, 1);
    });
  }
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;
  ~Mpi() override {
    if (std::uncaught_exceptions() > exceptions_) return;  // the program may still say why; at its exit MPI ends
    if (rank_ == 0 && ranks_ > 1 && !begun())
      std::fprintf(stderr, "Mpi: %d ranks were started but no training had .distributed = mpi\n", ranks_);
    leave();
    MPI_Type_free(&line_type_);
    MPI_Finalize();
  }

  /// This process, counted from 0.
  Index rank() const override { return rank_; }
  /// How many mpirun started.
  Index ranks() const override { return ranks_; }

  /// All ranks get the bytes of all, in the order of ranks.
  void gather(const void* own, void* all, Index bytes) override {
    const Amount amount = amount_of(bytes);
    check(MPI_Allgather(own, amount.count, amount.type, all, amount.count, amount.type, MPI_COMM_WORLD),
          "MPI_Allgather");
  }
  /// Rank r gets part r of each rank's bytes, in the order of ranks.
  void exchange(const void* parts, void* all, Index bytes) override {
    const Amount amount = amount_of(bytes);
    check(MPI_Alltoall(parts, amount.count, amount.type, all, amount.count, amount.type, MPI_COMM_WORLD),
          "MPI_Alltoall");
  }
  /// All ranks get the bytes of rank 0.
  void broadcast(void* data, Index bytes) override {
    constexpr Index most = Index{1} << 30;
    for (auto* at = static_cast<unsigned char*>(data); bytes > 0; at += most, bytes -= most)
      check(MPI_Bcast(at, static_cast<int>(std::min(bytes, most)), MPI_BYTE, 0, MPI_COMM_WORLD), "MPI_Bcast");
  }

 private:
  static constexpr int line = 64;  // bytes; MPI counts with ints
  struct Amount {
    int count;
    MPI_Datatype type;
  };
  Amount amount_of(Index bytes) const {
    if (bytes % line == 0) return {static_cast<int>(bytes / line), line_type_};
    return {static_cast<int>(bytes), MPI_BYTE};
  }
  static void check(int result, const char* function) {
    if (result == MPI_SUCCESS) [[likely]]
      return;
    char message[MPI_MAX_ERROR_STRING] = {};
    int length = 0;
    MPI_Error_string(result, message, &length);
    detail::fail<Error>("Mpi: expected ", function, " to succeed but it said: ", message);
  }

  int rank_ = 0, ranks_ = 1;
  MPI_Datatype line_type_ = MPI_DATATYPE_NULL;
  int exceptions_ = std::uncaught_exceptions();
};

}  // namespace eigenesis::inline EIGENESIS_ABI
