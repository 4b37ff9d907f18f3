# flushtrace_add_driver: builds a driver core and its mutants as modules.
#
#   flushtrace_add_driver(
#     NAME wdm-packet             # the core's name; a module is (core, mutant, flavour)
#     SOURCES packet.c dma.c      # the driver's own sources, as a WDK build would compile them
#     HEADERS packet.h            # its private headers
#     DEVICE device/packet_device.c      # device model (one file or more), or `auto`: it has none
#     DESCRIPTION device/packet_description.c
#     MUTANTS mutants/no-flush.patch     # patches, applied with `patch -p1` in the core's directory
#     [DEVICE_HEADERS ...] [INCLUDE_DIRECTORIES ...] [DEFINITIONS ...] [OPTIONS ...] [FLAVOURS ...]
#     [GENERATED_HEADERS h.h x.h=stubs/x.h]   # headers that another tool makes: empty, or what that file says
#     [TRACE_FUNCTIONS "Name(LEVEL,FLAGS,MSG,...)" ...]   # WPP functions that the project declares
#     [TEST_ONLY])                       # not part of the programs, only of tests that name it
#
# DESCRIPTION defines `const struct ft_description ft_driver_description`; DEVICE defines
# `const struct sim_device_model ft_driver_device`. A patch has a line `Summary: ...` above its hunks.
#
# The access flavour has the sound driver and the mutants whose patch has a line `Flavour: access`:
# data races, which no other flavour sees, and which no other has.
#
# Every flavour compiles the driver's sources once; a mutant compiles only the files that its patch
# touches (all of them if it touches a header) and shares the other objects. The objects of a module
# are linked partially (ld -r), its code and data move to sections of their own, and every symbol but
# the descriptor ft_module_<id> becomes local, so that any number of modules fit into one program.
#
# A header is found whatever the case of its name in an #include, as on Windows (FlushtraceInclude.cmake).
# What a WDK build makes (the message compiler's header, an event manifest's) GENERATED_HEADERS stands in
# for; OPTIONS -include FILE includes a file before each source. C++ sources (.cpp .cc .cxx) are compiled
# as C++17 without exceptions, RTTI and guarded statics.
# When a source or header includes a .tmh file, FlushtraceTrace.cmake makes it from what SOURCES and
# HEADERS say in their comments; TraceEvents, DoTraceMessage and DoTraceLevelMessage are there anyway.
#
# Results: target <NAME>-modules; <NAME>.so, the sound module for `flushtrace run ./<NAME>.so` (plain,
# or dev in a build of that flavour); and
# the lists that flushtrace_link_modules (FlushtracePrograms.cmake) reads.

set(FLUSHTRACE_CMAKE_DIR "${CMAKE_CURRENT_LIST_DIR}")
include("${FLUSHTRACE_CMAKE_DIR}/FlushtraceInclude.cmake")

# Flags that make a Linux compiler see Windows C: 16-bit wchar_t, anonymous struct members, no
# type-based aliasing, and no section of its own per object (the partial link renames sections).
set(FLUSHTRACE_DRIVER_FLAGS
    -fms-extensions -fshort-wchar -fno-common -fno-strict-aliasing -fno-data-sections
    -fno-function-sections -fno-lto -fPIC -fvisibility=hidden -g
    # A call that ends a function comes from that function, and not from its caller.
    -fno-optimize-sibling-calls)
set(FLUSHTRACE_DRIVER_C_FLAGS -std=gnu11)
set(FLUSHTRACE_DRIVER_CXX_FLAGS -std=gnu++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics)

# UBSan without what x64 Windows defines (unaligned access, shifts into the sign bit) and without
# what ASan says better (object-size) or what needs a C++ runtime.
set(FLUSHTRACE_SANITIZE_FLAGS
    -fsanitize=address,undefined -fsanitize-recover=address,undefined
    -fno-sanitize=alignment,shift-base,object-size,vptr,function
    -fno-omit-frame-pointer)

set(FLUSHTRACE_FLAVOUR_FLAGS_plain "")
set(FLUSHTRACE_FLAVOUR_FLAGS_asan ${FLUSHTRACE_SANITIZE_FLAGS})
set(FLUSHTRACE_FLAVOUR_FLAGS_dev ${FLUSHTRACE_SANITIZE_FLAGS})
# Calls at every load, store and copy, told apart by volatile, for world/access.c: only the calls of
# ThreadSanitizer are used, never its run-time library. trace-loads would not say what is volatile.
set(FLUSHTRACE_FLAVOUR_FLAGS_access
    -fsanitize=thread -mllvm -tsan-distinguish-volatile -mllvm -tsan-instrument-func-entry-exit=0
    -mllvm -tsan-instrument-atomics=0)
