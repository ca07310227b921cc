// SPDX-License-Identifier: Apache-2.0
#include "host/claims/cdi.hpp"

#include <unistd.h>

#include <filesystem>
#include <vector>

#include "host/model/text_file.hpp"

namespace knd {
namespace {

constexpr std::string_view kSuffix = ".json";
/// What replace_text_file() leaves behind when it is cut off; no runtime reads it.
constexpr std::string_view kTemporarySuffix = ".tmp";

Json device(const std::string& name, Json edits) {
    return {{"name", name}, {"containerEdits", std::move(edits)}};
}

}  // namespace

CdiFiles::CdiFiles(std::string driver, std::string directory)
    : kind_(driver + "/claim"),
      directory_(std::move(directory)),
      prefix_(std::move(driver) + "-claim-") {}

std::string CdiFiles::device_id(const std::string& claim_uid) const {
    return kind_ + "=" + claim_uid;
}

std::string CdiFiles::device_id(const std::string& claim_uid, const std::string& request) const {
    return device_id(claim_uid) + "_" + request;
}

std::string CdiFiles::path(const std::string& claim_uid) const {
    return directory_ + "/" + prefix_ + claim_uid + std::string(kSuffix);
}

Json CdiFiles::spec(const std::string& claim_uid, const Hook& gate,
                    const RequestMounts& mounts) const {
    Json hook = {{"hookName", "createRuntime"},
                 {"path", gate.path},
                 {"args", gate.args},
                 {"env", gate.env},
                 {"timeout", gate.timeout_s}};
    Json devices = Json::array();
    devices.push_back(device(claim_uid, {{"hooks", Json::array({std::move(hook)})}}));
    for (const auto& [request, mount] : mounts) {
        Json file = {{"hostPath", mount.source},
                     {"containerPath", mount.destination},
                     {"options", Json::array({mount.read_only ? "ro" : "rw", "bind"})}};
        devices.push_back(
            device(claim_uid + "_" + request, {{"mounts", Json::array({std::move(file)})}}));
    }
    return {{"cdiVersion", "0.5.0"}, {"kind", kind_}, {"devices", std::move(devices)}};
}

Result<void> CdiFiles::write(const std::string& claim_uid, const Hook& gate,
                             const RequestMounts& mounts) const {
    const auto target = path(claim_uid);
    const auto text = to_text(spec(claim_uid, gate, mounts)) + "\n";
    if (read_text_file(target).value_or("") == text) return {};
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (error) return Error::from_errno("create CDI directory " + directory_, error.value());
    // That it is not flushed does no harm: the directory is on tmpfs, and after a crash the file is
    // written again.
    return replace_text_file(target, text);
}

Result<void> CdiFiles::remove(const std::string& claim_uid) const {
    const auto target = path(claim_uid);
    if (::unlink(target.c_str()) == 0 || errno == ENOENT) return {};
    return Error::from_errno("remove " + target, errno);
}

Result<void> CdiFiles::sweep(const std::function<bool(const std::string& claim_uid)>& keep) const {
    std::error_code error;
    std::filesystem::directory_iterator entries(directory_, error);
    if (error == std::errc::no_such_file_or_directory) return {};
    if (error) return Error::from_errno("read CDI directory " + directory_, error.value());
    std::vector<std::string> unwanted;
    for (; entries != std::filesystem::directory_iterator(); entries.increment(error)) {
        const auto name = entries->path().filename().string();
        if (name.starts_with("." + prefix_) && name.ends_with(kTemporarySuffix)) {
            unwanted.push_back(entries->path().string());
        } else if (name.starts_with(prefix_) && name.ends_with(kSuffix)) {
            const auto length = name.size() - prefix_.size() - kSuffix.size();
            if (!keep(name.substr(prefix_.size(), length)))
                unwanted.push_back(entries->path().string());
        }
    }
    if (error) return Error::from_errno("read CDI directory " + directory_, error.value());
    for (const auto& file : unwanted)
        if (::unlink(file.c_str()) != 0 && errno != ENOENT)
            return Error::from_errno("remove " + file, errno);
    return {};
}

}  // namespace knd
