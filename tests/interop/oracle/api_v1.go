// SPDX-License-Identifier: Apache-2.0

//go:build !k132 && !k133

package main

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	resourceinformers "k8s.io/client-go/informers/resource/v1"
	resourcelisters "k8s.io/client-go/listers/resource/v1"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/utils/ptr"
)

// The types that the libraries of 1.34 and later speak.
type (
	resourceSlice       = resourceapi.ResourceSlice
	deviceClass         = resourceapi.DeviceClass
	resourceClaim       = resourceapi.ResourceClaim
	allocationResult    = resourceapi.AllocationResult
	deviceResult        = resourceapi.DeviceRequestAllocationResult
	sliceInformer       = resourceinformers.ResourceSliceInformer
	classInformer       = resourceinformers.DeviceClassInformer
	sliceLister         = resourcelisters.ResourceSliceLister
	classLister         = resourcelisters.DeviceClassLister
	structuredAllocator = structured.Allocator
)

var (
	newSliceLister = resourcelisters.NewResourceSliceLister
	newClassLister = resourcelisters.NewDeviceClassLister
)

// celDevice is how a case of an expression describes its device.
type celDevice struct {
	Driver                   string                                                    `json:"driver"`
	AllowMultipleAllocations *bool                                                     `json:"allowMultipleAllocations"`
	Attributes               map[resourceapi.QualifiedName]resourceapi.DeviceAttribute `json:"attributes"`
	Capacity                 map[resourceapi.QualifiedName]resourceapi.DeviceCapacity  `json:"capacity"`
}

func (d *celDevice) input() cel.Device {
	return cel.Device{
		Driver:                   d.Driver,
		AllowMultipleAllocations: d.AllowMultipleAllocations,
		Attributes:               d.Attributes,
		Capacity:                 d.Capacity,
	}
}

// decode reads a case, which is written in this version of the API.
func decode(line []byte, out any) error { return json.Unmarshal(line, out) }

// The package keeps one compiler, for the features asked for last; building one takes long, and
// cases ask for all kinds.
var (
	compilers = map[cel.Features]compiler{}
	caches    = map[cel.Features]*cel.Cache{}
)

func compilerFor(f Features) compiler {
	key := celFeatures(f)
	if compilers[key] == nil {
		compilers[key] = cel.GetCompiler(key)
	}
	return compilers[key]
}

func cacheFor(f Features) *cel.Cache {
	key := celFeatures(f)
	if caches[key] == nil {
		caches[key] = cel.NewCache(1000, key)
	}
	return caches[key]
}

func allocatedState(results []deviceResult) structured.AllocatedState {
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

func (c *allocCase) allocator(ctx context.Context) (structuredAllocator, error) {
	return structured.NewAllocator(ctx, structuredFeatures(c.Features), allocatedState(c.Allocated),
		classes(c.Classes), c.Slices, cacheFor(c.Features))
}

func allocateWith(ctx context.Context, allocator structuredAllocator, node *v1.Node, claims []*resourceClaim) ([]allocationResult, error) {
	return allocator.Allocate(ctx, node, claims)
}

// bindingLast tells whether that variant tries pools with binding conditions after the others.
func bindingLast(allocator structuredAllocator) bool {
	variant := fmt.Sprintf("%T", allocator)
	return variant == "*experimental.Allocator" || release >= 36 && variant == "*incubating.Allocator"
}

// shown gives share ids, which are random, the numbers in which they appear.
func shown(allocations []allocationResult) any {
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
	return allocations
}

func taintsOf(device *resourceapi.Device) []resourceapi.DeviceTaint { return device.Taints }
