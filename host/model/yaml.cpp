// SPDX-License-Identifier: Apache-2.0
#include "host/model/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <map>
#include <streambuf>

#include "host/model/yaml_scalar.hpp"

namespace knd {
namespace {

constexpr std::size_t kMaxDepth = 128;
/// Aliases let a short text stand for a huge one, so what they repeat is weighed: bytes of text,
/// and some for each value.
constexpr std::size_t kMaxRepeated = 64U << 20;
constexpr std::size_t kWeightOfValue = 64;
constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

std::size_t weight(const Json& value) {
    auto sum = kWeightOfValue;
    if (value.is_string()) return sum + value.get_ref<const std::string&>().size();
    if (value.is_object()) {
        for (const auto& [key, item] : value.items())
            sum += key.size() + weight(item);
    } else if (value.is_array()) {
        for (const auto& item : value)
            sum += weight(item);
    }
    return sum;
}

/// The YAML library reads from streams only.
class ViewBuffer : public std::streambuf {
  public:
    explicit ViewBuffer(std::string_view text) {
        auto* begin = const_cast<char*>(text.data());  // NOLINT: only ever read
        setg(begin, begin, begin + text.size());
    }
};

/// Makes JSON of the library's events. The library cannot be stopped, so after the first error
/// events pass by unheeded.
class Builder : public YAML::EventHandler {
  public:
    Builder(const Origin& origin, const YamlSink& sink) : origin_(origin), sink_(sink) {}

    const std::optional<Error>& error() const { return error_; }
    std::string place(const YAML::Mark& mark) const {
        return Origin{origin_.file, line(mark)}.text();
    }

    void OnDocumentStart(const YAML::Mark& mark) override {
        // The library finds endless empty documents before a bracket that nothing has opened.
        if (mark.pos == document_start_) return fail(mark, "invalid YAML: not expected here");
        document_start_ = mark.pos;
        stack_.clear();
        anchors_.clear();
        document_ = Json();
    }
    void OnDocumentEnd() override {
        if (error_ || document_.is_null()) return;
        hand_over(sink_.document, std::move(document_), document_line_);
    }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add({Json(), "null"}, mark, anchor);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) return fail(mark, "an alias stands within what it repeats");
        if (repeat(mark, found->second.weight)) add({found->second.value, {}}, mark, 0);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        if (error_) return;
        const bool plain = tag == "?" || tag.empty();
        const auto kind = tag.starts_with(kTagPrefix)
                              ? std::string_view(tag).substr(kTagPrefix.size())
                              : std::string_view();
        const bool typed = kind == "int" || kind == "float" || kind == "bool" || kind == "null";
        if (!plain && !typed) return add({Json(text), text}, mark, anchor);
        auto value = resolve_plain_scalar(text);
        if (!value) return fail(mark, text + " is no number that JSON has");
        add({*std::move(value), text, plain && text == "<<"}, mark, anchor);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        const bool taken = sink_.item && stack_.size() == 1 && stack_[0].key == "items";
        open(Json::array(), mark, anchor, taken);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(Json::object(), mark, anchor, false);
    }
    void OnMapEnd() override { close(); }

  private:
    /// A complete value; `text` is how a scalar was written.
    struct Value {
        Json json;
        std::string text;
        bool merge_key = false;
    };
    /// A list or map that is not complete yet.
    struct Frame {
        Json json;
        YAML::Mark mark;
        YAML::anchor_t anchor = 0;
        bool handed_over = false;  ///< a list whose elements go to the sink
        bool merges = false;       ///< the value that comes is that of a merge key
        std::optional<std::string> key;
        Json merged;  ///< what the merge keys say, weaker than the map's own keys
    };
    struct Anchored {
        Json value;
        std::size_t weight = 0;
    };

    int line(const YAML::Mark& mark) const { return origin_.line + mark.line; }

    void fail(const YAML::Mark& mark, const std::string& what) {
        if (!error_) error_ = Error(Code::kInvalidArgument, place(mark) + ": " + what);
    }
    void hand_over(const std::function<Result<void>(Json, int)>& take, Json value, int at) {
        if (auto taken = take(std::move(value), at); !taken.ok()) error_ = taken.error();
    }

