# SPDX-License-Identifier: MIT
# The target `docs`: the reference of the API as HTML pages, docs/html/index.html in the build tree.
find_program(EIGENESIS_DOXYGEN doxygen)
find_program(EIGENESIS_PYTHON python3)

# The command that makes the reference of a source tree in the folder `output`.
function(eigenesis_reference_command command source output)
  set(${command} ${CMAKE_COMMAND} -D SOURCE=${source} -D OUTPUT=${output} -D VERSION=${PROJECT_VERSION}
    -D DOXYGEN=${EIGENESIS_DOXYGEN} -D PYTHON=${EIGENESIS_PYTHON} -P ${PROJECT_SOURCE_DIR}/docs/reference/make.cmake
    PARENT_SCOPE)
endfunction()

if(EIGENESIS_DOXYGEN AND EIGENESIS_PYTHON)
  eigenesis_reference_command(command ${PROJECT_SOURCE_DIR} ${CMAKE_BINARY_DIR}/docs)
  add_custom_target(docs COMMAND ${command} COMMENT "The reference: ${CMAKE_BINARY_DIR}/docs/html/index.html" VERBATIM)
else()
  message(STATUS "docs: expected doxygen and python3 but not both are installed; there is no target docs")
endif()
