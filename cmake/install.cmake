# SPDX-License-Identifier: MIT
# Installs the headers, a package for find_package(eigenesis) and one for pkg-config; all can be moved elsewhere together.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

target_include_directories(eigenesis INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ ${stb}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_directory ${CMAKE_INSTALL_DATADIR}/cmake/eigenesis)
install(TARGETS eigenesis EXPORT eigenesis)
install(EXPORT eigenesis NAMESPACE eigenesis:: FILE eigenesis-targets.cmake DESTINATION ${package_directory})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/eigenesis-config.cmake.in eigenesis-config.cmake
  INSTALL_DESTINATION ${package_directory} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(eigenesis-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/eigenesis-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/eigenesis-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/compiled.cmake ${PROJECT_SOURCE_DIR}/cmake/mpi.cmake DESTINATION ${package_directory})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/cmake/compiled DESTINATION ${package_directory})

file(RELATIVE_PATH pkgconfig_to_prefix ${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${PROJECT_SOURCE_DIR}/cmake/eigenesis.pc.in eigenesis.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/eigenesis.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
