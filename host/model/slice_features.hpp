// SPDX-License-Identifier: Apache-2.0
//
// Which optional parts of a ResourceSlice the node's API server keeps. What it does not keep it
// drops without a word, so that publishing it would say less than the truth.
#pragma once

namespace knd {

struct SliceFeatures {
    bool counters = true;    ///< sharedCounters, consumesCounters (DRAPartitionableDevices)
    bool consumable = true;  ///< allowMultipleAllocations, requestPolicy (DRAConsumableCapacity)
    bool taints = true;      ///< DRADeviceTaints
    bool lists = true;       ///< attributes that are lists (DRAListTypeAttributes)
    bool operator==(const SliceFeatures&) const = default;
};

}  // namespace knd
