// SPDX-License-Identifier: Apache-2.0
#include "host/model/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace knd::log {
namespace {

spdlog::logger& logger() {
    // The one global of the project: a process has one stderr.
    static const auto kLogger = [] {
        auto made = std::make_shared<spdlog::logger>(
            "knd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
        made->flush_on(spdlog::level::debug);
        return made;
    }();
    return *kLogger;
}

spdlog::level::level_enum native(Level level) {
    switch (level) {
        case Level::kDebug:
            return spdlog::level::debug;
        case Level::kInfo:
            return spdlog::level::info;
        case Level::kWarn:
            return spdlog::level::warn;
        case Level::kError:
            return spdlog::level::err;
        case Level::kOff:
            return spdlog::level::off;
    }
    return spdlog::level::info;
}

bool needs_quotes(std::string_view text) {
    if (text.empty()) return true;
    return text.find_first_of(" \"=\\\n\t\r") != std::string_view::npos;
}

void append_value(std::string& line, std::string_view text) {
    if (!needs_quotes(text)) {
        line += text;
        return;
    }
    line += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                line += "\\\"";
                break;
            case '\\':
                line += "\\\\";
                break;
            case '\n':
                line += "\\n";
                break;
            case '\r':
                line += "\\r";
                break;
            case '\t':
                line += "\\t";
                break;
            default:
                line += c;
        }
    }
    line += '"';
}

}  // namespace

bool set_level(std::string_view level) {
    for (const auto& [name, value] : {std::pair{"debug", Level::kDebug},
                                      {"info", Level::kInfo},
                                      {"warn", Level::kWarn},
                                      {"error", Level::kError},
                                      {"off", Level::kOff}}) {
        if (level != name) continue;
        logger().set_level(native(value));
        return true;
    }
    return false;
}

void write(Level level, std::string_view message, Fields fields) {
    if (!logger().should_log(native(level))) return;
    std::string line = "msg=";
    append_value(line, message);
    for (const auto& field : fields) {
        line.append(" ").append(field.key).append("=");
        append_value(line, field.value);
    }
    logger().log(native(level), "{}", line);
}

void fatal(std::string_view message, Fields fields) {
    logger().set_level(native(Level::kError));
    write(Level::kError, message, fields);
    std::abort();
}

}  // namespace knd::log
