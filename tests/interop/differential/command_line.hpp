// SPDX-License-Identifier: Apache-2.0
//
// What the command lines of the comparisons with an oracle have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::differential {

/// The values before the command line is read are the defaults; only the seed is chance.
struct CommonSettings {
    std::string oracle;
    std::string corpus;
    std::string record;  ///< empty: nothing is recorded
    std::size_t count = 0;
    std::size_t show = 0;
    std::uint64_t seed = 0;
    int release = 0;  ///< NN of Kubernetes 1.NN
};

/// Only their own help is left to say of the options that mean different things.
void add_common_options(CLI::App& app, CommonSettings& settings, const std::string& corpus,
                        const std::string& record);

/// `compare` after the command line has been read: whether all is the same. The program's exit
/// status: 0 if it is, 1 if not, 2 for a bad command line or an error, which is printed.
int run_comparison(CLI::App& app, int argc, char** argv,
                   const std::function<Result<bool>()>& compare);

/// The cases of a file, which holds one, or a list of them.
Result<std::vector<Json>> read_cases(const std::string& path);

}  // namespace knd::differential
