// SPDX-License-Identifier: Apache-2.0
//
// Parses the elements of a long list on other cores, while the caller is busy with those before.
#pragma once

#include <deque>
#include <future>
#include <span>
#include <string>
#include <vector>

#include "host/manifest/json_cutter.hpp"
#include "host/model/json.hpp"

#include <knd/cpp/result.hpp>

namespace knd::manifest {

/// Threads: the object is used by one. What it started ends with it.
class ParseAhead {
  public:
    /// The pieces must outlive it. Errors name `file`.
    ParseAhead(std::span<const JsonPiece> pieces, std::string file);

    /// The next piece's value, in order. Once for each piece.
    Result<Json> next();

  private:
    using Batch = std::vector<Result<Json>>;

    std::span<const JsonPiece> cut_batch();
    void start_batches();

    std::span<const JsonPiece> left_;  ///< not given to a thread yet
    std::string file_;
    std::size_t threads_;
    std::deque<std::future<Batch>> ahead_;
    Batch current_;
    std::size_t taken_ = 0;  ///< of current_
};

}  // namespace knd::manifest
