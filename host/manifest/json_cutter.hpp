// SPDX-License-Identifier: Apache-2.0
//
// Cuts a text of JSON documents at the elements of their `items`, without parsing them: so that
// a long list is parsed one element at a time, and each element knows the line it begins on.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace knd::manifest {

/// A piece of the text, which must outlive it.
struct JsonPiece {
    std::string_view text;
    int line = 1;
};

struct JsonDocument {
    JsonPiece whole;
    /// Elements of the list `items` at the top; absent when there is no such list.
    std::optional<std::vector<JsonPiece>> items;
    /// With items: the document without them.
    std::string shell;
};

/// A document that is no JSON comes out as it is, to the end of the text: the parser will say what
/// is wrong with it.
class JsonCutter {
  public:
    JsonCutter(std::string_view text, int line) : text_(text), line_(line) {}

    /// Nothing at the end of the text, and where something begins that is no object.
    std::optional<JsonDocument> next();
    /// What has not been cut off yet, without leading blanks.
    JsonPiece rest() const { return {text_.substr(at_), line_}; }

  private:
    bool cut(JsonDocument& document);
    bool cut_items(JsonDocument& document);
    void skip_blanks();
    bool take(char wanted);
    bool skip_string();
    bool skip_value();

    std::string_view text_;
    std::size_t at_ = 0;
    int line_;
};

}  // namespace knd::manifest
