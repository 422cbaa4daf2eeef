# SPDX-License-Identifier: MIT
# Runs COMMAND, which must fail and print what MESSAGE, a regular expression, describes.
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
list(JOIN COMMAND " " command)
if(result EQUAL 0)
  message(FATAL_ERROR "expected failure of: ${command}\n${output}")
elseif(NOT output MATCHES "${MESSAGE}")
  message(FATAL_ERROR "expected the message: ${MESSAGE}\nof: ${command}\nbut got: ${output}")
endif()
