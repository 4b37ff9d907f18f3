# Compiler flags travel on interface targets; nothing edits CMAKE_C_FLAGS.
#
#   ft_language     C11 with GNU extensions, debug information
#   ft_warnings     warnings are errors
#   ft_instrument   what a preset instruments everything with: sanitizers (dev) or coverage
#   ft_windows_c    for files that include the DDI headers: 16-bit wchar_t, anonymous members

add_library(ft_language INTERFACE)
target_compile_features(ft_language INTERFACE c_std_11)
target_compile_options(ft_language INTERFACE -g -fno-common)

add_library(ft_warnings INTERFACE)
option(FLUSHTRACE_WERROR "Warnings are errors: not for compilers that nobody has tried" ON)
target_compile_options(ft_warnings INTERFACE -Wall -Wextra)
if(FLUSHTRACE_WERROR)
  target_compile_options(ft_warnings INTERFACE -Werror)
endif()

add_library(ft_windows_c INTERFACE)
target_compile_options(ft_windows_c INTERFACE -fms-extensions -fshort-wchar -fno-strict-aliasing -Wno-multichar)
target_include_directories(
  ft_windows_c INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/hal-shim/ddi>")

add_library(ft_instrument INTERFACE)
if("dev" IN_LIST FLUSHTRACE_FLAVOURS)
  # Our own defects end the test; only a driver's are recovered from (FLUSHTRACE_SANITIZE_FLAGS).
  target_compile_options(
    ft_instrument INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                            -fno-omit-frame-pointer)
  target_link_options(ft_instrument INTERFACE -fsanitize=address,undefined)
endif()
if(FLUSHTRACE_COVERAGE)
  target_compile_options(ft_instrument INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(ft_instrument INTERFACE -fprofile-instr-generate)
endif()

# The program `flushtrace` of a build contains this flavour.
set(FLUSHTRACE_MAIN_FLAVOUR plain)
if("dev" IN_LIST FLUSHTRACE_FLAVOURS)
  set(FLUSHTRACE_MAIN_FLAVOUR dev)
endif()
