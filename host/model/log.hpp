// SPDX-License-Identifier: Apache-2.0
//
// One line per event, in logfmt: level=info msg="device prepared" claim=default/a device=dra0
// info: a state change that an operator would ask about. debug: one line per request.
// warn: degraded but served. error: a claim failed. Log or return a failure, never both.
// Threads: any.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace knd::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };

/// One key=value of a line. Keys in use: backend, call, claim, device, pod, container, netns, node,
/// pool, file, key, code, error, ms, count, path, version.
struct Field {
    template <std::integral T>
    Field(std::string_view k, T v) : key(k), value(std::to_string(v)) {}
    Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
    Field(std::string_view k, std::string_view v) : key(k), value(v) {}
    Field(std::string_view k, const std::string& v) : key(k), value(v) {}
    Field(std::string_view k, const char* v) : key(k), value(v) {}
    std::string_view key;
    std::string value;
};

using Fields = std::initializer_list<Field>;

/// Writes to stderr. `level` is one of debug, info, warn, error, off; false if it is none of them.
bool set_level(std::string_view level);
void write(Level level, std::string_view message, Fields fields);

inline void debug(std::string_view message, Fields fields = {}) {
    write(Level::kDebug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) {
    write(Level::kInfo, message, fields);
}
inline void warn(std::string_view message, Fields fields = {}) {
    write(Level::kWarn, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) {
    write(Level::kError, message, fields);
}
/// For a mistake of ours, and a kernel that nothing can be done with: aborts once it is written,
/// whatever the level.
[[noreturn]] void fatal(std::string_view message, Fields fields = {});

}  // namespace knd::log
