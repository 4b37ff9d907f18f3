# Run at build time with cmake -P: software tracing (WPP) without its preprocessor.
#
#   FILES      the driver's sources and headers, with their paths
#   FUNCTIONS  declarations of trace functions that the driver's project has, not its sources:
#              Name(LEVEL,FLAGS,MSG,...)
#   OUT_DIR    receives every .tmh file that the sources include, and wpp_functions.h
#   STAMP      is touched
#
# In comments of the sources, as for WPP:
#
#   FUNC Name{CONSTANT=value,...}(PARAMETER,...);    a trace function
#   USEPREFIX(Name, "text", arguments);              what comes before its message, or (USESUFFIX) behind
#
# Each function becomes a macro that calls ft_wpp_trace (ddi/ft_wpp.h) and, where the sources define them,
# WPP_<names>_PRE and WPP_<names>_POST around it. LEVEL, FLAGS and MSG mean what they mean for WPP; a
# (MSG, ...) may have parentheses of its own; any other parameter is only for prefix, suffix, PRE and POST.

cmake_minimum_required(VERSION 3.25)

# Characters that mean something in CMake's lists.
function(read_text file ret)
  file(READ "${file}" text)
  string(REPLACE "\r" "" text "${text}")
  string(REPLACE ";" "@S@" text "${text}")
  string(REPLACE "[" "@L@" text "${text}")
  string(REPLACE "]" "@R@" text "${text}")
  set(${ret} "${text}" PARENT_SCOPE)
endfunction()

function(plain_text text ret)
  string(REPLACE "@S@" ";" text "${text}")
  string(REPLACE "@L@" "[" text "${text}")
  string(REPLACE "@R@" "]" text "${text}")
  set(${ret} "${text}" PARENT_SCOPE)
endfunction()

# The value of a constant of a declaration, or empty.
function(constant_of name constants ret)
  set(${ret} "" PARENT_SCOPE)
  if("${constants}" MATCHES "(^|[{,])[ \t]*${name}[ \t]*=[ \t]*([A-Za-z0-9_]+)")
    set(${ret} "${CMAKE_MATCH_2}" PARENT_SCOPE)
  endif()
endfunction()

# One declaration: the text of a macro in `macros`.
function(add_function name constants parameters)
  set(names "")
  set(actual "")
  set(level 0)
  set(flags "\"\"")
  set(message "")
  set(rest "")
  string(REGEX MATCHALL "[A-Za-z0-9_]+[ \t]*=[ \t]*[A-Za-z0-9_]+" pairs "${constants}")
  foreach(pair IN LISTS pairs)
    string(REGEX MATCH "^([A-Za-z0-9_]+)[ \t]*=[ \t]*([A-Za-z0-9_]+)" pair "${pair}")
    list(APPEND names "${CMAKE_MATCH_1}")
    list(APPEND actual "${CMAKE_MATCH_2}")
  endforeach()
  constant_of(LEVEL "${constants}" value)
  if(value)
    set(level "${value}")
  endif()
  constant_of("FLAGS?" "${constants}" value)
  if(value)
    set(flags "\"${value}\"")
  endif()
  # (MSG, ...) in parentheses of its own is one parameter.
  set(formal "${parameters}")
  string(REGEX REPLACE "\\([ \t]*MSG[ \t]*,[ \t]*\\.\\.\\.[ \t]*\\)" "ft_wpp_message" formal "${formal}")
  string(REGEX MATCHALL "[A-Za-z0-9_]+|\\.\\.\\." formal "${formal}")
  foreach(parameter IN LISTS formal)
    if(parameter STREQUAL "...")
      set(rest ", ##__VA_ARGS__")
    elseif(parameter STREQUAL "MSG")
      set(message "MSG")
    elseif(parameter STREQUAL "ft_wpp_message")
      set(message "FT_WPP_OPEN ft_wpp_message")
    else()
      list(APPEND names "${parameter}")
      list(APPEND actual "${parameter}")
      if(parameter STREQUAL "LEVEL")
        set(level "LEVEL")
      elseif(parameter MATCHES "^FLAGS?$")
        set(flags "#${parameter}")
      endif()
    endif()
  endforeach()
  list(JOIN formal ", " formal)
  list(JOIN names "_" key)
  list(JOIN actual ", " actual)
  set(before "")
  set(behind "")
  if("${key}_PRE" IN_LIST around)
    set(before "WPP_${key}_PRE(${actual}) ")
  endif()
  if("${key}_POST" IN_LIST around)
    set(behind " WPP_${key}_POST(${actual})")
  endif()
  set(text "${PREFIX_TEXT_${name}} ${message} ${SUFFIX_TEXT_${name}}")
  if(NOT message AND NOT PREFIX_TEXT_${name} AND NOT SUFFIX_TEXT_${name})
    set(text "\"\"")
  endif()
  string(APPEND macros
         "#undef ${name}\n"
         "#define ${name}(${formal}) \\\n"
         "    ${before}ft_wpp_trace((ULONG)(${level}), ${flags}, __FUNCTION__, __FILE_NAME__, __LINE__, \\\n"
         "        ${text}${PREFIX_ARGUMENTS_${name}}${rest}${SUFFIX_ARGUMENTS_${name}})${behind}\n")
  set(macros "${macros}" PARENT_SCOPE)
