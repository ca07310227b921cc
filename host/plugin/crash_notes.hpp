// SPDX-License-Identifier: Apache-2.0
//
// CrashNotes: which call was inside of which backend when the process died.
//
// A backend that crashes takes the daemon with it, and the daemon's last words with that. So each
// call is noted before it begins, in a file that is mapped: a note is some hundred bytes in memory,
// without a system call, and the kernel keeps it when the process dies. The next start reads it.
//
// A note alone proves nothing: whoever kills the daemon finds a call under way as well. A note
// counts when its thread was hit by a signal that a crash sends, or ended the process itself:
// handlers that install_crash_handlers() sets up mark it, and SIGKILL and the OOM killer do not run
// them.
//
// Threads: Scope and the handlers anywhere, the rest on the domain thread.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/call.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd::plugin {

/// A call in which the process died.
struct CrashNote {
    std::string instance;
    std::string operation;
    std::string claim_uid;  ///< empty: a call about no claim
    std::string claim;      ///< "namespace/name"
    std::string device;
    int signal = 0;  ///< 0: the library ended the process by itself

    /// "SIGSEGV in prepare of device vf3 for claim a/b".
    std::string text() const;
};

class CrashNotes {
  public:
    /// Reads what the last process has left in `directory` and begins anew. UNAVAILABLE: another
    /// process is using the file.
    static Result<std::shared_ptr<CrashNotes>> open(const std::string& directory);
    CrashNotes(const CrashNotes&) = delete;
    CrashNotes& operator=(const CrashNotes&) = delete;
    ~CrashNotes();

    /// In which calls the last process died: usually none, or one.
    const std::vector<CrashNote>& crashes() const { return crashes_; }

    struct Slot;

    /// Notes that this thread is in `call`. With `notes` null, or with no slot free, nothing.
    class Scope {
      public:
        Scope(CrashNotes* notes, std::string_view instance, const Call& call);
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;
        ~Scope();

      private:
        Slot* slot_ = nullptr;
        Slot* previous_ = nullptr;
    };

  private:
    CrashNotes(Fd file, void* memory, std::vector<CrashNote> crashes);
    Slot* take();

    const Fd file_;  ///< holds the lock
    void* const memory_;
    const std::vector<CrashNote> crashes_;
};

/// Marks the note of a thread that crashes or calls exit(), and goes on to what was installed
/// before. Once, at the start of the program.
void install_crash_handlers();
/// This thread ends the process: what exit() does by a hook, for those who go by _exit().
void note_exit();

/// A thread whose own stack overflowed needs another one to run the handler on.
class SignalStack {
  public:
    SignalStack();
    SignalStack(const SignalStack&) = delete;
    SignalStack& operator=(const SignalStack&) = delete;
    ~SignalStack();

  private:
    const std::unique_ptr<char[]> memory_;
    stack_t previous_{};
};

}  // namespace knd::plugin
