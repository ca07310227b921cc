// SPDX-License-Identifier: Apache-2.0

//go:build k135

package main

import (
	"context"

	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/dynamic-resource-allocation/structured"
)

const release = 35

func structuredFeatures(f Features) structured.Features {
	return structured.Features{
		AdminAccess:            f.AdminAccess,
		ConsumableCapacity:     f.ConsumableCapacity,
		DeviceBindingAndStatus: f.DeviceBinding,
		DeviceTaints:           f.DeviceTaints,
		PartitionableDevices:   f.PartitionableDevices,
		PrioritizedList:        f.PrioritizedList,
	}
}

func celFeatures(f Features) cel.Features {
	return cel.Features{
		EnableConsumableCapacity: f.ConsumableCapacity,
	}
}

func startTracker(ctx context.Context, feeds trackerFeeds) (*tracker.Tracker, error) {
	return tracker.StartTracker(ctx, tracker.Options{
		EnableDeviceTaintRules: true,
		SliceInformer:          feeds.slices,
		TaintInformer:          feeds.rules,
		ClassInformer:          feeds.classes,
	})
}
