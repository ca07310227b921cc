// SPDX-License-Identifier: Apache-2.0
//
// Counts what `new` is asked for in a whole program: include it in one file of that program.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace knd::test {

/// Calls of `new` so far.
inline std::size_t allocations = 0;

}  // namespace knd::test

void* operator new(std::size_t size) {
    ++knd::test::allocations;
    if (auto* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