endfunction()

set(all "")
foreach(file IN LISTS FILES)
  read_text("${file}" text)
  string(APPEND all "${text}\n")
endforeach()

# Prefixes and suffixes first: the functions use them.
foreach(kind PREFIX SUFFIX)
  string(REGEX MATCHALL "USE${kind}[ \t]*\\([^\n]*\\)[ \t]*@S@" uses "${all}")
  foreach(use IN LISTS uses)
    if("${use}" MATCHES "USE${kind}[ \t]*\\([ \t]*([A-Za-z0-9_]+)[ \t]*,[ \t]*(\"([^\"\\\\]|\\\\.)*\")[ \t]*(.*)\\)[ \t]*@S@$")
      plain_text("${CMAKE_MATCH_2}" ${kind}_TEXT_${CMAKE_MATCH_1})
      plain_text("${CMAKE_MATCH_4}" ${kind}_ARGUMENTS_${CMAKE_MATCH_1})
    endif()
  endforeach()
endforeach()
string(REGEX MATCHALL "define[ \t]+WPP_[A-Za-z0-9_]+_(PRE|POST)[ \t(]" around "${all}")
list(TRANSFORM around REPLACE "define[ \t]+WPP_([A-Za-z0-9_]+)[ \t(]" "\\1")

set(macros "")
string(REGEX MATCHALL "[ \t/*]FUNC[ \t]+[A-Za-z0-9_]+[ \t]*({[^}\n]*})?[ \t]*\\([^\n]*\\)[ \t]*@S@" declarations "${all}")
foreach(function IN LISTS FUNCTIONS)
  list(PREPEND declarations " FUNC ${function}@S@")
endforeach()
foreach(declaration IN LISTS declarations)
  string(REGEX MATCH "FUNC[ \t]+([A-Za-z0-9_]+)[ \t]*({[^}\n]*})?[ \t]*\\((.*)\\)[ \t]*@S@" declaration "${declaration}")
  add_function("${CMAKE_MATCH_1}" "${CMAKE_MATCH_2}" "${CMAKE_MATCH_3}")
endforeach()

set(content "/* Generated: the trace functions of this driver. */\n#ifndef FT_WPP_FUNCTIONS_H\n#define FT_WPP_FUNCTIONS_H\n\n#include \"ft_wpp.h\"\n\n#ifdef WPP_CONTROL_GUIDS\nenum { ft_wpp_no_bit, WPP_CONTROL_GUIDS ft_wpp_bits };\n#endif\n\n${macros}\n#endif\n")
file(CONFIGURE OUTPUT "${OUT_DIR}/wpp_functions.h" CONTENT "@content@" @ONLY)
string(REGEX MATCHALL "#[ \t]*include[ \t]*[\"<][^\">\n]*\\.[tT][mM][hH][\">]" includes "${all}")
foreach(include IN LISTS includes)
  string(REGEX REPLACE ".*[\"<]([^\">]*)[\">]" "\\1" name "${include}")
  string(REPLACE "\\" "/" name "${name}")
  file(CONFIGURE OUTPUT "${OUT_DIR}/${name}" CONTENT "#include \"wpp_functions.h\"\n" @ONLY)
endforeach()
file(TOUCH "${STAMP}")
