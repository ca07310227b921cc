// SPDX-License-Identifier: Apache-2.0

//go:build k133

package main

import (
	"context"

	resourceapi "k8s.io/api/resource/v1beta1"
	"k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/dynamic-resource-allocation/structured"
)

const release = 33

func structuredFeatures(f Features) structured.Features {
	return structured.Features{
		AdminAccess:          f.AdminAccess,
		DeviceTaints:         f.DeviceTaints,
		PartitionableDevices: f.PartitionableDevices,
		PrioritizedList:      f.PrioritizedList,
	}
}

func startTracker(ctx context.Context, feeds trackerFeeds) (*tracker.Tracker, error) {
	return tracker.StartTracker(ctx, tracker.Options{
		EnableDeviceTaints: true,
		SliceInformer:      feeds.slices,
		TaintInformer:      feeds.rules,
		ClassInformer:      feeds.classes,
	})
}

func taintsOf(device *resourceapi.Device) []resourceapi.DeviceTaint { return device.Basic.Taints }
