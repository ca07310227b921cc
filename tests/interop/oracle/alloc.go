// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/utils/ptr"
)

// timeLimit ends a search that would take longer than anybody wants to wait for one case.
const timeLimit = 300 * time.Millisecond

type allocCase struct {
	Features Features                     `json:"features"`
	Slices   []*resourceapi.ResourceSlice `json:"slices"`
	Classes  []*resourceapi.DeviceClass   `json:"classes"`
	Claims   []*resourceapi.ResourceClaim `json:"claims"`
	Nodes    []*v1.Node                   `json:"nodes"`
	// Allocated is what other claims hold, as in their status.
	Allocated []resourceapi.DeviceRequestAllocationResult `json:"allocated"`
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

func (f Features) forAllocator() structured.Features {
	return structured.Features{
		AdminAccess:            f.AdminAccess,
		ConsumableCapacity:     f.ConsumableCapacity,
		DeviceBindingAndStatus: f.DeviceBinding,
		DeviceTaints:           f.DeviceTaints,
		ListTypeAttributes:     f.ListAttributes,
		PartitionableDevices:   f.PartitionableDevices,
		PrioritizedList:        f.PrioritizedList,
	}
}

func allocate(allocator structured.Allocator, node *v1.Node, claims []*resourceapi.ResourceClaim) nodeAnswer {
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	allocations, err := allocator.Allocate(ctx, node, claims)
	if err != nil {
		return nodeAnswer{
			Error:   err.Error(),
			OnNode:  errors.Is(err, structured.ErrFailedAllocationOnNode),
			Aborted: ctx.Err() != nil,
		}
	}
	normalise(allocations)
	return nodeAnswer{Allocations: allocations, Fits: allocations != nil}
}

func answerAlloc(line []byte) any {
	var c allocCase
	if err := json.Unmarshal(line, &c); err != nil {
		return map[string]string{"badCase": err.Error()}
	}
	allocator, err := structured.NewAllocator(context.Background(), c.Features.forAllocator(),
		allocatedState(c.Allocated), classes(c.Classes), c.Slices, cacheFor(c.Features))
	if err != nil {
		return allocAnswer{Error: err.Error()}
	}
	var out allocAnswer
	for _, node := range c.Nodes {
		out.Nodes = append(out.Nodes, allocate(allocator, node, c.Claims))
	}
	return out
}
