// SPDX-License-Identifier: Apache-2.0
//
// probe DIRECTORY VERSION: lets kndd's own code write the files of some claims below DIRECTORY.
// DIRECTORY/cases has a line for each file, with its content, for Kubernetes' library to read;
// DIRECTORY/expected what it shall answer: the path that the CDI spec gives the file in a
// container, and the object, in VERSION.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "host/claims/claim_files.hpp"
#include "host/model/text_file.hpp"

namespace knd {
namespace {

BindingRecord record(const std::string& claim, const std::string& request,
                     const std::string& device) {
    BindingRecord made;
    made.claim = {"default", claim, "0a1b2c3d-0000-4000-8000-" + claim};
    made.request = request;
    made.pool = "node-1";
    made.device.name = device;
    return made;
}

Json metadata_of(const BindingRecord& any, int generation) {
    return {{"name", any.claim.name},
            {"namespace", any.claim.ns},
            {"uid", any.claim.uid},
            {"generation", generation}};
}

class Probe {
  public:
    Probe(const std::string& directory, std::string version)
        : version_("metadata.resource.k8s.io/" + std::move(version)),
          cases_(directory + "/cases"),
          expected_(directory + "/expected") {
        options_.driver = "knd.dev";
        options_.run_dir = directory + "/run";
        options_.cdi_dir = directory + "/cdi";
        options_.gate.path = "/usr/lib/knd/knd-gate";
    }

    Result<void> write(const ClaimRecords& claim) {
        const ClaimFiles files(options_);
        return files.write(claim);
    }

    /// `object` without its version and kind.
    Result<void> expect(const BindingRecord& of, Json object) {
        const auto& uid = of.claim.uid;
        const auto request = base_request(of.request);
        KND_TRY_ASSIGN(const auto text,
                       read_text_file(options_.cdi_dir + "/knd.dev-claim-" + uid + ".json"));
        KND_TRY_ASSIGN(const auto spec, parse_json(text));
        for (const auto& device : json_at(spec, "devices")) {
            if (json_string(device, "name") != uid + "_" + request) continue;
            const auto& mount = json_path(device, {"containerEdits", "mounts"}).at(0);
            KND_TRY_ASSIGN(const auto stream, read_text_file(json_string(mount, "hostPath")));
            const Json line = {{"driver", options_.driver},
                               {"claim", of.claim.name},
                               {"podClaim", of.pod_claim_name},
                               {"request", request},
                               {"stream", stream}};
            object["apiVersion"] = version_;
            object["kind"] = "DeviceMetadata";
            const Json answer = {{"path", json_string(mount, "containerPath")},
                                 {"object", std::move(object)}};
            cases_ << to_text(line) << "\n";
            expected_ << to_text(answer) << "\n";
            return {};
        }
        return Error(Code::kNotFound, "no CDI device of claim " + of.claim.name);
    }

  private:
    std::string version_;
    std::ofstream cases_;
    std::ofstream expected_;
    ClaimsOptions options_;
};

/// Two requests, one of two devices, before and after the attach.
Result<void> plain(Probe& probe) {
    auto first = record("plain", "nic", "dra0");
    const auto second = record("plain", "nic", "dra1");
    const auto third = record("plain", "storage/fast", "dra2");
    first.device.attributes = {{"knd.dev/ifName", std::string("dra0")},
                               {"knd.dev/mtu", std::int64_t{1500}},
                               {"knd.dev/rdma", true},
                               {"knd.dev/firmware", Version{"1.2.3-rc.1"}},
                               {"resource.kubernetes.io/pciBusID", std::string("0000:3b:00.1")}};
    KND_TRY(probe.write({&first, &second, &third}));
    first.attached = {{"net1", "02:00:00:00:00:01", {"192.0.2.1/24", "2001:db8::1/64"}, 7}};
    KND_TRY(probe.write({&first, &second, &third}));
    KND_TRY_ASSIGN(auto devices, parse_json(R"([
        {"driver": "knd.dev", "pool": "node-1", "name": "dra0",
         "attributes": {"knd.dev/ifName": {"string": "dra0"}, "knd.dev/mtu": {"int": 1500},
                        "knd.dev/rdma": {"bool": true},
                        "knd.dev/firmware": {"version": "1.2.3-rc.1"},
                        "resource.kubernetes.io/pciBusID": {"string": "0000:3b:00.1"}},
         "networkData": {"interfaceName": "net1", "ips": ["192.0.2.1/24", "2001:db8::1/64"],
                         "hardwareAddress": "02:00:00:00:00:01"}},
        {"driver": "knd.dev", "pool": "node-1", "name": "dra1"}])"));
    Json nic = {{"name", "nic"}, {"devices", std::move(devices)}};
    KND_TRY(probe.expect(first,
                         {{"metadata", metadata_of(first, 2)}, {"requests", Json::array({nic})}}));
    KND_TRY_ASSIGN(const auto storage, parse_json(R"({"name": "storage/fast", "devices": [
        {"driver": "knd.dev", "pool": "node-1", "name": "dra2"}]})"));
    return probe.expect(
        third, {{"metadata", metadata_of(third, 1)}, {"requests", Json::array({storage})}});
}

/// Of a template, with lists among the attributes.
Result<void> from_template(Probe& probe) {
    auto only = record("pod-net-x7k2p", "nic", "dra0");
    only.pod_claim_name = "net";
    only.device.attributes = {{"knd.dev/queues", std::vector<std::int64_t>{1, 2}},
                              {"knd.dev/flags", std::vector<bool>{true, false}},
                              {"knd.dev/peers", std::vector<std::string>{"a", "b"}},
                              {"knd.dev/versions", std::vector<Version>{{"1.0.0"}, {"2.0.0"}}}};
    KND_TRY(probe.write({&only}));
    KND_TRY_ASSIGN(const auto request, parse_json(R"({"name": "nic", "devices": [
        {"driver": "knd.dev", "pool": "node-1", "name": "dra0",
         "attributes": {"knd.dev/queues": {"ints": [1, 2]},
                        "knd.dev/flags": {"bools": [true, false]},
                        "knd.dev/peers": {"strings": ["a", "b"]},
                        "knd.dev/versions": {"versions": ["1.0.0", "2.0.0"]}}}]})"));
    return probe.expect(only, {{"metadata", metadata_of(only, 1)},
                               {"podClaimName", "net"},
                               {"requests", Json::array({request})}});
}

Result<void> run(const std::string& directory, const std::string& version) {
    std::filesystem::create_directories(directory);
    Probe probe(directory, version);
    KND_TRY(plain(probe));
    return from_template(probe);
}

}  // namespace
}  // namespace knd

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: probe DIRECTORY VERSION\n", stderr);
        return 2;
    }
    const auto done = knd::run(argv[1], argv[2]);
    if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
    return done.ok() ? 0 : 1;
}
