# SPDX-License-Identifier: Apache-2.0
# The installed tree has everything where the default configuration looks for it, and works there.
# BUILD: the build tree; SOURCE: this tree; WORK: a directory to install into.
file(REMOVE_RECURSE ${WORK})
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env DESTDIR=${WORK} ${CMAKE_COMMAND} --install ${BUILD} --component knd --prefix /usr
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

file(READ ${SOURCE}/configs/daemon.toml defaults)
foreach(key backends path)
  if(NOT defaults MATCHES "\n${key} = \"(/usr/[^\"]*)\"")
    message(FATAL_ERROR "configs/daemon.toml has no `${key}` under /usr")
  endif()
  if(NOT EXISTS ${WORK}${CMAKE_MATCH_1})
    message(FATAL_ERROR "`${key}` is ${CMAKE_MATCH_1} by default, and nothing is installed there")
  endif()
endforeach()

file(WRITE ${WORK}/kndd.toml "
[driver]
node = \"node-1\"
[paths]
backends = \"${WORK}/usr/lib/knd/backends\"
[[backend]]
name = \"netdev\"
library = \"knd-netdev.so\"
")
execute_process(COMMAND ${WORK}/usr/bin/kndd --check-config ${WORK}/kndd.toml
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/usr/bin/kndctl --help OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE ${WORK})
