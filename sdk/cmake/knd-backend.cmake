# SPDX-License-Identifier: Apache-2.0
# knd_add_backend(name SOURCES file... [LIBRARIES lib...])
#
# A backend library knd-<name>.so in <build>/backends, for C and C++ sources alike. It exports
# knd_entry_v1 and nothing else, binds every symbol when it is loaded, and hides what is linked into
# it, so that two backends never meet each other's code.
# In a project of your own:  find_package(knd-sdk REQUIRED)
include_guard(GLOBAL)

function(knd_add_backend name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  if(NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "knd_add_backend(${name}): usage: knd_add_backend(name SOURCES file... "
                        "[LIBRARIES lib...])")
  endif()
  if(NOT name MATCHES "^[a-z][a-z0-9-]*$")
    message(FATAL_ERROR "knd_add_backend(${name}): a name is lower-case letters, digits and '-'")
  endif()
  set(target knd-${name})
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/knd_entry.map)
  add_library(${target} MODULE ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE knd::sdk ${arg_LIBRARIES})
  if(TARGET knd_flags)
    # Inside of the KND tree: its warnings, and includes from its top.
    target_link_libraries(${target} PRIVATE knd_flags)
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME knd-${name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/backends
    POSITION_INDEPENDENT_CODE ON C_STANDARD 11 CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${map})
  target_link_options(${target} PRIVATE
    -Wl,--version-script=${map} -Wl,-z,now -Wl,-z,relro -Wl,--exclude-libs,ALL)
  # A sanitizer's runtime is in the program that loads the library, so its symbols stay open.
  if(NOT KND_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
