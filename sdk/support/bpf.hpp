// SPDX-License-Identifier: Apache-2.0
//
// Which BPF programs hang on an interface: clsact filters (tc) and TCX programs.
// Sources: net/sched/cls_bpf.c (TCA_BPF_NAME), kernel/bpf/tcx.c (BPF_PROG_QUERY, Linux 6.6).
#pragma once

#include <map>
#include <string>
#include <vector>

#include <knd/cpp/result.hpp>

namespace knd::bpf {

struct Programs {
    std::vector<std::string> tc_filters;    ///< ingress, then egress
    std::vector<std::string> tcx_programs;  ///< ingress, then egress
    bool any() const { return !tc_filters.empty() || !tcx_programs.empty(); }
};

/// For those of `ifindexes` in the caller's network namespace that carry any. A kernel without TCX
/// or a process that may not ask simply has none: this is information, not protection.
Result<std::map<int, Programs>> programs(const std::vector<int>& ifindexes);

}  // namespace knd::bpf
