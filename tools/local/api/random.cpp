// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <random>
#include <string_view>

#include "host/model/log.hpp"

#include <knd/cpp/result.hpp>

namespace knd::api {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

/// For the distributions of the standard library, whose own generator would throw.
struct Kernel {
    using result_type = std::uint64_t;
    static constexpr result_type min() { return 0; }
    static constexpr result_type max() { return UINT64_MAX; }

    result_type operator()() const {
        result_type number = 0;
        // So few bytes never come short; a signal only cuts off the wait for a kernel that has just
        // started (getrandom(2)).
        while (::getrandom(&number, sizeof number, 0) != sizeof number) {
            if (errno != EINTR) log::fatal(Error::from_errno("getrandom", errno).message());
        }
        return number;
    }
};

std::string pick(std::size_t size, std::string_view letters) {
    Kernel random;
    std::uniform_int_distribution<std::size_t> any(0, letters.size() - 1);
    std::string text;
    while (text.size() < size)
        text += letters[any(random)];
    return text;
}

}  // namespace

std::string random_uid() {
    return pick(8, kHex) + "-" + pick(4, kHex) + "-4" + pick(3, kHex) + "-" + pick(1, "89ab") +
           pick(3, kHex) + "-" + pick(12, kHex);
}

std::string random_suffix(std::size_t size) {
    // Without vowels and look-alikes, so that names spell nothing and are read aloud safely.
    return pick(size, "bcdfghjklmnpqrstvwxz2456789");
}

std::string random_id(std::size_t digits) {
    return pick(digits, kHex);
}

}  // namespace knd::api
