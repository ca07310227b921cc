// SPDX-License-Identifier: Apache-2.0

//go:build !k132 && !k133 && !k134 && !k135 && !k137

package main

import (
	"context"

	resourcebeta "k8s.io/api/resource/v1beta2"
	betalisters "k8s.io/client-go/listers/resource/v1beta2"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/dynamic-resource-allocation/structured"
)

const release = 36

func structuredFeatures(f Features) structured.Features {
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

func celFeatures(f Features) cel.Features {
	return cel.Features{
		EnableConsumableCapacity: f.ConsumableCapacity,
		EnableListTypeAttributes: f.ListAttributes,
	}
}

type (
	taintRule  = resourcebeta.DeviceTaintRule
	ruleLister = betalisters.DeviceTaintRuleLister
)

var newRuleLister = betalisters.NewDeviceTaintRuleLister

func startTracker(ctx context.Context, feeds trackerFeeds) (*tracker.Tracker, error) {
	return tracker.StartTracker(ctx, tracker.Options{
		EnableDeviceTaintRules: true,
		SliceInformer:          feeds.slices,
		TaintInformer:          feeds.rules,
		ClassInformer:          feeds.classes,
	})
}
