# SPDX-License-Identifier: Apache-2.0
# find_package(knd-sdk): target knd::sdk (the headers) and the function knd_add_backend().
include(${CMAKE_CURRENT_LIST_DIR}/knd-sdk-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/knd-backend.cmake)
