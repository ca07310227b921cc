// SPDX-License-Identifier: Apache-2.0
#include "host/manifest/json_cutter.hpp"

namespace knd::manifest {

std::optional<JsonDocument> JsonCutter::next() {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != '{') return std::nullopt;
    const auto begin = at_;
    JsonDocument document;
    document.whole.line = line_;
    if (!cut(document)) {
        at_ = text_.size();
        document.items.reset();
    }
    document.whole.text = text_.substr(begin, at_ - begin);
    return document;
}

bool JsonCutter::cut(JsonDocument& document) {
    const auto begin = at_;
    take('{');
    if (take('}')) return true;
    do {
        skip_blanks();
        const auto key = at_;
        if (!skip_string()) return false;
        const bool items = text_.substr(key, at_ - key) == "\"items\"";
        if (!take(':')) return false;
        skip_blanks();
        const bool list = at_ < text_.size() && text_[at_] == '[';
        if (!items || !list || document.items) {
            if (!skip_value()) return false;
            continue;
        }
        document.shell = std::string(text_.substr(begin, at_ + 1 - begin));
        if (!cut_items(document)) return false;
        const auto tail = at_ - 1;  // the list's own bracket
        while (take(',')) {
            if (!skip_string() || !take(':') || !skip_value()) return false;
        }
        if (!take('}')) return false;
        document.shell.append(text_.substr(tail, at_ - tail));
        return true;
    } while (take(','));
    return take('}');
}

bool JsonCutter::cut_items(JsonDocument& document) {
    auto& items = document.items.emplace();
    take('[');
    if (take(']')) return true;
    do {
        skip_blanks();
        const auto begin = at_;
        const auto line = line_;
        if (!skip_value()) return false;
        items.push_back({text_.substr(begin, at_ - begin), line});
    } while (take(','));
    return take(']');
}

void JsonCutter::skip_blanks() {
    for (; at_ < text_.size(); ++at_) {
        const char c = text_[at_];
        if (c == '\n')
            ++line_;
        else if (c != ' ' && c != '\t' && c != '\r')
            return;
    }
}

/// Blanks, and then `wanted`.
bool JsonCutter::take(char wanted) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
}

bool JsonCutter::skip_string() {
    if (!take('"')) return false;
    for (; at_ < text_.size(); ++at_) {
        const char c = text_[at_];
        if (c == '"') {
            ++at_;
            return true;
        }
        if (c == '\\') ++at_;
        if (c == '\n') ++line_;
    }
    at_ = text_.size();
    return false;
}

/// A string, or all up to the bracket that closes the first one, or a word.
bool JsonCutter::skip_value() {
    skip_blanks();
    std::size_t depth = 0;
    const auto begin = at_;
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '"') {
            if (!skip_string()) return false;
            if (depth == 0) return true;
            continue;
        }
        const bool closes = c == '}' || c == ']';
        if (depth == 0 && (closes || c == ',')) return at_ > begin;
        if (c == '{' || c == '[') ++depth;
        if (c == '\n') ++line_;
        ++at_;
        if (closes && --depth == 0) return true;
    }
    return false;
}

}  // namespace knd::manifest
