// SPDX-License-Identifier: Apache-2.0

//go:build !k132 && !k133

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
)

// timeLimit ends a search that would take longer than anybody wants to wait for one case.
const timeLimit = 300 * time.Millisecond

// maxTries is how often the order of a map is asked for. Those of up to eight entries are read from
// a random one of eight places on; larger ones are in any order, so that six pools take 720 tries.
const maxTries = 2000

type allocCase struct {
	Features Features                     `json:"features"`
	Slices   []*resourceapi.ResourceSlice `json:"slices"`
	Classes  []*resourceapi.DeviceClass   `json:"classes"`
	Claims   []*resourceapi.ResourceClaim `json:"claims"`
	Nodes    []*v1.Node                   `json:"nodes"`
	// Allocated is what other claims hold, as in their status.
	Allocated []resourceapi.DeviceRequestAllocationResult `json:"allocated"`
	// TaintRules are merged into the slices first.
	TaintRules []*taintRule `json:"taintRules"`
}

// nodeAnswer has allocations, or an error, or neither: does not fit.
type nodeAnswer struct {
	Allocations []resourceapi.AllocationResult `json:"allocations,omitempty"`
	Fits        bool                           `json:"fits"`
	Error       string                         `json:"error,omitempty"`
	// OnNode: the error does not concern other nodes.
	OnNode bool `json:"onNode,omitempty"`
	// Aborted: no answer within the time limit.
	Aborted bool `json:"aborted,omitempty"`
}

type allocAnswer struct {
	Error string       `json:"error,omitempty"`
	Nodes []nodeAnswer `json:"nodes"`
	// Taints of all devices; only where there are rules.
	Taints []string `json:"taints,omitempty"`
}

type classes []*resourceapi.DeviceClass

func (c classes) List() ([]*resourceapi.DeviceClass, error) { return c, nil }

// Get fails as the lister of an informer does.
func (c classes) Get(name string) (*resourceapi.DeviceClass, error) {
	for _, class := range c {
		if class.Name == name {
			return class, nil
		}
	}
	return nil, apierrors.NewNotFound(resourceapi.Resource("deviceclass"), name)
}

// sortByPool keeps the order within a pool, which may matter. That of the pools does not, but a map
// that is filled in order is often read in order.
func (c *allocCase) sortByPool() {
	pool := func(slice *resourceapi.ResourceSlice) string {
		return slice.Spec.Driver + "/" + slice.Spec.Pool.Name
	}
	slices.SortStableFunc(c.Slices, func(a, b *resourceapi.ResourceSlice) int {
		return strings.Compare(pool(a), pool(b))
	})
}

func allocatedState(results []resourceapi.DeviceRequestAllocationResult) structured.AllocatedState {
	state := structured.AllocatedState{
		AllocatedDevices:         sets.New[structured.DeviceID](),
		AllocatedSharedDeviceIDs: sets.New[structured.SharedDeviceID](),
		AggregatedCapacity:       structured.NewConsumedCapacityCollection(),
	}
	for _, result := range results {
		if ptr.Deref(result.AdminAccess, false) {
			continue
		}
		id := structured.MakeDeviceID(result.Driver, result.Pool, result.Device)
		if result.ShareID == nil {
			state.AllocatedDevices.Insert(id)
			continue
		}
		state.AllocatedSharedDeviceIDs.Insert(structured.MakeSharedDeviceID(id, result.ShareID))
		if result.ConsumedCapacity == nil {
			continue
		}
		consumed := make(map[resourceapi.QualifiedName]resource.Quantity, len(result.ConsumedCapacity))
		for name, quantity := range result.ConsumedCapacity {
			consumed[name] = quantity
		}
		state.AggregatedCapacity.Insert(structured.NewDeviceConsumedCapacity(id, consumed))
	}
	return state
}

// normalise gives share ids, which are random, the numbers in which they appear.
func normalise(allocations []resourceapi.AllocationResult) {
	shares := 0
	for i := range allocations {
		results := allocations[i].Devices.Results
		for j := range results {
			if results[j].ShareID != nil {
				results[j].ShareID = ptr.To(types.UID(fmt.Sprint("share-", shares)))
				shares++
			}
		}
	}
}

func (c *allocCase) allocator(ctx context.Context) (structured.Allocator, error) {
	return structured.NewAllocator(ctx, structuredFeatures(c.Features), allocatedState(c.Allocated),
		classes(c.Classes), c.Slices, cacheFor(c.Features))
}

// allocate asks again until the pools are tried in the order of their names. The claims are new ones:
// before 1.37 an allocation may change what they ask for, and so the answers on other nodes.
func allocate(allocator structured.Allocator, node *v1.Node, given []*resourceapi.ResourceClaim) nodeAnswer {
	claims := make([]*resourceapi.ResourceClaim, len(given))
	for i, claim := range given {
		claims[i] = claim.DeepCopy()
	}
	for range maxTries {
		if out := allocateOnce(allocator, node, claims); out != nil {
			return *out
		}
	}
	return nodeAnswer{Error: "the pools were never tried in order", Aborted: true}
}

// allocateOnce has no answer if the pools are tried in another order.
func allocateOnce(allocator structured.Allocator, node *v1.Node, claims []*resourceapi.ResourceClaim) (out *nodeAnswer) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(wrongOrder); !ok {
				panic(r)
			}
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	order := &poolOrder{bindingLast: bindingLast(allocator)}
	allocations, err := allocator.Allocate(klog.NewContext(ctx, logr.New(order)), node, claims)
	if err != nil {
		return &nodeAnswer{
			Error:   err.Error(),
			OnNode:  errors.Is(err, errOnNode),
			Aborted: ctx.Err() != nil,
		}
	}
	normalise(allocations)
	return &nodeAnswer{Allocations: allocations, Fits: allocations != nil}
}

// bindingLast tells whether that variant tries pools with binding conditions after the others.
func bindingLast(allocator structured.Allocator) bool {
	variant := fmt.Sprintf("%T", allocator)
	return variant == "*experimental.Allocator" || release >= 36 && variant == "*incubating.Allocator"
}

func answerAlloc(line []byte) any {
	var c allocCase
	if err := json.Unmarshal(line, &c); err != nil {
		return map[string]string{"badCase": err.Error()}
	}
	var out allocAnswer
	merged, err := patched(c.TaintRules, c.Slices)
	if err != nil {
		return allocAnswer{Error: err.Error()}
	}
	if c.Slices = merged; len(c.TaintRules) > 0 {
		out.Taints = taints(merged)
	}
	c.sortByPool()
	allocator, err := c.allocator(context.Background())
	if err != nil {
		return allocAnswer{Error: err.Error()}
	}
	for _, node := range c.Nodes {
		out.Nodes = append(out.Nodes, allocate(allocator, node, c.Claims))
	}
	return out
}
