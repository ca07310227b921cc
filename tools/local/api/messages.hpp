// SPDX-License-Identifier: Apache-2.0
//
// How API objects are laid out in protobuf: for each message its fields with their numbers. One
// table for both directions; protobuf.hpp carries it out.
//
// Grammar of the text: a message per line, lines that begin with a blank continue it.
//   Message name=NUMBER:type ...
// `name` is that of JSON; "." for a message whose fields stand in their parent there. A type is
// string, bool, int, int32, time, microtime, quantity, intorstring, raw (JSON in bytes) or a
// Message; []type for a list, map:type for a map from strings. In front of it:
//   ?  absent and zero are different things
//   !  zero is written in JSON, where zero of any other field is absent
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd::api {

enum class Scalar {
    kString,
    kBool,
    kInt,
    kInt32,
    kTime,
    kMicroTime,
    kQuantity,
    kIntOrString,
    kRaw,
    kMessage,
};

enum class Count { kOne, kList, kMap };

struct Message;

struct MessageField {
    std::string name;
    std::uint32_t number = 0;
    Count count = Count::kOne;
    Scalar scalar = Scalar::kMessage;
    const Message* message = nullptr;  ///< of kMessage
    bool pointer = false;
    bool keeps_zero = false;
    bool in_parent = false;
};

struct Message {
    std::string name;
    std::vector<MessageField> fields;

    /// Null when the message has no such field.
    const MessageField* field(std::uint64_t number) const;
};

/// Never changed once it is made.
class Messages {
  public:
    /// Of kMessageText; a mistake in it ends the process.
    static const Messages& instance();
    /// INVALID_ARGUMENT names the word that cannot be read, or the message that is nowhere
    /// described.
    static Result<Messages> read(std::string_view text);

    /// Null when there is no such message.
    const Message* find(std::string_view name) const;

  private:
    std::map<std::string, std::unique_ptr<Message>, std::less<>> messages_;
};

extern const char* const kMessageText;

}  // namespace knd::api
