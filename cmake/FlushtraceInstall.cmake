# An installed flushtrace: programs, archives, the headers a driver and a device model see, and
# find_package(flushtrace) with flushtrace_add_driver.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(FLUSHTRACE_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/flushtrace")
set(FLUSHTRACE_HEADER_DIR "${CMAKE_INSTALL_INCLUDEDIR}/flushtrace")

set(installed_programs flushtrace)
foreach(flavour asan access coverage)
  if(TARGET flushtrace-${flavour})
    list(APPEND installed_programs flushtrace-${flavour})
  endif()
endforeach()
get_property(cores GLOBAL PROPERTY FLUSHTRACE_CORES)
foreach(core IN LISTS cores)
  if(TARGET flushtrace-fuzz-${core})
    list(APPEND installed_programs flushtrace-fuzz-${core})
  endif()
  if(TARGET flushtrace-afl-${core})
    install(PROGRAMS "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/flushtrace-afl-${core}"
            DESTINATION "${CMAKE_INSTALL_BINDIR}")
  endif()
endforeach()
if(TARGET flushtrace-afl-mutator)
  install(TARGETS flushtrace-afl-mutator LIBRARY DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(TARGETS ${installed_programs} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")

install(FILES harness/replay/flushtrace_gdb.py DESTINATION "${CMAKE_INSTALL_DATADIR}/flushtrace")

install(
  TARGETS ft_shim ft_harness ft_fuzz_target ft_sanitizer_options ft_profile_runtime ft_language ft_warnings ft_windows_c ft_instrument
          ft_lib_zstd ft_lib_jansson ft_lib_xxhash ft_lib_boost_context ft_lib_dw
  EXPORT flushtraceTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  OBJECTS DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT flushtraceTargets NAMESPACE flushtrace:: DESTINATION "${FLUSHTRACE_PACKAGE_DIR}")
install(DIRECTORY hal-shim/ddi hal-shim/sim DESTINATION "${FLUSHTRACE_HEADER_DIR}"
        FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(FILES harness/export/regression.h DESTINATION "${FLUSHTRACE_HEADER_DIR}/export")
configure_package_config_file(
  cmake/flushtraceConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/package/flushtraceConfig.cmake"
  INSTALL_DESTINATION "${FLUSHTRACE_PACKAGE_DIR}" PATH_VARS FLUSHTRACE_HEADER_DIR)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/package/flushtraceConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(
  FILES "${CMAKE_CURRENT_BINARY_DIR}/package/flushtraceConfig.cmake"
        "${CMAKE_CURRENT_BINARY_DIR}/package/flushtraceConfigVersion.cmake"
        cmake/FlushtraceDriver.cmake
        cmake/FlushtraceInclude.cmake
        cmake/FlushtracePrograms.cmake
        cmake/FlushtraceModuleSources.cmake
        cmake/FlushtraceTrace.cmake
        cmake/module_descriptor.c.in
        cmake/module_registry.c.in
        cmake/module_sections.ld.in
  DESTINATION "${FLUSHTRACE_PACKAGE_DIR}")
