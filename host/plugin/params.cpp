// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/params.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "host/model/nearest.hpp"

#include <knd/cpp/abi.hpp>

namespace knd::plugin {
namespace {

/// One step of a path: a key, or the index of a list.
struct Step {
    std::string_view key;
    std::optional<std::size_t> index;
    std::string_view before;  ///< the path up to this step
};

/// "vf[2].mac" -> vf, 2, mac; nullopt when it is not of that form.
std::optional<std::vector<Step>> parse_path(std::string_view whole) {
    std::vector<Step> steps;
    std::string_view path = whole;
    while (true) {
        // Without the dot that ends it.
        const auto done = whole.size() - path.size();
        const auto before = whole.substr(0, done == 0 ? 0 : done - 1);
        const auto end = std::min(path.find_first_of(".["), path.size());
        if (end == 0) return std::nullopt;
        steps.push_back({path.substr(0, end), std::nullopt, before});
        path.remove_prefix(end);
        while (!path.empty() && path.front() == '[') {
            std::size_t index = 0;
            const auto close = path.find(']');
            if (close == std::string_view::npos) return std::nullopt;
            const auto digits = path.substr(1, close - 1);
            const auto [stop, ec] =
                std::from_chars(digits.data(), digits.data() + digits.size(), index);
            if (ec != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
            steps.push_back({{}, index, whole.substr(0, whole.size() - path.size())});
            path.remove_prefix(close + 1);
        }
        if (path.empty()) return steps;
        if (path.front() != '.') return std::nullopt;
        path.remove_prefix(1);
    }
}

/// "is the string "abc"", for messages.
std::string described(const Json& value) {
    switch (value.type()) {
        case Json::value_t::object:
            return "is a table";
        case Json::value_t::array:
            return "is a list";
        case Json::value_t::string: {
            const auto& text = value.get_ref<const std::string&>();
            if (text.size() > 40) return "is a string";
            return "is the string " + to_text(value);
        }
        case Json::value_t::boolean:
            return value.get<bool>() ? "is true" : "is false";
        case Json::value_t::number_integer:
        case Json::value_t::number_unsigned:
        case Json::value_t::number_float:
            return "is " + to_text(value);
        case Json::value_t::null:
        case Json::value_t::binary:
        case Json::value_t::discarded:
            break;
    }
    return "has no value";
}

Error wrong_type(std::string_view path, const Json& value, std::string_view wanted) {
    std::string text = "`";
    text.append(path).append("` ").append(described(value)).append(", must be ").append(wanted);
    return {Code::kInvalidArgument, std::move(text)};
}

}  // namespace

Params::Params(Json values) : values_(std::move(values)) {
    face_.size = sizeof face_;
    face_.string = &Params::string;
    face_.integer = &Params::integer;
    face_.boolean = &Params::boolean;
    face_.length = &Params::length;
    face_.host_data = this;
}

Result<const Json*> Params::find(const char* key) const {
    static const Json kNull;
    const std::string_view path(key != nullptr ? key : "");
    const auto steps = parse_path(path);
    if (!steps) {
        return Error(Code::kInvalidArgument,
                     "the backend asked for `" + std::string(path) + "`, which is no path of keys");
    }
    {
        const std::lock_guard lock(mutex_);
        asked_.emplace(path);
    }
    const Json* node = &values_;
    for (const auto& step : *steps) {
        if (node->is_null()) return &kNull;
        if (step.index) {
            if (!node->is_array()) return wrong_type(step.before, *node, "a list");
            if (*step.index >= node->size()) return &kNull;
            node = &(*node)[*step.index];
            continue;
        }
        if (!node->is_object()) return wrong_type(step.before, *node, "a table");
        const auto found = node->find(std::string(step.key));
        if (found == node->end()) return &kNull;
        node = &*found;
    }
    return node;
}

template <class Read>
knd_status Params::answer(const knd_params* face, const char* key, knd_error* err,
                          Read read) noexcept {
    const auto report = [err](const Error& error) {
        fill_error(err, error.message(), 0);
        return to_status(error.code());
    };
    try {
        const auto& self = *static_cast<const Params*>(face->host_data);
        const auto found = self.find(key);
        if (!found.ok()) return report(found.error());
        const Result<void> result = read(**found);
        return result.ok() ? KND_OK : report(result.error());
    } catch (const std::exception&) {  // out of memory; nothing else throws above
        fill_error(err, "out of memory", ENOMEM);
        return KND_RESOURCE_EXHAUSTED;
    }
}

knd_status Params::string(const knd_params* p, const char* key, const char* fallback,
                          const char** value, knd_error* err) noexcept {
    return answer(p, key, err, [&](const Json& found) -> Result<void> {
        *value = fallback;
        if (found.is_null()) return {};
        if (!found.is_string()) return wrong_type(key, found, "a string");
        const auto& text = found.get_ref<const std::string&>();
        // The backend would see a shorter string than the one that was written.
        if (text.find('\0') != std::string::npos) {
            return wrong_type(key, found, "a string without NUL characters");
        }
        *value = text.c_str();
        return {};
    });
}

knd_status Params::integer(const knd_params* p, const char* key, std::int64_t fallback,
                           std::int64_t* value, knd_error* err) noexcept {
    return answer(p, key, err, [&](const Json& found) -> Result<void> {
        *value = fallback;
        if (found.is_null()) return {};
        if (!found.is_number_integer()) return wrong_type(key, found, "an integer");
        if (found.is_number_unsigned() &&
            found.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
            return wrong_type(key, found, "less than 2^63");
        }
        *value = found.get<std::int64_t>();
        return {};
    });
}

knd_status Params::boolean(const knd_params* p, const char* key, bool fallback, bool* value,
                           knd_error* err) noexcept {
    return answer(p, key, err, [&](const Json& found) -> Result<void> {
        *value = fallback;
        if (found.is_null()) return {};
        if (!found.is_boolean()) return wrong_type(key, found, "true or false");
        *value = found.get<bool>();
        return {};
    });
}

knd_status Params::length(const knd_params* p, const char* key, std::int64_t* value,
                          knd_error* err) noexcept {
    return answer(p, key, err, [&](const Json& found) -> Result<void> {
        *value = 0;
        if (found.is_null()) return {};
        if (!found.is_array()) return wrong_type(key, found, "a list");
        *value = static_cast<std::int64_t>(found.size());
        return {};
    });
}

/// Asked for itself or for anything inside of it.
bool Params::asked_within(const std::string& path) const {
    auto next = asked_.lower_bound(path);
    for (; next != asked_.end() && next->starts_with(path); ++next) {
        if (next->size() == path.size()) return true;
        const char after = (*next)[path.size()];
        if (after == '.' || after == '[') return true;
    }
    return false;
}

void Params::collect_unread(const Json& node, const std::string& path,
                            std::vector<std::string>& unread) const {
    if (!path.empty() && !asked_within(path)) {
        unread.push_back(path);
        return;
    }
    if (node.is_object()) {
        for (const auto& [key, value] : node.items()) {
            collect_unread(value, path.empty() ? key : path + "." + key, unread);
        }
    } else if (node.is_array()) {
        for (std::size_t i = 0; i < node.size(); ++i) {
            collect_unread(node[i], path + "[" + std::to_string(i) + "]", unread);
        }
    }
}

std::set<std::string> Params::asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
}

Result<void> Params::check_all_read() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> unread;
    collect_unread(values_, "", unread);
    if (unread.empty()) return {};
    const std::vector<std::string> known(asked_.begin(), asked_.end());
    std::string text;
    for (const auto& key : unread) {
        if (!text.empty()) text += text.back() == '?' ? " " : "; ";
        text += "unknown key `" + key + "`" + did_you_mean(key, known);
    }
    if (known.empty()) text += "; it has no keys";
    return Error(Code::kInvalidArgument, std::move(text));
}

}  // namespace knd::plugin
