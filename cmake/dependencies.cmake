# SPDX-License-Identifier: MIT
# Finds what is installed, otherwise downloads a pinned release.
include(FetchContent)

# Unpacks a release without running its own CMake files and leaves its folder in `directory`.
function(eigenesis_download name url sha256 directory)
  message(STATUS "eigenesis: ${name} is not installed, using a download of ${url}")
  string(TOLOWER ${name} key)
  FetchContent_Declare(eigenesis_${key} URL ${url} URL_HASH SHA256=${sha256} SOURCE_SUBDIR none)
  FetchContent_MakeAvailable(eigenesis_${key})
  set(${directory} ${eigenesis_${key}_SOURCE_DIR} PARENT_SCOPE)
endfunction()

function(eigenesis_find_eigen)
  if(TARGET Eigen3::Eigen)
    return()
  endif()
  find_package(Eigen3 CONFIG QUIET)  # with a version, 3.4 would refuse 5 and a range would refuse 3.4.0
  if(NOT Eigen3_FOUND)
    eigenesis_download(Eigen https://gitlab.com/libeigen/eigen/-/archive/5.0.1/eigen-5.0.1.tar.gz
      e9c326dc8c05cd1e044c71f30f1b2e34a6161a3b6ecf445d56b53ff1669e3dec directory)
    add_library(Eigen3::Eigen INTERFACE IMPORTED GLOBAL)
    target_include_directories(Eigen3::Eigen INTERFACE ${directory})
  elseif(Eigen3_VERSION VERSION_LESS 3.4)
    message(FATAL_ERROR "eigenesis: expected Eigen 3.4 or newer but found ${Eigen3_VERSION} in ${Eigen3_DIR}; "
      "set Eigen3_DIR to a newer one or -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON to download it")
  endif()
endfunction()

# Leaves in `directory` a folder in which <eigenesis/stb/stb_image.h> and stb_image_write.h are those that are installed, or in
# EIGENESIS_STB_DIR, or downloaded.
set(EIGENESIS_STB_URL https://raw.githubusercontent.com/nothings/stb/31c1ad37456438565541f4919958214b6e762fb4
  CACHE STRING "Where stb_image.h 2.30 and stb_image_write.h 1.16 are downloaded from if they are not installed")
mark_as_advanced(EIGENESIS_STB_URL)
function(eigenesis_find_stb directory)
  set(copies ${PROJECT_BINARY_DIR}/stb)
  find_path(EIGENESIS_STB_DIR NAMES stb_image_write.h PATH_SUFFIXES stb DOC "The folder of stb_image.h and stb_image_write.h")
  mark_as_advanced(EIGENESIS_STB_DIR)
  set(version 0)
  if(EXISTS ${EIGENESIS_STB_DIR}/stb_image.h)
    file(STRINGS ${EIGENESIS_STB_DIR}/stb_image.h version LIMIT_COUNT 1)  # /* stb_image - v2.27 - ...
    string(REGEX REPLACE ".* v([0-9.]+) .*" "\\1" version "${version}")
  endif()
  if(version VERSION_GREATER_EQUAL 2.27)
    configure_file(${EIGENESIS_STB_DIR}/stb_image.h ${copies}/eigenesis/stb/stb_image.h COPYONLY)
    configure_file(${EIGENESIS_STB_DIR}/stb_image_write.h ${copies}/eigenesis/stb/stb_image_write.h COPYONLY)
  else()
    message(STATUS "eigenesis: stb_image.h 2.27 or newer is not installed, using a download of ${EIGENESIS_STB_URL}")
    foreach(header IN ITEMS
        stb_image.h=594c2fe35d49488b4382dbfaec8f98366defca819d916ac95becf3e75f4200b3
        stb_image_write.h=cbd5f0ad7a9cf4468affb36354a1d2338034f2c12473cf1a8e32053cb6914a05)
      string(REGEX MATCH "(.*)=(.*)" unused ${header})
      set(file ${copies}/eigenesis/stb/${CMAKE_MATCH_1})
      set(hash ${CMAKE_MATCH_2})
      file(DOWNLOAD ${EIGENESIS_STB_URL}/${CMAKE_MATCH_1} ${file} EXPECTED_HASH SHA256=${hash} STATUS status)
      list(GET status 0 failed)
      if(failed)
        file(REMOVE ${file})
        message(FATAL_ERROR "eigenesis: could not download ${EIGENESIS_STB_URL}/${CMAKE_MATCH_1} (${status}); "
          "install stb (libstb-dev) or set EIGENESIS_STB_DIR to the folder of stb_image.h and stb_image_write.h")
      endif()
    endforeach()
  endif()
  set(${directory} ${copies} PARENT_SCOPE)
endfunction()

# Sets EIGENESIS_CATCH2 to the target that has Catch2's main().
function(eigenesis_find_catch2)
  set(EIGENESIS_CATCH2 Catch2::Catch2WithMain PARENT_SCOPE)
  if(TARGET Catch2::Catch2WithMain)
    return()
  endif()
  find_package(Catch2 CONFIG QUIET)
  if(Catch2_FOUND AND Catch2_VERSION VERSION_LESS 2.13)
    message(FATAL_ERROR "eigenesis: expected Catch2 2.13 or newer but found ${Catch2_VERSION} in ${Catch2_DIR}; "
      "set Catch2_DIR to a newer one or -DCMAKE_DISABLE_FIND_PACKAGE_Catch2=ON to download it")
  elseif(NOT Catch2_FOUND)
    eigenesis_download(Catch2 https://github.com/catchorg/Catch2/archive/refs/tags/v3.7.1.tar.gz
      c991b247a1a0d7bb9c39aa35faf0fe9e19764213f28ffba3109388e62ee0269c directory)
    add_subdirectory(${directory} ${CMAKE_BINARY_DIR}/_deps/catch2 EXCLUDE_FROM_ALL)
    get_target_property(includes Catch2 INTERFACE_INCLUDE_DIRECTORIES)
    set_target_properties(Catch2 PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${includes}")
  elseif(Catch2_VERSION VERSION_LESS 3)  # an installed main() is for one processor and set of flags
    file(CONFIGURE OUTPUT catch2_main.cpp CONTENT "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n")
    add_library(eigenesis_catch2_main STATIC ${CMAKE_CURRENT_BINARY_DIR}/catch2_main.cpp)
    target_link_libraries(eigenesis_catch2_main PUBLIC Catch2::Catch2)
    set(EIGENESIS_CATCH2 eigenesis_catch2_main PARENT_SCOPE)
  endif()
endfunction()
