# Run at build time with cmake -P: makes the sources of one module and its fingerprint.
#
#   CORE_DIR   directory that the paths in FILES and DESCRIBING are relative to
#   OUT_DIR    receives fingerprint.h and, with PATCH, patched copies of FILES
#   FILES      sources and headers of the driver
#   DESCRIBING device model and description: part of the fingerprint, never patched
#   PATCH      the mutant, empty for the sound core
#   PATCH_PROGRAM  patch(1)
#
# A patch that does not apply exactly (no fuzz) fails the build: a mutant must be the defect its author wrote.

file(MAKE_DIRECTORY "${OUT_DIR}")
set(source_dir "${CORE_DIR}")

if(PATCH)
  set(source_dir "${OUT_DIR}")
  foreach(file IN LISTS FILES)
    get_filename_component(folder "${OUT_DIR}/${file}" DIRECTORY)
    file(MAKE_DIRECTORY "${folder}")
    file(COPY_FILE "${CORE_DIR}/${file}" "${OUT_DIR}/${file}")
  endforeach()
  execute_process(
    COMMAND "${PATCH_PROGRAM}" -p1 -F0 --batch --forward --silent --no-backup-if-mismatch
            --reject-file=- -i "${PATCH}"
    WORKING_DIRECTORY "${OUT_DIR}"
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${PATCH} does not apply to ${CORE_DIR}:\n${output}")
  endif()
endif()

set(digests "")
foreach(file IN LISTS FILES)
  file(SHA256 "${source_dir}/${file}" digest)
  string(APPEND digests "${file} ${digest}\n")
endforeach()
foreach(file IN LISTS DESCRIBING)
  file(SHA256 "${CORE_DIR}/${file}" digest)
  string(APPEND digests "${file} ${digest}\n")
endforeach()
string(SHA256 fingerprint "${digests}")
string(SUBSTRING "${fingerprint}" 0 16 fingerprint)
file(WRITE "${OUT_DIR}/fingerprint.h" "#define FT_MODULE_FINGERPRINT \"${fingerprint}\"\n")
