// SPDX-License-Identifier: Apache-2.0
//
// A private containerd of one of the unpacked versions: everything it writes is below one
// directory, nothing of the machine's own runtime is touched. Pods outlive stop() and start() in
// between.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tests/host/node/cri_client.hpp"
#include "tools/local/support/process.hpp"

#include <knd/cpp/result.hpp>

namespace knd::testing {

class Containerd {
  public:
    struct Options {
        /// Directory into which Debian's package was unpacked.
        std::filesystem::path package;
        /// 1 or 2: which form the configuration has.
        int major = 2;
        std::filesystem::path directory;  ///< short, because of socket paths; must exist
        bool cdi = true;
    };
    static Result<std::unique_ptr<Containerd>> make(Options options);
    /// Removes the pods' processes, stops, and leaves only the directory behind.
    ~Containerd();

    Result<void> start();
    void stop(int signal = 15);

    CriClient& cri() { return *cri_; }
    std::string nri_socket() const { return directory() / "nri.sock"; }
    std::string cdi_directory() const { return directory() / "cdi"; }
    std::filesystem::path log_file() const { return directory() / "containerd.log"; }

  private:
    explicit Containerd(Options options) : options_(std::move(options)) {}
    const std::filesystem::path& directory() const { return options_.directory; }
    Result<void> write_config() const;
    Result<void> import_images();
    std::string config_v1() const;
    std::string config_v2() const;

    Options options_;
    std::unique_ptr<CriClient> cri_;
    local::ProcessId process_;
    bool running_ = false;
};

}  // namespace knd::testing
