# SPDX-License-Identifier: MIT
# Runs PROGRAMS one after the other, with what mnist.sh was given, and says where their pictures are.
if(DEFINED ENV{EIGENESIS_MNIST_FROM})
  set(from $ENV{EIGENESIS_MNIST_FROM})
else()
  set(from ${OUT}/..)
endif()
foreach(program IN LISTS PROGRAMS)
  execute_process(COMMAND ${program} --out ${OUT} $ENV{EIGENESIS_MNIST_ARGUMENTS} WORKING_DIRECTORY ${from}
    RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${program} failed: ${result}")
  endif()
endforeach()
message("\nThe pictures are in ${OUT}")