# Counts lines; clang places the counters before it optimises.
set(FLUSHTRACE_FLAVOUR_FLAGS_coverage -fprofile-instr-generate -fcoverage-mapping)
set(FLUSHTRACE_FLAVOUR_FLAGS_libfuzzer ${FLUSHTRACE_SANITIZE_FLAGS} -fsanitize=fuzzer-no-link)
set(FLUSHTRACE_FLAVOUR_FLAGS_afl "")
# A contract build (.clusterfuzzlite/build.sh): somebody else says compiler, flags and engine. What is no
# defect on Windows stays none, neither is unsigned overflow (OSS-Fuzz reports it and goes on; the machine
# takes each report for a finding), and a report is recoverable, as in the other flavours.
set(FLUSHTRACE_FLAVOUR_FLAGS_engine
    ${FLUSHTRACE_ENGINE_CFLAGS}
    -fno-sanitize=alignment,shift-base,object-size,vptr,function,unsigned-integer-overflow
    -fsanitize-recover=address,undefined)

# What the descriptor calls the compiler, the same text for every module of a build.
function(_flushtrace_compiler_text ret)
  string(TOLOWER "${CMAKE_C_COMPILER_ID}" id)
  string(REPLACE "gnu" "gcc" id "${id}")
  set(${ret} "${id} ${CMAKE_C_COMPILER_VERSION}" PARENT_SCOPE)
endfunction()

# The optimisation flags of the build type, as a list.
function(_flushtrace_build_flags ret)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  set(flags "-O2")
  if(type)
    separate_arguments(flags UNIX_COMMAND "${CMAKE_C_FLAGS_${type}}")
  endif()
  set(${ret} ${flags} PARENT_SCOPE)
endfunction()

function(_flushtrace_identifier text ret)
  string(MAKE_C_IDENTIFIER "${text}" identifier)
  set(${ret} "${identifier}" PARENT_SCOPE)
endfunction()

# The files that a patch touches, relative to the core's directory.
function(_flushtrace_patched_files patch ret)
  file(STRINGS "${patch}" lines REGEX "^\\+\\+\\+ [^/]+/")
  set(files "")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^\\+\\+\\+ [^/]+/([^\t ]+).*$" "\\1" file "${line}")
    list(APPEND files "${file}")
  endforeach()
  if(NOT files)
    message(FATAL_ERROR "flushtrace_add_driver: ${patch} touches no file")
  endif()
  set(${ret} ${files} PARENT_SCOPE)
endfunction()

# What a patch says of itself above its first hunk, as the inside of a C string literal: the line that
# begins with "Summary: ", else its first line.
function(_flushtrace_patch_summary patch ret)
  file(STRINGS "${patch}" line REGEX "^Summary: " LIMIT_COUNT 1)
  if(NOT line)
    file(STRINGS "${patch}" line LIMIT_COUNT 1)
  endif()
  if(line MATCHES "^(---|diff|Index) ")
    message(FATAL_ERROR "flushtrace_add_driver: ${patch} does not begin with a summary")
  endif()
  string(REGEX REPLACE "^Summary: " "" line "${line}")
  string(REPLACE "\\" "\\\\" line "${line}")
  string(REPLACE "\"" "\\\"" line "${line}")
  set(${ret} "${line}" PARENT_SCOPE)
endfunction()

