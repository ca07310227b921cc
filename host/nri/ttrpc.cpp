// SPDX-License-Identifier: Apache-2.0
#include "host/nri/ttrpc.hpp"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "host/nri/big_endian.hpp"

namespace knd::nri {
Result<std::string> encode_ttrpc(TtrpcHeader::Type type, std::uint32_t stream,
                                 const google::protobuf::MessageLite& envelope) {
    const std::size_t length = envelope.ByteSizeLong();
    if (length > kTtrpcMaxData)
        return Error(Code::kResourceExhausted,
                     "a message of " + std::to_string(length) + " bytes is longer than the " +
                         std::to_string(kTtrpcMaxData) + " that ttrpc allows",
                     EMSGSIZE);
    std::string out(TtrpcHeader::kSize + length, '\0');
    put_u32(out.data(), static_cast<std::uint32_t>(length));
    put_u32(out.data() + 4, stream);
    out[8] = static_cast<char>(type);
    envelope.SerializeWithCachedSizesToArray(
        reinterpret_cast<std::uint8_t*>(out.data() + TtrpcHeader::kSize));
    return out;
}

void TtrpcDecoder::feed(std::string_view bytes) {
    while (!bytes.empty())
        bytes = in_data_ ? take_data(bytes) : take_header(bytes);
}

std::string_view TtrpcDecoder::take_header(std::string_view bytes) {
    const auto take = std::min(bytes.size(), TtrpcHeader::kSize - header_bytes_.size());
    header_bytes_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    if (header_bytes_.size() < TtrpcHeader::kSize) return bytes;
    const auto* in = header_bytes_.data();
    header_ = {.length = get_u32(in),
               .stream = get_u32(in + 4),
               .type = static_cast<std::uint8_t>(in[8]),
               .flags = static_cast<std::uint8_t>(in[9])};
    header_bytes_.clear();
    data_left_ = header_.length;
    if (data_left_ == 0)
        finish({});
    else
        in_data_ = true;
    return bytes;
}

std::string_view TtrpcDecoder::take_data(std::string_view bytes) {
    const auto piece = bytes.substr(0, data_left_);
    const bool whole = piece.size() == header_.length;
    data_left_ -= piece.size();
    if (!whole && header_.length <= kTtrpcMaxData) data_.append(piece);
    if (data_left_ == 0) finish(whole ? piece : std::string_view(data_));
    return bytes.substr(piece.size());
}

void TtrpcDecoder::finish(std::string_view data) {
    in_data_ = false;
    const bool oversize = header_.length > kTtrpcMaxData;
    on_message_({header_, oversize ? std::string_view() : data, oversize});
    // A big message (Synchronize) is rare: its memory is not kept for the next one.
    if (data_.capacity() > (64u << 10))
        data_ = {};
    else
        data_.clear();
}

}  // namespace knd::nri
