# Programs that contain driver modules.
#
#   flushtrace_link_modules(TARGET t FLAVOUR f [CORES c...])
#       Links every module of a flavour (of these cores; of all by default) into an executable and
#       registers them in the linker section ft_modules.
#   flushtrace_add_fuzz_targets(CORE)
#       flushtrace-fuzz-<core> (libFuzzer) and flushtrace-afl-<core> (AFL++), as far as the
#       flavours are built. With the flavour engine, flushtrace-fuzz-<core> has the engine that
#       FLUSHTRACE_ENGINE_LIBRARY names.
#   flushtrace_add_regression_test(NAME n SOURCE c CORE core [FLAVOUR f])
#       A test from what `flushtrace export --format ctest` wrote: a program with the modules of the
#       core (flavour plain, or the only one there is).

# The linker flags that each flavour's program needs.
set(FLUSHTRACE_LINK_FLAGS_asan -fsanitize=address,undefined)
set(FLUSHTRACE_LINK_FLAGS_dev -fsanitize=address,undefined)
set(FLUSHTRACE_LINK_FLAGS_coverage -fprofile-instr-generate)
set(FLUSHTRACE_LINK_FLAGS_libfuzzer -fsanitize=fuzzer,address,undefined)

# The modules of a flavour: generated registration file and objects.
function(_flushtrace_registry program flavour cores registry_ret objects_ret)
  set(FT_PROGRAM "${program}")
  set(FT_REGISTRY_DECLARATIONS "")
  set(FT_REGISTRY_ROWS "")
  set(FT_REGISTRY_COUNT 0)
  set(all_objects "")
  foreach(core IN LISTS cores)
    get_property(ids GLOBAL PROPERTY FLUSHTRACE_IDS_${core}_${flavour})
    get_property(objects GLOBAL PROPERTY FLUSHTRACE_OBJECTS_${core}_${flavour})
    list(APPEND all_objects ${objects})
    foreach(id IN LISTS ids)
      string(APPEND FT_REGISTRY_DECLARATIONS "extern const struct ft_module ft_module_${id};\n")
      string(APPEND FT_REGISTRY_ROWS "    &ft_module_${id},\n")
      math(EXPR FT_REGISTRY_COUNT "${FT_REGISTRY_COUNT} + 1")
    endforeach()
  endforeach()
  if(FT_REGISTRY_COUNT EQUAL 0)
    message(FATAL_ERROR "${program}: no module of flavour ${flavour}")
  endif()
  set(registry "${CMAKE_CURRENT_BINARY_DIR}/${program}.modules.c")
  configure_file("${FLUSHTRACE_CMAKE_DIR}/module_registry.c.in" "${registry}" @ONLY)
  set(${registry_ret} "${registry}" PARENT_SCOPE)
  set(${objects_ret} ${all_objects} PARENT_SCOPE)
endfunction()

function(flushtrace_link_modules)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET;FLAVOUR" "CORES")
  if(NOT arg_CORES)
    get_property(arg_CORES GLOBAL PROPERTY FLUSHTRACE_CORES)
  endif()
  _flushtrace_registry("${arg_TARGET}" "${arg_FLAVOUR}" "${arg_CORES}" registry objects)
  set_source_files_properties(${objects} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  target_sources(${arg_TARGET} PRIVATE "${registry}" ${objects})
  if(arg_FLAVOUR STREQUAL "coverage")
    target_sources(${arg_TARGET} PRIVATE $<TARGET_OBJECTS:${FLUSHTRACE_PROFILE_RUNTIME}>)
  elseif(FLUSHTRACE_LINK_FLAGS_${arg_FLAVOUR})
    target_sources(${arg_TARGET} PRIVATE $<TARGET_OBJECTS:${FLUSHTRACE_SANITIZER_OPTIONS}>)
  endif()
  target_include_directories(${arg_TARGET} PRIVATE "${FLUSHTRACE_SHIM_DIR}")
  target_link_options(${arg_TARGET} PRIVATE ${FLUSHTRACE_LINK_FLAGS_${arg_FLAVOUR}})
  # Every DDI, also those that no linked module calls, for modules that are loaded at run time.
  set_target_properties(${arg_TARGET} PROPERTIES ENABLE_EXPORTS ON
                        LINK_LIBRARY_OVERRIDE "WHOLE_ARCHIVE,${FLUSHTRACE_SHIM_LIBRARY}")
  target_link_libraries(${arg_TARGET} PRIVATE ${FLUSHTRACE_SHIM_LIBRARY})
  foreach(core IN LISTS arg_CORES)
    add_dependencies(${arg_TARGET} ${core}-modules)
  endforeach()
endfunction()

# _flushtrace_foreign_program(NAME n LINKER command... OBJECTS ... LIBRARIES ...): a custom command, since
# the linker is not CMake's.
function(_flushtrace_foreign_program)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "LINKER;OBJECTS;LIBRARIES;DEPENDS")
  set(folder "${CMAKE_CURRENT_BINARY_DIR}")
  if(CMAKE_RUNTIME_OUTPUT_DIRECTORY)
    set(folder "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  endif()
  set(output "${folder}/${arg_NAME}")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" -E env AFL_QUIET=1 ${arg_LINKER} -g -pie -o "${output}" ${arg_OBJECTS}
            ${arg_LIBRARIES}
    DEPENDS ${arg_OBJECTS} ${arg_DEPENDS}
    COMMENT "Linking ${arg_NAME}"
    COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(${arg_NAME} ALL DEPENDS "${output}")
endfunction()

# _flushtrace_afl_program(NAME n OBJECTS ... LIBRARIES ... DEPENDS ...): linked by AFL++'s compiler, which
# brings its runtime and its libFuzzer-compatible main.
function(_flushtrace_afl_program)
  _flushtrace_foreign_program(LINKER "${FLUSHTRACE_AFL_CC}" -fsanitize=fuzzer ${ARGN})
endfunction()

# _flushtrace_engine_program(NAME n OBJECTS ... DEPENDS ...): linked as OSS-Fuzz asks for it, with all of
# our libraries inside, so that the program runs on a machine that has none of them.
function(_flushtrace_engine_program)
  _flushtrace_foreign_program(
    LINKER "${FLUSHTRACE_ENGINE_CXX}" ${FLUSHTRACE_ENGINE_CXXFLAGS} ${ARGN}
    LIBRARIES $<TARGET_FILE:${FLUSHTRACE_HARNESS_LIBRARY}> -Wl,--whole-archive
              $<TARGET_FILE:${FLUSHTRACE_SHIM_LIBRARY}> -Wl,--no-whole-archive -Wl,-Bstatic
              ${FLUSHTRACE_STATIC_LIBRARIES} -Wl,-Bdynamic -lm ${FLUSHTRACE_ENGINE_LIBRARY}
    DEPENDS ${FLUSHTRACE_HARNESS_LIBRARY} ${FLUSHTRACE_SHIM_LIBRARY})
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "")
  set_property(GLOBAL APPEND PROPERTY FLUSHTRACE_ENGINE_PROGRAMS ${arg_NAME})