# _flushtrace_compile(OUTPUT o SOURCE c FLAVOUR f FLAGS ... [DEPENDS ...]): one object file.
# A custom command rather than a library target, because the AFL++ flavour has its own compiler.
function(_flushtrace_compile)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUTPUT;SOURCE;FLAVOUR" "FLAGS;DEPENDS")
  set(compiler "${CMAKE_C_COMPILER}")
  if(arg_FLAVOUR STREQUAL "afl")
    set(compiler "${CMAKE_COMMAND}" -E env AFL_QUIET=1 AFL_DONT_OPTIMIZE=1
                 "${FLUSHTRACE_AFL_CC}")
  elseif(arg_FLAVOUR STREQUAL "engine")
    set(compiler "${CMAKE_COMMAND}" -E env AFL_QUIET=1 "${FLUSHTRACE_ENGINE_CC}")
  endif()
  get_filename_component(folder "${arg_OUTPUT}" DIRECTORY)
  file(MAKE_DIRECTORY "${folder}")
  file(RELATIVE_PATH shown "${CMAKE_BINARY_DIR}" "${arg_OUTPUT}")
  add_custom_command(
    OUTPUT "${arg_OUTPUT}"
    COMMAND ${compiler} ${arg_FLAGS} -MD -MT "${arg_OUTPUT}" -MF "${arg_OUTPUT}.d"
            -c "${arg_SOURCE}" -o "${arg_OUTPUT}"
    DEPENDS "${arg_SOURCE}" ${arg_DEPENDS}
    DEPFILE "${arg_OUTPUT}.d"
    COMMENT "Compiling ${shown}"
    VERBATIM)
endfunction()

# The flags for one source of a driver in one flavour.
function(_flushtrace_driver_flags source flavour ret)
  _flushtrace_build_flags(build_flags)
  set(flags ${FLUSHTRACE_DRIVER_C_FLAGS})
  if(source MATCHES "\\.(cpp|cc|cxx)$")
    set(flags ${FLUSHTRACE_DRIVER_CXX_FLAGS})
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
      list(APPEND flags -fno-gnu-unique) # objcopy cannot make a unique symbol local
    endif()
  endif()
  list(APPEND flags ${build_flags} ${FLUSHTRACE_DRIVER_FLAGS} ${FLUSHTRACE_FLAVOUR_FLAGS_${flavour}}
       "-I${FLUSHTRACE_DDI_DIR}")
  set(${ret} ${flags} PARENT_SCOPE)
endfunction()

# One module: descriptor, partial link, sections, symbols. Objects: the driver's; model: device and
# description. Adds to the lists of flushtrace_link_modules.
function(_flushtrace_add_module)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "CORE;MUTANT;FLAVOUR;DIR;FINGERPRINT_DIR;SUMMARY;DEVICE"
                        "OBJECTS;MODEL")
  set(shown_mutant "sound")
  if(arg_MUTANT)
    set(shown_mutant "${arg_MUTANT}")
  endif()
  _flushtrace_identifier("${arg_CORE}__${shown_mutant}__${arg_FLAVOUR}" FT_MODULE_ID)
  set(FT_MODULE_CORE "${arg_CORE}")
  set(FT_MODULE_MUTANT "${arg_MUTANT}")
  set(FT_MODULE_FLAVOUR "${arg_FLAVOUR}")
  set(FT_MODULE_SUMMARY "${arg_SUMMARY}")
  _flushtrace_compiler_text(FT_MODULE_COMPILER)
  set(FT_MODULE_DEVICE "0")
  set(FT_MODULE_DEVICE_DECLARATION "")
  if(NOT arg_DEVICE STREQUAL "auto")
    set(FT_MODULE_DEVICE "&ft_driver_device")
    set(FT_MODULE_DEVICE_DECLARATION "extern const struct sim_device_model ft_driver_device;")
  endif()
  configure_file("${FLUSHTRACE_CMAKE_DIR}/module_descriptor.c.in" "${arg_DIR}/descriptor.c" @ONLY)
  configure_file("${FLUSHTRACE_CMAKE_DIR}/module_sections.ld.in" "${arg_DIR}/sections.ld" @ONLY)

  _flushtrace_compile(
    OUTPUT "${arg_DIR}/descriptor.o"
    SOURCE "${arg_DIR}/descriptor.c"
    FLAVOUR plain
    FLAGS -std=gnu11 -fPIC -g "-I${FLUSHTRACE_SHIM_DIR}" "-I${arg_FINGERPRINT_DIR}"
    DEPENDS "${arg_FINGERPRINT_DIR}/fingerprint.h")
  set(module "${arg_DIR}/module.o")
  set(renames "")
  if(arg_FLAVOUR STREQUAL "access")
    foreach(copy memcpy memmove memset) # struct assignments too
      list(APPEND renames --redefine-sym ${copy}=ft_driver_${copy})
    endforeach()
    set(renames COMMAND "${FLUSHTRACE_OBJCOPY}" ${renames} "${arg_DIR}/driver.o")
  endif()
  add_custom_command(
    OUTPUT "${module}"
    COMMAND "${FLUSHTRACE_LD}" -r --force-group-allocation -T "${arg_DIR}/sections.ld" -o
            "${arg_DIR}/driver.o" ${arg_OBJECTS}
    ${renames}
    COMMAND "${FLUSHTRACE_LD}" -r -o "${module}" "${arg_DIR}/driver.o" "${arg_DIR}/descriptor.o"
            ${arg_MODEL}
    COMMAND "${FLUSHTRACE_OBJCOPY}" "--keep-global-symbol=ft_module_${FT_MODULE_ID}" "${module}"
    DEPENDS ${arg_OBJECTS} ${arg_MODEL} "${arg_DIR}/descriptor.o" "${arg_DIR}/sections.ld"
    COMMENT "Linking module ${FT_MODULE_ID}"
    VERBATIM)
  set_property(GLOBAL APPEND PROPERTY FLUSHTRACE_IDS_${arg_CORE}_${arg_FLAVOUR} "${FT_MODULE_ID}")
  set_property(GLOBAL APPEND PROPERTY FLUSHTRACE_OBJECTS_${arg_CORE}_${arg_FLAVOUR} "${module}")
