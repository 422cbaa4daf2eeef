# SPDX-License-Identifier: MIT
# Makefiles build one file at a time unless told otherwise, and presets cannot ask for as many as there are cores. The target
# `name` builds `target` that way, whoever calls it.
function(eigenesis_add_parallel_target name target)
  if(NOT CMAKE_GENERATOR MATCHES "Makefiles")
    add_custom_target(${name} DEPENDS ${target})
    return()
  endif()
  include(ProcessorCount)
  ProcessorCount(jobs)
  cmake_host_system_information(RESULT memory QUERY TOTAL_PHYSICAL_MEMORY)  # MiB; a compiler takes up to one GiB
  math(EXPR most "${memory} / 1024")
  if(jobs GREATER most)
    set(jobs ${most})
  endif()
  if(jobs LESS 1)
    set(jobs 1)
  endif()
  add_custom_target(${name} COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --parallel ${jobs} --target ${target}
    USES_TERMINAL VERBATIM)
endfunction()
