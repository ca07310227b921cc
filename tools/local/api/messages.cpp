// SPDX-License-Identifier: Apache-2.0
#include "tools/local/api/messages.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace knd::api {
namespace {

constexpr std::pair<std::string_view, Scalar> kScalars[] = {{"string", Scalar::kString},
                                                            {"bool", Scalar::kBool},
                                                            {"int", Scalar::kInt},
                                                            {"int32", Scalar::kInt32},
                                                            {"time", Scalar::kTime},
                                                            {"microtime", Scalar::kMicroTime},
                                                            {"quantity", Scalar::kQuantity},
                                                            {"intorstring", Scalar::kIntOrString},
                                                            {"raw", Scalar::kRaw}};

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) != prefix) return false;
    text.remove_prefix(prefix.size());
    return true;
}

struct Word {
    MessageField field;
    std::string_view type;
};

/// Reads "name=NUMBER:type"; false when it is something else.
bool read_word(std::string_view text, Word& word) {
    const auto equals = text.find('=');
    const auto colon = text.find(':', equals == text.npos ? 0 : equals);
    if (equals == text.npos || colon == text.npos) return false;
    auto& field = word.field;
    const auto number = text.substr(equals + 1, colon - equals - 1);
    const auto* end = number.data() + number.size();
    if (std::from_chars(number.data(), end, field.number).ptr != end || field.number == 0)
        return false;
    field.name = text.substr(0, equals);
    field.in_parent = field.name == ".";
    text.remove_prefix(colon + 1);
    field.pointer = take_prefix(text, "?");
    field.keeps_zero = take_prefix(text, "!");
    if (take_prefix(text, "[]")) field.count = Count::kList;
    if (take_prefix(text, "map:")) field.count = Count::kMap;
    word.type = text;
    for (const auto& [name, scalar] : kScalars) {
        if (name == text) field.scalar = scalar;
    }
    return !text.empty() && !field.name.empty();
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        const auto end = std::min(line.find(' '), line.size());
        if (end != 0) words.push_back(line.substr(0, end));
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return words;
}

}  // namespace

const MessageField* Message::field(std::uint64_t number) const {
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const auto& one) { return one.number == number; });
    return found == fields.end() ? nullptr : &*found;
}

Result<Messages> Messages::read(std::string_view text) {
    Messages messages;
    std::vector<std::pair<MessageField*, std::string>> open;  // types that are messages
    std::map<std::string, std::vector<std::string_view>> bodies;
    std::vector<std::string_view>* body = nullptr;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        auto words = words_of(line);
        if (words.empty()) continue;
        if (line.front() != ' ') {
            body = &bodies[std::string(words.front())];
            words.erase(words.begin());
        }
        if (body == nullptr)
            return Error(Code::kInvalidArgument, "'" + std::string(line) + "' is of no message");
        body->insert(body->end(), words.begin(), words.end());
    }
    for (const auto& [name, words] : bodies) {
        auto message = std::make_unique<Message>();
        message->name = name;
        message->fields.reserve(words.size());
        for (const auto text_of_word : words) {
            Word word;
            if (!read_word(text_of_word, word))
                return Error(Code::kInvalidArgument, name + ": '" + std::string(text_of_word) +
                                                         "' is not name=NUMBER:type");
            message->fields.push_back(std::move(word.field));
            auto& field = message->fields.back();
            if (field.scalar == Scalar::kMessage) open.emplace_back(&field, word.type);
        }
        messages.messages_[name] = std::move(message);
    }
    for (const auto& [field, type] : open) {
        field->message = messages.find(type);
        if (field->message == nullptr)
            return Error(Code::kInvalidArgument, field->name + ": no message " + type);
    }
    return messages;
}

const Messages& Messages::instance() {
    static const Messages kMessages = [] {
        auto read = Messages::read(kMessageText);
        if (read.ok()) return *std::move(read);
        std::fprintf(stderr, "the table of messages: %s\n", read.error().message().c_str());
        std::abort();
    }();
    return kMessages;
}

const Message* Messages::find(std::string_view name) const {
    const auto found = messages_.find(name);
    return found == messages_.end() ? nullptr : found->second.get();
}

}  // namespace knd::api