endfunction()

# The object of every source of one module; a mutant's untouched files are the sound core's objects.
function(_flushtrace_module_objects)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "FLAVOUR;SOUND_DIR;DIR;INSIDE;PATCHED_DIR;RET"
                        "SOURCES;TOUCHED;INCLUDES;FLAGS;DEPENDS")
  set(objects "")
  foreach(source IN LISTS arg_SOURCES)
    if(arg_PATCHED_DIR AND NOT source IN_LIST arg_TOUCHED)
      set(object "${arg_SOUND_DIR}/${arg_FLAVOUR}${arg_INSIDE}/${source}.o")
      cmake_path(NORMAL_PATH object)
      list(APPEND objects "${object}")
      continue()
    endif()
    set(from "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
    set(depends ${arg_DEPENDS})
    if(arg_PATCHED_DIR)
      set(from "${arg_PATCHED_DIR}/${source}")
      list(APPEND depends "${arg_PATCHED_DIR}/fingerprint.h")
    endif()
    _flushtrace_driver_flags("${source}" "${arg_FLAVOUR}" flags)
    if(arg_PATCHED_DIR)
      # A deliberate defect may be just what a warning is about.
      list(APPEND arg_FLAGS -w)
    endif()
    set(object "${arg_DIR}/${arg_FLAVOUR}${arg_INSIDE}/${source}.o")
    cmake_path(NORMAL_PATH object)
    _flushtrace_compile(
      OUTPUT "${object}"
      SOURCE "${from}"
      FLAVOUR "${arg_FLAVOUR}"
      FLAGS ${flags} ${arg_INCLUDES} ${arg_FLAGS}
      DEPENDS ${depends})
    list(APPEND objects "${object}")
  endforeach()
  set(${arg_RET} ${objects} PARENT_SCOPE)
endfunction()

# Prepares the sources of one module; *_RET: what a mutant compiles again, its directory, its summary.
function(_flushtrace_module_sources)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "DIR;PATCH;TOUCHED_RET;SUMMARY_RET"
                        "SOURCES;HEADERS;DESCRIBING")
  set(touched "")
  set(summary "")
  set(outputs "${arg_DIR}/fingerprint.h")
  if(arg_PATCH)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${arg_PATCH}")
    _flushtrace_patch_summary("${arg_PATCH}" summary)
    _flushtrace_patched_files("${arg_PATCH}" patched)
    foreach(file IN LISTS patched)
      if(file IN_LIST arg_SOURCES)
        list(APPEND touched "${file}")
      elseif(file IN_LIST arg_HEADERS)
        set(touched ${arg_SOURCES})
        break()
      else()
        message(FATAL_ERROR "flushtrace_add_driver: ${arg_PATCH} touches ${file}, which is not "
                            "in SOURCES or HEADERS")
      endif()
    endforeach()
    foreach(file IN LISTS touched)
      list(APPEND outputs "${arg_DIR}/${file}")
    endforeach()
  endif()
  set(inputs ${arg_SOURCES} ${arg_HEADERS} ${arg_DESCRIBING})
  list(TRANSFORM inputs PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  set(files ${arg_SOURCES} ${arg_HEADERS})
  string(REPLACE ";" "$<SEMICOLON>" files "${files}")
  string(REPLACE ";" "$<SEMICOLON>" describing "${arg_DESCRIBING}")
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND "${CMAKE_COMMAND}" "-DCORE_DIR=${CMAKE_CURRENT_SOURCE_DIR}" "-DOUT_DIR=${arg_DIR}"
            "-DFILES=${files}" "-DDESCRIBING=${describing}" "-DPATCH=${arg_PATCH}"
            "-DPATCH_PROGRAM=${FLUSHTRACE_PATCH}" -P
            "${FLUSHTRACE_CMAKE_DIR}/FlushtraceModuleSources.cmake"
    DEPENDS ${inputs} ${arg_PATCH} "${FLUSHTRACE_CMAKE_DIR}/FlushtraceModuleSources.cmake"
    COMMENT "Preparing ${arg_DIR}"
    VERBATIM)
  set(${arg_TOUCHED_RET} ${touched} PARENT_SCOPE)
  set(${arg_SUMMARY_RET} "${summary}" PARENT_SCOPE)