endfunction()

# The modules of CORE in that flavour and the list of them, as objects for a program that is linked by hand.
function(_flushtrace_foreign_objects name flavour core ret)
  _flushtrace_registry(${name} ${flavour} "${core}" registry objects)
  add_library(${name}-registry OBJECT "${registry}")
  target_include_directories(${name}-registry PRIVATE "${FLUSHTRACE_SHIM_DIR}")
  set(${ret} $<TARGET_OBJECTS:${name}-registry> ${objects} PARENT_SCOPE)
endfunction()

function(flushtrace_add_fuzz_targets core)
  if("libfuzzer" IN_LIST FLUSHTRACE_FLAVOURS)
    add_executable(flushtrace-fuzz-${core} $<TARGET_OBJECTS:${FLUSHTRACE_FUZZ_TARGET}>)
    target_link_libraries(flushtrace-fuzz-${core} PRIVATE ${FLUSHTRACE_HARNESS_LIBRARY})
    flushtrace_link_modules(TARGET flushtrace-fuzz-${core} FLAVOUR libfuzzer CORES ${core})
  endif()
  if("afl" IN_LIST FLUSHTRACE_FLAVOURS)
    set(name flushtrace-afl-${core})
    _flushtrace_foreign_objects(${name} afl ${core} objects)
    _flushtrace_afl_program(
      NAME ${name}
      OBJECTS $<TARGET_OBJECTS:${FLUSHTRACE_FUZZ_TARGET}> ${objects}
      LIBRARIES $<TARGET_FILE:${FLUSHTRACE_HARNESS_LIBRARY}> -Wl,--whole-archive
                $<TARGET_FILE:${FLUSHTRACE_SHIM_LIBRARY}> -Wl,--no-whole-archive
                ${FLUSHTRACE_SYSTEM_LIBRARIES}
      DEPENDS ${FLUSHTRACE_HARNESS_LIBRARY} ${FLUSHTRACE_SHIM_LIBRARY})
    add_dependencies(${name} ${core}-modules)
  endif()
  if("engine" IN_LIST FLUSHTRACE_FLAVOURS)
    set(name flushtrace-fuzz-${core})
    _flushtrace_foreign_objects(${name} engine ${core} objects)
    _flushtrace_engine_program(
      NAME ${name}
      OBJECTS $<TARGET_OBJECTS:${FLUSHTRACE_FUZZ_TARGET}> $<TARGET_OBJECTS:${FLUSHTRACE_SANITIZER_OPTIONS}>
              ${objects})
    add_dependencies(${name} ${core}-modules)
  endif()
endfunction()

function(flushtrace_add_regression_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;SOURCE;CORE;FLAVOUR" "")
  if(NOT arg_NAME OR NOT arg_SOURCE OR NOT arg_CORE OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "flushtrace_add_regression_test takes NAME, SOURCE, CORE and FLAVOUR")
  endif()
  if(NOT arg_FLAVOUR)
    set(arg_FLAVOUR plain)
    if(NOT "plain" IN_LIST FLUSHTRACE_FLAVOURS)
      list(GET FLUSHTRACE_FLAVOURS 0 arg_FLAVOUR)
    endif()
  endif()
  add_executable(${arg_NAME} "${arg_SOURCE}")
  target_link_libraries(${arg_NAME} PRIVATE ${FLUSHTRACE_HARNESS_LIBRARY})
  flushtrace_link_modules(TARGET ${arg_NAME} FLAVOUR ${arg_FLAVOUR} CORES ${arg_CORE})
  add_test(NAME ${arg_NAME} COMMAND ${arg_NAME})
endfunction()
