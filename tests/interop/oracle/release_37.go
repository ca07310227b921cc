// SPDX-License-Identifier: Apache-2.0

//go:build k137

package main

import (
	"context"

	resourceapi "k8s.io/api/resource/v1"
	resourceinformers "k8s.io/client-go/informers/resource/v1"
	resourcelisters "k8s.io/client-go/listers/resource/v1"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/dynamic-resource-allocation/structured"
)

const release = 37

func structuredFeatures(f Features) structured.Features {
	return structured.Features{
		AdminAccess:             f.AdminAccess,
		CompatibilityGroups:     f.CompatibilityGroups,
		ConsumableCapacity:      f.ConsumableCapacity,
		DerivedAttributes:       f.DerivedAttributes,
		DeviceBindingAndStatus:  f.DeviceBinding,
		DeviceTaints:            f.DeviceTaints,
		FractionalCapacityRange: f.FractionalRange,
		ListTypeAttributes:      f.ListAttributes,
		OptionalNodeOperations:  f.OptionalNodeOperations,
		PartitionableDevices:    f.PartitionableDevices,
		PrioritizedList:         f.PrioritizedList,
	}
}

func celFeatures(f Features) cel.Features {
	return cel.Features{
		EnableConsumableCapacity: f.ConsumableCapacity,
		EnableListTypeAttributes: f.ListAttributes,
	}
}

type (
	taintRule  = resourceapi.DeviceTaintRule
	ruleLister = resourcelisters.DeviceTaintRuleLister
)

var newRuleLister = resourcelisters.NewDeviceTaintRuleLister

func startTracker(ctx context.Context, feeds trackerFeeds) (*tracker.Tracker, error) {
	return tracker.StartTracker(ctx, tracker.Options{
		EnableDeviceTaintRules: true,
		SliceInformer:          resourceinformers.ToTypedResourceSliceInformer(feeds.slices),
		TaintInformer:          resourceinformers.ToTypedDeviceTaintRuleInformer(feeds.rules),
	})
}