endfunction()

# Sources may lie above the core's folder (`../devices/x.c`), and their copies and objects are named like
# them. *ret: the folders below a module's own in which as many steps up as any of the files takes stay
# inside it, so that no two modules or flavours share a file.
function(_flushtrace_inside files ret)
  set(deepest "")
  foreach(file IN LISTS files)
    string(REGEX MATCH "^(\\.\\./)+" up "${file}")
    string(LENGTH "${up}" length)
    string(LENGTH "${deepest}" most)
    if(length GREATER most)
      set(deepest "${up}")
    endif()
  endforeach()
  string(REPLACE "../" "/in" inside "${deepest}")
  set(${ret} "${inside}" PARENT_SCOPE)
endfunction()

# The objects of the device model and the description: the same for every module of a core, never
# instrumented (except in the dev flavour, where everything is).
function(_flushtrace_model_objects dir sources ret)
  _flushtrace_build_flags(flags)
  list(APPEND flags -std=gnu11 -g -Wall -Wextra -Werror -fPIC "-I${FLUSHTRACE_SHIM_DIR}")
  if("dev" IN_LIST FLUSHTRACE_FLAVOURS)
    list(APPEND flags ${FLUSHTRACE_SANITIZE_FLAGS})
  endif()
  set(objects "")
  foreach(source IN LISTS sources)
    set(object "${dir}/${source}.o")
    cmake_path(NORMAL_PATH object)
    _flushtrace_compile(
      OUTPUT "${object}"
      SOURCE "${CMAKE_CURRENT_SOURCE_DIR}/${source}"
      FLAVOUR plain
      FLAGS ${flags})
    list(APPEND objects "${object}")
  endforeach()
  set(${ret} ${objects} PARENT_SCOPE)
endfunction()

# <NAME>.so: the sound module of one flavour as a shared object that exports ft_module.
function(_flushtrace_shared_module core flavour)
  get_property(id GLOBAL PROPERTY FLUSHTRACE_IDS_${core}_${flavour})
  get_property(module GLOBAL PROPERTY FLUSHTRACE_OBJECTS_${core}_${flavour})
  list(GET id 0 id)
  list(GET module 0 module)
  set(output "${FLUSHTRACE_MODULE_OUTPUT_DIR}/${core}.so")
  file(MAKE_DIRECTORY "${FLUSHTRACE_MODULE_OUTPUT_DIR}")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_C_COMPILER}" -shared "${module}" "-Wl,--defsym=ft_module=ft_module_${id}"
            -o "${output}"
    DEPENDS "${module}"
    COMMENT "Linking ${core}.so"
    VERBATIM)
  add_custom_target(${core}-module.so ALL DEPENDS "${output}")
endfunction()

