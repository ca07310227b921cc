// SPDX-License-Identifier: Apache-2.0
#include "host/sandbox/markers.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "host/model/text_file.hpp"
#include "host/sandbox/marker_layout.h"

#include <knd/cpp/abi.hpp>

namespace knd {

namespace {

/// Both come from other programs and become parts of a path.
Result<void> check_component(std::string_view what, std::string_view text) {
    const bool fits = !text.empty() && text.size() <= 128 && text.front() != '.' &&
                      text.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
    if (fits) return {};
    return Error(Code::kInvalidArgument,
                 "`" + std::string(text) + "` cannot be a " + std::string(what));
}

Result<void> make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
    return Error::from_errno("create " + path, errno);
}

/// One line without control characters, short enough for a marker.
std::string marker_line(std::string_view text) {
    constexpr auto kRoom = KND_MARKER_MAX - sizeof KND_MARKER_FAILED;
    std::string line(cut_utf8(text, kRoom));
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    return line;
}

}  // namespace

Markers::Markers(std::string run_dir) : directory_(std::move(run_dir) + "/" KND_MARKER_DIRECTORY) {}

Result<void> Markers::attached(std::string_view sandbox_id, std::string_view claim_uid) const {
    return write(sandbox_id, claim_uid, KND_MARKER_ATTACHED);
}

Result<void> Markers::failed(std::string_view sandbox_id, std::string_view claim_uid,
                             std::string_view why) const {
    return write(sandbox_id, claim_uid, KND_MARKER_FAILED + marker_line(why) + "\n");
}

Result<void> Markers::write(std::string_view sandbox_id, std::string_view claim_uid,
                            std::string_view text) const {
    KND_TRY(check_component("sandbox id", sandbox_id));
    KND_TRY(check_component("claim uid", claim_uid));
    const auto sandbox = directory_ + "/" + std::string(sandbox_id);
    KND_TRY(make_directory(directory_));
    KND_TRY(make_directory(sandbox));
    const auto place = sandbox + "/" + std::string(claim_uid);
    return replace_text_file(place, text).wrap("marker");
}

Result<void> Markers::remove(std::string_view sandbox_id, std::string_view claim_uid) const {
    KND_TRY(check_component("sandbox id", sandbox_id));
    KND_TRY(check_component("claim uid", claim_uid));
    const auto sandbox = directory_ + "/" + std::string(sandbox_id);
    const auto place = sandbox + "/" + std::string(claim_uid);
    if (::unlink(place.c_str()) != 0 && errno != ENOENT) {
        return Error::from_errno("remove marker " + place, errno);
    }
    // Stays while other claims of the sandbox have markers in it.
    ::rmdir(sandbox.c_str());
    return {};
}

Result<void> Markers::remove_sandbox(std::string_view sandbox_id) const {
    KND_TRY(check_component("sandbox id", sandbox_id));
    const auto sandbox = directory_ + "/" + std::string(sandbox_id);
    std::error_code error;
    std::filesystem::remove_all(sandbox, error);
    if (!error) return {};
    return Error::from_errno("remove markers " + sandbox, error.value());
}

}  // namespace knd
