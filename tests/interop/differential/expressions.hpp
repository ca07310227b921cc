// SPDX-License-Identifier: Apache-2.0
//
// Random CEL expressions about devices: grown from a grammar that knows types, so that most compile
// and evaluate, some fail in between, and a few are garbage.
#pragma once

#include <string>

#include "tests/interop/differential/random.hpp"

namespace knd::differential {

struct ExpressionOptions {
    std::string driver;     ///< whose attributes are meant
    bool lists = false;     ///< list attributes and includes()
    int depth = 4;          ///< nesting of operators and calls
    unsigned garbage = 6;   ///< per cent that is damaged afterwards
    unsigned mistakes = 0;  ///< per cent of conditions that are wrong
    unsigned messages = 0;  ///< per cent of conditions about protobuf's messages
    unsigned pairs = 0;     ///< per cent of conditions that take no heed of types
    bool plain = false;     ///< only what people write in device classes
};

std::string random_expression(Random& random, const ExpressionOptions& options);

}  // namespace knd::differential
