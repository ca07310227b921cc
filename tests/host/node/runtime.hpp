// SPDX-License-Identifier: Apache-2.0
//
// A private container runtime: everything it writes is below one directory, nothing of the
// machine's own runtime is touched. Pods outlive stop() and start() in between.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/host/node/cri_client.hpp"
#include "tools/local/support/process.hpp"

#include <knd/cpp/result.hpp>

namespace knd::testing {

/// What makes one runtime of many. In every text `$D` stands for the runtime's directory.
struct RuntimeRecipe {
    std::string name;
    std::vector<std::string> command;           ///< with $D/config.toml; listens on $D/c.sock
    std::map<std::string, std::string> values;  ///< what else stands for something: "$NAME": text
    std::string path;  ///< directory that comes first in its PATH; may be empty
    std::map<std::string, std::string> files;  ///< name below $D: text; config.toml among them
    /// Run once it serves, to import $D/image.tar; empty: the images are pulled over CRI.
    std::vector<std::string> import;
};

/// Of the packages that tools/install-deps unpacks. `major`, 1 or 2, says which line. NOT_FOUND:
/// it is not there, and what to do.
Result<RuntimeRecipe> containerd_recipe(int major, bool cdi);
/// Of what tests/interop/crio/build makes. NOT_FOUND: it is not there, and why.
Result<RuntimeRecipe> crio_recipe();

class Runtime {
  public:
    /// `directory` must exist, and be short because of socket paths.
    static Result<std::unique_ptr<Runtime>> make(RuntimeRecipe recipe,
                                                 std::filesystem::path directory);
    /// Removes the pods' processes, stops, and leaves only the directory behind.
    ~Runtime();

    Result<void> start();
    void stop(int signal = 15);

    CriClient& cri() { return *cri_; }
    std::string nri_socket() const { return directory_ / "nri.sock"; }
    std::string cdi_directory() const { return directory_ / "cdi"; }
    std::filesystem::path log_file() const { return directory_ / "runtime.log"; }

  private:
    Runtime(RuntimeRecipe recipe, std::filesystem::path directory)
        : recipe_(std::move(recipe)), directory_(std::move(directory)) {}
    std::string expand(std::string text) const;
    std::vector<std::string> expand(std::vector<std::string> texts) const;
    Result<void> write_files() const;
    Result<void> import_images();

    RuntimeRecipe recipe_;
    std::filesystem::path directory_;
    std::unique_ptr<CriClient> cri_;
    local::ProcessId process_;
    bool running_ = false;
};

}  // namespace knd::testing
