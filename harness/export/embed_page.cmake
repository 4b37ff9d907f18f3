# Makes the page's files into the C source of page.h.
#   cmake -DOUTPUT=c -DFOLDER=page -DSCRIPTS=a.js;b.js -P embed_page.cmake

function(put_array name file ret)
  file(READ "${FOLDER}/${file}" hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  set(${ret} "${name}[] = {${bytes}0};\n" PARENT_SCOPE)
endfunction()

put_array("const char ft_page_html" page.html html)
put_array("const char ft_page_css" page.css css)
set(arrays "")
set(rows "")
set(count 0)
foreach(script IN LISTS SCRIPTS)
  put_array("static const char script_${count}" "${script}" array)
  string(APPEND arrays "${array}")
  string(APPEND rows "    script_${count},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT
"#include \"export/page.h\"

${html}${css}${arrays}const char *const ft_page_script[] = {
${rows}};
const size_t ft_page_script_count = ${count};
" @ONLY)
