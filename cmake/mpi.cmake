# SPDX-License-Identifier: MIT
# The target eigenesis::mpi: the library and MPI, for <eigenesis/distributed/mpi.hpp>. MPI is looked for only where it is
# asked for: EIGENESIS_MPI=ON, or find_package(eigenesis COMPONENTS mpi).
function(eigenesis_add_mpi)
  add_library(eigenesis_mpi INTERFACE)
  add_library(eigenesis::mpi ALIAS eigenesis_mpi)
  target_link_libraries(eigenesis_mpi INTERFACE eigenesis::eigenesis MPI::MPI_CXX)
endfunction()
