// SPDX-License-Identifier: Apache-2.0
#include "tools/kndctl/live.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "host/kube/client.hpp"
#include "host/kube/resource_api.hpp"
#include "tools/kndctl/simulate/gates.hpp"

namespace knd::ctl {
namespace {

namespace fs = std::filesystem;

/// kubectl's order: the flag, $KUBECONFIG, the pod's service account, the file at home.
Result<kube::Config> find_config(const LiveOptions& options) {
    if (!options.kubeconfig.empty())
        return kube::Config::from_kubeconfig(options.kubeconfig, options.context);
    if (const char* list = std::getenv("KUBECONFIG"); list != nullptr && *list != '\0') {
        const std::string files = list;
        if (files.find(':') == std::string::npos)
            return kube::Config::from_kubeconfig(files, options.context);
        return Error(Code::kInvalidArgument,
                     "$KUBECONFIG names several files; merge them (`kubectl config view --flatten "
                     "--minify`) and give the result with --kubeconfig");
    }
    if (auto pod = kube::Config::in_cluster(); pod.ok()) return pod;
    const char* home = std::getenv("HOME");
    const auto file = fs::path(home == nullptr ? "" : home) / ".kube/config";
    std::error_code error;
    if (fs::exists(file, error)) return kube::Config::from_kubeconfig(file, options.context);
    return Error(Code::kInvalidArgument,
                 "nothing to look at: give manifests with -f, or a cluster with --kubeconfig or "
                 "$KUBECONFIG");
}

/// A client of which one thing at a time is asked.
class Asker {
  public:
    static Result<std::unique_ptr<Asker>> open(const kube::Config& config) {
        std::unique_ptr<Asker> asker(new Asker);
        kube::Client::Options options;
        options.user_agent = "kndctl/" KND_VERSION;
        KND_TRY_ASSIGN(asker->client_, kube::Client::open(asker->io_, config, options));
        return asker;
    }
    kube::Client& client() { return *client_; }

    template <class T, class Ask>
    Result<T> wait(Ask ask) {
        std::optional<Result<T>> answer;
        ask([&](Result<T> result) { answer = std::move(result); });
        while (!answer)
            io_.run_one();
        return *std::move(answer);
    }

  private:
    Asker() = default;
    boost::asio::io_context io_;
    /// A loop that runs out of work stops for good.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
        io_.get_executor()};
    std::unique_ptr<kube::Client> client_;
};

struct Kind {
    std::string group_version;
    std::string plural;
    std::string kind;
};

class Lister {
  public:
    Lister(Asker& asker, std::string server, simulate::Collector& collector, simulate::Role role)
        : asker_(asker), server_(std::move(server)), collector_(collector), role_(role) {}

    Result<void> run() {
        kube::ResourceApi api(asker_.client());
        KND_TRY_ASSIGN(const auto version, asker_.wait<std::string>([&](Done<std::string> done) {
            api.version(std::move(done));
        }));
        const auto resource = kube::ResourceApi::group_version(version);
        const std::vector<Kind> kinds = {
            {"v1", "nodes", "Node"},
            {resource, "deviceclasses", "DeviceClass"},
            {resource, "resourceslices", "ResourceSlice"},
            {resource, "resourceclaims", "ResourceClaim"},
            {resource, "resourceclaimtemplates", "ResourceClaimTemplate"},
            {"v1", "pods", "Pod"},
        };
        for (const auto& kind : kinds)
            KND_TRY(list(kind));
        return list_taint_rules();
    }

  private:
    Result<void> list(const Kind& kind) {
        const kube::Resource resource{kind.group_version, kind.plural, ""};
        KND_TRY_ASSIGN(auto list, asker_.wait<kube::List>([&](Done<kube::List> done) {
            asker_.client().list(resource, {}, std::move(done));
        }));
        for (auto& item : list.items) {
            item["kind"] = kind.kind;
            item["apiVersion"] = kind.group_version;
            KND_TRY(collector_.add(item, server_, role_).wrap(server_));
            item = Json();  // what is collected is smaller
        }
        return {};
    }

    /// They move through versions of their own, and many servers have none.
    Result<void> list_taint_rules() {
        for (const char* version : {"v1", "v1beta2", "v1alpha3"}) {
            const auto group_version = kube::ResourceApi::group_version(version);
            auto listed = list({group_version, "devicetaintrules", "DeviceTaintRule"});
            // A server without the kind, or without the whole version.
            const bool unserved =
                listed.code() == Code::kNotFound || listed.code() == Code::kUnimplemented;
            if (!unserved) return listed;
        }
        return {};
    }

    Asker& asker_;
    std::string server_;
    simulate::Collector& collector_;
    simulate::Role role_;
};

/// "34" of "1.34", "34+" of some vendors; of a version whose rules are not known the nearest.
int minor_of(const Json& version) {
    const auto text = json_string(version, "minor");
    int minor = 0;
    std::from_chars(text.data(), text.data() + text.size(), minor);
    if (json_string(version, "major") != "1" || minor == 0) return 0;
    return std::clamp(minor, kOldestMinor, kNewestMinor);
}

}  // namespace

Result<LiveCluster> collect_live(const LiveOptions& options, simulate::Collector& collector,
                                 simulate::Role role) {
    KND_TRY_ASSIGN(const auto config, find_config(options));
    LiveCluster out;
    out.server = config.server;
    KND_TRY_ASSIGN(const auto asker, Asker::open(config));
    KND_TRY(Lister(*asker, config.server, collector, role).run());
    const auto version = asker->wait<Json>(
        [&](Done<Json> done) { asker->client().get("/version", "", std::move(done)); });
    if (version.ok()) out.kubernetes_minor = minor_of(*version);
    return out;
}

}  // namespace knd::ctl
