# Libraries and tools of Debian 12, each with the package that brings it.

function(_flushtrace_find_library name header package)
  find_library(FLUSHTRACE_LIB_${name} ${name})
  find_path(FLUSHTRACE_INCLUDE_${name} ${header})
  if(NOT FLUSHTRACE_LIB_${name} OR NOT FLUSHTRACE_INCLUDE_${name})
    message(FATAL_ERROR "lib${name} is missing: install ${package} (or run ./dev setup)")
  endif()
  mark_as_advanced(FLUSHTRACE_LIB_${name} FLUSHTRACE_INCLUDE_${name})
  add_library(ft_lib_${name} INTERFACE)
  target_link_libraries(ft_lib_${name} INTERFACE "$<BUILD_INTERFACE:${FLUSHTRACE_LIB_${name}}>"
                                                 "$<INSTALL_INTERFACE:${name}>")
endfunction()

function(_flushtrace_find_program variable program package)
  find_program(${variable} ${program})
  if(NOT ${variable})
    message(FATAL_ERROR "${program} is missing: install ${package} (or run ./dev setup)")
  endif()
  mark_as_advanced(${variable})
endfunction()

_flushtrace_find_library(zstd zstd.h libzstd-dev)
_flushtrace_find_library(jansson jansson.h libjansson-dev)
_flushtrace_find_library(xxhash xxhash.h libxxhash-dev)
_flushtrace_find_library(dw elfutils/libdwfl.h libdw-dev)
_flushtrace_find_library(boost_context boost/context/fiber.hpp libboost-context-dev)
_flushtrace_find_program(FLUSHTRACE_PATCH patch patch)
# GNU binutils, whatever the compiler prefers: lld has no --force-group-allocation.
_flushtrace_find_program(FLUSHTRACE_LD ld.bfd binutils)
_flushtrace_find_program(FLUSHTRACE_OBJCOPY objcopy binutils)
if("afl" IN_LIST FLUSHTRACE_FLAVOURS)
  _flushtrace_find_program(FLUSHTRACE_AFL_CC afl-clang-fast afl++)
endif()
if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang"
   AND NOT FLUSHTRACE_FLAVOURS STREQUAL "plain")
  message(FATAL_ERROR "${CMAKE_C_COMPILER_ID} builds the plain flavour only: use a gcc preset")
endif()

# Names that FlushtracePrograms.cmake uses; an installed flushtraceConfig.cmake sets its own.
set(FLUSHTRACE_SHIM_DIR "${PROJECT_SOURCE_DIR}/hal-shim")
set(FLUSHTRACE_DDI_DIR "${PROJECT_SOURCE_DIR}/hal-shim/ddi")
set(FLUSHTRACE_SHIM_LIBRARY ft_shim)
set(FLUSHTRACE_HARNESS_LIBRARY ft_harness)
set(FLUSHTRACE_FUZZ_TARGET ft_fuzz_target)
set(FLUSHTRACE_SANITIZER_OPTIONS ft_sanitizer_options)
set(FLUSHTRACE_PROFILE_RUNTIME ft_profile_runtime)
set(FLUSHTRACE_MODULE_OUTPUT_DIR "${CMAKE_BINARY_DIR}/modules")
set(FLUSHTRACE_SYSTEM_LIBRARIES -lboost_context -lxxhash -lzstd -ljansson -ldw -lm)