# Makes the .tmh files of a driver that includes any: *_RET get the flags to find them and the file that
# objects depend on.
function(_flushtrace_trace)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "DIR;INCLUDES_RET;STAMP_RET" "FILES;FUNCTIONS")
  set(${arg_INCLUDES_RET} "" PARENT_SCOPE)
  set(${arg_STAMP_RET} "" PARENT_SCOPE)
  list(TRANSFORM arg_FILES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  set(traces "")
  foreach(file IN LISTS arg_FILES)
    file(STRINGS "${file}" lines REGEX "#[ \t]*include.*\\.[tT][mM][hH]" LIMIT_COUNT 1)
    list(APPEND traces ${lines})
  endforeach()
  if(NOT traces)
    return()
  endif()
  set(functions "DoTraceMessage(FLAGS,MSG,...)" "DoTraceLevelMessage(LEVEL,FLAGS,MSG,...)"
      "TraceEvents(LEVEL,FLAGS,MSG,...)" ${arg_FUNCTIONS})
  string(REPLACE ";" "$<SEMICOLON>" files "${arg_FILES}")
  string(REPLACE ";" "$<SEMICOLON>" functions "${functions}")
  add_custom_command(
    OUTPUT "${arg_DIR}/wpp.stamp"
    COMMAND "${CMAKE_COMMAND}" "-DFILES=${files}" "-DFUNCTIONS=${functions}" "-DOUT_DIR=${arg_DIR}"
            "-DSTAMP=${arg_DIR}/wpp.stamp" -P "${FLUSHTRACE_CMAKE_DIR}/FlushtraceTrace.cmake"
    DEPENDS ${arg_FILES} "${FLUSHTRACE_CMAKE_DIR}/FlushtraceTrace.cmake"
    COMMENT "Preparing the trace functions in ${arg_DIR}"
    VERBATIM)
  set(${arg_INCLUDES_RET} "-I${arg_DIR}" PARENT_SCOPE)
  set(${arg_STAMP_RET} "${arg_DIR}/wpp.stamp" PARENT_SCOPE)
endfunction()

# Writes a stand-in for each generated header into DIR. *_RET: the flag to find them, their names, and
# the files that say what is in them.
function(_flushtrace_generated_headers)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "DIR;INCLUDES_RET;NAMES_RET;STUBS_RET" "HEADERS")
  set(includes "")
  set(names "")
  set(stubs "")
  foreach(header IN LISTS arg_HEADERS)
    set(content "#pragma once\n")
    if(header MATCHES "^([^=]+)=(.+)$")
      set(header "${CMAKE_MATCH_1}")
      set(stub "${CMAKE_MATCH_2}")
      if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${stub}")
        message(FATAL_ERROR "flushtrace_add_driver: GENERATED_HEADERS: no file ${stub}")
      endif()
      list(APPEND stubs "${stub}")
      set(content "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${stub}\"\n")
    endif()
    file(CONFIGURE OUTPUT "${arg_DIR}/${header}" CONTENT "${content}" @ONLY)
    list(APPEND names "${header}")
    set(includes "-I${arg_DIR}")
  endforeach()
  set(${arg_INCLUDES_RET} "${includes}" PARENT_SCOPE)
  set(${arg_NAMES_RET} ${names} PARENT_SCOPE)
  set(${arg_STUBS_RET} ${stubs} PARENT_SCOPE)
endfunction()

