// SPDX-License-Identifier: Apache-2.0
//
// The other implementation as a child process that answers JSON lines (tests/interop/oracle).
#pragma once

#include <sys/types.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "host/model/json.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::differential {

class Oracle {
  public:
    /// `mode` is the program's argument; "bench": answers say how long they took.
    static Result<Oracle> start(const std::string& path, const std::string& mode = "");
    Oracle(Oracle&& other) noexcept;
    Oracle& operator=(Oracle&&) = delete;
    /// Closes the child's input, which ends it, and waits for it.
    ~Oracle();

    /// Asks all at once and calls `answered(index, answer)` in order, while the child works on the
    /// next ones. A case that the child dies of is answered with {"panic": why}, and another child
    /// takes over.
    Result<void> ask(std::span<const Json> cases,
                     const std::function<void(std::size_t, const Json& answer)>& answered);
    Result<Json> ask(const Json& one);

  private:
    using Answered = std::function<void(std::size_t, const Json&)>;

    Oracle(std::string path, std::string mode);
    Result<void> spawn();
    /// Waits for the child, and says how it ended.
    std::string wait();
    Result<void> exchange(std::span<const Json> cases, const Answered& answered);
    Result<std::string> read_line();

    std::string path_;
    std::string mode_;
    pid_t child_ = -1;
    Fd to_;
    Fd from_;
    std::string buffer_;
    std::size_t used_ = 0;
};

}  // namespace knd::differential
