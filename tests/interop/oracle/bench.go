// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/dynamic-resource-allocation/structured"
)

// measureCall repeats a call for a fifth of a second.
func measureCall(call func()) int64 {
	began := time.Now()
	for rounds := int64(1); ; rounds++ {
		call()
		if took := time.Since(began); took > 200*time.Millisecond {
			return took.Nanoseconds() / rounds
		}
	}
}

// measure repeats an allocation for a tenth of a second, or until the time limit ends the first.
// Everything that is kept between allocations (compiled expressions, counters) is warm by then.
func measure(allocator structured.Allocator, node *v1.Node, claims []*resourceapi.ResourceClaim) int64 {
	began := time.Now()
	for rounds := int64(1); ; rounds++ {
		allocate(allocator, node, claims)
		if took := time.Since(began); took > 100*time.Millisecond {
			return took.Nanoseconds() / rounds
		}
	}
}