function(flushtrace_add_driver)
  cmake_parse_arguments(
    PARSE_ARGV 0 arg "TEST_ONLY" "NAME"
    "SOURCES;HEADERS;DEVICE;DEVICE_HEADERS;DESCRIPTION;MUTANTS;INCLUDE_DIRECTORIES;DEFINITIONS;OPTIONS;FLAVOURS;GENERATED_HEADERS;TRACE_FUNCTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "flushtrace_add_driver: unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  foreach(needed NAME SOURCES DEVICE DESCRIPTION)
    if(NOT arg_${needed})
      message(FATAL_ERROR "flushtrace_add_driver: ${needed} is missing")
    endif()
  endforeach()
  if(NOT arg_FLAVOURS)
    set(arg_FLAVOURS ${FLUSHTRACE_FLAVOURS})
  endif()
  set(base "${CMAKE_CURRENT_BINARY_DIR}/modules/${arg_NAME}")
  set(model_sources ${arg_DESCRIPTION})
  if(NOT arg_DEVICE STREQUAL "auto")
    list(APPEND model_sources ${arg_DEVICE})
  endif()
  _flushtrace_inside("${model_sources}" inside)
  _flushtrace_model_objects("${base}${inside}" "${model_sources}" model)
  _flushtrace_inside("${arg_SOURCES};${arg_HEADERS}" inside)

  _flushtrace_trace(
    DIR "${base}/wpp" FILES ${arg_SOURCES} ${arg_HEADERS} FUNCTIONS ${arg_TRACE_FUNCTIONS}
    INCLUDES_RET trace_includes STAMP_RET trace_stamp)
  _flushtrace_generated_headers(
    DIR "${base}/generated" HEADERS ${arg_GENERATED_HEADERS}
    INCLUDES_RET generated_includes NAMES_RET generated STUBS_RET stubs)
  set(extra ${arg_OPTIONS})
  foreach(definition IN LISTS arg_DEFINITIONS)
    list(APPEND extra "-D${definition}")
  endforeach()
  foreach(patch IN ITEMS sound ${arg_MUTANTS})
    set(mutant "")
    set(patch_path "")
    set(patched_dir "")
    set(dir "${base}/sound")
    if(NOT patch STREQUAL "sound")
      get_filename_component(mutant "${patch}" NAME_WLE)
      get_filename_component(patch_path "${patch}" ABSOLUTE)
      set(dir "${base}/${mutant}")
      set(patched_dir "${dir}/src${inside}")
      file(STRINGS "${patch_path}" races REGEX "^Flavour: access" LIMIT_COUNT 1)
    endif()
    _flushtrace_module_sources(
      DIR "${dir}/src${inside}" PATCH "${patch_path}" TOUCHED_RET touched SUMMARY_RET summary
      SOURCES ${arg_SOURCES} HEADERS ${arg_HEADERS} DESCRIBING ${model_sources}
      ${arg_DEVICE_HEADERS} ${stubs})
    set(includes "")
    foreach(include IN LISTS arg_INCLUDE_DIRECTORIES)
      if(patched_dir)
        list(APPEND includes "-I${patched_dir}/${include}")
      endif()
      list(APPEND includes "-I${CMAKE_CURRENT_SOURCE_DIR}/${include}")
    endforeach()
    set(from "${CMAKE_CURRENT_SOURCE_DIR}")
    if(patched_dir)
      set(from "${patched_dir}")
    endif()
    _flushtrace_include_names(DIR "${dir}/names" FROM "${from}" FILES ${arg_SOURCES} ${arg_HEADERS}
                              GENERATED_DIR "${base}/generated" GENERATED ${generated} RET names)
    foreach(flavour IN LISTS arg_FLAVOURS)
      if(mutant AND flavour MATCHES "^(coverage|engine)$")
        continue() # what a corpus reaches is asked of the sound driver; strangers look for real defects
      endif()
      set(sees_races FALSE)
      if(flavour STREQUAL "access")
        set(sees_races TRUE)
      endif()
      if(mutant AND (races AND NOT sees_races OR sees_races AND NOT races))
        continue()
      endif()
      _flushtrace_module_objects(
        FLAVOUR ${flavour} SOUND_DIR "${base}/sound" DIR "${dir}" INSIDE "${inside}"
        PATCHED_DIR "${patched_dir}" SOURCES ${arg_SOURCES} TOUCHED ${touched}
        INCLUDES ${includes} ${names} ${generated_includes} ${trace_includes} FLAGS ${extra} DEPENDS ${trace_stamp}
        RET objects)
      _flushtrace_add_module(
        CORE "${arg_NAME}" MUTANT "${mutant}" FLAVOUR "${flavour}" DIR "${dir}/${flavour}"
        FINGERPRINT_DIR "${dir}/src${inside}" SUMMARY "${summary}" DEVICE "${arg_DEVICE}"
        OBJECTS ${objects} MODEL ${model})
    endforeach()
  endforeach()

  set(all "")
  foreach(flavour IN LISTS arg_FLAVOURS)
    get_property(modules GLOBAL PROPERTY FLUSHTRACE_OBJECTS_${arg_NAME}_${flavour})
    list(APPEND all ${modules})
  endforeach()
  add_custom_target(${arg_NAME}-modules ALL DEPENDS ${all})
  if(NOT arg_TEST_ONLY)
    set_property(GLOBAL APPEND PROPERTY FLUSHTRACE_CORES "${arg_NAME}")
  endif()
  foreach(flavour plain dev)
    if(flavour IN_LIST arg_FLAVOURS)
      _flushtrace_shared_module("${arg_NAME}" ${flavour})
      add_dependencies(${arg_NAME}-module.so ${arg_NAME}-modules)
    endif()
  endforeach()
endfunction()