    bool repeat(const YAML::Mark& mark, std::size_t size) {
        repeated_ += size;
        if (repeated_ <= kMaxRepeated) return true;
        fail(mark, "aliases repeat too much");
        return false;
    }

    void open(Json empty, const YAML::Mark& mark, YAML::anchor_t anchor, bool handed_over) {
        if (error_) return;
        if (stack_.size() >= kMaxDepth)
            return fail(mark, "YAML is nested over " + std::to_string(kMaxDepth) + " levels deep");
        if (!stack_.empty() && stack_.back().json.is_object() && !stack_.back().key)
            return fail(mark, "a key must be a scalar");
        stack_.push_back({std::move(empty), mark, anchor, handed_over, false, {}, {}});
    }

    void close() {
        if (error_) return;
        auto frame = std::move(stack_.back());
        stack_.pop_back();
        if (frame.merged.is_object()) {
            for (auto& [key, value] : frame.merged.items())
                frame.json.emplace(key, std::move(value));
        }
        add({std::move(frame.json), {}}, frame.mark, frame.anchor);
    }

    void add(Value value, const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (error_) return;
        if (anchor != 0) {
            const auto size = weight(value.json);
            if (!repeat(mark, size)) return;
            anchors_[anchor] = {value.json, size};
        }
        if (stack_.empty()) {
            document_ = std::move(value.json);
            document_line_ = line(mark);
            return;
        }
        auto& frame = stack_.back();
        if (frame.json.is_array()) {
            if (frame.handed_over) return hand_over(sink_.item, std::move(value.json), line(mark));
            frame.json.push_back(std::move(value.json));
        } else if (!frame.key) {
            add_key(frame, std::move(value), mark);
        } else if (frame.merges) {
            merge(frame, std::move(value.json), mark);
        } else {
            frame.json[*std::exchange(frame.key, std::nullopt)] = std::move(value.json);
        }
    }

    /// Keys are strings in JSON: `yes` becomes "true" and 0x10 becomes "16", as in Kubernetes.
    void add_key(Frame& frame, Value value, const YAML::Mark& mark) {
        if (value.json.is_structured() || value.json.is_null())
            return fail(mark, "a key must be a string, a number or a boolean");
        frame.merges = value.merge_key;
        frame.key = value.json.is_string() ? value.json.get<std::string>() : to_text(value.json);
    }

    void merge(Frame& frame, Json value, const YAML::Mark& mark) {
        frame.key.reset();
        frame.merges = false;
        if (frame.merged.is_null()) frame.merged = Json::object();
        auto maps = value.is_array() ? std::move(value) : Json::array({std::move(value)});
        for (auto& map : maps) {
            if (!map.is_object()) return fail(mark, "<< wants a map, or a list of maps");
            for (auto& [key, item] : map.items())
                frame.merged.emplace(key, std::move(item));
        }
    }

    const Origin& origin_;
    const YamlSink& sink_;
    std::vector<Frame> stack_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    std::size_t repeated_ = 0;
    Json document_;
    int document_line_ = 0;
    int document_start_ = -1;
    std::optional<Error> error_;
};

}  // namespace

Result<void> parse_yaml_documents(std::string_view text, const Origin& origin,
                                  const YamlSink& sink) {
    ViewBuffer buffer(text);
    std::istream input(&buffer);
    Builder builder(origin, sink);
    try {
        YAML::Parser parser(input);
        while (!builder.error() && parser.HandleNextDocument(builder)) {
        }
    } catch (const YAML::Exception& e) {
        if (!builder.error())
            return Error(Code::kInvalidArgument, builder.place(e.mark) + ": column " +
                                                     std::to_string(e.mark.column + 1) +
                                                     ": invalid YAML: " + e.msg);
    }
    if (builder.error()) return *builder.error();
    return {};
}

Result<Json> parse_yaml(std::string_view text, const Origin& origin) {
    // JSON is YAML too, is what most programs write, and is read ten times as fast as JSON.
    if (text.starts_with('{')) {
        if (auto json = parse_json(text, origin); json.ok()) return json;
    }
    std::optional<Json> first;
    KND_TRY(parse_yaml_documents(text, origin, {{}, [&](Json document, int) -> Result<void> {
                                                    if (!first) first = std::move(document);
                                                    return {};
                                                }}));
    return first ? *std::move(first) : Json();
}

}  // namespace knd
