// SPDX-License-Identifier: Apache-2.0
#include "host/manifest/parse_ahead.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace knd::manifest {
namespace {

/// Text of a batch: enough to make a thread worth its start, little enough that a few batches,
/// five times as large when parsed, are nothing to the text itself.
constexpr std::size_t kBatchBytes = 512 << 10;

}  // namespace

ParseAhead::ParseAhead(std::span<const JsonPiece> pieces, std::string file)
    : left_(pieces),
      file_(std::move(file)),
      threads_(std::max(1U, std::thread::hardware_concurrency())) {}

std::span<const JsonPiece> ParseAhead::cut_batch() {
    std::size_t count = 0;
    for (std::size_t bytes = 0; count < left_.size() && bytes < kBatchBytes; ++count)
        bytes += left_[count].text.size();
    const auto batch = left_.first(count);
    left_ = left_.subspan(count);
    return batch;
}

void ParseAhead::start_batches() {
    while (!left_.empty() && ahead_.size() < threads_) {
        const auto batch = cut_batch();
        // A list of one batch gains nothing from a thread; where none can be had, next() parses.
        const bool alone = left_.empty() && ahead_.empty();
        constexpr auto kIfPossible = std::launch::async | std::launch::deferred;
        ahead_.push_back(
            std::async(alone ? std::launch::deferred : kIfPossible, [batch, file = file_] {
                Batch parsed;
                parsed.reserve(batch.size());
                for (const auto& piece : batch)
                    parsed.push_back(parse_json(piece.text, {file, piece.line}));
                return parsed;
            }));
    }
}

Result<Json> ParseAhead::next() {
    if (taken_ == current_.size()) {
        start_batches();
        current_ = ahead_.front().get();
        ahead_.pop_front();
        taken_ = 0;
        start_batches();
    }
    return std::move(current_[taken_++]);
}

}  // namespace knd::manifest
