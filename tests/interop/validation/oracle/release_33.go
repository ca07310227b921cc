// SPDX-License-Identifier: Apache-2.0

//go:build k133

package main

import "k8s.io/apimachinery/pkg/runtime/schema"

// The version in which answers show what would be stored: it has the form of v1.
func storageVersion(kind string) schema.GroupVersion {
	if kind == "DeviceTaintRule" {
		return schema.GroupVersion{Group: group, Version: "v1alpha3"}
	}
	return schema.GroupVersion{Group: group, Version: "v1beta2"}
}
