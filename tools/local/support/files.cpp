// SPDX-License-Identifier: Apache-2.0
#include "tools/local/support/files.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "host/model/text_file.hpp"

#include <knd/cpp/fd.hpp>

namespace knd::local {

Result<std::string> read_file(const std::filesystem::path& path) {
    return read_text_file(path.string());
}

Result<> write_file(const std::filesystem::path& path, std::string_view content, mode_t mode) {
    const auto temporary = path.string() + ".new";
    const Fd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!file) return Error::from_errno("create " + temporary, errno);
    while (!content.empty()) {
        const auto count = write(file.get(), content.data(), content.size());
        if (count < 0) return Error::from_errno("write " + temporary, errno);
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    if (rename(temporary.c_str(), path.c_str()) != 0)
        return Error::from_errno("rename " + temporary, errno);
    return {};
}

std::vector<std::string> json_strings(const Json& list) {
    std::vector<std::string> texts;
    for (const auto& item : list) {
        if (item.is_string()) texts.push_back(item.get<std::string>());
    }
    return texts;
}

std::string random_id(std::size_t digits) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string id(digits, '\0');
    // Up to 256 bytes never fail and never come short (getrandom(2)).
    if (getrandom(id.data(), id.size(), 0) < 0) id.assign(digits, '\0');
    for (auto& digit : id)
        digit = kHex[static_cast<unsigned char>(digit) & 15];
    return id;
}

namespace {

std::string format_time(WallClock::time_point time, bool micros) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const std::time_t stamp = WallClock::to_time_t(seconds);
    std::tm parts{};
    gmtime_r(&stamp, &parts);
    std::array<char, 48> text{};
    auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (micros) {
        const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(time - seconds);
        length += static_cast<std::size_t>(
            std::snprintf(text.data() + length, 9, ".%06d", static_cast<int>(rest.count())));
    }
    return std::string(text.data(), length) + "Z";
}

}  // namespace

std::string rfc3339(WallClock::time_point time) {
    return format_time(time, false);
}
std::string rfc3339_micro(WallClock::time_point time) {
    return format_time(time, true);
}

}  // namespace knd::local
