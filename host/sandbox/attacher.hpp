// SPDX-License-Identifier: Apache-2.0
//
// Attacher: carries the network devices of a binding into a pod's namespace, or makes them there,
// and returns them to the host.
//
// The order of the calls, each journalled by the caller before the next one:
//   inspect         reads only: checks that all can work, returns the state of the devices on the
//   host attach          moves or makes, and configures; a failure leaves the host as it was
//   configure_made  configures what a backend has made in the pod itself
//   detach          returns and restores, from wherever the devices are
// Each call may be repeated, and each may follow a crash of any other at any point: detach looks
// for the devices where they can be and does what is missing; so does attach.
//
// A device is recognized by its hardware (bus address and permanent MAC); in the pod, if it has
// none, by the ifindex that it got there; before that is journalled by its kind, MAC and the names
// it was given; never by a name alone. On its way back it bears a name that is made from its
// binding (transit_name), so that it can neither clash nor be confused.
//
// Threads: any, several at a time; calls block (a move takes the kernel 16 ms), so they belong on a
//          worker. One binding is in the hands of one call at a time.
// Failure: a sentence for the pod's user. What an attach could not undo is in the error as well; a
//          detach with the same plan takes it up again.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "host/journal/record.hpp"
#include "host/model/binding.hpp"
#include "host/model/network_config.hpp"
#include "host/model/services.hpp"
#include "host/sandbox/host_state.hpp"
#include "host/sandbox/kernel.hpp"
#include "host/sandbox/namespaces.hpp"

#include <knd/cpp/fd.hpp>
#include <knd/cpp/result.hpp>

namespace knd {

/// Called after each step in the kernel, on the thread of the call: the marked points of crash
/// tests.
///   attach.moved  attach.addressed  attach.up  attach.routed  attach.rdma
///   detach.rdma  detach.moved  detach.reset  detach.renamed  detach.addressed  detach.up
///   detach.restored
using StepHook = std::function<void(std::string_view step)>;

struct AttachPlan {
    BindingKey key = {};
    Effects effects = {};  ///< of these: netdevs and RDMA links
    /// For the first netdev. Others get their own name_in_pod and keep what they had on the host.
    NetworkConfig network = {};
    PodNetns netns = {};
    StepHook on_step = [](std::string_view) {};
};

struct DetachPlan {
    BindingKey key = {};
    Effects effects = {};
    NetworkConfig network = {};
    HostState host_state = {};
    std::vector<AttachedFacts> attached = {};  ///< what attach answered; empty: it has not
    PodNetns netns = {};  ///< all empty, or gone: the devices are looked for at home
    StepHook on_step = [](std::string_view) {};
};

struct Detached {
    /// Names on the host of virtual devices that died with the pod's namespace. Their backend can
    /// make them anew; everything else is home and as it was.
    std::vector<std::string> lost = {};
    /// What could not be put back although the device is home ("route ... : ..."), for the log.
    std::vector<std::string> warnings = {};
};

class Attacher {
  public:
    /// `kernel` is borrowed.
    explicit Attacher(Kernel& kernel) : kernel_(kernel) {}

    /// Pins the namespace of a pod. Quick: it may be called where a hook must answer at once.
    /// FAILED_PRECONDITION: it is the host's own. NOT_FOUND: there is none at `path`.
    Result<PodNetns> pin(const std::string& path) const;
    /// The same for a device of which nothing moves: that of the host will do.
    Result<PodNetns> pin_any(const std::string& path) const;

    /// Kills the container, if its processes are in the namespace at `path`.
    Result<void> stop_container(const Container& container, const std::string& path) const;

    Result<HostState> inspect(const AttachPlan& plan) const;
    /// One per netdev; of those that a backend makes the name alone.
    Result<std::vector<AttachedFacts>> attach(const AttachPlan& plan,
                                              const HostState& host_state) const;
    /// The same, complete. `attached`: what attach answered. A failure leaves the undoing to
    /// detach.
    Result<std::vector<AttachedFacts>> configure_made(const AttachPlan& plan,
                                                      std::vector<AttachedFacts> attached) const;
    /// Never NOT_FOUND: what exists no more is in Detached::lost.
    Result<Detached> detach(const DetachPlan& plan) const;

  private:
    Kernel& kernel_;
};

/// "knd" and 12 hex digits: what the n-th netdev of a binding is called on its way back.
std::string transit_name(const BindingKey& key, std::size_t index);

}  // namespace knd
