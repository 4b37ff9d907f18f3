# ft_add_test(NAME n LABELS l... SOURCES s... [LIBRARIES ...] [MODULES | CORES c...] [DDI] [ALONE])
#   A cmocka program. MODULES links the modules of every core, CORES those of the named ones; DDI
#   compiles it like a driver-side file (it may include <wdm.h>). ALONE leaves out our archives: the
#   test lists the sources it is about and is the rest of the machine itself.
# ft_add_command_test(NAME n LABELS l... COMMAND c... [DIRECTORY d] [TIMEOUT s])
#   Any command; exit status 0 passes.
#
# Labels: unit replay steps corpus style docs fuzz; `full` marks what ./dev test leaves out.

_flushtrace_find_library(cmocka cmocka.h libcmocka-dev)
_flushtrace_find_program(FLUSHTRACE_PYTHON python3 python3)

set(FT_TEST_LABELS unit replay steps corpus style docs fuzz full)

function(_ft_check_labels name)
  if(NOT ARGN)
    message(FATAL_ERROR "test ${name} has no label")
  endif()
  foreach(label IN LISTS ARGN)
    if(NOT label IN_LIST FT_TEST_LABELS)
      message(FATAL_ERROR "test ${name}: unknown label ${label}")
    endif()
  endforeach()
endfunction()

function(ft_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "MODULES;DDI;ALONE" "NAME;TIMEOUT" "LABELS;SOURCES;LIBRARIES;CORES")
  _ft_check_labels(${arg_NAME} ${arg_LABELS})
  add_executable(test-${arg_NAME} ${arg_SOURCES})
  target_link_libraries(
    test-${arg_NAME} PRIVATE ft_language ft_warnings ft_instrument ft_lib_cmocka
                             ${arg_LIBRARIES})
  if(NOT arg_ALONE)
    target_link_libraries(test-${arg_NAME} PRIVATE ft_harness)
  endif()
  if(arg_DDI)
    set_property(GLOBAL APPEND PROPERTY FT_DDI_TESTS test-${arg_NAME})
    target_link_libraries(test-${arg_NAME} PRIVATE ft_windows_c)
  endif()
  if(arg_MODULES OR arg_CORES)
    flushtrace_link_modules(TARGET test-${arg_NAME} FLAVOUR ${FLUSHTRACE_MAIN_FLAVOUR}
                            CORES ${arg_CORES})
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${arg_NAME} COMMAND test-${arg_NAME} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(${arg_NAME} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()

function(ft_add_command_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;DIRECTORY;TIMEOUT" "LABELS;COMMAND")
  _ft_check_labels(${arg_NAME} ${arg_LABELS})
  if(NOT arg_DIRECTORY)
    set(arg_DIRECTORY "${PROJECT_SOURCE_DIR}")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND} WORKING_DIRECTORY "${arg_DIRECTORY}")
  set_tests_properties(${arg_NAME} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()
