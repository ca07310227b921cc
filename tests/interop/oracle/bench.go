// SPDX-License-Identifier: Apache-2.0

//go:build !k132 && !k133

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/dynamic-resource-allocation/structured"
)

// medianCall repeats a call for 300 ms and 5 times at least: the median of how long one took.
func medianCall(call func()) int64 {
	var rounds []time.Duration
	for began := time.Now(); len(rounds) < 5 || time.Since(began) < 300*time.Millisecond; {
		start := time.Now()
		call()
		rounds = append(rounds, time.Since(start))
	}
	slices.Sort(rounds)
	return rounds[len(rounds)/2].Nanoseconds()
}

// allocateOnly is what kube-scheduler does, without the oracle's look at the order of pools.
func allocateOnly(allocator structured.Allocator, node *v1.Node, claims []*resourceapi.ResourceClaim) {
	if _, err := allocator.Allocate(context.Background(), node, claims); err != nil {
		panic(err)
	}
}

// benchCase is one cluster and the claims that are allocated in it one by one, on the last node.
type benchCase struct {
	Features Features `json:"features"`
	// Slices of one node. Each node gets its copy, with "{node}" in strings replaced by its number.
	Slices  []*resourceapi.ResourceSlice `json:"slices"`
	Copies  int                          `json:"copies"`
	Classes []*resourceapi.DeviceClass   `json:"classes"`
	Claims  []*resourceapi.ResourceClaim `json:"claims"`
}

// benchAnswer is about one claim.
type benchAnswer struct {
	Allocations any    `json:"allocations,omitempty"`
	Error       string `json:"error,omitempty"`
	// CycleNanoseconds is what a scheduling cycle needs for one node: a new allocator, as
	// kube-scheduler makes one for each pod, and an allocation. WarmNanoseconds: the allocation
	// alone, by an allocator that has done it before. Expressions are compiled already for both.
	CycleNanoseconds int64 `json:"cycleNanoseconds"`
	WarmNanoseconds  int64 `json:"warmNanoseconds"`
}

func (c *benchCase) cluster() []*resourceapi.ResourceSlice {
	out := make([]*resourceapi.ResourceSlice, 0, c.Copies*len(c.Slices))
	for node := range c.Copies {
		number := fmt.Sprint(node)
		numbered := func(text string) string { return strings.ReplaceAll(text, "{node}", number) }
		for _, template := range c.Slices {
			slice := template.DeepCopy()
			slice.Name = numbered(slice.Name)
			slice.Spec.Pool.Name = numbered(slice.Spec.Pool.Name)
			*slice.Spec.NodeName = numbered(*slice.Spec.NodeName)
			for _, device := range slice.Spec.Devices {
				for _, attribute := range device.Attributes {
					if attribute.StringValue != nil {
						*attribute.StringValue = numbered(*attribute.StringValue)
					}
				}
			}
			out = append(out, slice)
		}
	}
	return out
}

func answerAllocBench(line []byte) any {
	var c benchCase
	if err := json.Unmarshal(line, &c); err != nil {
		return map[string]string{"badCase": err.Error()}
	}
	cluster := c.cluster()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("node-", c.Copies-1)}}
	nothing := allocatedState(nil)
	fresh := func() structured.Allocator {
		allocator, err := structured.NewAllocator(context.Background(), structuredFeatures(c.Features),
			nothing, classes(c.Classes), cluster, cacheFor(c.Features))
		if err != nil {
			panic(err)
		}
		return allocator
	}
	var answers []benchAnswer
	for i := range c.Claims {
		claims := c.Claims[i : i+1]
		kept := fresh()
		found := allocate(kept, node, &allocCase{Claims: claims})
		answers = append(answers, benchAnswer{
			Allocations:      found.Allocations,
			Error:            found.Error,
			CycleNanoseconds: medianCall(func() { allocateOnly(fresh(), node, claims) }),
			WarmNanoseconds:  medianCall(func() { allocateOnly(kept, node, claims) }),
		})
	}
	return map[string]any{"claims": answers, "heapBytes": memory.HeapAlloc}
}
