# SPDX-License-Identifier: Apache-2.0
# How targets are made here, so that every directory's CMakeLists.txt is a list of names.
#   knd_library(name SOURCES ... [DEPENDS ...] [PRIVATE_DEPENDS ...])   static library
#   knd_program(name SOURCES ... [DEPENDS ...])                        executable
#   knd_unit_test(name SOURCES ... [DEPENDS ...] [THREADED])           gtest binary, label "unit" or
#                                                                      "unit-threaded"
# Includes are written from the top of the tree: #include "host/model/device.hpp".
include_guard(GLOBAL)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
# Not gnu++20: CRI and NRI messages have fields named `linux` and `unix`, macros there.
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# One place for everything that is run, so that a built tree can be used without installing it.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(KND_CCACHE ccache)
if(KND_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${KND_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${KND_CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

add_library(knd_flags INTERFACE)
target_compile_options(knd_flags INTERFACE
  # Designated initialisers name what they set; the rest is meant to be empty.
  -Wall -Wextra -Wshadow $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> -Wno-missing-field-initializers -Werror)
target_include_directories(knd_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(knd_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ALLOW_DEPRECATED_HEADERS KND_VERSION="${PROJECT_VERSION}"
  $<$<CONFIG:Debug>:KND_DEBUG_CHECKS=1>)
target_link_libraries(knd_flags INTERFACE Threads::Threads)

# What is not called is not linked, nor mapped: gRPC has room for far more than a unix socket needs.
add_link_options(-Wl,--gc-sections -Wl,--as-needed)

if(KND_SANITIZE)
  add_compile_options(-fsanitize=${KND_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${KND_SANITIZE})
  if(KND_SANITIZE MATCHES thread)
    # ThreadSanitizer does not understand the bare fences of Boost.Asio, and gcc 12 says so.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
  if(KND_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

function(knd_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC knd_flags ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE knd_flags ${arg_DEPENDS})
  endif()
endfunction()

function(knd_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE knd_flags ${arg_DEPENDS})
endfunction()

# What the sanitizer presets build: unit tests and nothing else; under TSan those with threads.
add_custom_target(knd_unit_tests)
add_custom_target(knd_threaded_tests)

function(knd_unit_test name)
  cmake_parse_arguments(arg "THREADED" "" "SOURCES;DEPENDS" ${ARGN})
  find_package(GTest REQUIRED)
  include(GoogleTest)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE knd_flags ${arg_DEPENDS} GTest::gmock GTest::gtest_main)
  set(label unit)
  if(arg_THREADED)
    set(label unit-threaded)
    add_dependencies(knd_threaded_tests ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS ${label} TIMEOUT 120)
  add_dependencies(knd_unit_tests ${name})
  # The optimized build runs none of them; asked for by name, they are there.
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()

# knd_proto(target FILES a/b.proto ... [GRPC])
# Generates into the build tree under the same relative path. Messages of the lite runtime: nobody
# asks for descriptors, which take a daemon that idles half a MiB.
function(knd_proto target)
  cmake_parse_arguments(arg "GRPC" "" "FILES" ${ARGN})
  find_package(Protobuf REQUIRED)
  set(out ${CMAKE_BINARY_DIR}/proto)
  set(generated)
  foreach(file ${arg_FILES})
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE path)
    cmake_path(RELATIVE_PATH path BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE relative)
    string(REGEX REPLACE "\\.proto$" "" stem ${relative})
    set(outputs ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
    set(flags --cpp_out=lite:${out})
    if(arg_GRPC)
      find_program(KND_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)
      list(APPEND outputs ${out}/${stem}.grpc.pb.cc ${out}/${stem}.grpc.pb.h)
      list(APPEND flags --grpc_out=${out} --plugin=protoc-gen-grpc=${KND_GRPC_PLUGIN})
    endif()
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND protobuf::protoc -I${CMAKE_SOURCE_DIR} ${flags} ${relative}
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} DEPENDS ${path} VERBATIM)
    list(APPEND generated ${outputs})
  endforeach()
  add_library(${target} STATIC ${generated})
  target_include_directories(${target} SYSTEM PUBLIC ${out})
  target_link_libraries(${target} PUBLIC Threads::Threads)
  if(arg_GRPC)
    knd_link_grpc(${target})
  endif()
  knd_link_archives(${target} protobuf-lite)
endfunction()

# knd_link_archives(target library...): links lib<library>.a, or the shared object where there is no
# archive. gRPC, protobuf and Abseil are nearly 50 shared objects: as archives they take 5 ms off the
# daemon's start and 3 MiB off its memory, and a backend may bring its own protobuf. Of any other
# library that is large beside what is called of it, each spares 0.1 MiB.
function(knd_link_archives target)
  foreach(library ${ARGN})
    if(KND_SANITIZE)
      # A sanitizer leaves a shared object alone; code of an archive that it did not compile looks
      # to it like ours.
      target_link_libraries(${target} PUBLIC ${library})
    else()
      find_library(KND_ARCHIVE_${library} NAMES lib${library}.a ${library} REQUIRED)
      mark_as_advanced(KND_ARCHIVE_${library})
      target_link_libraries(${target} PUBLIC ${KND_ARCHIVE_${library}})
    endif()
  endforeach()
endfunction()

function(knd_link_grpc target)
  # Unix sockets only, so without TLS.
  pkg_check_modules(GRPCPP REQUIRED QUIET grpc++_unsecure)
  set(libraries ${GRPCPP_STATIC_LIBRARIES})
  list(FILTER libraries INCLUDE REGEX "^absl_")
  knd_link_archives(${target} grpc++_unsecure grpc_unsecure gpr upb address_sorting ${libraries}
    cares)
  target_include_directories(${target} SYSTEM PUBLIC ${GRPCPP_INCLUDE_DIRS})
  target_compile_definitions(${target} PUBLIC GRPC_USE_PROTO_LITE)
  target_link_libraries(${target} PUBLIC z)
endfunction()
