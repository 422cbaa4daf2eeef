# SPDX-License-Identifier: MIT
# The target `docs`: the reference of the API as HTML pages, docs/html/index.html in the build tree.
find_program(EIGENESIS_DOXYGEN doxygen)
find_program(EIGENESIS_PYTHON python3)

if(EIGENESIS_DOXYGEN AND EIGENESIS_PYTHON)
  configure_file(${PROJECT_SOURCE_DIR}/docs/reference/Doxyfile.in ${CMAKE_BINARY_DIR}/docs/Doxyfile @ONLY)
  add_custom_target(docs
    COMMAND ${EIGENESIS_PYTHON} ${PROJECT_SOURCE_DIR}/docs/reference/filter.py ${PROJECT_SOURCE_DIR}
      ${CMAKE_BINARY_DIR}/docs/include
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${CMAKE_BINARY_DIR}/docs/html
    COMMAND ${EIGENESIS_DOXYGEN} ${CMAKE_BINARY_DIR}/docs/Doxyfile
    COMMENT "The reference: ${CMAKE_BINARY_DIR}/docs/html/index.html" VERBATIM)
else()
  message(STATUS "docs: expected doxygen and python3 but not both are installed; there is no target docs")
endif()
