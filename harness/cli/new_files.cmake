# The files of `flushtrace new` as a C source: ft_embed_new_core for each core, ft_embed_new_files once.

# Declares the array `list` of the files at `paths`. Names are relative to `root`; a template's is its own without `.in`,
# and what several cores share (driver-core/devices) becomes part of the project's device/.
function(_ft_embed_array list paths root)
  set(text "")
  set(rows "")
  set(index 0)
  string(HEX "../../devices/" shared)
  foreach(path IN LISTS paths)
    file(READ "${path}" hex HEX)
    string(REPLACE "${shared}" "" hex "${hex}")
    string(LENGTH "${hex}" length)
    math(EXPR length "${length} / 2")
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    get_filename_component(name "${path}" NAME)
    if(path MATCHES "\\.in$")
      string(REGEX REPLACE "\\.in$" "" name "${name}")
    elseif(path MATCHES "/driver-core/devices/")
      set(name "device/${name}")
    else()
      file(RELATIVE_PATH name "${root}" "${path}")
    endif()
    string(APPEND text "static const unsigned char ${list}_${index}[] = {${bytes}0};\n")
    string(APPEND rows "    {\"${name}\", ${list}_${index}, ${length}},\n")
    math(EXPR index "${index} + 1")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
  endforeach()
  set(embedded "${text}" PARENT_SCOPE)
  set(embedded_rows "${rows}" PARENT_SCOPE)
  set(embedded_count "${index}" PARENT_SCOPE)
endfunction()

# ft_embed_new_core(MODEL m ROOT folder OWN_NAME lower upper camel WHAT sentence MUTANT patch SHARED f...): the files of a
# core, of which the project has one mutant.
function(ft_embed_new_core)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "MODEL;ROOT;WHAT;MUTANT" "OWN_NAME;SHARED")
  file(GLOB files CONFIGURE_DEPENDS "${arg_ROOT}/*.c" "${arg_ROOT}/*.h" "${arg_ROOT}/device/*.c"
       "${arg_ROOT}/scenarios/*.fts")
  set(list "files_of_${arg_MODEL}")
  list(APPEND files ${arg_SHARED} "${arg_ROOT}/mutants/${arg_MUTANT}.patch")
  _ft_embed_array(${list} "${files}" "${arg_ROOT}")
  get_filename_component(core "${arg_ROOT}" NAME)
  list(JOIN arg_OWN_NAME "\", \"" own_name)
  set_property(DIRECTORY APPEND_STRING PROPERTY FT_NEW_ARRAYS
    "${embedded}static const struct ft_new_file ${list}[] = {\n${embedded_rows}};\n")
  set_property(DIRECTORY APPEND_STRING PROPERTY FT_NEW_CORES
    "    {\"${arg_MODEL}\", \"${core}\", \"${own_name}\", \"${arg_WHAT}\", ${list}, ${embedded_count}},\n")
endfunction()

# ft_embed_new_files(OUTPUT c TEMPLATES t...): with every core so far.
function(ft_embed_new_files)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUTPUT" "TEMPLATES")
  _ft_embed_array(ft_new_template "${arg_TEMPLATES}" "")
  get_property(arrays DIRECTORY PROPERTY FT_NEW_ARRAYS)
  get_property(cores DIRECTORY PROPERTY FT_NEW_CORES)
  string(CONCAT text "#include \"cli/new_files.h\"\n\n${arrays}${embedded}"
    "const struct ft_new_core ft_new_core[] = {\n${cores}};\n"
    "const size_t ft_new_core_count = sizeof(ft_new_core) / sizeof(ft_new_core[0]);\n"
    "const struct ft_new_file ft_new_template[] = {\n${embedded_rows}};\n"
    "const size_t ft_new_template_count = ${embedded_count};\n")
  file(CONFIGURE OUTPUT "${arg_OUTPUT}" CONTENT "${text}" @ONLY)
endfunction()
