// SPDX-License-Identifier: Apache-2.0

//go:build k135

package main

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaim"
)

func claimStrategy(ns namespaces) strategy {
	return resourceclaim.NewStrategy(ns)
}

func claimStatusStrategy(ns namespaces) strategy {
	return resourceclaim.NewStatusStrategy(resourceclaim.NewStrategy(ns))
}

// The version in which answers show what would be stored.
func storageVersion(kind string) schema.GroupVersion {
	if kind == "DeviceTaintRule" {
		return schema.GroupVersion{Group: group, Version: "v1alpha3"}
	}
	return schema.GroupVersion{Group: group, Version: "v1"}
}
