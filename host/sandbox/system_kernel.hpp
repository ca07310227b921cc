// SPDX-License-Identifier: Apache-2.0
//
// SystemKernel: the Kernel of this machine, over rtnetlink.
#pragma once

#include "host/sandbox/container_process.hpp"
#include "host/sandbox/kernel.hpp"

namespace knd {

class SystemKernel final : public Kernel {
  public:
    /// "Home" is the network namespace of the calling thread, and must be that of every thread that
    /// uses the object: entering it then costs nothing.
    static Result<SystemKernel> open();
    /// "Home" is the given namespace, wherever the threads are.
    explicit SystemKernel(Fd home) : home_(std::move(home)), entered_(false) {}

    Result<Fd> open_netns(const std::string& path) override;
    int home_netns() const override { return home_.get(); }
    Result<std::string> netns_id(int netns_fd) override;
    Result<std::unique_ptr<NetworkView>> view(int netns_fd) override;
    bool has_hardware(const std::string& bus, const std::string& device) override;
    bool is_virtual_function(const std::string& bus, const std::string& device) override;
    Result<void> kill_container(const Container& container, const std::string& netns_id) override {
        return knd::kill_container(container, netns_id);
    }
    Result<bool> rdma_exclusive() override;
    Hardware rdma_hardware(const std::string& name) override;
    Result<std::vector<RdmaLink>> rdma_links(int netns_fd) override;
    Result<void> move_rdma(int from_netns_fd, int index, int to_netns_fd) override;
    Result<void> rename_rdma(int index, const std::string& name) override;

  private:
    SystemKernel(Fd home, bool entered) : home_(std::move(home)), entered_(entered) {}
    Fd home_;
    bool entered_;  ///< the threads that use this are in `home_` already
};

}  // namespace knd
