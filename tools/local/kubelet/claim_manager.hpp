// SPDX-License-Identifier: Apache-2.0
//
// The kubelet's DRA manager: which claims are prepared on this node, for which pods, with which CDI
// devices. Written to a checkpoint before any driver is called, so that a new run can unprepare
// what an old one has prepared.
//
// Threads: the io_context's. Errors read as the kubelet's do.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/model/services.hpp"
#include "tools/local/api/store.hpp"
#include "tools/local/kubelet/plugin_manager.hpp"

namespace knd::local {

class ClaimManager {
  public:
    static Result<std::unique_ptr<ClaimManager>> open(std::filesystem::path checkpoint,
                                                      api::Store& store, PluginManager& plugins);

    ~ClaimManager() { *alive_ = false; }
    ClaimManager(const ClaimManager&) = delete;
    ClaimManager& operator=(const ClaimManager&) = delete;

    /// Prepares all claims of the pod that are not prepared yet. Ends at the first error.
    void prepare(const Json& pod, Done<> done);
    /// Ends the pod's use of its claims, and unprepares those that nobody uses any more.
    void unprepare(const std::string& pod_uid, Done<> done);

    /// CDI ids for a container: of the claims (and requests) that it lists.
    std::vector<std::string> cdi_ids(const Json& pod, const Json& container) const;
    /// Pods that still hold a claim here.
    std::set<std::string> pods() const;

  private:
    struct Prepared {
        ClaimRef ref;
        /// In this run: not in the checkpoint, as a machine that was started anew has lost what
        /// the driver did. A driver that still has it answers a second call at once.
        bool prepared = false;
        std::set<std::string> pods;
        std::map<std::string, std::vector<PreparedDevice>> devices;  ///< by driver
    };
    using Batches = std::map<std::string, std::vector<ClaimRef>>;  ///< by driver
    struct Round;

    ClaimManager(std::filesystem::path checkpoint, api::Store& store, PluginManager& plugins)
        : checkpoint_(std::move(checkpoint)), store_(store), plugins_(plugins) {}
    Result<> load();
    Result<> save() const;
    Result<Batches> admit(const Json& pod);
    Result<> admit_claim(const Json& pod, const Json& entry, Batches& batches);
    Result<> accept(const std::string& driver, const std::vector<ClaimRef>& asked,
                    const ClaimAnswers& answers, bool preparing);
    /// Claims that a call to a driver is about; another pod's turn with them comes afterwards.
    bool wait_for(const std::vector<std::string>& keys, std::function<void()> again);
    void begin(std::shared_ptr<Round> round);
    void end(const std::shared_ptr<Round>& round, Result<> result);
    void next_batch(std::shared_ptr<Round> round);
    Result<> finish_prepare(const Round& round);
    Result<> finish_unprepare(const Round& round);

    std::filesystem::path checkpoint_;
    api::Store& store_;
    PluginManager& plugins_;
    std::map<std::string, Prepared> claims_;  ///< by "namespace/name"
    std::set<std::string> busy_;              ///< likewise: of the rounds under way
    std::vector<std::function<void()>> waiting_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with callbacks
};

}  // namespace knd::local
