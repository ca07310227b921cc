// SPDX-License-Identifier: Apache-2.0
#include "host/claims/metadata.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "host/claims/safe_name.hpp"
#include "host/model/attribute_json.hpp"
#include "host/model/text_file.hpp"

#include <knd/cpp/fd.hpp>

namespace knd {
namespace {

constexpr std::string_view kContainerDirectory = "/var/run/kubernetes.io/dra-device-attributes/";
/// The newest first: a reader takes the first object whose version it knows.
constexpr std::string_view kVersions[] = {"metadata.resource.k8s.io/v1beta1",
                                          "metadata.resource.k8s.io/v1alpha1"};
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestSubdomain = 253;

Error bad_name(const std::string& what, const std::string& name) {
    return {Code::kInvalidArgument, what + " \"" + name + "\" cannot be part of a path"};
}

Json network_json(const std::string& name, const std::vector<std::string>& addresses,
                  const std::string& hardware_address) {
    Json network = Json::object();
    if (!name.empty()) network["interfaceName"] = name;
    if (!addresses.empty()) network["ips"] = addresses;
    if (!hardware_address.empty()) network["hardwareAddress"] = hardware_address;
    return network;
}

/// Its interface in the pod; or what its backend says, where it has none of the host's making.
Json network_json(const BindingRecord& record) {
    if (!record.attached.empty()) {
        const auto& facts = record.attached.front();
        return network_json(facts.interface_name, facts.addresses, facts.hardware_address);
    }
    const auto& data = record.effects.network_data;
    if (!data || !record.effects.netdevs.empty()) return Json::object();
    return network_json(data->interface_name, data->addresses, data->hardware_address);
}

Json device_json(const std::string& driver, const BindingRecord& record) {
    Json json = {{"driver", driver}, {"pool", record.pool}, {"name", record.device.name}};
    auto attributes = attributes_to_json(record.device.attributes);
    for (const auto& [name, value] : record.effects.attributes)
        attributes[name] = {{"string", value}};
    if (!attributes.empty()) json["attributes"] = std::move(attributes);
    auto network = network_json(record);
    if (!network.empty()) json["networkData"] = std::move(network);
    return json;
}

/// Of those that were allocated for `request` or a subrequest of it, under the names that the claim
/// has for them; always in the same order.
Json requests_json(const std::string& driver, ClaimRecords claim, const std::string& request) {
    std::sort(claim.begin(), claim.end(), [](const BindingRecord* a, const BindingRecord* b) {
        return std::tuple(a->request, a->key()) < std::tuple(b->request, b->key());
    });
    Json requests = Json::array();
    for (const auto* record : claim) {
        if (base_request(record->request) != request) continue;
        if (requests.empty() || json_string(requests.back(), "name") != record->request) {
            Json entry = {{"name", record->request}, {"devices", Json::array()}};
            requests.push_back(std::move(entry));
        }
        requests.back()["devices"].push_back(device_json(driver, *record));
    }
    return requests;
}

/// A line for each version, all of the same content. `requests` is JSON, with the generation ahead
/// of it: generation_of() takes the first.
std::string stream(const BindingRecord& any, const std::string& requests, std::int64_t generation) {
    Json head = {{"kind", "DeviceMetadata"},
                 {"metadata",
                  {{"name", any.claim.name},
                   {"namespace", any.claim.ns},
                   {"uid", any.claim.uid},
                   {"generation", generation}}}};
    if (!any.pod_claim_name.empty()) head["podClaimName"] = any.pod_claim_name;
    auto content = to_text(head).substr(1);
    content.pop_back();
    content.append(",\"requests\":").append(requests) += "}\n";
    std::string text;
    for (const auto version : kVersions)
        text.append("{\"apiVersion\":\"").append(version).append("\",").append(content);
    return text;
}

/// Of a file that stream() has made, also if its end is missing; 0: none.
std::int64_t generation_of(std::string_view text) {
    constexpr std::string_view kKey = R"("generation":)";
    const auto found = text.find(kKey);
    std::int64_t generation = 0;
    if (found != std::string_view::npos)
        std::from_chars(text.data() + found + kKey.size(), text.data() + text.size(), generation);
    return generation;
}

/// In one call as a rule: a container that came in without the gate, while kndd was away, may read.
Result<void> write_in_place(const Fd& file, std::string_view text, const std::string& path) {
    const auto size = static_cast<off_t>(text.size());
    for (off_t at = 0; at < size;) {
        const auto left = text.substr(static_cast<std::size_t>(at));
        const auto written = ::pwrite(file.get(), left.data(), left.size(), at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return Error::from_errno("write " + path, errno);
        at += written;
    }
    if (::ftruncate(file.get(), size) != 0) return Error::from_errno("shorten " + path, errno);
    return {};
}

}  // namespace

MetadataFiles::MetadataFiles(std::string driver, const std::string& run_dir)
    : driver_(std::move(driver)), directory_(run_dir + "/metadata/" + driver_) {}

std::string MetadataFiles::directory(const std::string& claim_uid) const {
    return directory_ + "/" + claim_uid;
}

std::string MetadataFiles::path(const BindingRecord& record) const {
    return directory(record.claim.uid) + "/" + base_request(record.request) + ".json";
}

Result<std::string> MetadataFiles::path_in_container(const BindingRecord& record) const {
    const auto request = base_request(record.request);
    if (!is_safe_uid(record.claim.uid)) return bad_name("uid", record.claim.uid);
    if (!is_safe_name(request, kLongestLabel)) return bad_name("request", request);
    std::string path(kContainerDirectory);
    if (record.pod_claim_name.empty()) {
        if (!is_safe_name(record.claim.name, kLongestSubdomain))
            return bad_name("claim", record.claim.name);
        path.append("resourceclaims/").append(record.claim.name);
    } else {
        // The one name that no API server has looked at.
        if (!is_safe_name(record.pod_claim_name, kLongestLabel))
            return bad_name("annotation resource.kubernetes.io/pod-claim-name:",
                            record.pod_claim_name);
        path.append("resourceclaimtemplates/").append(record.pod_claim_name);
    }
    return path + "/" + request + "/" + driver_ + "-metadata.json";
}

Result<RequestMounts> MetadataFiles::mounts(const ClaimRecords& claim) const {
    RequestMounts mounts;
    for (const auto* record : claim) {
        KND_TRY_ASSIGN(auto in_container, path_in_container(*record));
        mounts[base_request(record->request)] = {path(*record), std::move(in_container), true};
    }
    return mounts;
}

Result<void> MetadataFiles::write(const ClaimRecords& claim) const {
    std::set<std::string> written;
    for (const auto* record : claim) {
        const auto request = base_request(record->request);
        if (written.insert(request).second) KND_TRY(write(claim, request));
    }
    return {};
}

Result<void> MetadataFiles::write(const ClaimRecords& claim, const std::string& request) const {
    const auto any = std::find_if(claim.begin(), claim.end(), [&](const BindingRecord* record) {
        return base_request(record->request) == request;
    });
    if (any == claim.end())
        return Error(Code::kNotFound, "the claim has no device of request " + request);
    KND_TRY(path_in_container(**any));  // its parts are checked
    std::error_code error;
    std::filesystem::create_directories(directory((*any)->claim.uid), error);
    if (error) return Error::from_errno("create " + directory((*any)->claim.uid), error.value());
    const auto target = path(**any);
    const Fd file(::open(target.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file) return Error::from_errno("open " + target, errno);
    KND_TRY_ASSIGN(const auto present, read_text(file.get(), target));
    const auto generation = generation_of(present);
    const auto requests = to_text(requests_json(driver_, claim, request));
    if (generation > 0 && present == stream(**any, requests, generation)) return {};
    // Its readers are users of their own, whatever the umask of the daemon.
    if (::fchmod(file.get(), 0644) != 0) return Error::from_errno("let all read " + target, errno);
    return write_in_place(file, stream(**any, requests, generation + 1), target);
}

bool MetadataFiles::exist(const std::string& claim_uid) const {
    struct stat status {};
    return ::stat(directory(claim_uid).c_str(), &status) == 0;
}

Result<void> MetadataFiles::remove(const std::string& claim_uid) const {
    if (!is_safe_uid(claim_uid)) return bad_name("uid", claim_uid);
    std::error_code error;
    std::filesystem::remove_all(directory(claim_uid), error);
    if (error) return Error::from_errno("remove " + directory(claim_uid), error.value());
    return {};
}

Result<void> MetadataFiles::sweep(
    const std::function<bool(const std::string& claim_uid)>& keep) const {
    std::error_code error;
    std::filesystem::directory_iterator entries(directory_, error);
    if (error == std::errc::no_such_file_or_directory) return {};
    std::vector<std::string> unwanted;
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
        auto uid = entries->path().filename().string();
        if (!keep(uid)) unwanted.push_back(std::move(uid));
    }
    if (error) return Error::from_errno("read " + directory_, error.value());
    for (const auto& uid : unwanted) {
        std::filesystem::remove_all(directory(uid), error);
        if (error) return Error::from_errno("remove " + directory(uid), error.value());
    }
    return {};
}

}  // namespace knd
