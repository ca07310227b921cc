// SPDX-License-Identifier: Apache-2.0
//
// kndd, killed from within: at the step that KND_CRASH_AT names the process gets SIGKILL, which no
// code of its own can soften. KND_CRASH_SKIP passes over as many of them first.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "host/daemon/daemon.hpp"

namespace {

class CrashObserver final : public knd::StepObserver {
  public:
    CrashObserver() {
        if (const char* at = std::getenv("KND_CRASH_AT")) at_ = at;
        if (const char* skip = std::getenv("KND_CRASH_SKIP")) left_ = std::atoi(skip);
    }
    void on_step(std::string_view step, std::string_view, std::string_view) override {
        if (step != at_ || left_-- > 0) return;
        ::kill(::getpid(), SIGKILL);
        ::pause();
    }

  private:
    std::string at_;
    std::atomic<int> left_{0};
};

}  // namespace

int main(int argc, char** argv) {
    CrashObserver observer;
    return knd::run_kndd(argc, argv, observer);
}
