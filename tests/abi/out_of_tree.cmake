# SPDX-License-Identifier: Apache-2.0
# Does what a vendor does: installs the SDK, copies the examples, builds them with CMake, the one in C
# again with pkg-config alone, and has the plugin host load and knd-check judge them.
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endfunction()

file(REMOVE_RECURSE ${WORK})
set(prefix ${WORK}/prefix)
set(example ${WORK}/hello)
run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${prefix})
file(COPY ${SOURCE}/sdk/examples/c/ DESTINATION ${example})

run(${CMAKE_COMMAND} -S ${example} -B ${example}/build -DCMAKE_PREFIX_PATH=${prefix}
  -DCMAKE_C_COMPILER=${CC})
run(${CMAKE_COMMAND} --build ${example}/build)
run(${CMAKE_COMMAND} -E env KND_BACKENDS=${example}/build/backends ${TESTER}
  --gtest_filter=Example.*)

file(COPY ${SOURCE}/sdk/examples/cpp/ DESTINATION ${WORK}/shelf)
run(${CMAKE_COMMAND} -S ${WORK}/shelf -B ${WORK}/shelf/build -DCMAKE_PREFIX_PATH=${prefix}
  -DCMAKE_CXX_COMPILER=${CXX})
run(${CMAKE_COMMAND} --build ${WORK}/shelf/build)
file(COPY ${WORK}/shelf/build/backends/knd-shelf.so DESTINATION ${example}/build/backends)
run(${CMAKE_COMMAND} -E env KND_BACKENDS=${example}/build/backends ${TESTER}
  --gtest_filter=CppExample.*)

file(MAKE_DIRECTORY ${WORK}/books)
run(${CHECK} ${example}/build/backends/knd-hello.so)
run(${CHECK} ${example}/build/backends/knd-shelf.so --config "{\"directory\": \"${WORK}/books\"}")

# A backend of everything; what it asks the host to make is not made here.
run(${CMAKE_COMMAND} -S ${SOURCE}/tests/tapnic -B ${WORK}/tapnic -DCMAKE_PREFIX_PATH=${prefix}
  -DCMAKE_CXX_COMPILER=${CXX})
run(${CMAKE_COMMAND} --build ${WORK}/tapnic)
run(${CHECK} ${WORK}/tapnic/backends/knd-tapnic.so
  --config "{\"parent\": \"lo\", \"directory\": \"${WORK}/slots\"}"
  --claim "{\"mode\": \"private\", \"extras\": true}")
file(COPY ${WORK}/tapnic/backends/knd-tapnic.so DESTINATION ${example}/build/backends)
run(${CMAKE_COMMAND} -E env KND_BACKENDS=${example}/build/backends ${TESTER}
  --gtest_filter=Tapnic.*)

find_program(pkg_config pkg-config REQUIRED)
set(ENV{PKG_CONFIG_PATH} ${prefix}/share/pkgconfig)
execute_process(COMMAND ${pkg_config} --cflags knd-sdk COMMAND_ERROR_IS_FATAL ANY
  OUTPUT_VARIABLE cflags OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND ${pkg_config} --libs knd-sdk COMMAND_ERROR_IS_FATAL ANY
  OUTPUT_VARIABLE libs OUTPUT_STRIP_TRAILING_WHITESPACE)
separate_arguments(cflags UNIX_COMMAND "${cflags}")
separate_arguments(libs UNIX_COMMAND "${libs}")
file(MAKE_DIRECTORY ${example}/plain)
run(${CC} -std=gnu11 ${cflags} ${example}/hello.c ${libs} -o ${example}/plain/knd-hello.so)
run(${CMAKE_COMMAND} -E env KND_BACKENDS=${example}/plain ${TESTER} --gtest_filter=Example.*)
