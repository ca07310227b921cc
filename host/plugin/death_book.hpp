// SPDX-License-Identifier: Apache-2.0
//
// DeathBook: how often the daemon died in calls to which backend, and whom that keeps out.
//
// A crash takes all backends of the node down, and the kubelet asks again and again. So a claim in
// whose calls the daemon died twice is refused for a while, and a backend that killed it more
// often, or without any claim, does not serve for a while. Both are tried again, after a pause that
// doubles with each death; a call that comes back clears what was held against it, and so does
// another version of the library.
//
// The book is a file in the run directory: it outlives the process, and not a reboot.
//
// Threads: the domain thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/crash_notes.hpp"

namespace knd::plugin {

class DeathBook {
  public:
    using Milliseconds = std::chrono::milliseconds;

    struct Options {
        std::size_t of_claim = 2;       ///< deaths in the calls of one claim that keep it out
        std::size_t of_instance = 4;    ///< deaths within the window that keep the instance out
        std::size_t without_claim = 3;  ///< the same of start, list and the like
        Milliseconds window = std::chrono::minutes(10);
        Milliseconds first_pause = std::chrono::minutes(1);
        Milliseconds last_pause = std::chrono::minutes(30);
    };
    struct KeptOut {
        std::string reason;  ///< "kndd died 2 times in its calls, the last time of SIGSEGV in ..."
        std::int64_t until_ms = 0;
    };

    /// A file that is missing or makes no sense is an empty book.
    DeathBook(std::string path, const Options& options);

    /// The last process died in `crash`. `sha256`: the library's, as far as it is known.
    void add(const CrashNote& crash, const std::string& sha256, std::int64_t now_ms);
    /// Another library than that whose crashes were noted starts afresh.
    void use_library(const std::string& instance, const std::string& sha256);
    /// A call of this kind came back.
    void worked(const std::string& instance, const std::string& claim_uid,
                std::string_view operation);

    std::optional<KeptOut> claim_kept_out(const std::string& instance, const std::string& claim_uid,
                                          std::int64_t now_ms) const;
    std::optional<KeptOut> instance_kept_out(const std::string& instance,
                                             std::int64_t now_ms) const;
    /// Whether one of the deaths that count was in `operation`.
    bool died_in(const std::string& instance, std::string_view operation) const;

    /// For kndctl: since the library is the same.
    std::uint64_t deaths(const std::string& instance) const;
    /// "SIGSEGV in list at 2006-01-02T15:04:05Z"; empty: none.
    std::string last_death(const std::string& instance) const;

  private:
    struct Death {
        CrashNote note;
        std::int64_t at_ms = 0;
    };
    struct Record {
        std::string sha256;
        std::uint64_t total = 0;
        std::string last;
        std::vector<Death> deaths;  ///< that nothing has cleared
        std::uint32_t trips = 0;    ///< how often in a row it was kept out
        KeptOut kept_out;
    };

    Milliseconds pause(std::size_t relapses) const;
    void judge(Record& record, const Death& death) const;
    void read();
    void write() const;

    const std::string path_;
    const Options options_;
    std::map<std::string, Record> records_;  ///< by instance
};

}  // namespace knd::plugin
