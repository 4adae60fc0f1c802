# Run as a script: writes OUTPUT, the values of HEADER's declarations, from FILES (a list with commas).
# "page/app.js" becomes app_js, and app_js_gz with the same bytes compressed. The assembler takes the
# files in; the compiler would need seconds for a large one.
string(REPLACE "," ";" files "${FILES}")
set(symbols "")
set(views "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  string(REGEX REPLACE "[^A-Za-z0-9]" "_" variable "${name}")
  set(packed "${OUTPUT}.${variable}.gz")
  execute_process(COMMAND gzip -9nc "${file}" OUTPUT_FILE "${packed}" COMMAND_ERROR_IS_FATAL ANY)
  foreach(pair "${variable}:${file}" "${variable}_gz:${packed}")
    string(FIND "${pair}" ":" colon)
    string(SUBSTRING "${pair}" 0 ${colon} view)
    math(EXPR colon "${colon} + 1")
    string(SUBSTRING "${pair}" ${colon} -1 from)
    file(SIZE "${from}" size)
    string(APPEND symbols "asm(R\"(.pushsection .rodata\nkpay_asset_${view}: .incbin \"${from}\"\n.popsection)\");\n"
      "extern \"C\" const char kpay_asset_${view}[];\n")
    string(APPEND views "const std::string_view ${view}(kpay_asset_${view}, ${size});\n")
  endforeach()
endforeach()
file(WRITE "${OUTPUT}" "// Written by cmake/WriteAssets.cmake.\n#include \"${HEADER}\"\n\n${symbols}
namespace ${NAMESPACE} {\n\n${views}\n}  // namespace ${NAMESPACE}\n")
