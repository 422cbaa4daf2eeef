# SPDX-License-Identifier: MIT
# Makes the reference of the headers in SOURCE as HTML in OUTPUT, with the programs DOXYGEN and PYTHON.
configure_file(${CMAKE_CURRENT_LIST_DIR}/Doxyfile.in ${OUTPUT}/Doxyfile @ONLY)
file(REMOVE_RECURSE ${OUTPUT}/html)
execute_process(COMMAND ${PYTHON} ${CMAKE_CURRENT_LIST_DIR}/filter.py ${SOURCE} ${OUTPUT}/include
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${DOXYGEN} ${OUTPUT}/Doxyfile RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "docs: expected a description of all that users meet but got the messages above; "
    "lines are those of ${SOURCE}/include")
endif()
