// SPDX-License-Identifier: Apache-2.0

//go:build k132 || k133

package main

import (
	"bytes"
	"context"
	"encoding/json"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1beta1"
	"k8s.io/apimachinery/pkg/util/sets"
	resourceinformers "k8s.io/client-go/informers/resource/v1beta1"
	resourcelisters "k8s.io/client-go/listers/resource/v1beta1"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/utils/ptr"
)

// The types that the libraries of 1.32 and 1.33 speak.
type (
	resourceSlice    = resourceapi.ResourceSlice
	deviceClass      = resourceapi.DeviceClass
	resourceClaim    = resourceapi.ResourceClaim
	allocationResult = resourceapi.AllocationResult
	deviceResult     = resourceapi.DeviceRequestAllocationResult
	sliceInformer    = resourceinformers.ResourceSliceInformer
	classInformer    = resourceinformers.DeviceClassInformer
	sliceLister      = resourcelisters.ResourceSliceLister
	classLister      = resourcelisters.DeviceClassLister
)

var (
	newSliceLister = resourcelisters.NewResourceSliceLister
	newClassLister = resourcelisters.NewDeviceClassLister
)

// celDevice is how a case of an expression describes its device.
type celDevice struct {
	Driver     string                                                    `json:"driver"`
	Attributes map[resourceapi.QualifiedName]resourceapi.DeviceAttribute `json:"attributes"`
	Capacity   map[resourceapi.QualifiedName]resourceapi.DeviceCapacity  `json:"capacity"`
}

func (d *celDevice) input() cel.Device {
	return cel.Device{Driver: d.Driver, Attributes: d.Attributes, Capacity: d.Capacity}
}

// decode reads a case, which is written in v1, as an API server of these releases does: fields are
// moved to where v1beta1 has them, and those that it does not know are dropped.
func decode(line []byte, out any) error {
	var written map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if err := decoder.Decode(&written); err != nil {
		return err
	}
	for _, slice := range list(written, "slices") {
		for _, device := range list(slice, "spec", "devices") {
			basic := map[string]any{}
			for name, value := range device {
				if name != "name" {
					basic[name] = value
					delete(device, name)
				}
			}
			device["basic"] = basic
		}
	}
	for _, claim := range list(written, "claims") {
		for _, request := range list(claim, "spec", "devices", "requests") {
			exactly, _ := request["exactly"].(map[string]any)
			delete(request, "exactly")
			for name, value := range exactly {
				request[name] = value
			}
		}
	}
	moved, err := json.Marshal(written)
	if err != nil {
		return err
	}
	return json.Unmarshal(moved, out)
}

// list gives the objects of a list that is some names deep.
func list(object map[string]any, path ...string) []map[string]any {
	var out []map[string]any
	var found any = object
	for _, name := range path {
		inner, _ := found.(map[string]any)
		found = inner[name]
	}
	items, _ := found.([]any)
	for _, item := range items {
		if one, ok := item.(map[string]any); ok {
			out = append(out, one)
		}
	}
	return out
}

var (
	onlyCompiler = cel.GetCompiler()
	onlyCache    = cel.NewCache(1000)
)

func compilerFor(Features) compiler { return onlyCompiler }

// structuredAllocator makes one of the library's own per call, since those are for certain claims.
type structuredAllocator func(claims []*resourceClaim) (*structured.Allocator, error)

func (c *allocCase) allocator(ctx context.Context) (structuredAllocator, error) {
	allocated := sets.New[structured.DeviceID]()
	for _, result := range c.Allocated {
		if !ptr.Deref(result.AdminAccess, false) {
			allocated.Insert(structured.MakeDeviceID(result.Driver, result.Pool, result.Device))
		}
	}
	return func(claims []*resourceClaim) (*structured.Allocator, error) {
		return structured.NewAllocator(ctx, structuredFeatures(c.Features), claims, allocated,
			classes(c.Classes), c.Slices, onlyCache)
	}, nil
}

func allocateWith(ctx context.Context, allocator structuredAllocator, node *v1.Node, claims []*resourceClaim) ([]allocationResult, error) {
	one, err := allocator(claims)
	if err != nil {
		return nil, err
	}
	return one.Allocate(ctx, node)
}

// bindingLast: these releases do not know binding conditions.
func bindingLast(structuredAllocator) bool { return false }

// shown leaves out what v1 leaves out where it is not set.
func shown(allocations []allocationResult) any {
	out := []map[string]any{}
	text, err := json.Marshal(allocations)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		panic(err)
	}
	for _, allocation := range out {
		for _, result := range list(allocation, "devices", "results") {
			if result["adminAccess"] == nil {
				delete(result, "adminAccess")
			}
		}
	}
	return out
}

func answerAllocBench([]byte) any {
	return map[string]string{"badCase": "releases before 1.34 are not measured"}
}
