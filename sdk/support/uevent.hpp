// SPDX-License-Identifier: Apache-2.0
//
// UeventMonitor: tells that devices of one subsystem came, went or changed their driver, as the
// kernel says it to udev. What they are now is in sysfs.
//
// Threads: any, one at a time.
#pragma once

#include <string>

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd {

class UeventMonitor {
  public:
    /// `subsystem`: "pci".
    static Result<UeventMonitor> open(std::string subsystem);

    /// Readable when there is something to drain.
    int fd() const { return fd_.get(); }
    /// Never blocks. True: something happened in the subsystem, or events were lost.
    bool drain();

  private:
    UeventMonitor(Fd fd, std::string subsystem)
        : fd_(std::move(fd)), wanted_("SUBSYSTEM=" + std::move(subsystem)) {}
    Fd fd_;
    std::string wanted_;
};

}  // namespace knd
